"""Training steps to be timed: of every fusion with any number of seeds, and of `nn.MultiheadAttention` beside them."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from jcalib.allocator import keep_freed_memory
from jcalib.concordance import ConcordanceLoss
from jcalib.fusion import FUSIONS, Fusion
from jcalib.settings import TrainingSettings
from jcalib.training import Ensemble
from jcalib.training.dropout import step_keys

WIDTH = 512
ROUNDS = 5
TORCH = "nn.MultiheadAttention"


class TorchAttention(Fusion):
    """Cross-attention by `torch.nn.MultiheadAttention`, four heads of the same width, once per direction."""

    def __init__(self, *sizes: int, **options: Any) -> None:
        super().__init__(*sizes, **options)
        heads = 4 if self.dim % 4 == 0 else 1
        self.audio = nn.MultiheadAttention(self.dim, heads, batch_first=True)
        self.visual = nn.MultiheadAttention(self.dim, heads, batch_first=True)

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Each modality asks the other."""
        to_visual = self.audio(audio, visual, visual, need_weights=False)[0]
        to_audio = self.visual(visual, audio, audio, need_weights=False)[0]
        return audio + to_visual, visual + to_audio, {}


def step(name: str, seeds: int, size: TrainingSettings, device: torch.device, width: int = WIDTH) -> Callable[[], None]:
    """Return one optimiser step of a fusion, all seeds at once, as `jcalib.fit` takes it."""
    keep_freed_memory()
    build = TorchAttention if name == TORCH else FUSIONS[name]
    options = {"dim": size.dim, "rank": size.rank, "dropout": size.dropout}
    ensemble = Ensemble.create(lambda: build(width, width, size.clips, **options), range(seeds), device)
    optimizer = torch.optim.AdamW([one.requires_grad_() for one in ensemble.parameters.values()], fused=True)
    rows = (seeds, size.batch, size.clips)
    audio, visual = (torch.randn(*rows, width, device=device) for _ in range(2))
    mask, target = torch.ones(*rows, 2, dtype=torch.bool, device=device), torch.rand(*rows, 2, device=device)
    loss, keys = ConcordanceLoss(), step_keys(range(seeds), 0, 1)[0].to(device)

    def run() -> None:
        optimizer.zero_grad(set_to_none=True)
        ensemble.losses(loss, audio, visual, mask, target, keys=keys).sum().backward()
        optimizer.step()

    return run


def medians(steps: Mapping[str, Callable[[], None]], device: torch.device, rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median seconds of each step; they take turns, after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, run in steps.items():
            start = time.perf_counter()
            run()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}
