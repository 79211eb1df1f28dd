"""What causes a recording: latents, cues, episodes and the labels they add up to (design 9).

Per recording and target, y = sqrt(r) s + sqrt(u_f) f + sqrt(u_v) a + sqrt(q) m g before the squash.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jcalib.settings import CorpusSettings, Mix

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

TARGETS = ("valence", "arousal")
BAND = (0.05, 0.35)  # Hz, the latents
NOISE_BAND = (0.05, 1.0)  # Hz, the noise on the cues: smoothing does not take it away
GAIN = 0.4  # label units per standard deviation: 2.5 of them reach the clip at 1
FLIP = 0.1  # s, time constant of a change of the synergy sign
FADE = 0.2  # s, half the time in which a posed face takes over
LONG, SHORT = (6.0, 8.0), (1.5, 4.0)  # s, lengths of episodes
LONG_SHARE = 0.6


@dataclass(frozen=True)
class Causes:
    """Everything that decides a recording's labels and what its face and voice show of them.

    Attributes:
        time: (T,) seconds.
        latents: (T,) each, named `s_valence`, `f_valence`, `a_valence`, `g_valence`, `m_valence`, ...
        target: (T, 2) valence and arousal before squash and clip.
        face_cue: (T, 2) what the face shows of s and f: mouth curvature, eye opening.
        face_synergy_cue: (T, 2) what the face shows of g: brow tilt, brow height.
        voice_cue: (T, 2) what the voice carries of s and a, `lag` late: vowel brightness, pitch.
        voice_synergy_cue: (T, 2) what the voice carries of m: breathiness, tempo.
        face_covered, face_lost, voice_noisy, posed: (T,) episodes.
    """

    time: Array
    latents: dict[str, Array]
    target: Array
    face_cue: Array
    face_synergy_cue: Array
    voice_cue: Array
    voice_synergy_cue: Array
    face_covered: Mask
    face_lost: Mask
    voice_noisy: Mask
    posed: Mask

    @property
    def labels(self) -> Array:
        """(T, 2) valence and arousal in [-1, 1]."""
        return squash(self.target)

    def truth(self) -> dict[str, NDArray]:
        """Return all arrays by name, as the truth file keeps them."""
        rest = {name: value for name, value in vars(self).items() if name != "latents"}
        return {**self.latents, **rest}


def squash(target: Array) -> Array:
    """Return labels in [-1, 1]: affine, with a clip."""
    return np.clip(GAIN * target, -1, 1)


def draw_causes(settings: CorpusSettings, rng: np.random.Generator) -> Causes:
    """Draw the causes of one recording.

    Args:
        settings: the corpus, its regime already applied.
        rng: the recording's own generator.
    """
    time = np.arange(round(settings.seconds * settings.fps)) / settings.fps
    covered, lost = _face_losses(settings, rng)
    noisy = _any(episodes(settings, settings.voice_loss, rng), len(time))
    posed = _any(episodes(settings, settings.posed, rng), len(time))
    targets = [_Target(mix, settings, time, posed, rng) for mix in (settings.valence, settings.arousal)]

    def both(name: str) -> Array:
        return np.stack([getattr(target, name) for target in targets], axis=1)

    return Causes(
        time=time,
        latents={
            f"{key}_{name}": value for name, t in zip(TARGETS, targets, strict=True) for key, value in t.latents.items()
        },
        target=both("value"),
        face_cue=both("face_cue"),
        face_synergy_cue=both("face_synergy_cue"),
        voice_cue=both("voice_cue"),
        voice_synergy_cue=both("voice_synergy_cue"),
        face_covered=covered,
        face_lost=lost,
        voice_noisy=noisy,
        posed=posed,
    )


class _Target:
    """The causes of one target: latents, its value and its four cues."""

    def __init__(self, mix: Mix, settings: CorpusSettings, time: Array, posed: Mask, rng: np.random.Generator) -> None:
        true, copy = (_Courses(settings.seconds, BAND, 4, rng) for _ in range(2))
        noise = settings.noise * _Courses(settings.seconds, NOISE_BAND, 4, rng).at(time)
        s, f, a, g = true.at(time)
        m = _sign(settings, time, np.stack([np.ones_like(s), s, f, a]) * g, rng)
        self.latents = {"s": s, "f": f, "a": a, "g": g, "m": m}
        self.value = _weighted(mix, redundancy=s, unique_face=f, unique_voice=a, synergy=m * g)

        face = _weighted(mix, redundancy=s, unique_face=f)
        posed_s, posed_f = copy.at(time)[:2]
        share = fade(posed, settings.fps)
        face += share * (_weighted(mix, redundancy=posed_s, unique_face=posed_f) - face)
        late_s, _, late_a, _ = true.at(time - settings.lag)
        voice = _weighted(mix, redundancy=late_s, unique_voice=late_a)
        self.face_cue = _unit(face, noise[0], mix.redundancy + mix.unique_face, settings.noise)
        self.voice_cue = _unit(voice, noise[1], mix.redundancy + mix.unique_voice, settings.noise)
        self.face_synergy_cue = _unit(g, noise[2], 1, settings.noise)
        self.voice_synergy_cue = _unit(m, noise[3], 1, settings.noise)


class _Courses:
    """Band-limited courses of zero mean and unit variance, orthogonal over the recording.

    Whole periods fit the recording, so that harmonics are orthogonal to constants and to each other; the
    coefficients are uniform over orthonormal frames, so that no course is determined by the others.
    """

    def __init__(self, seconds: float, band: tuple[float, float], count: int, rng: np.random.Generator) -> None:
        lowest = max(1, int(np.ceil(band[0] * seconds)))
        highest = max(int(band[1] * seconds), lowest + (count + 1) // 2)  # room for `count` in a short recording
        self._frequencies = np.arange(lowest, highest + 1) / seconds
        frame, triangle = np.linalg.qr(rng.standard_normal((2 * len(self._frequencies), count)))
        self._coefficients = (frame * np.sign(np.diag(triangle))).T

    def at(self, time: Array) -> Array:
        """Return (count, T) values at `time` in seconds, which may lie outside the recording."""
        angle = 2 * np.pi * self._frequencies[:, None] * time
        return np.sqrt(2) * self._coefficients @ np.concatenate([np.cos(angle), np.sin(angle)])


def _weighted(mix: Mix, **latents: Array) -> Array:
    return sum((np.sqrt(getattr(mix, name)) * value for name, value in latents.items()), start=np.zeros(1))


def _unit(signal: Array, noise: Array, power: float, noise_level: float) -> Array:
    """Return signal plus noise at unit variance; a cue that carries nothing stays still."""
    return (signal + noise) / max(np.sqrt(power + noise_level**2), 1e-9)


def _sign(settings: CorpusSettings, time: Array, products: Array, rng: np.random.Generator) -> Array:
    """Return the best of a few random signs: the one whose product with g is least like anything else.

    The rule does not change when all signs turn, so m alone still says nothing about g, nor g about m.
    """
    signs = [_random_sign(settings, time, rng) for _ in range(16)]
    return min(signs, key=lambda m: float(np.abs(products @ m).max()))


def _random_sign(settings: CorpusSettings, time: Array, rng: np.random.Generator) -> Array:
    stays = rng.uniform(*settings.dwell, size=2 + int(settings.seconds / settings.dwell[0]))
    flips = np.cumsum(stays) - rng.uniform(0, stays[0])
    return rng.choice([-1.0, 1.0]) * np.prod(-np.tanh((time - flips[:, None]) / FLIP), axis=0)


def episodes(settings: CorpusSettings, fraction: float, rng: np.random.Generator) -> list[slice]:
    """Draw stretches of frames that cover `fraction` of the time on average over recordings.

    More than half of them last 6 s or longer, or temporal smoothing would bridge them all. No two overlap.
    """
    long = rng.random(32) < LONG_SHARE
    lengths = np.where(long, rng.uniform(*LONG, 32), rng.uniform(*SHORT, 32)).clip(max=settings.seconds / 2)
    count = int(fraction * settings.seconds / lengths.mean() + rng.random())
    lengths = lengths[:count]
    lengths *= min(1.0, 0.9 * settings.seconds / max(lengths.sum(), 1e-9))
    gaps = np.sort(rng.uniform(0, settings.seconds - lengths.sum(), count))
    starts = gaps + np.cumsum(lengths) - lengths
    edges = np.rint(np.stack([starts, starts + lengths], axis=1) * settings.fps).astype(int)
    return [slice(start, stop) for start, stop in edges]


def _face_losses(settings: CorpusSettings, rng: np.random.Generator) -> tuple[Mask, Mask]:
    """Return the frames in which the face is covered and those in which it is lost, in equal parts."""
    spans = episodes(settings, settings.face_loss, rng)
    covered = rng.random(len(spans)) < 0.5
    length = round(settings.seconds * settings.fps)
    return (
        _any([span for span, yes in zip(spans, covered, strict=True) if yes], length),
        _any([span for span, yes in zip(spans, covered, strict=True) if not yes], length),
    )


def _any(spans: list[slice], length: int) -> Mask:
    mask = np.zeros(length, dtype=bool)
    for span in spans:
        mask[span] = True
    return mask


def fade(mask: Mask, fps: float) -> Array:
    """Return a mask as a course between 0 and 1 without jumps."""
    half = max(1, round(FADE * fps))
    window = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(mask.astype(float), half, mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")
