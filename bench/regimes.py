"""Whether the instrument finds nothing where there is nothing: redundant and unique causes, and strangers' labels.

    python bench/regimes.py [--preset quick] [--seeds 5] [--out bench/results/regimes.csv]

In the regimes *redundant* and *unique* a correlation of face and voice tells nothing that a temporal network on both
does not: joint may not gain more over the mixer than the margin. And a joint that was trained on other persons' labels
may not score more than the margin on the report persons. Exit code 1 where one of these fails.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from jcalib import progress
from jcalib.corpora import open_corpus
from jcalib.features import Features
from jcalib.provenance import provenance
from jcalib.settings import Preset, preset
from jcalib.studies import Study, ablate
from jcalib.studies.families import difference
from jcalib.studies.oracles import with_strangers_labels
from jcalib.studies.statistics import Comparison, compare
from jcalib.training import extract, fit

REGIMES = ("redundant", "unique")
FUSIONS = ("joint", "cross", "mixer", "concat")


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
        _row(regime, "joint on strangers' labels, CCC", strangers(features, chosen, seeds, margin), judged=True),
    ]


def strangers(features: Features, chosen: Preset, seeds: int, margin: float) -> Comparison:
    """Return what joint scores on the report persons after training on labels of other recordings."""
    run = fit("joint", with_strangers_labels(features, np.random.default_rng(0)), seeds, chosen)
    study = Study({"joint": run}, margin)
    return compare(study.sums["joint"], clusters=study.persons, margin=margin)


def _row(regime: str, what: str, one: Comparison, judged: bool = False) -> dict[str, object]:
    """Judge by the 90 % interval: one-sided at 5 % that the value is below the margin, or above it."""
    verdict = "holds" if one.inner_high < one.margin else "FAILS" if one.inner_low > one.margin else "cannot tell"
    return {
        "regime": regime, "what": what, "value": one.difference, "low": one.low, "high": one.high,
        "low 90 %": one.inner_low, "high 90 %": one.inner_high, "verdict": verdict if judged else "",
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
