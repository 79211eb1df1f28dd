"""Dropout that belongs to a seed: its masks are the same whichever seeds train beside it, and on any device.

A mask is computed, not drawn: a hash of the seed, the epoch, the step, the dropout's place in the program and the
element's place in the tensor. So a seed alone, a seed among twenty and a seed resumed after a kill lose the same units.
"""

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from jcalib.settings import UserError

BITS = 0xFFFFFFFF  # hashes have 32 bits, in int64, in which their products do not overflow
FACTOR = 0x45D9F3B
MODALITY = 0x5BD1E995  # tells the keys of modality dropout from those of units
aten = torch.ops.aten


def step_keys(seeds: Sequence[int], epoch: int, steps: int) -> Tensor:
    """Return the key of every seed at every step of an epoch.

    Args:
        seeds: the seeds, S of them.
        epoch: its number.
        steps: how many steps it has.

    Returns:
        int64 (steps, S), 32 bits each.
    """
    of_epoch = _mix(_mix(torch.tensor(seeds)) + epoch & BITS)
    return _mix(of_epoch + torch.arange(steps)[:, None] & BITS)


class SeededDropout(TorchDispatchMode):
    """While active, every dropout of a program that is batched over seeds takes its masks from the seeds' keys.

    Below `vmap` tensors carry their seed axis first, and all dropout (`nn.Dropout` and its kin, that of multi-head
    attention, `torch.bernoulli`) comes down to the few operations that are replaced here.

    Args:
        keys: (S,) from `step_keys`, on the program's device.

    Raises:
        UserError: the program draws random numbers in another way, which would be shared between seeds.
    """

    def __init__(self, keys: Tensor) -> None:
        super().__init__()
        self._keys = keys
        self._calls = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not _draws(func):
            return func(*args, **(kwargs or {}))
        if func is aten.bernoulli.p:
            return (self._uniform(args[0]) < args[1]).to(args[0].dtype)
        if func is aten.bernoulli.default:
            return (self._uniform(args[0]) < args[0]).to(args[0].dtype)
        if func is aten.bernoulli_.float:
            return args[0].copy_(self._uniform(args[0]) < (args[1] if len(args) > 1 else 0.5))
        if func is aten.native_dropout.default and args[2] is not False:
            keep = self._uniform(args[0]) >= args[1]
            return args[0] * keep / (1 - args[1]), keep
        raise UserError(
            f"a fusion draws random numbers by {func}: seeds that train together would share them. "
            "Dropout is the noise that is drawn per seed: use torch.nn.Dropout."
        )

    def _uniform(self, like: Tensor) -> Tensor:
        """Return numbers in [0, 1), float32 of the shape (S, ...) of a tensor."""
        keys = _mix(self._keys + self._calls & BITS)
        self._calls += 1
        return _uniform(keys, like.numel() // len(keys)).view(like.shape)


def drop_modality(mask: Tensor, keys: Tensor, share: float) -> Tensor:
    """Mask the voice or the face, as often one as the other, in a share of the sequences.

    A clip that has nothing else keeps what it has.

    Args:
        mask: (S, B, L, 2) bool, True is valid, last axis audio, visual.
        keys: (S,) from `step_keys`.
        share: of the sequences, in [0, 1].

    Returns:
        The mask that is left, (S, B, L, 2).
    """
    drawn = _uniform(_mix(keys ^ MODALITY), 2 * mask.shape[1]).view(*mask.shape[:2], 2)
    voice = drawn[..., 1] < 0.5
    dropped = (drawn[..., 0] < share).unsqueeze(-1) & torch.stack([voice, ~voice], dim=-1)
    left = mask & ~dropped.unsqueeze(2)
    return torch.where(left.any(dim=-1, keepdim=True), left, mask)


def _uniform(keys: Tensor, count: int) -> Tensor:
    """Return numbers in [0, 1), float32 (S, count), of keys (S,)."""
    places = _mix(torch.arange(count, device=keys.device))
    hashed = (places ^ keys[:, None]).mul_(FACTOR).bitwise_and_(BITS)
    hashed = hashed.bitwise_xor_(hashed >> 15).mul_(FACTOR).bitwise_and_(BITS)
    # The highest bits of a product hang on all bits of its factors; 24 of them are a float32 exactly.
    return (hashed >> 8).float().mul_(2.0**-24)


@functools.cache
def _draws(func: Any) -> bool:
    """Whether an operation draws random numbers."""
    return torch.Tag.nondeterministic_seeded in func.tags


def _mix(x: Tensor) -> Tensor:
    """Return a permutation of 32-bit numbers that looks like chance."""
    for _ in range(2):
        x = (x ^ (x >> 16)) * FACTOR & BITS
    return x ^ (x >> 16)
