"""Whether the statistics find what is there, and nothing where nothing is (design 10), on fusions that were trained.

    python bench/null_check.py [--studies 200] [--fusion joint] [--out bench/results/null_check.csv]

One fusion is trained on simulated features with ten seeds a study, all in one program. Each study compares two copies
of it: five seeds against five others, on recordings that no other study has. There is no difference to be found, so at
most 16 of 200 may be declared at the 5 % level (a fair test exceeds that once in 40 such checks), and none may be 0
exactly. Then the second copy's predictions are shrunk until its CCC in the whole population is lower by what these
studies print as their smallest detectable difference, on average; 70 to 90 % of them have to find that. Exit code 1
where one fails.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.optimize import brentq

from jcalib import progress
from jcalib.clips import clip_ends
from jcalib.features import Features, RecordingInfo
from jcalib.provenance import provenance
from jcalib.settings import Preset, preset
from jcalib.studies.statistics import LEVEL, Comparison, ccc_from_sums, compare, sums
from jcalib.training import Ensemble, fit
from jcalib.training.evaluation import Resident, predict_rows

SIZES = (20, 76)  # recordings; Aff-Wild2 has 76 for validation
SEEDS = 5
FRAMES, FPS, HOP, WIDTH = 400, 25, 8, 6
TRAINING = {"fusion": 16, "selection": 2, "report": 1}


def main() -> int:
    """Train, draw the studies, print and write as CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--fusion", default="joint")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, progress.listening(progress.Lines()):
        os.environ["JCALIB_HOME"] = folder
        ensemble = trained(options.fusion, 2 * SEEDS * options.studies)
        tables = drawn_studies(ensemble, options.studies, max(SIZES))
    rows = [checked(tables[:, :, :size]) for size in SIZES]
    table = pd.DataFrame(rows)
    print(table.T.to_string(header=False, float_format="{:.3g}".format))
    if options.out:
        origin = provenance()
        made = f"{origin['device']['name']}, commit {origin['commit'][:7]}, {options.fusion} on simulated features"
        table.assign(made=made).to_csv(options.out, index=False)
    return int(not table["holds"].all())


def simulated(persons: dict[str, int], rng: np.random.Generator) -> Features:
    """Draw persons whose voice and face each show a part of the labels, a little differently in each person.

    Args:
        persons: how many by role.
        rng: of these persons; what all persons share is always the same.
    """
    mixing = np.random.default_rng(0).normal(size=(2, 2, WIDTH))
    roles = [role for role, count in persons.items() for _ in range(count)]
    times, ends = np.arange(FRAMES) / FPS, clip_ends(FRAMES, HOP)
    shape = (len(roles), 3, 4, 1)
    phases, frequencies = rng.uniform(0, 2 * np.pi, shape), rng.uniform(0.05, 0.35, shape)
    both, voice, face = np.moveaxis(np.sin(2 * np.pi * frequencies * times + phases).sum(2) / 2**0.5, 1, 0)
    labels = np.stack([0.3 * both + 0.2 * face, 0.3 * both + 0.2 * voice], axis=-1).astype(np.float32)
    rows = []
    for own, weights in zip((voice, face), mixing, strict=True):
        shown = np.stack([both, own], axis=-1)[:, ends] @ (weights + 0.3 * rng.normal(size=(len(roles), 2, WIDTH)))
        rows.append(shown + rng.normal(size=(len(roles), 1, WIDTH)) + 0.7 * rng.normal(size=shown.shape))
    audio, visual = (one.reshape(-1, WIDTH).astype(np.float32) for one in rows)
    infos = (RecordingInfo(f"r{n}", f"p{n}", role, labels[n], times) for n, role in enumerate(roles))
    number, frame = np.repeat(np.arange(len(roles)), len(ends)), np.tile(ends, len(roles))
    return Features(
        audio=audio, visual=visual, target=labels[:, ends].reshape(-1, 2), valid=np.ones((len(audio), 2), bool),
        recording=number, frame=frame, time=times[frame], recordings=tuple(infos), hop=HOP, source="simulated",
    )  # fmt: skip


def trained(fusion: str, seeds: int, epochs: int = 4) -> Ensemble:
    """Train a small fusion with all seeds at once."""
    features = simulated(TRAINING, np.random.default_rng(1))
    return fit(fusion, features, seeds, small(epochs), device="cpu").ensemble("cpu")


def small(epochs: int) -> Preset:
    """Return settings of a small fusion that learns quickly."""
    chosen = preset("quick")
    size = chosen.training.changed(clips=4, epochs=epochs, dim=4, rank=4, batch=8, learning_rate=5e-3)
    return chosen.changed(training=size)


def drawn_studies(ensemble: Ensemble, studies: int, recordings: int) -> np.ndarray:
    """Let each study's ten seeds predict recordings of its own.

    Returns:
        The six sums of two copies, (studies, 2, recordings, seeds, targets, 6).
    """
    tables = []
    with progress.stage("draw studies", studies) as stage:
        for study in range(studies):
            fresh = simulated({"report": recordings}, np.random.default_rng([2, study]))
            own = slice(2 * SEEDS * study, 2 * SEEDS * (study + 1))
            few = Ensemble(ensemble.skeleton, {n: p[own] for n, p in ensemble.parameters.items()}, {})
            names = list(range(recordings))
            grid = predict_rows(few, Resident(fresh, torch.device("cpu")), fresh, names, small(1).training.clips)
            predicted = grid.reshape(2, SEEDS, recordings, -1, 2).transpose(0, 2, 1, 4, 3)  # (2, R, S, K, T)
            tables.append(sums(predicted, fresh.target.reshape(recordings, 1, -1, 2).swapaxes(-1, -2)))
            stage.advance()
    return np.stack(tables)


def checked(tables: np.ndarray) -> dict[str, object]:
    """Compare the copies of every study, without a difference and with a planted one."""
    null = [compare(a, b) for a, b in tables]
    differences = np.array([one.difference for one in null])
    declared, zeros = sum(one.p < LEVEL for one in null), int((differences == 0).sum())
    factor = planted_factor(tables)
    planted = with_planted(tables, factor)
    found = sum(one.p < LEVEL and one.difference > 0 for one in planted)
    most = 0.08 * len(null)
    return {
        "recordings": tables.shape[2], "seeds": tables.shape[3], "studies": len(null), "declared": declared,
        "at most": most, "exactly 0": zeros, "smallest |difference|": np.abs(differences).min(),
        "mean CCC": ccc_from_sums(tables.sum(2)).mean(), "planted": lost(tables, factor), "found": found / len(null),
        "holds": declared <= most and zeros == 0 and 0.7 <= found / len(null) <= 0.9,
    }  # fmt: skip


def with_planted(tables: np.ndarray, factor: float) -> list[Comparison]:
    """Compare again, the second copy's predictions shrunk by a factor."""
    return [compare(a, b) for a, b in zip(tables[:, 0], shrunk(tables[:, 1], factor), strict=True)]


def planted_factor(tables: np.ndarray) -> float:
    """Return the factor that costs in the population what the studies it is planted in call detectable, on average.

    A printed number is an estimate: it goes up and down with the study, and their mean is what they are about.
    """

    def over(factor: float) -> float:
        return lost(tables, factor) - float(np.mean([one.detectable for one in with_planted(tables, factor)]))

    return float(brentq(over, 0.3, 1, xtol=1e-3))


def shrunk(sums: np.ndarray, factor: float) -> np.ndarray:
    """Return the sums of predictions that were multiplied: n, Sx, Sy, Sxx, Syy, Sxy."""
    return sums * np.array([1, factor, 1, factor**2, 1, factor])


def lost(tables: np.ndarray, factor: float) -> float:
    """Return by how much shrinking the second copy lowers its CCC in the population."""
    return population_ccc(tables[:, 1]) - population_ccc(shrunk(tables[:, 1], factor))


def population_ccc(tables: np.ndarray) -> float:
    """Return the mean CCC of all seeds, each over the recordings of its study (studies, R, S, K, 6)."""
    return float(ccc_from_sums(tables.sum(1)).mean())


if __name__ == "__main__":
    sys.exit(main())
