"""What a study will take, said before it starts: `jcalib ablate` and `jcalib search`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jcalib.reporting.forecast import COSTS, look_up
from jcalib.reporting.values import SYNTHETIC
from jcalib.settings import Preset

if TYPE_CHECKING:
    from jcalib.studies.space import Dimension

CELL_COST = 0.94  # of a cell's step over a named fusion's, on average: make bench ONLY=fusions,cells on 2 cores


def ablation_lines(
    fusions: Sequence[str],
    settings: Preset,
    seeds: int | None,
    device: str,
    corpus: str,
    sizes: Sequence[int] = (),
) -> list[str]:
    """Return what an ablation will do and take at most, as text, before it starts anything.

    Args:
        fusions: that are compared.
        settings: the preset, its corpus in the regime that was asked for.
        seeds: of each; None for the preset's number.
        device: "auto", "cpu" or "cuda".
        corpus: "synthetic", or a folder.
        sizes: of a learning curve of the fusions that are no cells, in training recordings.
    """
    from jcalib.fusion.registry import CELL

    named = [name for name in fusions if not name.startswith(CELL)]
    trainings = len(named) + CELL_COST * (len(fusions) - len(named))
    trainings += len(named) * sum(set(sizes) - {settings.corpus.split.fusion}) / settings.corpus.split.fusion
    what = f"{len(fusions)} fusions x {seeds or settings.seeds} seeds"
    curve = f", {len(named)} of them on {', '.join(map(str, sorted(set(sizes))))} training recordings" if sizes else ""
    return _lines("ablation", f"{what}{curve}: {' '.join(fusions)}", trainings, settings, seeds, device, corpus)


def search_lines(
    fusions: Sequence[str],
    space: "Sequence[Dimension]",
    trials: int,
    settings: Preset,
    seeds: int | None,
    device: str,
    corpus: str,
) -> list[str]:
    """Return what a search will do and take, as text: `ablation_lines` of trials.

    A trial is taken to cost what the preset's settings cost, times the mean of the epochs and of the width that the
    space holds over the preset's own.

    Args:
        fusions: that are tuned.
        space: what is searched.
        trials: of each fusion.
        settings, seeds, device, corpus: as in `ablation_lines`.
    """
    scale = 1.0
    for one in space:
        if one.name in ("epochs", "dim"):
            scale *= sum(one.values) / len(one.values) / getattr(settings.training, one.name)
    what = f"{len(fusions)} fusions x {trials} trials x {seeds or settings.seeds} seeds: {' '.join(fusions)}"
    lines = _lines("search", what, scale * trials * len(fusions), settings, seeds, device, corpus)
    return [lines[0], f"space       {' '.join(map(str, space))}", *lines[1:]]


def _lines(
    verb: str, what: str, trainings: float, settings: Preset, seeds: int | None, device: str, corpus: str
) -> list[str]:
    """Return what is done, on which corpus, and the minutes of so many trainings of a named fusion."""
    from jcalib.training import pick_device

    kind, count, own = pick_device(device).type, seeds or settings.seeds, corpus != SYNTHETIC
    lines = [f"{verb:<11} {what}, on {kind}"]
    lines.append(f"corpus      {corpus if own else f'{settings.name}, {settings.corpus.regime} regime'}")
    cost = None if own else COSTS.get((settings.name, kind))
    if cost is None:
        return [*lines, f"time        not measured for {'this corpus' if own else settings.name} on {kind}"]
    cached = look_up(settings, (), count, kind)
    minutes = trainings * cost.fusion * count / settings.seeds
    minutes += (not cached.corpus) * cost.corpus + (not cached.encoders) * cost.encoders
    return [*lines, f"time        at most about {max(round(minutes), 1)} min; runs that are finished are used again"]
