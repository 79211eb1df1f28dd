"""Every method on many clips, each map with its checks, beside maps that know nothing of the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jcalib.corpora import Corpus
from jcalib.explain.attribution import Attribution
from jcalib.explain.baselines import own_baseline
from jcalib.explain.checks import FRACTIONS, area, cascade, curves, infidelity, max_sensitivity, pooled, probe
from jcalib.explain.conditions import CLEAR, EPISODES, conditions
from jcalib.explain.intervals import Interval
from jcalib.explain.memory import differentiable
from jcalib.explain.methods import METHODS, attribute_path
from jcalib.explain.path import Clip, clip_path, moved_from_mean
from jcalib.explain.seeds import rank_correlation
from jcalib.explain.side_by_side import side_by_side
from jcalib.explain.truth import Cause, against_truth, edge_map, over_time, true_cause
from jcalib.features import Features
from jcalib.progress import stage
from jcalib.training import TARGETS, Run

if TYPE_CHECKING:
    import pandas as pd

WORDS = {"visual": "face", "audio": "voice"}
UNSIGNED = ("uniform", "edges")  # controls that do not say in which direction a cell pushes
COLUMNS = ["recording", "method", "modality", "check", "value", "weight"]
Row = dict[str, Any]


def clips_to_explain(run: Run, corpus: Corpus, features: Features, target: str, count: int) -> list[int]:
    """Choose one clip of each of some report recordings: the most moving one in which face and voice both tell.

    Args:
        run: whose predictions.
        corpus: knows, where it is the embedded one, when a face is covered, lost or posed and a voice noisy.
        features: what the run was evaluated on.
        target: "valence" or "arousal".
        count: how many at most, in the order of the recordings.
    """
    names = features.of_role("report")
    happens = conditions(corpus, features, target)
    hidden = [name for name in EPISODES.values() if name in happens]
    moved = np.where(happens[hidden].any(axis=1), -np.inf, moved_from_mean(run, features, target, names))
    first = (
        features.frame + 1 >= features.clip_frames if CLEAR in happens else np.ones(len(moved), bool)
    )  # a whole clip of sound
    moved = np.where(first, moved, -np.inf)
    rows = [int(np.where(features.recording == one, moved, -np.inf).argmax()) for one in names]
    return [row for row in rows if np.isfinite(moved[row])][:count]


def ccc_interval(run: Run, target: str) -> Interval:
    """Return a run's CCC of one target on the report persons, with its 95 % interval for fresh persons and seeds."""
    from jcalib.studies.statistics import compare, sums

    column = TARGETS.index(target)
    persons, values, labels = run.stacked()
    table = np.stack([sums(v[..., column], one[:, column]) for v, one in zip(values, labels, strict=True)])
    found = compare(table, clusters=persons)
    return Interval(found.difference, found.low, found.high, found.clusters)


def trust_table(
    run: Run, corpus: Corpus, clips: Sequence[Clip], target: str, methods: Sequence[str] = tuple(METHODS), slow: int = 2
) -> "pd.DataFrame":
    """Attribute clips by every method and check every map.

    Against the true cause only where it is known and the run's CCC interval excludes 0, and a modality only where it
    moves the prediction.

    Args:
        run: what is explained.
        corpus: of the clips.
        clips: from `read_clip`, one a recording.
        target: "valence" or "arousal".
        methods: names of `METHODS`.
        slow: clips for which sensitivity and weight randomisation are measured too, which attribute again.

    Returns:
        Columns recording, method (or control), modality, check, value, and the weight of the clip in means over clips:
        by how much the modality moves its prediction for deletion and insertion, which are relative to that, else 1.
    """
    import pandas as pd

    known = corpus.settings is not None and ccc_interval(run, target).excludes_zero

    def work(number: int) -> tuple[Examined, list["pd.DataFrame"]]:
        one = examine(run, corpus if known else None, clips[number], target, methods)
        return one, [_slow(run, one, target)] if number < slow else []

    tables, found = [], []
    with stage("check maps", len(clips)) as progress, differentiable():
        for one, slower in side_by_side(work, range(len(clips))):
            found.append(one)
            tables += [one.scores, *slower]
            progress.advance()
        progress.note(
            f"{len(clips)} clips, {len(methods)} methods, sensitivity and random weights on {min(slow, len(clips))}"
        )
    return pd.concat([*tables, _mean_map(found, methods[0])], ignore_index=True)


@dataclass(frozen=True, eq=False)
class Examined:
    """A clip with its maps and their checks.

    Attributes:
        clip: what was attributed.
        maps: by method.
        cause: the true one, None where nobody knows.
        scores: columns recording, method (or control), modality, check, value.
        curves: columns method, modality, fraction, deletion, insertion.
    """

    clip: Clip
    maps: "dict[str, Attribution]"
    cause: Cause | None
    scores: "pd.DataFrame"
    curves: "pd.DataFrame"


def examine(
    run: Run, corpus: Corpus | None, clip: Clip, target: str, methods: Sequence[str] = tuple(METHODS)
) -> Examined:
    """Attribute one clip by every method, and check every map.

    Args:
        run: what is explained.
        corpus: renders the clip again for its true cause; None, or a real one, leaves that out.
        clip: from `read_clip`.
        target: "valence" or "arousal".
        methods: names of `METHODS`.
    """
    import pandas as pd

    path = clip_path(run, clip, target)
    baseline = own_baseline(clip.pictures, clip.log_mel)
    cause = true_cause(corpus, clip, target) if corpus is not None and corpus.settings is not None else None
    maps = {name: attribute_path(path, clip, target, name, baseline) for name in methods}
    other = TARGETS[1 - TARGETS.index(target)]
    strange = attribute_path(clip_path(run, clip, other), clip, other, "gradient_shap", baseline)
    rows: list[Row] = []
    drawn: list[Row] = []
    for modality in WORDS:
        probed = probe(path, clip, baseline, modality)
        if not probed.informative:
            continue
        agreed = agreement({name: one.of(modality) for name, one in maps.items()})
        every = {name: one.of(modality) for name, one in maps.items()} | _controls(clip, strange, modality)
        for name, values in every.items():
            if not np.any(values):
                continue
            deletion, insertion = curves(values, probed, signed=name not in UNSIGNED)
            relative = {"deletion": area(deletion), "insertion": area(insertion)}
            rows += _rows(clip.recording, name, modality, relative, probed.size)
            found = {"infidelity": infidelity(values, probed)}
            found |= {} if cause is None else _where(values, cause, modality)
            found |= {"agreement": agreed[name]} if name in agreed else {}
            rows += _rows(clip.recording, name, modality, found)
            points = zip(FRACTIONS, deletion, insertion, strict=True)
            drawn += [{"method": name, "modality": modality, "fraction": f, "deletion": d, "insertion": i}
                      for f, d, i in points]  # fmt: skip
    scores = pd.DataFrame(rows, columns=COLUMNS)
    columns = ["method", "modality", "fraction", "deletion", "insertion"]
    return Examined(clip, maps, cause, scores, pd.DataFrame(drawn, columns=columns))


def _slow(run: Run, examined: Examined, target: str) -> "pd.DataFrame":
    """Checks that attribute again: by noise nobody sees, and by weights that are random."""
    import pandas as pd

    clip, path, rows = examined.clip, clip_path(run, examined.clip, target), list[Row]()
    for name, found in examined.maps.items():
        again = partial(attribute_path, target=target, method=name, steps=(found.steps,) * 2)  # of one accuracy
        moved = max_sensitivity(found, partial(again, path), clip)
        broken = cascade(found, path, partial(again, clip=clip))
        for modality in dict.fromkeys(examined.scores["modality"]):
            values = {"max-sensitivity": moved[modality]}
            values |= {f"random {stage}": abs(by[modality]) for stage, by in broken.items()}
            rows += _rows(clip.recording, name, modality, values)
    return pd.DataFrame(rows, columns=COLUMNS)


def _controls(clip: Clip, strange: Attribution, modality: str) -> dict[str, NDArray]:
    """Maps that say nothing of this prediction, all positive as far as they are not the model's."""
    seen = clip.pictures.mean(dim=0) if modality == "visual" else clip.log_mel[0]
    values = seen.numpy()
    return {"uniform": np.ones(values.shape), "edges": edge_map(values), "other target": strange.of(modality)}


def _mean_map(found: list[Examined], method: str) -> "pd.DataFrame":
    """Score, for each clip, the mean size of the other clips' maps."""
    import pandas as pd

    rows: list[Row] = []
    for modality in WORDS:
        mine = [one for one in found if one.cause is not None and modality in set(one.scores["modality"])]
        sizes = [np.abs(one.maps[method].of(modality)) for one in mine]
        for one, own in zip(mine, sizes, strict=True):
            if len(mine) > 1 and one.cause is not None:
                scores = _where(sum(sizes) - own, one.cause, modality)
                rows += _rows(one.clip.recording, "mean map", modality, scores)
    return pd.DataFrame(rows, columns=COLUMNS)


def agreement(maps: dict[str, NDArray]) -> dict[str, float]:
    """Return each map's mean rank correlation with the others, pooled.

    Args:
        maps: of one modality of a clip, by method.
    """
    small = {name: pooled(values) for name, values in maps.items()}
    return {
        name: _mean_of_known([rank_correlation(small[name], small[other]) for other in small if other != name])
        for name in small
        if len(small) > 1
    }


def _mean_of_known(values: Sequence[float]) -> float:
    """The mean without NaN, as of a map that is constant; NaN where there is nothing else."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


def _where(values: NDArray, cause: Cause, modality: str) -> dict[str, float]:
    return against_truth(over_time(values, modality), over_time(cause.of(modality), modality))


def _rows(recording: str, method: str, modality: str, values: dict[str, float], weight: float = 1.0) -> list[Row]:
    shared = {"recording": recording, "method": method, "modality": modality, "weight": weight}
    return [shared | {"check": check, "value": value} for check, value in values.items()]
