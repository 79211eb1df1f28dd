"""Does a fusion look at the other modality, and when: cross-talk, shares and interaction of every clip of a run.

One table of clips feeds all: averages by condition with their intervals, the course over a recording, and the page
that plays it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from jcalib.explain.attention import attended_change
from jcalib.explain.crosstalk import cross_talk
from jcalib.explain.influence import Predict, feature_covariance
from jcalib.explain.intervals import jackknife
from jcalib.explain.share import Shares, modality_share
from jcalib.features import Features
from jcalib.fusion.inputs import MODALITIES
from jcalib.settings import choose
from jcalib.training import TARGETS, Run, background, known_rows
from jcalib.training.evaluation import Resident, recording_tiles

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {  # what is divided by what, each a sum over clips
    "cross-talk, voice": ("other_audio", "all_audio"),
    "cross-talk, face": ("other_visual", "all_visual"),
    "voice's share": ("abs_audio", "abs_both"),
    "interaction": ("abs_interaction", "count"),
    "change, voice": ("change_audio", "count_audio"),
    "change, face": ("change_visual", "count_visual"),
}


@dataclass(frozen=True)
class Windows:
    """The windows that tile some recordings, as the report's predictions were made.

    Attributes:
        audio, visual, mask: (B, L, Da), (B, L, Dv), (B, L, 2).
        rows: (B, L) rows of the features, -1 for padding.
        counted: (B, L) bool, true once for each row.
        recording: (B,) numbers.
    """

    audio: Tensor
    visual: Tensor
    mask: Tensor
    rows: np.ndarray
    counted: np.ndarray
    recording: Tensor

    @classmethod
    def of(cls, features: Features, names: Sequence[int], clips: int, dense: bool = False) -> "Windows":
        """Gather the windows of some recordings.

        Args:
            features: the features.
            names: numbers of the recordings.
            clips: L.
            dense: every clip end; else clips that touch and do not overlap, which say nearly as much at a fraction.
        """
        pairs = [_tiles(features, one, clips, dense) for one in names]
        rows, counted = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        audio, visual, mask, _ = Resident(features, torch.device("cpu")).gather(torch.from_numpy(rows))
        number = np.repeat(list(names), [len(pair[0]) for pair in pairs])
        return cls(audio, visual, mask, rows, counted, torch.from_numpy(number))

    def course(self, values: Tensor) -> np.ndarray:
        """Put (B, L) values in the order of `self.order`: one a row."""
        return values.numpy()[self.counted]

    @property
    def order(self) -> np.ndarray:
        """(N,) the rows of the features that `course` gives values of."""
        return self.rows[self.counted]


def train_covariances(features: Features) -> tuple[Tensor, Tensor]:
    """Return how audio and visual features vary over the valid clips of the fusion-training persons, (D, D) each."""
    known = (torch.from_numpy(known_rows(features, modality)) for modality in MODALITIES)
    audio, visual = map(feature_covariance, known)
    return audio, visual


def mean_prediction(run: Run, target: str) -> Predict:
    """Return what is explained, (audio, visual, mask) to (B, L): a run's mean prediction over seeds of one target."""
    column, ensemble = TARGETS.index(choose(target, TARGETS, "target")), run.ensemble("cpu")
    return lambda audio, visual, mask: ensemble.predict(audio, visual, mask)[..., column]


def report_shares(run: Run, windows: Windows, others: tuple[Tensor, Tensor], target: str) -> Shares:
    """Divide a run's mean prediction over seeds between voice and face, see `modality_share`."""
    return modality_share(mean_prediction(run, target), windows.audio, windows.visual, *others, windows.mask)


def share_table(run: Run, features: Features, windows: Windows, target: str) -> "pd.DataFrame":
    """Divide every clip's prediction between voice and face.

    Args:
        run: whose fusions, as their mean over seeds.
        features: what the run was evaluated on.
        windows: from `Windows.of`.
        target: "valence" or "arousal".

    Returns:
        One row a clip: row (of the features), recording, person, time; Shapley values `audio` and `visual`, their
        `interaction`, and the `prediction`, in target units; `abs_*`, the sizes of these; `count`, 1.
    """
    import pandas as pd

    shares = report_shares(run, windows, background(features, run.settings.training.clips), target)
    infos = [features.recordings[one] for one in features.recording[windows.order]]
    table = pd.DataFrame({"row": windows.order, "recording": [info.name for info in infos]})
    table["person"] = [info.person for info in infos]
    table["time"] = features.time[windows.order]
    for name in ("audio", "visual", "interaction", "prediction"):
        table[name] = windows.course(getattr(shares, name))
    table["abs_audio"], table["abs_both"] = table["audio"].abs(), table["audio"].abs() + table["visual"].abs()
    return table.assign(abs_interaction=table["interaction"].abs(), count=1.0)


def clip_table(run: Run, features: Features, names: Sequence[int], target: str) -> "pd.DataFrame":
    """Measure the clips of some recordings.

    Args:
        run, features, target: as in `share_table`.
        names: numbers of two recordings or more.

    Returns:
        As `share_table`, of clips that touch, and besides the mean over seeds of cross-talk energies (`other_*` and
        `all_*`, which add up to 1 over the table for each modality), and `change_*`, the length of what attention adds
        over the length of what it is added to, 0 where `count_*` is: clips without the modality.
    """
    windows = Windows.of(features, names, run.settings.training.clips)
    table = share_table(run, features, windows, target)
    talk = cross_talk(run.ensemble("cpu"), windows.audio, windows.visual, windows.mask, windows.recording, draws=2)
    change, counted = _change(run, windows), torch.from_numpy(windows.counted)
    for index, modality in enumerate(MODALITIES):
        other, own = talk.other[..., index], talk.own[..., index]  # (S, B, L)
        total = ((other + own) * counted).sum(dim=(-2, -1), keepdim=True)  # seeds differ in the size of features
        table[f"other_{modality}"] = windows.course((other / total).mean(dim=0))
        table[f"all_{modality}"] = windows.course(((other + own) / total).mean(dim=0))
        there = torch.isfinite(change[..., index])
        table[f"change_{modality}"] = windows.course(change[..., index].nan_to_num(0.0))
        table[f"count_{modality}"] = windows.course(there.double())
    predicted = features.valid[windows.order].any(axis=1)
    return table[predicted].sort_values("row", ignore_index=True)


def course_table(run: Run, features: Features, recording: str, target: str) -> "pd.DataFrame":
    """Divide the predictions of one recording at every clip end, in time order: see `share_table`."""
    numbers = {info.name: number for number, info in enumerate(features.recordings)}
    chosen = numbers[choose(recording, numbers, "recording")]
    windows = Windows.of(features, [chosen], run.settings.training.clips, dense=True)
    return share_table(run, features, windows, target).sort_values("row", ignore_index=True)


def by_condition(tables: "dict[str, pd.DataFrame]", conditions: "pd.DataFrame") -> "pd.DataFrame":
    """Average every measure over the clips of each condition, for each fusion.

    Args:
        tables: by fusion, from `clip_table`.
        conditions: from `explain.conditions`.

    Returns:
        Columns fusion, condition ("all clips" first), measure (see `MEASURES`), value, low, high, clips; intervals
        are a jackknife over persons.
    """
    import pandas as pd

    rows = [
        {"fusion": fusion, "condition": condition, "measure": measure, **interval._asdict(), "clips": len(part)}
        for fusion, table in tables.items()
        for condition, part in _parts(table, conditions)
        for measure, (above, below) in MEASURES.items()
        for interval in [jackknife(part[[above, below]], part["person"], lambda s: s[..., 0] / s[..., 1])]
    ]
    return pd.DataFrame(rows).rename(columns={"clusters": "persons"})


def differences(tables: "dict[str, pd.DataFrame]", conditions: "pd.DataFrame", a: str, b: str) -> "pd.DataFrame":
    """Return fusion a less fusion b for every measure and condition, over the same clips.

    Args:
        tables, conditions: as in `by_condition`.
        a, b: two of the fusions.

    Returns:
        Columns condition, measure, value, low, high, persons.
    """
    import pandas as pd

    first, second = (tables[choose(name, tables, "fusion")] for name in (a, b))
    rows = []
    for (condition, one), (_, other) in zip(_parts(first, conditions), _parts(second, conditions), strict=True):
        for measure, (above, below) in MEASURES.items():
            columns = np.column_stack([one[[above, below]], other[[above, below]]])
            interval = jackknife(columns, one["person"], lambda s: s[..., 0] / s[..., 1] - s[..., 2] / s[..., 3])
            rows.append({"condition": condition, "measure": measure, **interval._asdict()})
    return pd.DataFrame(rows).rename(columns={"clusters": "persons"})


def _parts(table: "pd.DataFrame", conditions: "pd.DataFrame") -> Iterator[tuple[str, "pd.DataFrame"]]:
    """The clips of each condition that any clip is in, all clips first."""
    yield "all clips", table
    here = conditions.loc[table["row"]].reset_index(drop=True)
    for name in here:
        if here[name].any():
            yield str(name), table[here[name].to_numpy()]


def _tiles(features: Features, recording: int, clips: int, dense: bool) -> tuple[np.ndarray, np.ndarray]:
    rows, counted = recording_tiles(features, recording, clips)
    first, _ = features.span(recording)
    kept = slice(None) if dense else (rows[:, -1] - first) % features.stride == 0
    return rows[kept], counted[kept]


def _change(run: Run, windows: Windows) -> Tensor:
    """(B, L, 2): the mean over seeds of the relative attended change; NaN where a modality is not there or not read."""
    of_seeds = [
        attended_change(run.fusion(seed), windows.audio, windows.visual, windows.mask, relative=True)
        for seed in run.settings.seeds
    ]
    return torch.stack(of_seeds).mean(dim=0)
