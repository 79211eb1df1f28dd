"""The whole plan of a report, for `jcalib report --dry-run`: nothing is made, rendered, trained or fetched.

Counts come from the data as it is read, costs from what was measured or from arithmetic; where neither is there, the
plan says "not measured".
"""

from collections.abc import Iterable, Iterator
from math import ceil

from jcalib.clips import FRAMES, training_rows
from jcalib.encoders import WIDTH
from jcalib.encoders.i3d import CHANNELS
from jcalib.media import find_detector
from jcalib.papers import sourced
from jcalib.reporting.counts import Holdings, look_at
from jcalib.reporting.forecast import Forecast
from jcalib.reporting.summary import columns
from jcalib.settings import Preset, UserError
from jcalib.weights import KNOWN, find

# Processor milliseconds that one clip takes on one thread: bench/clips.py, bench/results/clips-cpu.csv. Reading and
# decoding the files comes on top. Nobody has measured a GPU.
CLIP_MS: dict[tuple[str, str], float] = {
    ("compact", "audio"): 1.5,
    ("compact", "visual"): 1.9,
    ("resnet", "audio"): 18,
    ("resnet", "visual"): 1200,
    ("i3d", "audio"): 18,
    ("i3d", "visual"): 2000,
}
# Processor seconds to find the face in a second of video, from standard definition to 1080p: bench/faces.py. YuNet's
# file was never here to be measured.
FACE_S: dict[str, tuple[float, float]] = {"cascades": (0.22, 0.36)}


def dry_run(told: Forecast, where: str, own: str = "") -> list[str]:
    """Return the plan as lines.

    Args:
        told: the report's forecast.
        where: "synthetic", or the corpus' folder.
        own: a folder of own features in place of a corpus, or empty.

    Raises:
        UserError: the folder holds nothing of the kind.
    """
    preset = told.plan.preset
    data = look_at(where, own, preset)
    encoding = (*_face_lines(data), *_encoding_lines(told, data)) if data.clips else ()
    sections = {
        "plan": told.lines(),
        f"data, {data.name}": list(_count_lines(data)),
        f"settings of {preset.name}": list(_setting_lines(preset.changed(seeds=told.seeds, fusions=told.fusions))),
        "weights": list(_weight_lines(preset)) if data.clips else [],
        "cost": [*encoding, *_training_lines(told, data)],
        "what would be skipped": list(data.left_out) or ["nothing"],
    }
    lines = [line for title, part in sections.items() if part for line in (f"{title}:", *_indented(part), "")]
    return [*lines, "Nothing was rendered, encoded or trained."]


def _count_lines(data: Holdings) -> Iterable[str]:
    head = ("split", "role", "recordings", "persons", "frames", "annotated", "with a face")
    unknown = "to be found" if data.unseen else "once rendered"
    rows = (*data.counts, data.total())
    body = [(*row[:2], *(unknown if one is None else f"{one:,}" for one in row[2:])) for row in rows]
    return _table([head, *body])


def _setting_lines(preset: Preset) -> Iterator[str]:
    rows = sourced(preset)
    lines = _table([("setting", "value", "source"), *(row[:3] for row in rows)])
    yield lines[0]
    for row, line in zip(rows, lines[1:], strict=True):
        yield line
        if row.note:
            yield f"    {row.note}"


def _weight_lines(preset: Preset) -> Iterator[str]:
    for modality, where in preset.encoder.weights.items():
        try:
            yield f"{modality}: {find(where)}"
        except UserError as error:
            yield f"{modality}: MISSING, and the report would be refused: {error}"
        if where in KNOWN:
            yield f"  {KNOWN[where].what}; {KNOWN[where].licence}"


def _face_lines(data: Holdings) -> Iterator[str]:
    if data.unseen:
        detector, seconds = find_detector().name.partition("-")[0], sum(data.unseen)
        videos = f"{len(data.unseen)} video{'s' * (len(data.unseen) > 1)} of {_spell(seconds)} in all"
        shares = FACE_S.get(detector)
        cost = " to ".join(_spell(seconds * share) for share in shares) if shares else ""
        told = f"{cost} of one processor" if cost else "not measured"
        yield f"faces: yet to be found in {videos}, by {detector}: {told}"


def _encoding_lines(told: Forecast, data: Holdings) -> Iterator[str]:
    hop, kind = told.plan.preset.hop, told.plan.preset.encoder.kind
    yield f"clips to encode: {data.clips:,}, one every {f'{hop} frames' if hop > 1 else 'frame'}"
    # Without the temporal convolution, which nobody published, I3D's features are wider.
    for modality, width in (("audio", WIDTH), ("visual", CHANNELS if kind == "i3d" else WIDTH)):
        yield f"{modality} features: {data.clips:,} x {width} x 4 bytes = {data.clips * width * 4 / 1e9:.3f} GB"
        yield f"{modality} encoding: {_encoding(told.device, kind, modality, data.clips)}"


def _encoding(device: str, kind: str, modality: str, clips: int) -> str:
    one = CLIP_MS.get((kind, modality)) if device == "cpu" else None
    if one is None:
        return f"not measured for {kind} on {device}"
    return f"{clips:,} x {one:g} ms = {_spell(clips * one / 1000)} of one processor, without reading the files"


def _spell(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 3600:,.2f} h"


def _training_lines(told: Forecast, data: Holdings) -> Iterator[str]:
    preset, size = told.plan.preset, told.plan.preset.training
    if size.practice:
        yield f"numbers would be {size.practice}: the validation set chooses the epoch and is reported"
    pool = sum(len(training_rows(count, data.stride, size.clips)) for count in data.rows)
    if pool:
        steps = ceil(min(pool, ceil(sum(data.rows) / size.clips)) / size.batch)
        work = f"{len(told.fusions)} fusions x {size.epochs} epochs x {steps} step{'s' * (steps > 1)}"
        measured = f"not measured for {preset.name} on {told.device}" if told.minutes is None else "in the time above"
        yield f"training: {work} of {size.batch} sequences, {told.seeds} seeds at once: {measured}"
    else:
        longest = f"{size.clips} clips" + (f" ({size.clips * FRAMES} frames)" if data.clips else "")
        yield f"training: it would be refused, no fusion person's recording holds a sequence of {longest}"
    whole = "not measured" if told.needed_gb is None else f"in the {told.needed_gb:.1f} GB of the whole report"
    yield f"disk of runs and pages: {whole}"


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [line.removeprefix("  ") for line in columns(rows).splitlines()]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]
