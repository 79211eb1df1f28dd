"""A folder of the user's own features, opened as the fusions see any (design 7).

`<recording>.npz` or `.safetensors` hold `audio` (N, Da), `visual` (N, Dv) and `target`, (N, 2) or (2,) for one label a
recording; `time` (N,), or `audio_time` and `visual_time` where the two have different steps; `audio_valid` and
`visual_valid`. `splits.csv` says whose a recording is and on which side of the split. A step is a clip, and
consecutive steps make a sequence. A file that cannot be used costs its recording, never the run.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jcalib.corpora import Failure, failures_frame
from jcalib.corpora.splits import comes_near
from jcalib.files import fingerprint, hash_file, source_fingerprint
from jcalib.own_features.files import MODALITIES, Steps, read_steps
from jcalib.own_features.folder import feature_files, find_features
from jcalib.own_features.splits import FILE, Place, read_places
from jcalib.progress import stage
from jcalib.settings import Preset, UserError
from jcalib.settings import preset as preset_of

if TYPE_CHECKING:
    from jcalib.features import Features

__all__ = ["content", "describe", "find_features", "open_features"]

LEFT_OUT = "recording left out"
FEWEST = 5  # selection recordings with one label each; fewer labels do not tell epochs apart


def open_features(folder: str | Path, preset: str | Preset = "quick") -> "Features":
    """Open a folder of own features.

    Args:
        folder: where the files are.
        preset: gives proportions and seed where persons have to be dealt out to roles.

    Returns:
        The features. Recordings that could not be used are rows of `failures`; what was mended or taken for granted
        is in `notes`.

    Raises:
        UserError: the folder holds no features, a person is on both sides of a split, or nobody is left to train on
            or to report.
    """
    path, chosen = find_features(folder), preset_of(preset)
    files, failures = feature_files(path)
    places, notes = read_places(path, files, chosen.corpus.split, chosen.corpus.seed)
    missing = [name for name in places if name not in files]
    recordings: dict[str, Steps] = {}
    with stage("read own features", total=len(files)) as progress:
        for name, file in files.items():
            try:
                recordings[name] = _read(name, file, places, missing)
            except UserError as error:
                failures.append(Failure(name, str(error), LEFT_OUT))
            progress.advance()
        recordings = _alike(recordings, failures)
        progress.note(f"{sum(len(one.target) for one in recordings.values())} steps of {len(recordings)} recordings")
    failures += _without_file(missing, [name for name in files if name not in places])
    _check_roles([places[name].role for name in recordings], failures, path)
    notes += _notes(recordings, chosen.training.clips)
    if next(iter(recordings.values())).one_label:
        places = _enough_to_select(recordings, places, notes)
    roles = [(name, *places[name]) for name in recordings]
    source = fingerprint([content(path), roles, source_fingerprint("own_features")])
    return _assemble(recordings, places, source, failures, notes)


def content(folder: str | Path) -> str:
    """Return a fingerprint of the bytes of all files in a folder that features are read from."""
    path = find_features(folder)
    files = [*feature_files(path)[0].values(), *path.glob(FILE)]
    return fingerprint([[file.name, hash_file(file)] for file in files])


def describe(features: "Features") -> str:
    """Return what own features are in a few words: recordings, persons, steps, widths, labels."""
    persons = len({info.person for info in features.recordings})
    widths = " and ".join(f"{name} {getattr(features, name).shape[1]}" for name in features.modalities)
    labels = "one label per recording" if features.one_label else "a label per step"
    lost = f", {len(features.failures)} left out" if len(features.failures) else ""
    return (
        f"own features: {len(features.recordings)} recordings of {persons} persons{lost}, {len(features.time)} steps, "
        f"{widths} wide, {labels}"
    )


def _read(name: str, file: Path, places: Mapping[str, Place], missing: list[str]) -> Steps:
    """Read a recording; the near name is among the rows that have no file, for others are not meant."""
    if name not in places:
        raise UserError(f"{FILE} has no row for it{comes_near(name, missing)}.")
    return read_steps(file)


def _without_file(missing: list[str], unnamed: list[str]) -> list[Failure]:
    what = f"{FILE} names it, and there is no such file"
    return [Failure(name, f"{what}{comes_near(name, unnamed)}.", LEFT_OUT) for name in missing]


def _alike(recordings: dict[str, Steps], failures: list[Failure]) -> dict[str, Steps]:
    """Keep the recordings whose widths and kind of labels are those of most; the others become failures."""
    for modality in MODALITIES:
        width = {name: getattr(one, modality).shape[1] for name, one in recordings.items()}
        usual = Counter(filter(None, width.values())).most_common(1)
        odd = {name: count for name, count in width.items() if count and count != usual[0][0]}
        for name, count in odd.items():
            others = f"in {usual[0][1]} other recordings {usual[0][0]}"
            what = f"{modality} has {count} features, {others}: all need the same."
            failures.append(Failure(name, what, LEFT_OUT))
        recordings = {name: one for name, one in recordings.items() if name not in odd}
    kind, number = Counter(one.one_label for one in recordings.values()).most_common(1)[0] if recordings else (False, 0)
    words = ("a label per step", "one label")
    for name in [name for name, one in recordings.items() if one.one_label != kind]:
        what = f"it has {words[not kind]}, {number} other recordings have {words[kind]}: all need the same."
        failures.append(Failure(name, what, LEFT_OUT))
    return {name: one for name, one in recordings.items() if one.one_label == kind}


def _check_roles(roles: list[str], failures: list[Failure], folder: Path) -> None:
    for role, use in (("fusion", "train on"), ("report", "report")):
        if role not in roles:
            first = f"; first of {len(failures)} failures: {failures[0].name}: {failures[0].what}" if failures else "."
            raise UserError(
                f"{folder.name} has {len(roles)} usable recordings and none to {use} (train is trained on, validation "
                f"is reported){first}"
            )


def _enough_to_select(
    recordings: Mapping[str, Steps], places: Mapping[str, Place], notes: list[str]
) -> dict[str, Place]:
    """Let the selection recordings train where they are too few: the fusion recordings then choose the epoch too."""
    chosen = [name for name in recordings if places[name].role == "selection"]
    if not 0 < len(chosen) < FEWEST:
        return dict(places)
    plural = "recording with one label" if len(chosen) == 1 else "recordings with one label each"
    notes.append(
        f"{len(chosen)} selection {plural} cannot tell epochs apart, {FEWEST} could: they are trained on, and the "
        "recordings that are trained on choose the epoch."
    )
    return {name: one._replace(role="fusion") if name in chosen else one for name, one in places.items()}


def _notes(recordings: Mapping[str, Steps], clips: int) -> list[str]:
    """Return what was mended, each sentence with the recordings it holds for."""
    found: dict[str, list[str]] = {}
    for name, one in recordings.items():
        for what in one.done:
            found.setdefault(what, []).append(name)
        if len(one.target) < clips:
            found.setdefault(f"fewer than the {clips} steps of a sequence, so not trained on", []).append(name)
    timed = [name for name, one in recordings.items() if one.time is not None]
    if 0 < len(timed) < len(recordings):
        untimed = [name for name in recordings if name not in timed]
        found["no times, so that steps are counted everywhere"] = untimed
    return [f"{what}: {_named(names, len(recordings))}." for what, names in found.items()]


def _named(names: list[str], total: int) -> str:
    if len(names) == total:
        return "all recordings"
    more = f" and {len(names) - 3} more" if len(names) > 4 else ""
    return ", ".join(names[:3] if more else names) + more


def _assemble(
    recordings: Mapping[str, Steps],
    places: Mapping[str, Place],
    source: str,
    failures: list[Failure],
    notes: list[str],
) -> "Features":
    """Put the recordings one after the other; a modality that all lack is one column of zeros."""
    from jcalib.features import Features, RecordingInfo

    parts = list(recordings.values())
    steps = [len(one.target) for one in parts]
    given = [one.time for one in parts if one.time is not None]
    timed = len(given) == len(parts)
    times = given if timed else [np.arange(n, dtype=np.float64) for n in steps]
    rows = {name: _rows([getattr(one, name) for one in parts]) for name in MODALITIES}
    infos = [
        RecordingInfo(name, places[name].person, places[name].role, one.target, time)
        for (name, one), time in zip(recordings.items(), times, strict=True)
    ]
    return Features(
        audio=np.nan_to_num(rows["audio"]),
        visual=np.nan_to_num(rows["visual"]),
        target=np.concatenate([one.target for one in parts]),
        valid=np.stack([~np.isnan(rows[name]).any(axis=1) for name in MODALITIES], axis=1),
        recording=np.repeat(np.arange(len(steps)), steps),
        frame=np.concatenate([np.arange(n) for n in steps]),
        time=np.concatenate(times),
        recordings=tuple(infos),
        hop=1,
        clip_frames=1,
        one_label=parts[0].one_label,
        unit="s" if timed else "steps",
        source=source,
        failures=failures_frame(failures),
        notes=tuple(notes),
    )


def _rows(parts: list[NDArray]) -> NDArray:
    width = max([1, *(part.shape[1] for part in parts)])
    absent = np.full((max(map(len, parts)), width), np.nan, np.float32)
    return np.concatenate([part if part.shape[1] else absent[: len(part)] for part in parts])
