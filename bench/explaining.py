"""What it costs to look and to check: a move of the explorer's slider, a player, the table of methods over many clips.

    python bench/explaining.py [--preset quick] [--clips 20] [--slow 5] [--out bench/results/<name>.csv]

Asked for: a slider's move from kept maps under 300 ms on 2 cores; a player under 10 MB; all methods and checks over
20 clips within 2 minutes on 2 cores, compact encoders. Corpus, encoders and the runs of joint and cross are made first,
where they are missing.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import jcalib as jca
from jcalib import explain
from jcalib.corpora import Corpus
from jcalib.explain import tracks
from jcalib.features import Features
from jcalib.provenance import provenance
from jcalib.training import TARGETS, Run, fit
from jcalib.views.explorer import Explorer, Live
from jcalib.views.player import Player

Row = dict[str, object]
TARGET = "valence"


def main() -> None:
    """Measure, print a table, write it as CSV, and end with 1 where something asked for is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--clips", type=int, default=20, help="of the table of methods, one a report recording")
    parser.add_argument("--slow", type=int, default=5, help="of these, with sensitivity and random weights")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    corpus = jca.open_corpus("synthetic", options.preset)
    features = jca.extract(corpus, options.preset)
    runs = [fit(name, features, None, options.preset) for name in ("joint", "cross")]
    origin = provenance()
    machine = f"{origin['device']['name']}, {origin['threads']} threads, commit {origin['commit'][:7]}"
    print(f"{machine}, preset {options.preset}, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        tracks.home = lambda: Path(folder)  # no map is kept yet
        rows = [*players(runs, corpus, features), *slider(runs, corpus, features)]
    rows += table(runs[0], corpus, features, options.clips, options.slow)
    found = pd.DataFrame(rows)
    print(found.to_string(index=False, na_rep="", float_format="{:.4g}".format))
    if options.out:
        found.assign(machine=machine).to_csv(options.out, index=False, float_format="%.4g")
    missed = found[found["value"] > found["asked"]]
    raise SystemExit(f"missed: {', '.join(missed['what'])}" if len(missed) else 0)


def players(runs: list[Run], corpus: Corpus, features: Features) -> list[Row]:
    """Time explaining one recording for one target and for both, and the page that plays it."""
    rows: list[Row] = []
    name = features.recordings[features.of_role("report")[0]].name
    for targets in ((TARGET,), TARGETS):  # the second finds the first one's maps kept
        explained, shown = timed(lambda targets=targets: jca.playback(runs, corpus, features, name, targets))
        built, player = timed(lambda shown=shown: Player(shown))
        what = f"2 fusions, {len(shown.explained)} clips, {' and '.join(targets)}"
        rows += [
            {"what": f"maps of {what}", "value": explained, "unit": "s"},
            {"what": f"player of {what}", "value": built, "unit": "s"},
            {"what": f"player of {what}", "value": len(player.page.encode()) / 1e6, "unit": "MB", "asked": 10},
        ]
    return rows


def slider(runs: list[Run], corpus: Corpus, features: Features, moves: int = 40) -> list[Row]:
    """Time moves of the explorer's slider, drawing and PNG together, and a switch of what is shown."""
    name = features.recordings[features.of_role("report")[0]].name
    live = Live(Explorer.of(runs, corpus, features, name, TARGET))
    places = np.linspace(1, live.frame.max, moves).astype(int)
    took = [1000 * timed(lambda place=place: setattr(live.frame, "value", int(place)))[0] for place in places]
    first, *again = [
        1000 * timed(lambda one=one: setattr(live.fusion, "value", one))[0] for one in ("cross", "joint") * 3
    ]
    other = 1000 * timed(lambda: setattr(live.target, "value", "arousal"))[0]
    what = f"{len(live.image.value) / 1e3:.0f} kB"
    return [
        {"what": f"a move of the slider, median of {moves}, {what}", "value": np.median(took), "unit": "ms"},
        {"what": "the slowest move", "value": max(took), "unit": "ms", "asked": 300},
        {"what": "a fusion that was not shown yet", "value": first, "unit": "ms"},
        {"what": "one that was, median of 5", "value": np.median(again), "unit": "ms", "asked": 300},
        {"what": "a target that was not shown yet, its maps on disk", "value": other, "unit": "ms"},
    ]


def table(run: Run, corpus: Corpus, features: Features, clips: int, slow: int) -> list[Row]:
    """Time the table of methods and checks."""
    rows = explain.clips_to_explain(run, corpus, features, TARGET, clips)
    many = [explain.read_clip(corpus, features, row) for row in rows]

    def make() -> pd.DataFrame:
        return explain.trust_table(run, corpus, many, TARGET, slow=slow)

    explain.examine(run, corpus, many[0], TARGET)  # what is imported once
    what = f"{len(explain.METHODS)} methods, {len(many)} clips, {slow} of them again: table"
    return [{"what": what, "value": timed(make)[0], "unit": "s", "asked": 120}]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how many seconds work took, and what came out."""
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


if __name__ == "__main__":
    main()
