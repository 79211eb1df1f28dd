"""A path in double precision, and the size of what `made` traces predictions through."""

from dataclasses import replace
from typing import Any

from jcalib.explain.path import Clip, ClipPath

SIZE, HOP, CLIPS = 32, 8, 2


def last_row(features: Any) -> int:
    return int(features.rows("report")[-1])


def in_double_precision(path: ClipPath) -> ClipPath:
    for encoder in path.encoders.values():
        encoder.double()
    path.ensemble.parameters = {name: x.double() for name, x in path.ensemble.parameters.items()}
    path._audio, path._visual = path._audio.double(), path._visual.double()
    return path


def doubled(clip: Clip) -> Clip:
    return replace(clip, pictures=clip.pictures.double(), log_mel=clip.log_mel.double())
