"""The 24 cells of the cube key x axis x normaliser x combine, each a fusion under a systematic name.

`cell-joint-feature-tanh-map` is joint and `cell-other-time-softmax-reweight` vanilla cross-attention. Some cells are
odd: re-weighting features pairs feature j of one modality with feature j of the other; a softmax over d features
leaves each little gradient; with itself as key a modality learns nothing of the other before the head.
"""

from collections.abc import Iterator
from itertools import product
from typing import get_args, get_type_hints

from jcalib.fusion.block import AttentionBlock, Switches
from jcalib.fusion.registry import CELL, register


def cells() -> dict[str, Switches]:
    """Return the 24 settings by name, `cell-KEY-AXIS-NORMALISER-COMBINE`."""
    return {CELL + "-".join(switches): switches for switches in _settings()}


def _settings() -> Iterator[Switches]:
    choices = [get_args(choice) for choice in get_type_hints(Switches).values()]
    return (Switches(*setting) for setting in product(*choices))


def _register(name: str, setting: Switches) -> None:
    @register(name)
    class Cell(AttentionBlock):
        __doc__ = f"The attention block with {', '.join(f'{k} = {v}' for k, v in setting._asdict().items())}."
        switches = setting


for _name, _setting in cells().items():
    _register(_name, _setting)
