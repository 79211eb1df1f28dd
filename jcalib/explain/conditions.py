"""In which clips something happens to a face or a voice: the embedded corpus's truth, clip by clip (design 9)."""

from typing import TYPE_CHECKING

import numpy as np

from jcalib.corpora import Corpus
from jcalib.features import Features

if TYPE_CHECKING:
    import pandas as pd

EPISODES = {
    "face_covered": "face covered",
    "face_lost": "face lost",
    "voice_noisy": "voice noisy",
    "posed": "face posed",
}
SIGN = "sign flips"  # the synergy's sign changes within the clip
CLEAR = "nothing happens"
LEAST = 0.5  # of a clip's frames that an episode has to fill


def conditions(corpus: Corpus | None, features: Features, target: str) -> "pd.DataFrame":
    """Say for every clip which episodes fill half of it or more, and whether the synergy's sign changes in it.

    Args:
        corpus: the recordings with their truth; None, or one without truth, knows lost faces only.
        features: whose clips.
        target: "valence" or "arousal", for the sign.

    Returns:
        One row a row of the features; bool columns "nothing happens", "face covered", "face lost", "voice noisy",
        "face posed", "sign flips", as far as anything is known.
    """
    import pandas as pd

    table = pd.DataFrame({EPISODES["face_lost"]: ~features.valid[:, 1]})
    span = features.clip_frames
    truths = {one.name: one.truth for one in corpus.recordings} if corpus is not None else {}
    for number, info in enumerate(features.recordings):
        if truths.get(info.name) is None:
            continue
        first, count = features.span(number)
        frames = features.frame[first : first + count]
        with np.load(truths[info.name]) as truth:  # type: ignore[arg-type]
            found = {word: _share(truth[name], frames, span) >= LEAST for name, word in EPISODES.items()}
            turned = np.diff(np.sign(truth[f"m_{target}"]), prepend=np.sign(truth[f"m_{target}"][0])) != 0
            found[SIGN] = _share(turned, frames, span) > 0
        for word, happens in found.items():
            if word not in table:
                table[word] = False
            table.loc[first : first + count - 1, word] |= happens
    if SIGN in table:
        table.insert(0, CLEAR, ~table.any(axis=1))
    return table


def _share(mask: np.ndarray, ends: np.ndarray, span: int) -> np.ndarray:
    """The share of each clip's frames for which a mask holds, (n,)."""
    before = np.concatenate([[0], np.cumsum(mask)])
    first = np.maximum(ends + 1 - span, 0)
    return (before[ends + 1] - before[first]) / (ends + 1 - first)


def eventful_recording(table: "pd.DataFrame", happens: "pd.DataFrame") -> str:
    """Return the recording in whose clips most different things happen, among those of a table.

    Args:
        table: from `explain.clip_table`.
        happens: from `conditions`.
    """
    here = happens.loc[table["row"]].drop(columns=CLEAR, errors="ignore").reset_index(drop=True)
    by_name = here.groupby(table["recording"].to_numpy()).mean()
    return str(by_name.assign(kinds=(by_name > 0).sum(axis=1), much=by_name.sum(axis=1)).sort_values(
        ["kinds", "much"]).index[-1])  # fmt: skip


def episodes(corpus: Corpus | None, recording: str, target: str) -> dict[str, np.ndarray] | None:
    """Return a recording's truth for ribbons, one value a frame, or None where nothing is known.

    Args:
        corpus: where the recording is; None for features without one.
        recording: its name.
        target: "valence" or "arousal", for the sign.

    Returns:
        "time" in seconds, and bool by name: face_covered, face_lost, voice_noisy, posed, and "sign flips", a quarter
        of a second about each.
    """
    known = {one.name: one for one in corpus.recordings} if corpus is not None else {}
    if recording not in known or known[recording].truth is None:
        return None
    truth = known[recording].load_truth()
    time, sign = truth["time"], np.sign(truth[f"m_{target}"])
    flips = time[np.flatnonzero(np.diff(sign)) + 1]
    near = (np.abs(time[:, None] - flips) <= 0.125).any(axis=1)
    return {"time": time, **{name: truth[name] for name in EPISODES}, SIGN: near}
