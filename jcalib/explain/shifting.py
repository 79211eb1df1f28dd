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
        high), how far it moved from that without corruption (change, change_low, change_high), and the mean
        |interaction| in target units (interaction, interaction_low, interaction_high), with 95 % intervals over
        persons.
    """
    import pandas as pd

    clips = run.settings.training.clips
    part, others, rows = recordings_of(features, numbers), background(features, clips), []
    untouched = _sizes(run, part, others, target)
    for one in corruptions:
        for severity in one.severities:
            clean = severity == one.clean
            sizes = untouched if clean else _sizes(run, one.apply(part, severity), others, target)
            measured = _row(sizes, untouched)
            rows.append({"kind": one.kind, "severity": severity, "unit": one.unit, "clean": clean, **measured})
    return pd.DataFrame(rows)


def _sizes(run: Run, part: Features, others: tuple[Tensor, Tensor], target: str) -> "pd.DataFrame":
    """|voice|, |voice| + |face| and |interaction| of each clip, and whose it is; the same clips whatever was done."""
    import pandas as pd

    windows = Windows.of(part, range(len(part.recordings)), run.settings.training.clips)
    shares = report_shares(run, windows, others, target)
    person = np.array([info.person for info in part.recordings])[part.recording[windows.order]]
    sizes = {"voice": shares.audio.abs(), "both": shares.size, "interaction": shares.interaction.abs()}
    return pd.DataFrame({name: windows.course(x) for name, x in sizes.items()}).assign(person=person)


def _row(sizes: "pd.DataFrame", untouched: "pd.DataFrame") -> dict[str, float]:
    parts = [one[["voice", "both"]].to_numpy() for one in (sizes, untouched)]
    person = sizes["person"]
    share = jackknife(parts[0], person, lambda s: s[..., 0] / s[..., 1])
    change = jackknife(np.hstack(parts), person, lambda s: s[..., 0] / s[..., 1] - s[..., 2] / s[..., 3])
    both = mean_interval(sizes["interaction"], person)
    return {
        "value": share.value, "low": share.low, "high": share.high,
        "change": change.value, "change_low": change.low, "change_high": change.high,
        "interaction": both.value, "interaction_low": both.low, "interaction_high": both.high,
    }  # fmt: skip
