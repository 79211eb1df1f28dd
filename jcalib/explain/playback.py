"""One recording with everything that is shown of it over time: the arrays that player, explorer and strip all draw.

Maps are kept as signed bytes: a value is byte x limit / 127, and the limit, one a target and modality for all fusions,
is a percentile of the absolute values, where the colours end too.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from jcalib.explain.film import film
from jcalib.explain.methods import COMPLETE
from jcalib.settings import choose

LEVELS = 127
PERCENTILE = 99.5
FRAME_S = 0.01  # between two frames of the spectrogram
BANDS, SPECTRA = 2, 4  # of the spectrogram, that a cell of its map adds up


@dataclass(frozen=True, eq=False)
class Track:
    """What one fusion predicts for one target, and where it comes from.

    Attributes:
        fusion, target: whose, what.
        prediction, spread: float32 (T,), mean and standard deviation over seeds, NaN where there is none.
        face: int8 (K, side, side), what each place of each picture adds to the prediction of its clip.
        sound: int8 (mels / 2, F / 4 rounded up), the same for cells of 2 bands and 4 spectra, a sum over
            the clips that hear a cell; 0 where none does.
        sums: float32 (C, 2), what voice and face add to each clip's prediction over its baseline's, by the map.
        shares: float32 (n, 3) at clip ends: Shapley values of voice and face, and their interaction.
        influence: float32 (n, L, 2): the spread of the prediction at a clip end when one clip of voice or face varies.
        missed: float32 (C,), by how much each map misses the difference that it should add up to.
        good: bool (C,), whether that is within max(1 %, 1e-3).
        steps: int (C,), points of the path.
    """

    fusion: str
    target: str
    prediction: np.ndarray
    spread: np.ndarray
    face: np.ndarray
    sound: np.ndarray
    sums: np.ndarray
    shares: np.ndarray
    influence: np.ndarray
    missed: np.ndarray
    good: np.ndarray
    steps: np.ndarray

    def sentence(self) -> str:
        """Say how many maps add up."""
        if not len(self.good):
            return "No clip could be explained."
        steps = " to ".join(map(str, sorted({self.steps.min(), self.steps.max()})))
        return (
            f"{self.good.sum()} of {len(self.good)} maps add up (within 1 % or .001; the worst misses by "
            f"{np.abs(self.missed).max():.4f}, {steps} steps)"
        )


@dataclass(frozen=True, eq=False)
class Playback:
    """A recording over time; T frames, n clip ends, C of them with a map, K pictures, F spectra.

    Attributes:
        name: the recording.
        origin: what predicted and what was explained, in words.
        method: of attribution.
        times: float64 (T,) seconds on the container's clock.
        true: float32 (T, 2), NaN where nobody annotated it.
        seen: bool (T,), a face was found.
        pictures: uint8 (T, 112, 112, 3), the face crops; grey where the face is lost.
        sound: float32 (S,), mono at 44.1 kHz, from `sound_start` on.
        spectrogram: uint8 (mels, F), from `decibel[0]` to `decibel[1]`.
        decibel: (2,).
        sound_start: seconds at which the sound starts, and the first spectrum is centred.
        heard: bool (F,), sound that a clip with a map hears.
        ends: int (n,), frames of all clip ends.
        windows: int (n, L), the frames at which the clips of each clip end's window end; -1 is padding.
        explained: int (C,), frames of the clip ends with a map.
        face_frames: int (K,), the frame of each picture that has a map.
        spans: seconds that a clip's pictures and its sound last, ending at its end.
        limits: by target, the voice's and the face's value at which the colours end.
        episodes: name to bool (T,).
        tracks: by (fusion, target).
        baseline: what the maps start from, in words.
        background: what stands in for a missing modality in the shares, in words; empty where there are no shares.
        variation: what a clip varies as in the influence, in words.
    """

    name: str
    origin: str
    method: str
    times: np.ndarray
    true: np.ndarray
    seen: np.ndarray
    pictures: np.ndarray
    sound: np.ndarray
    spectrogram: np.ndarray
    decibel: tuple[float, float]
    sound_start: float
    heard: np.ndarray
    ends: np.ndarray
    windows: np.ndarray
    explained: np.ndarray
    face_frames: np.ndarray
    spans: tuple[float, float]
    limits: dict[str, tuple[float, float]]
    tracks: dict[tuple[str, str], Track]
    baseline: str
    background: str
    variation: str
    episodes: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def fusions(self) -> tuple[str, ...]:
        """The fusions, in order."""
        return tuple(dict.fromkeys(fusion for fusion, _ in self.tracks))

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets, in order."""
        return tuple(dict.fromkeys(target for _, target in self.tracks))

    @cached_property
    def video(self) -> bytes:
        """An mp4 with pictures and sound, 0 at the first frame; made when it is first asked for."""
        return film(self.pictures, self.times, self.sound, self.sound_start)

    @property
    def complete(self) -> bool:
        """Whether the method promises maps that add up: of others no sum is told."""
        return self.method in COMPLETE

    def track(self, fusion: str, target: str) -> Track:
        """Return one track.

        Raises:
            UserError: there is none of that name.
        """
        return self.tracks[choose(fusion, self.fusions, "fusion"), choose(target, self.targets, "target")]

    def face_at(self, frame: int) -> int | None:
        """Return which picture's map belongs to a frame, of the clip that `clip_at` names; None where none is near."""
        clip = self.clip_at(frame)
        if clip is None or not self.seen[frame]:
            return None
        begin = self.explained[clip - 1] + 1 if clip else 0
        first, stop = np.searchsorted(self.face_frames, [begin, self.explained[clip] + 1])
        far = np.abs(self.face_frames[first:stop] - frame)
        return int(first + far.argmin()) if far.min(initial=self.reach + 1) <= self.reach else None

    @cached_property
    def reach(self) -> int:
        """Frames over which a picture's map is shown: as many as lie between two pictures, as a clip starts there."""
        steps = np.diff(self.face_frames)
        return int(np.median(steps)) - 1 if len(steps) else 3

    def clip_at(self, frame: int) -> int | None:
        """Return which explained clip a frame lies in, None after the last."""
        later = int(np.searchsorted(self.explained, frame))
        return later if later < len(self.explained) else None

    def row_at(self, frame: int) -> int:
        """Return the clip end at or before a frame, the first where there is none."""
        return max(int(np.searchsorted(self.ends, frame, side="right")) - 1, 0)

    def largest_influence(self, target: str) -> float:
        """Return the largest influence on a target, over all fusions: where a scale ends."""
        values = [track.influence for (_, name), track in self.tracks.items() if name == target]
        return max(float(np.nanmax(one, initial=0.0)) for one in values) or 1.0

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything that is drawn, by name."""
        named = ("times", "true", "seen", "spectrogram", "heard", "ends", "windows", "explained", "face_frames")
        found = {name: getattr(self, name) for name in named}
        found |= {f"episodes/{name}": values for name, values in self.episodes.items()}
        parts = ("prediction", "spread", "face", "sound", "sums", "shares", "influence", "missed", "good")
        for (fusion, target), track in self.tracks.items():
            found |= {f"{fusion}/{target}/{part}": getattr(track, part) for part in parts}
        return found

    def digest(self) -> str:
        """Return a hash of all that is drawn: equal in player, explorer and strip."""
        found = hashlib.sha256()
        for name, values in sorted(self.arrays().items()):
            found.update(f"{name} {values.dtype} {values.shape} ".encode())
            found.update(np.ascontiguousarray(values).tobytes())
        return found.hexdigest()


def quantised(values: np.ndarray, limit: float) -> np.ndarray:
    """Return signed bytes: `limit` and beyond is 127, its negative -127.

    Args:
        values: in target units.
        limit: above 0.
    """
    return np.round(np.nan_to_num(values) / limit * LEVELS).clip(-LEVELS, LEVELS).astype(np.int8)


def colour_limit(values: list[np.ndarray]) -> float:
    """Return the percentile of the absolute values at which colours end; the largest where that is 0, 1 where all is.

    Args:
        values: arrays of any shape.
    """
    size = np.concatenate([np.abs(one).ravel() for one in values]) if values else np.zeros(0)
    size = size[np.isfinite(size)]
    return float(np.percentile(size, PERCENTILE)) or float(size.max()) or 1.0 if len(size) else 1.0
