"""Reads one file of own features, `.npz` or `.safetensors`, and refuses what cannot be meant, with the numbers."""

import difflib
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jcalib.own_features.alignment import Track, align
from jcalib.settings import UserError

MODALITIES = ("audio", "visual")
ARRAYS = (*MODALITIES, "target", "time", "audio_time", "visual_time", "audio_valid", "visual_valid")
SUFFIXES = (".npz", ".safetensors")
INVALID = -5  # the annotators' mark in Aff-Wild2
# What an array that is missing may have been called instead.
SYNONYMS = {
    "audio": ("voice", "speech", "sound", "acoustic"),
    "visual": ("video", "face", "faces", "vision", "image"),
    "target": ("label", "labels", "annotation", "annotations"),
}

Arrays = dict[str, NDArray]


class Steps(NamedTuple):
    """One recording's features.

    Attributes:
        audio: float32 (N, Da); a row of NaN is missing, and Da is 0 where the recording has no audio.
        visual: float32 (N, Dv), the same.
        target: float32 (N, 2), valence and arousal in [-1, 1], NaN where nobody annotated.
        one_label: whether the recording has one label, which all steps repeat.
        time: float64 (N,) seconds, or None.
        done: what was mended, a few words each.
    """

    audio: NDArray
    visual: NDArray
    target: NDArray
    one_label: bool
    time: NDArray | None
    done: tuple[str, ...]


def read_steps(path: Path) -> Steps:
    """Read one recording's features and bring voice, face and labels to the same steps.

    Args:
        path: an `.npz` or a `.safetensors` file.

    Raises:
        UserError: it is broken, an array is missing, or one has a shape or values that cannot be meant.
    """
    arrays, others = _load(path)
    _check_names(arrays, others)
    if "target" not in arrays:
        raise UserError("it has no target: save (steps, 2), or (2,) for one label a recording.")
    labels = _labels(arrays["target"])
    _check_orientation(arrays, labels)
    _check_time(arrays, labels)
    tracks = {name: _track(name, arrays) for name in MODALITIES if name in arrays}
    audio, visual, done = align(tracks.get("audio"), tracks.get("visual"))
    target = np.tile(labels, (len(audio.values), 1)) if labels.ndim == 1 else _on_grid(labels, audio, tracks, arrays)
    if not np.isfinite(target).any():
        raise UserError("none of its steps has a label: target is NaN or -5 throughout.")
    ignored = f"arrays that are not read ({', '.join(sorted(others))})" if others else ""
    return Steps(
        audio=audio.values,
        visual=visual.values,
        target=target.astype(np.float32),
        one_label=labels.ndim == 1,
        time=audio.time,
        done=tuple(filter(None, (done, ignored))),
    )


def _load(path: Path) -> tuple[Arrays, list[str]]:
    """Return the arrays that the kit knows, and the names of the others, which are not even loaded."""
    try:
        return _load_npz(path) if path.suffix == ".npz" else _load_safetensors(path)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            raise UserError("it holds Python objects, which could run code when loaded: save plain numbers.") from None
        raise UserError(f"it is broken, or not {path.suffix[1:]}: {str(error).rstrip('.')}.") from None


def _load_npz(path: Path) -> tuple[Arrays, list[str]]:
    with path.open("rb") as stream:  # numpy leaves it open when the archive is broken
        if not zipfile.is_zipfile(stream):
            raise ValueError("numpy.savez writes a zip archive, and this is none")
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as archive:
            return _known(archive.files, archive.__getitem__)


def _load_safetensors(path: Path) -> tuple[Arrays, list[str]]:
    import torch
    from safetensors import SafetensorError, safe_open

    def array(name: str) -> NDArray:
        values = tensors.get_tensor(name)
        return values.float().numpy() if values.dtype is torch.bfloat16 else values.numpy()

    try:
        with safe_open(path, framework="pt") as tensors:
            return _known(tensors.keys(), array)
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def _known(names: Iterable[str], read: Callable[[str], NDArray]) -> tuple[Arrays, list[str]]:
    names = list(names)
    return {name: read(name) for name in ARRAYS if name in names}, [name for name in names if name not in ARRAYS]


def _check_names(arrays: Arrays, others: list[str]) -> None:
    """An unknown array is not read; one that a missing array may hide behind is a mistake."""
    for name in others:
        meant = next((known for known, words in SYNONYMS.items() if name.lower() in words), None)
        near = difflib.get_close_matches(name.lower(), ARRAYS, n=1, cutoff=0.75)
        meant = meant or (near[0] if near else None)
        if meant is not None and meant not in arrays:
            raise UserError(f"it has no {meant!r} and an unknown {name!r}: did you mean {meant!r}? Rename it.")


def _check_orientation(arrays: Arrays, labels: NDArray) -> None:
    """A transposed array would otherwise only be one with strange numbers of steps and features."""
    shapes = {name: arrays[name].shape for name in MODALITIES if name in arrays and arrays[name].ndim == 2}
    for name, (steps, features) in shapes.items():
        beside = {other: shape[0] for other, shape in shapes.items() if other != name}
        beside |= {"target": len(labels)} if labels.ndim == 2 else {}
        beside |= {time: len(arrays[time]) for time in ("time", f"{name}_time") if time in arrays and arrays[time].ndim}
        if steps not in beside.values() and features in beside.values():
            other = next(other for other, count in beside.items() if count == features)
            _refuse_transposed(f"{name} is ({steps}, {features}) and {other} has {features} steps", f"{name}.T")
    if labels.ndim == 1 and len(shapes) == 2 and "audio_time" not in arrays:
        (audio, one), (visual, other) = shapes["audio"], shapes["visual"]
        if audio != visual and one == other:
            _refuse_transposed(f"audio is ({audio}, {one}) and visual is ({visual}, {other})", "audio.T and visual.T")


def _refuse_transposed(shapes: str, remedy: str) -> None:
    raise UserError(f"{shapes}: a row is a step, so it seems to be transposed. Save {remedy}.")


def _check_time(arrays: Arrays, labels: NDArray) -> None:
    """`time` is that of whatever has as many steps and no times of its own."""
    if "time" not in arrays:
        return
    steps = {name: len(arrays[name]) for name in MODALITIES if name in arrays and arrays[name].ndim}
    steps |= {"target": len(labels)} if labels.ndim == 2 else {}
    if arrays["time"].shape not in {(count,) for count in steps.values()}:
        counts = ", ".join(f"{name} {count}" for name, count in steps.items())
        raise UserError(f"time is {arrays['time'].shape}, and no array has as many steps ({counts}).")


def _track(name: str, arrays: Arrays) -> Track:
    """Return one modality with its times; rows that are not valid, or not finite, are NaN."""
    values = arrays[name]
    if values.ndim != 2 or 0 in values.shape:
        raise UserError(f"{name} is {values.shape}: it has to be (steps, features), one or more of each.")
    if values.dtype.kind not in "fiu":
        raise UserError(f"{name} holds {values.dtype}: features are numbers, float16 to float64.")
    with np.errstate(over="ignore"):  # what float32 cannot hold is not valid
        values = values.astype(np.float32)
    valid = np.isfinite(values).all(axis=1) & _valid(f"{name}_valid", arrays, len(values))
    own = f"{name}_time" if f"{name}_time" in arrays else "time"
    fits = own != "time" or ("time" in arrays and len(arrays["time"]) == len(values))
    return Track(np.where(valid[:, None], values, np.nan), _time(own, arrays, len(values)) if fits else None)


def _valid(name: str, arrays: Arrays, steps: int) -> NDArray:
    given = arrays.get(name, np.ones(steps, bool))
    if given.shape != (steps,):
        raise UserError(f"{name} is {given.shape} for {steps} steps: it has to be ({steps},), true where valid.")
    if not np.isin(given, (0, 1)).all():
        raise UserError(f"{name} holds other values than true and false: it says which steps are valid.")
    return given.astype(bool)


def _time(name: str, arrays: Arrays, steps: int) -> NDArray:
    given = arrays[name]
    if given.shape != (steps,):
        raise UserError(f"{name} is {given.shape} for {steps} steps: it has to be ({steps},), in seconds.")
    time = given.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(time) | (np.diff(time, prepend=-np.inf) <= 0))
    if len(wrong):
        raise UserError(f"{name} has {time[wrong[0]]:g} at step {wrong[0]}: times are seconds that ascend.")
    return time


def _labels(target: NDArray) -> NDArray:
    """Return the labels with NaN where nobody annotated: (steps, 2), or (2,) where the recording has one."""
    if target.shape != (2,) and (target.ndim != 2 or target.shape[1] != 2):
        hint = " It seems to be transposed: save target.T." if target.ndim == 2 and len(target) == 2 else ""
        raise UserError(
            f"target is {target.shape}: the kit predicts two targets, valence and arousal, so it has to be "
            f"(steps, 2), or (2,) for one label a recording.{hint}"
        )
    if target.dtype.kind not in "fiu":
        raise UserError(f"target holds {target.dtype}: labels are numbers in [-1, 1].")
    labels = np.where(target == INVALID, np.nan, target.astype(np.float64))
    if (abs(labels) > 1).any():
        low, high = np.nanmin(labels), np.nanmax(labels)
        raise UserError(f"target reaches from {low:g} to {high:g}: labels lie in [-1, 1]. Rescale all files alike.")
    return labels


def _on_grid(labels: NDArray, grid: Track, tracks: dict[str, Track], arrays: Arrays) -> NDArray:
    """Return labels for the steps of both modalities: as they are, or the nearest in time."""
    if len(labels) == len(grid.values) and "time" not in arrays:
        return labels
    if "time" in arrays and len(arrays["time"]) == len(labels):
        own: NDArray | None = _time("time", arrays, len(labels))
    else:
        own = next((track.time for track in tracks.values() if len(track.values) == len(labels)), None)
    if own is None or grid.time is None:
        counts = ", ".join(f"{name} {len(track.values)}" for name, track in tracks.items())
        raise UserError(f"target has {len(labels)} steps ({counts}): it needs a label for each step of one of them.")
    return Track(labels, own).at(grid.time)
