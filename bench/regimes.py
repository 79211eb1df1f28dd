"""Whether the instrument finds nothing where there is nothing: redundant and unique causes, and strangers' labels.

    python bench/regimes.py [--preset quick] [--seeds 5] [--out bench/results/regimes.csv]

In the regimes *redundant* and *unique* a correlation of face and voice tells nothing that a temporal network on both
does not: joint may not gain more over the mixer than the margin. And joints that were trained on other persons' labels,
turned around in time, may not score more than the margin on the report persons, over 120 assignments. The courses of 22
persons are few slow waves, so that those assigned agree with the true ones a little, by chance, and a joint learns as
much of the truth; the agreement is 0 on average by the way it is drawn and known for each assignment, so the scores are
taken at agreement 0 on a line through them (a control variate). Exit code 1 where one of these fails.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from jcalib import progress
from jcalib.corpora import open_corpus
from jcalib.features import Features
from jcalib.provenance import provenance
from jcalib.settings import Preset, preset
from jcalib.studies import ablate
from jcalib.studies.families import difference
from jcalib.studies.oracles import with_strangers_labels
from jcalib.studies.statistics import Comparison, compare
from jcalib.training import extract, fit

REGIMES = ("redundant", "unique")
FUSIONS = ("joint", "cross", "mixer", "concat")
ASSIGNMENTS = 120  # of labels to strangers


def main() -> int:
    """Measure, print and write as CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--margin", type=float, default=0.02)
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    rows = []
    with progress.listening(progress.Lines()):
        for regime in REGIMES:
            chosen = preset(options.preset)
            chosen = chosen.changed(corpus=chosen.corpus.changed(regime=regime))
            rows += check(regime, chosen, options.seeds, options.margin)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format="{:.4f}".format))
    if options.out:
        origin = provenance()
        made = (
            f"{origin['device']['name']}, commit {origin['commit'][:7]}, preset {options.preset}, {options.seeds} seeds"
        )
        options.out.parent.mkdir(parents=True, exist_ok=True)
        table.assign(made=made).to_csv(options.out, index=False)
    return int((table["verdict"] == "FAILS").any())


def check(regime: str, chosen: Preset, seeds: int, margin: float) -> list[dict[str, object]]:
    """Return the comparisons of one regime, those that are judged and those beside them."""
    features = extract(open_corpus("synthetic", chosen), chosen)
    study = ablate(FUSIONS, features, seeds, chosen, margin=margin)

    def over(a: str, b: str) -> Comparison:
        return difference(study.sums, a, b, clusters=study.persons, margin=margin)

    learnt = {name: compare(study.sums[name], clusters=study.persons, margin=margin) for name in FUSIONS}
    return [
        _row(regime, "joint - mixer", over("joint", "mixer"), judged=True),
        _row(regime, "joint - cross", over("joint", "cross")),
        _row(regime, "joint - concat", over("joint", "concat")),
        *(_row(regime, f"{name}, CCC", own) for name, own in learnt.items()),
        *strangers(regime, features, chosen, margin),
    ]


def strangers(regime: str, features: Features, chosen: Preset, margin: float) -> list[dict[str, object]]:
    """Return what joint scores on the report persons after training on labels of other recordings.

    Labels are assigned and joint is trained anew each time, with another seed, so that the scores are independent.

    Returns:
        What is judged, the score at agreement 0; the mean score; and the mean agreement, which has to be about 0.
    """
    found, agreed = [], []
    for seed in range(ASSIGNMENTS):
        given = with_strangers_labels(features, np.random.default_rng(seed))
        agreed.append(agreement(features, given))
        found.append(fit("joint", given, [seed], chosen).frame()["ccc"].mean())
    line = stats.linregress(agreed, found)
    at_zero = _line(regime, "joint on strangers' labels, CCC", line.intercept,
                    _limits(line.intercept, line.intercept_stderr, ASSIGNMENTS - 2), margin, judged=True)  # fmt: skip
    means = [
        _line(regime, what, np.mean(x), _limits(np.mean(x), stats.sem(x), ASSIGNMENTS - 1), margin)
        for what, x in (("strangers' labels, mean CCC", found), ("strangers' labels, agreement r", agreed))
    ]
    return [at_zero, *means]


def agreement(features: Features, given: Features) -> float:
    """Return how the labels that joint is trained on agree with the true ones: Pearson's r, mean of both targets."""
    rows = np.isin(features.recording, features.of_role("fusion"))
    rows &= np.isfinite(features.target).all(axis=1) & np.isfinite(given.target).all(axis=1)
    return float(np.mean([np.corrcoef(features.target[rows, k], given.target[rows, k])[0, 1] for k in (0, 1)]))


def _limits(mean: float, error: float, freedom: int) -> tuple[float, ...]:
    """95 % interval and 90 % interval."""
    reach, inner = (error * stats.t.ppf(share, freedom) for share in (0.975, 0.95))
    return mean - reach, mean + reach, mean - inner, mean + inner


def _row(regime: str, what: str, one: Comparison, judged: bool = False) -> dict[str, object]:
    limits = (one.low, one.high, one.inner_low, one.inner_high)
    return _line(regime, what, one.difference, limits, one.margin, judged)


def _line(
    regime: str, what: str, value: float, limits: tuple[float, ...], margin: float, judged: bool = False
) -> dict[str, object]:
    """Judge by the 90 % interval: one-sided at 5 % that the value is below the margin, or above it."""
    low, high, inner_low, inner_high = limits
    verdict = "holds" if inner_high < margin else "FAILS" if inner_low > margin else "cannot tell"
    return {
        "regime": regime, "what": what, "value": value, "low": low, "high": high,
        "low 90 %": inner_low, "high 90 %": inner_high, "verdict": verdict if judged else "",
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
