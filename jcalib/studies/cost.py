"""What a fusion costs to run."""

from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from jcalib.training import RunSettings


@lru_cache(maxsize=64)
def flops(settings: RunSettings) -> int:
    """Return the floating-point operations of one forward pass on one sequence of L clips.

    Matrix products only, which are nearly all; a multiplication and an addition count as two.
    """
    fusion = settings.build().eval()
    shape = (1, settings.training.clips)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        fusion(torch.zeros(*shape, settings.audio_dim), torch.zeros(*shape, settings.visual_dim))
    return int(counter.get_total_flops())
