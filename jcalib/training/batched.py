"""Many seeds of one fusion as one program: stacked parameters, `vmap` over the seed axis.

The seeds share the code and nothing else. Each has its own parameters, its own sequences and its own dropout, and comes
to what it would come to alone.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from jcalib.fusion import FusionOutput
from jcalib.settings import UserError
from jcalib.training.dropout import SeededDropout

Loss = Callable[[Tensor, Tensor], Tensor]


def pick_device(name: str = "auto") -> torch.device:
    """Return the device by name; "auto" is the GPU where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


class Ensemble:
    """One fusion with S sets of parameters.

    Args:
        skeleton: a module of the right shape; its own parameters are not used.
        parameters: name to tensor with a leading seed axis (S, ...).
        buffers: the same for buffers.
    """

    def __init__(self, skeleton: nn.Module, parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> None:
        self.skeleton = deepcopy(skeleton).to("meta")
        self.parameters = parameters
        self.buffers = buffers

    @classmethod
    def create(cls, build: Callable[[], nn.Module], seeds: Sequence[int], device: torch.device) -> "Ensemble":
        """Initialise one module a seed, each from its own seed, and stack them.

        Args:
            build: makes one module.
            seeds: the seeds, S of them.
            device: where the parameters live.
        """
        modules = []
        for seed in seeds:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                modules.append(build().to(device))
        parameters, buffers = stack_module_state(modules)
        return cls(modules[0], parameters, buffers)

    def __len__(self) -> int:
        return len(next(iter(self.parameters.values())))

    def tensors(self) -> dict[str, Tensor]:
        """Return parameters and buffers by name, as they are, leading seed axis, without gradient."""
        return {name: tensor.detach() for name, tensor in {**self.parameters, **self.buffers}.items()}

    def state(self) -> dict[str, Tensor]:
        """Return a copy of `tensors()` on the CPU."""
        return {name: tensor.cpu().clone() for name, tensor in self.tensors().items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Copy a `state()` into the parameters and buffers, in place."""
        for name, tensor in self.tensors().items():
            tensor.copy_(state[name])

    def losses(
        self, loss: Loss, audio: Tensor, visual: Tensor, mask: Tensor, target: Tensor, *, keys: Tensor
    ) -> Tensor:
        """Return each seed's training loss on its own batch.

        Args:
            loss: of prediction and target, each (B, L, K).
            audio: (S, B, L, Da).
            visual: (S, B, L, Dv).
            mask: (S, B, L, 2) bool.
            target: (S, B, L, K), NaN where not annotated.
            keys: (S,) from `step_keys`: what each seed's dropout is made from.

        Returns:
            (S,), differentiable in the parameters.

        Raises:
            UserError: the fusion draws random numbers that are not dropout, or holds what seeds cannot share.
        """
        self.skeleton.train()
        dropout = SeededDropout(keys)

        def one(parameters: Any, buffers: Any, a: Tensor, v: Tensor, m: Tensor, t: Tensor) -> Tensor:
            # Fused attention drops inside its kernel, out of reach; at L clips the plain one is as fast.
            with dropout, sdpa_kernel(SDPBackend.MATH):
                prediction = functional_call(self.skeleton, (parameters, buffers), (a, v, m)).prediction
            return loss(prediction, t)

        batch = (audio, visual, mask, target)
        with self._sharing():
            return vmap(one, randomness="different")(self.parameters, self.buffers, *batch)

    def __call__(self, audio: Tensor, visual: Tensor, mask: Tensor | None = None, maps: bool = False) -> FusionOutput:
        """Evaluate every seed on the same input, without dropout.

        Args:
            audio: (B, L, Da).
            visual: (B, L, Dv).
            mask: (B, L, 2) bool, or None.
            maps: whether to return the attention maps too.

        Returns:
            A `FusionOutput` whose tensors have a leading seed axis.
        """
        self.skeleton.eval()

        def one(parameters: Any, buffers: Any) -> FusionOutput:
            return functional_call(self.skeleton, (parameters, buffers), (audio, visual, mask), {"maps": maps})

        with self._sharing():
            return vmap(one)(self.parameters, self.buffers)

    @contextmanager
    def _sharing(self) -> Iterator[None]:
        """Say in the user's words what `vmap` has no rule for: nn.LSTM, nn.GRU, nn.RNN."""
        try:
            yield
        except RuntimeError as error:
            found = re.search(r"Batching rule not implemented for aten::(\w+)", str(error))
            if not found:
                raise
            name = getattr(self.skeleton, "name", "") or type(self.skeleton).__name__
            raise UserError(
                f"fusion {name!r} uses {found[1]}, which cannot train many seeds in one program: write it as "
                "operations on tensors, as jcalib.fusion.recurrent.bilstm does with the weights of an nn.LSTM."
            ) from None

    def predict(self, audio: Tensor, visual: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the mean prediction over seeds, (B, L, K): what is explained."""
        return self(audio, visual, mask).prediction.mean(0)
