"""What a report will cost, said before it starts: device, what is there already, minutes, disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jcalib.files import fingerprint, free_gb, home, lost, read_json
from jcalib.files import shown as shown
from jcalib.reporting.report import Plan, unchanged
from jcalib.reporting.values import SYNTHETIC
from jcalib.settings import Preset, UserError


class Cost(NamedTuple):
    """Minutes of each part of a report, and the disk that all of it takes."""

    corpus: float
    encoders: float  # their training, and the features of every recording
    fusion: float  # one fusion with the preset's seeds
    beside: float  # of the training of fusions, which ends while other chapters still work
    chapters: float  # what else the chapters do: audits, attributions, pictures, pages
    gigabytes: float


# By preset and device. smoke and quick on a CPU: 2 cores of a virtual machine, chapters 3 to 5 two at a time.
COSTS: dict[tuple[str, str], Cost] = {
    ("smoke", "cpu"): Cost(corpus=0.1, encoders=0.1, fusion=0.02, beside=0.0, chapters=1.0, gigabytes=0.05),
    ("quick", "cpu"): Cost(corpus=1.0, encoders=1.1, fusion=0.16, beside=1.6, chapters=3.8, gigabytes=0.4),
}


@dataclass(frozen=True)
class Cached:
    """What earlier reports left that has the settings of this one.

    Attributes:
        corpus: whether the corpus is there.
        encoders: whether both encoders and features are there.
        runs: fusions with a finished run.
    """

    corpus: bool
    encoders: bool
    runs: tuple[str, ...]

    def __str__(self) -> str:
        """In words: "corpus, encoders and features, 3 runs (cross, mixer, joint)"."""
        runs = f"{len(self.runs)} {'run' if len(self.runs) == 1 else 'runs'} ({', '.join(self.runs)})"
        parts = {"corpus": self.corpus, "encoders and features": self.encoders, runs: bool(self.runs)}
        return ", ".join(part for part, there in parts.items() if there) or "nothing"


@dataclass(frozen=True)
class Forecast:
    """What a report will do and take.

    Attributes:
        plan: its chapters.
        data: what it is made from, in words.
        device: "cpu" or "cuda".
        device_name: in words.
        seeds: of each fusion.
        fusions: that are compared.
        cached: what is there already.
        unchanged: chapters that are not executed again.
        minutes: wall time, None where nobody measured this preset on this device.
        needed_gb: disk, None where not measured.
        free_gb: disk that is free where the data goes.
    """

    plan: Plan
    data: str
    device: str
    device_name: str
    seeds: int
    fusions: tuple[str, ...]
    cached: Cached
    unchanged: tuple[str, ...]
    minutes: float | None
    needed_gb: float | None
    free_gb: float

    def lines(self) -> list[str]:
        """Return the plan as text, a line a fact."""
        execute = [step.chapter for step in self.plan.steps if step.chapter not in self.unchanged]
        needed = "need not measured" if self.needed_gb is None else f"{self.needed_gb:.1f} GB needed in all"
        facts = {
            "report": f"{self.plan.id} in {shown(self.plan.folder)}",
            "device": self.device_name,
            "preset": f"{self.plan.preset.name}: {self.data}, {self.seeds} seeds, {' '.join(self.fusions)}",
            "cached": str(self.cached),
            "unchanged": ", ".join(self.unchanged) or "no chapter",
            "to execute": ", ".join(execute) or "no chapter",
            "time": self._time(),
            "disk": f"{needed}, {self.free_gb:.0f} GB free in {shown(home())}",
        }
        return [f"{name:<11} {text}" for name, text in facts.items()]

    def _time(self) -> str:
        if self.minutes is None:
            return f"not measured for {self.plan.preset.name} with this data on {self.device}"
        return f"about {max(round(self.minutes), 1)} min" if self.minutes > 0.5 else "under a minute"


def forecast(planned: Plan, inputs: dict[str, str] | None = None, fresh: bool = False) -> Forecast:
    """Look at what is there, and return what a report will take. Starts nothing.

    Args:
        planned: the report.
        inputs: see `write_report`.
        fresh: every chapter will be executed.
    """
    from jcalib.provenance import device
    from jcalib.training import pick_device

    values = _values(planned)
    kind = pick_device(values.get("device", "auto")).type
    found = device()
    named = f", {found['name']}, {found['memory_gb']:g} GB" if kind == found["kind"] else ""
    settings = planned.preset
    fusions = tuple(values.get("fusions") or settings.fusions)
    seeds = values.get("seeds") or settings.seeds
    embedded = f"{settings.corpus.split.persons} persons × {settings.corpus.seconds:g} s"
    data, own = str(values.get("corpus", embedded)), None
    if planned.source == "features":
        data, own = _look_into(values["features"], settings, fusions)
    cached = look_up(settings, fusions, seeds, kind, values.get("corpus"), own)
    kept = () if fresh else unchanged(planned, inputs)
    cost = COSTS.get((settings.name, kind)) if not {"corpus", "features"} & values.keys() else None
    return Forecast(
        plan=planned,
        data=data,
        device=kind,
        device_name=f"{kind}{named}",
        seeds=seeds,
        fusions=fusions,
        cached=cached,
        unchanged=kept,
        minutes=cost and _minutes(cost, cached, len(fusions), seeds / settings.seeds, len(kept) / len(planned.steps)),
        needed_gb=cost and cost.gigabytes,
        free_gb=free_gb(home()),
    )


def inputs_of(corpus: str, preset: str, features: str = "", faces: bool = True) -> dict[str, str]:
    """Return a hash of a user's data, which may change behind a chapter's back; nothing for the embedded corpus.

    Args:
        corpus: "synthetic", or a folder. Labels, persons and their roles, and names and sizes of videos count.
        preset: how its persons are split.
        features: a folder of own features in place of a corpus; every byte counts.
        faces: False finds none: a video that cannot be decoded then counts.

    Raises:
        UserError: the folder holds nothing of the kind.
    """
    if features:
        from jcalib.own_features import content

        return {"features": content(features)}
    if corpus == SYNTHETIC:
        return {}
    from jcalib.corpora import open_corpus

    recordings = open_corpus(corpus, preset, faces).recordings
    parts = [
        [one.name, one.person, one.role, one.video.stat().st_size, one.faces.name, one.labels.tobytes().hex()]
        for one in recordings
    ]
    return {"corpus": fingerprint(parts)}


def _look_into(folder: str, settings: Preset, fusions: tuple[str, ...]) -> tuple[str, str]:
    """Return own features in words and their fingerprint; refuse here what would fail in every chapter."""
    from jcalib.fusion.registry import check_modalities
    from jcalib.own_features import describe, open_features

    features = open_features(folder, settings)
    for name in fusions:
        check_modalities(name, features.modalities)
    return describe(features), features.source


def weights_of(settings: Preset, needed: bool = True) -> dict[str, str]:
    """Return a hash of each file of weights that a preset uses: another file makes another report.

    Args:
        settings: the preset.
        needed: False leaves out what is not here.

    Raises:
        UserError: a needed file is not here.
    """
    from jcalib.files import hash_file
    from jcalib.weights import find

    hashes = {}
    for modality, where in settings.encoder.weights.items():
        try:
            hashes[f"{modality} weights"] = hash_file(find(where))
        except UserError:
            if needed:
                raise
    return hashes


def look_up(
    settings: Preset,
    fusions: tuple[str, ...],
    seeds: int,
    device: str,
    corpus: str | None = None,
    features: str | None = None,
) -> Cached:
    """Return what is there with these settings.

    Runs are told by their settings alone, which is a look at small files; whether data or code have changed since is
    found when they are asked for.

    Args:
        settings: the preset.
        fusions: that are compared.
        seeds: of each.
        device: "cpu" or "cuda"; runs of another device do not count.
        corpus: a user's folder, None for the embedded corpus.
        features: fingerprint of a user's own features, for which there is no corpus and no encoder.
    """
    from jcalib.corpora import find_synthetic
    from jcalib.encoders import WIDTH

    there = corpus is not None or (find_synthetic(settings.corpus) / "corpus.json").exists()
    written = [(path.parent.name, read_json(path.parent / "settings.json")) for path in _finished()]
    encoder = settings.encoder.model_dump(mode="json").items()
    encoders = {name.split("-")[1] for name, one in written if name.startswith("encoder-") and encoder <= one.items()}
    wanted: dict[str, Any] = {"seeds": list(range(seeds)), "device": device}
    wanted |= {"training": settings.training.model_dump(mode="json")}
    wanted |= {"features": features} if features else {}
    trained = [one for _, one in written if {key: one.get(key) for key in wanted} == wanted]
    # The audits also train on cues, which are narrower than what any encoder gives.
    narrowest = 0 if features else WIDTH
    runs = {one["fusion"] for one in trained if min(one["audio_dim"], one["visual_dim"]) >= narrowest}
    known = tuple(name for name in fusions if name in runs)
    if features:
        return Cached(False, False, known)
    return Cached(there, there and len(encoders) == 2, known if there else ())


def _values(planned: Plan) -> dict[str, Any]:
    """Return the parameters that any chapter is given."""
    return {name: value for step in planned.steps for name, value in step.parameters.items()}


def _finished() -> list[Path]:
    return sorted(path for path in (home() / "runs").glob("*/status.json") if not lost(path.parent))


def _minutes(cost: Cost, cached: Cached, fusions: int, seeds: float, kept: float) -> float:
    """Return minutes of what is missing; the chapters' own share shrinks with those that are kept."""
    if kept == 1:
        return 0.0
    missing = 0.0 if cached.corpus else cost.corpus
    missing += 0.0 if cached.encoders else cost.encoders
    training = (fusions - len(cached.runs)) * cost.fusion * seeds
    return missing + max(training - cost.beside, 0) + cost.chapters * (1 - kept)
