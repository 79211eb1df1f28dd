"""Whether a corpus is what it says: what must be found in it, and what must not (design 9).

A label must not be told by who it is, when it is, how loud, how many bytes, or what is missing. On the embedded
corpus, whose causes are known, the cues must be found in the features, and the labels in the cues, as its settings say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from jcalib.concordance import ccc
from jcalib.corpora import Corpus, Recording
from jcalib.features import Features
from jcalib.progress import stage
from jcalib.settings import CorpusSettings, Preset
from jcalib.settings import preset as preset_of
from jcalib.studies import oracles, probes
from jcalib.studies.statistics import TARGETS

if TYPE_CHECKING:
    import pandas as pd

NEAR = 0.15  # CCC on the report persons; chance spreads the mean of both targets by .03 over 12 drawn corpora
LEAK = 0.2  # r over all persons, 4 % of a label's variance; chance reached .153 in 100 corpora drawn like `quick`
FOUND = 0.5  # CCC; an encoder that keeps less loses three quarters of a cue's variance
LAG_SLACK = 0.1  # s
FACTOR = " A synergy cue is one factor of m g, and tells nothing of the label alone."
FEWEST = 5  # report recordings; under that chance passes any of these bounds


@dataclass(frozen=True)
class Audit:
    """One question to a corpus.

    Attributes:
        name: what is looked at.
        value: what came out.
        expected: the rule, in words.
        holds: whether the value follows the rule; None where too few persons can tell.
        why: one sentence on the rule, with the numbers behind the value.
    """

    name: str
    value: float
    expected: str
    holds: bool | None
    why: str


@dataclass(frozen=True)
class Audits:
    """All audits of a corpus.

    Attributes:
        rows: the audits.
        ceilings: CCC of valence and arousal that the true cues of "face", "voice" and "both" reach; empty where the
            causes are not known.
    """

    rows: tuple[Audit, ...]
    ceilings: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def hold(self) -> bool:
        """Whether no audit failed."""
        return all(audit.holds is not False for audit in self.rows)

    def frame(self) -> "pd.DataFrame":
        """Return one row an audit: name, value, expected, holds, why."""
        import pandas as pd

        return pd.DataFrame([asdict(audit) for audit in self.rows])


def audit_corpus(corpus: Corpus, features: Features, preset: str | Preset = "quick") -> Audits:
    """Audit a corpus and its features.

    Args:
        corpus: the recordings.
        features: of these recordings; test persons are left out.
        preset: window, head and training of the fusions, which the true cues go through too.

    Returns:
        The audits; those that need the causes only where every recording has a truth file.
    """
    case = _Case(corpus, probes.without_test(features), preset_of(preset))
    steps = NOTHING_THERE + (CAUSES_FOUND if case.knows_causes else ())
    rows: list[Audit] = []
    with stage("audit corpus", total=len(steps)) as progress:
        for step in steps:
            rows += step(case)
            progress.advance()
        if len(features.of_role("report")) < FEWEST:
            rows = [replace(audit, holds=None, why=f"{audit.why} Too few persons to judge.") for audit in rows]
        progress.note(f"{len(rows)} audits, {sum(audit.holds is False for audit in rows)} failed")
    return Audits(tuple(rows), case.ceilings if case.knows_causes else {})


@dataclass(frozen=True)
class _Case:
    """What is audited, and what several audits need of it."""

    corpus: Corpus
    features: Features
    preset: Preset

    @cached_property
    def recordings(self) -> list[Recording]:
        """In the order of the features."""
        named = {recording.name: recording for recording in self.corpus.recordings}
        return [named[info.name] for info in self.features.recordings]

    @cached_property
    def persons(self) -> NDArray:
        """Of each recording."""
        return np.array([info.person for info in self.features.recordings])

    @property
    def knows_causes(self) -> bool:
        return self.corpus.settings is not None and all(recording.truth for recording in self.recordings)

    @cached_property
    def settings(self) -> CorpusSettings:
        """With the knobs of the regime turned."""
        from jcalib.corpora.synthetic import regime_settings

        assert self.corpus.settings is not None
        return regime_settings(self.corpus.settings)

    @cached_property
    def truths(self) -> list[oracles.Truth]:
        return [recording.load_truth() for recording in self.recordings]

    @cached_property
    def cues(self) -> Features:
        return oracles.cue_features(self.features, self.truths)

    @cached_property
    def ceilings(self) -> dict[str, tuple[float, float]]:
        return oracles.scores(self.cues, self.preset)

    def parts(self, values: NDArray) -> list[NDArray]:
        """Cut rows into those of each recording."""
        return np.split(values, np.flatnonzero(np.diff(self.features.recording)) + 1)


def _other_labels(case: _Case) -> list[Audit]:
    target = case.features.target
    r = probes.strangers(target, target, case.features)
    return [_untold("labels of another recording", r, "No two recordings share a course of time")]


def _other_sound(case: _Case) -> list[Audit]:
    features, heard = case.features, case.features.valid[:, 0]
    learnt, tested = (rows[heard[rows]] for rows in map(features.rows, ("fusion", "report")))
    if not (len(learnt) and len(tested)):
        return []
    read_out = probes.Ridge.fit(features.audio[learnt], features.target[learnt])
    predicted = np.full(features.target.shape, np.nan)
    predicted[tested] = read_out(features.audio[tested])
    own = _targets(probes.correlation(predicted, features.target))
    why = f"A voice tells of its own recording alone, where the same read-out has r {own}; with others' labels"
    return [_untold("sound of another recording", probes.strangers(predicted, features.target, features), why)]


def _identity(case: _Case) -> list[Audit]:
    r = probes.correlation(probes.identity(case.features, case.persons), case.features.target)
    return [_untold("identity only", r, "A recording's mean features say who it is, not what it feels")]


def _time(case: _Case) -> list[Audit]:
    features = case.features
    predicted = probes.mean_course(features.target, features.frame, case.persons[features.recording])
    r = probes.correlation(predicted, features.target)
    return [_untold("time only", r, "The mean label of the others at the same time says nothing")]


def _mask(case: _Case) -> list[Audit]:
    why = "A face or a voice is lost by accident, whatever the label"
    return [_leak("mask only", case, case.features.valid.astype(np.float64), why)]


def _picture_size(case: _Case) -> list[Audit]:
    """Wide eyes and raised brows cost bytes: where the causes are known, what bytes tell beyond these counts."""
    ends = case.parts(case.features.frame)
    span = case.features.clip_frames
    parts = [probes.picture_bytes(one, frames, span) for one, frames in zip(case.recordings, ends, strict=True)]
    sizes, target = np.concatenate(parts)[:, None], case.features.target
    whole = probes.correlation(_guess(case, sizes, target), target)
    if not case.knows_causes:
        return [_untold("JPEG size only", whole, "How well a face compresses hangs on light, pose and background")]
    cues = oracles.at_ends(case.features, case.truths, oracles.CUES["face"])
    rest = target - _guess(case, cues, target)
    why = f"Wide eyes cost bytes (r {_targets(whole)} in all); beyond the true face cues bytes must tell nothing"
    return [_untold("JPEG size only", probes.correlation(_guess(case, sizes, rest), rest), why)]


def _loudness(case: _Case) -> list[Audit]:
    ends = case.parts(case.features.time)
    levels = [probes.loudness(one, times) for one, times in zip(case.recordings, ends, strict=True)]
    why = "Voices are levelled, and their gain drifts without meaning"
    return [_leak("loudness only", case, np.concatenate(levels)[:, None], why)]


def _recovery(case: _Case) -> list[Audit]:
    """Read every cue out of its modality's features, on new persons, while it is shown."""
    features, audits = case.features, []
    shown = oracles.shown(features, case.truths) & features.valid
    for column, (modality, names) in enumerate(oracles.CUES.items()):
        values = (features.audio, features.visual)[column]
        cues = oracles.at_ends(features, case.truths, names)
        learnt, tested = (rows[shown[rows, column]] for rows in map(features.rows, ("encoder", "report")))
        if not (len(learnt) and len(tested)):
            continue
        predicted = torch.from_numpy(probes.Ridge.fit(values[learnt], cues[learnt])(values[tested]))
        found = ccc(predicted, torch.from_numpy(cues[tested]).double()).tolist()
        why = f"A ridge on the {modality}'s features of encoder persons reads it on report persons, where it is shown."
        labels = [f"{name.replace('_', ' ')} of {target} found" for name in names for target in TARGETS]
        audits += [
            Audit(label, value, f"CCC above {FOUND:g}", value > FOUND, why + FACTOR * ("synergy" in label))
            for label, value, varies in zip(labels, found, cues.std(axis=0) > 0, strict=True)
            if varies
        ]
    return audits


def _ceilings(case: _Case) -> list[Audit]:
    """A share e of the label's variance allows a correlation of sqrt(e) at most."""
    mixes, reached, audits = (case.settings.valence, case.settings.arousal), case.ceilings, []
    for view in ("face", "voice"):
        shares = [mix.redundancy + getattr(mix, f"unique_{view}") for mix in mixes]
        told = " and ".join(f"{share:.0%} of {target}" for share, target in zip(shares, TARGETS, strict=True))
        why = f"They carry {told}, through the window and head of the fusions"
        found = f"true {view} cues", reached[view]
        tells = np.mean(shares) > NEAR**2
        audits.append(_above(*found, NEAR, f"{NEAR:g}", why) if tells else _below(*found, why))
    best = max(("face", "voice"), key=lambda view: np.mean(reached[view]))
    why = "Together they tell more than the better one, or there were nothing to fuse"
    audits.append(_above("true cues of both", reached["both"], float(np.mean(reached[best])), f"the {best}'s", why))
    return audits


def _synergy(case: _Case) -> list[Audit]:
    reached = oracles.scores(oracles.with_synergy_target(case.cues, case.truths), case.preset)
    why = "The product m g is the label, of which one modality alone tells nothing"
    audits = [_below(f"synergy from the {view} alone", reached[view], why) for view in ("face", "voice")]
    why = "The product m g is the label, which both modalities tell together"
    return [*audits, _above("synergy from both", reached["both"], FOUND, f"{FOUND:g}", why)]


def _lags(case: _Case) -> list[Audit]:
    """A voice that shares nothing with the label has no lag."""
    put, audits = case.settings.lag, []
    for target in TARGETS:
        mix = getattr(case.settings, target)
        if mix.redundancy + mix.unique_voice:
            found = oracles.found_lag(case.truths, target, case.settings)
            expected, holds = f"within {LAG_SLACK:g} s of {put:g} s", abs(found - put) <= LAG_SLACK
            why = "Where the voice's cue and its causes agree best."
            audits.append(Audit(f"lag of the voice, {target}", found, expected, holds, why))
    return audits


NOTHING_THERE = (_other_labels, _other_sound, _identity, _time, _mask, _picture_size, _loudness)
CAUSES_FOUND = (_recovery, _ceilings, _synergy, _lags)


def _guess(case: _Case, values: NDArray, target: NDArray) -> NDArray:
    """Let a ridge on other persons guess a target from some values of the clips around."""
    return probes.held_out(probes.around(case.features, values), target, case.persons[case.features.recording])


def _leak(name: str, case: _Case, values: NDArray, why: str) -> Audit:
    target = case.features.target
    return _untold(name, probes.correlation(_guess(case, values, target), target), why)


def _untold(name: str, r: NDArray, why: str) -> Audit:
    """Of the two correlations the farther one counts: a leak need not reach both targets."""
    value = float(r[np.abs(r).argmax()])
    return Audit(name, value, f"|r| below {LEAK:g}", abs(value) < LEAK, f"{why}: r {_targets(r)}.")


def _below(name: str, reached: tuple[float, float], why: str) -> Audit:
    value = float(max(reached, key=abs))  # opposite signs cancel in a mean
    return Audit(name, value, f"|CCC| below {NEAR:g}", abs(value) < NEAR, f"{why}: CCC {_targets(reached)}.")


def _above(name: str, reached: tuple[float, float], bound: float, words: str, why: str) -> Audit:
    value = float(np.mean(reached))
    return Audit(name, value, f"CCC above {words}", value > bound, f"{why}: CCC {_targets(reached)}.")


def _targets(values: Iterable[float]) -> str:
    return ", ".join(f"{target} {value:.2f}" for target, value in zip(TARGETS, values, strict=True))
