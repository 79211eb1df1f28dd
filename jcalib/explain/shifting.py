"""How the shares of voice and face move while one of them gets worse."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from jcalib.explain.intervals import jackknife, mean_interval
from jcalib.explain.looking import Windows, report_shares
from jcalib.features import Features
from jcalib.studies.corruptions import Corruption, recordings_of
from jcalib.training import Run, background

if TYPE_CHECKING:
    import pandas as pd


def shares_under(
    run: Run, features: Features, corruptions: Sequence[Corruption], target: str, numbers: Sequence[int]
) -> "pd.DataFrame":
    """Corrupt recordings, and see whose share of the prediction and what interaction is left.

    Args:
        run: whose fusions, as their mean over seeds.
        features: what the run was evaluated on.
        corruptions: from `studies.corruptions.feature_corruptions` or `studies.signal_corruptions`.
        target: "valence" or "arousal".
        numbers: of the recordings, ascending.

    Returns:
        One row a kind and severity: kind, severity, unit, clean; the voice's share of |voice| + |face| (value, low,
        high) and the mean |interaction| in target units (interaction, interaction_low, interaction_high), with 95 %
        intervals over persons.
    """
    import pandas as pd

    clips = run.settings.training.clips
    part, others, rows = recordings_of(features, numbers), background(features, clips), []
    untouched = _row(run, part, others, target)
    for one in corruptions:
        for severity in one.severities:
            clean = severity == one.clean
            found = untouched if clean else _row(run, one.apply(part, severity), others, target)
            rows.append({"kind": one.kind, "severity": severity, "unit": one.unit, "clean": clean, **found})
    return pd.DataFrame(rows)


def _row(run: Run, part: Features, others: tuple[Tensor, Tensor], target: str) -> dict[str, float]:
    windows = Windows.of(part, range(len(part.recordings)), run.settings.training.clips)
    shares = report_shares(run, windows, others, target)
    person = np.array([info.person for info in part.recordings])[part.recording[windows.order]]
    columns = np.stack([windows.course(x) for x in (shares.audio.abs(), shares.size)], axis=1)
    share = jackknife(columns, person, lambda s: s[..., 0] / s[..., 1])
    interaction = mean_interval(windows.course(shares.interaction.abs()), person)
    row = {name: getattr(share, name) for name in ("value", "low", "high")}
    return row | dict(zip(("interaction", "interaction_low", "interaction_high"), interaction[:3], strict=True))
