"""Where the causes of a label lie: a clip rendered twice with a latent moved, all nuisances the same (design 9).

On demand for one clip, before compression. It changes cues after they are drawn, so that what is rendered for a corpus
stays as it is, byte by byte.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jcalib.corpora.synthetic.latents import FADE, GAIN, TARGETS, Causes, fade
from jcalib.corpora.synthetic.regimes import regime_settings
from jcalib.corpora.synthetic.render import Script
from jcalib.corpora.synthetic.scene import crop, draw, middles
from jcalib.corpora.synthetic.voice import RATE
from jcalib.settings import CorpusSettings, UserError, choose

DELTA = 0.5  # standard deviations of the latent
SPAN = 32  # frames up to the clip's end in which the latent is moved
SHARES = {"s": "redundancy", "f": "unique_face", "a": "unique_voice", "g": "synergy", "m": "synergy"}
LATENTS = tuple(f"{name}_{target}" for name in SHARES for target in TARGETS)
SEEN, HEARD = ("s", "f", "g"), ("s", "a", "m")


class Moved(NamedTuple):
    """A clip with a latent moved down, and up: pictures (2, 8, 112, 112, 3) in [0, 1], sound (2, samples)."""

    pictures: NDArray[np.float32]
    sound: NDArray[np.float32]


def render_moved(
    settings: CorpusSettings,
    number: int,
    frames: NDArray[np.int_],
    end: int,
    samples: int,
    latent: str | None,
    delta: float = DELTA,
) -> Moved:
    """Render a clip twice, with a latent at -delta and at +delta of where it was over the clip's 32 frames.

    Args:
        settings: of the corpus.
        number: of the recording, 0 for "person_001".
        frames: int (8,), the clip's pictures.
        end: the frame at which it ends.
        samples: of sound up to the end; what comes before the recording is silent.
        latent: "s_valence", "f_valence", "a_valence", "g_valence", "m_valence" or the same for arousal; None leaves
            everything as it is, twice.
        delta: standard deviations.

    Raises:
        UserError: there is no such recording or latent.
    """
    if not 0 <= number < settings.split.persons:
        raise UserError(f"recording has number {number}, the corpus has 0 to {settings.split.persons - 1}.")
    sides = [_render(settings, number, frames, end, samples, latent, sign * delta) for sign in (-1, 1)]
    return Moved(*(np.stack(parts) for parts in zip(*sides, strict=True)))


def recording_number(name: str) -> int:
    """Return the number of "person_001": 0.

    Raises:
        UserError: it is no name of the embedded corpus.
    """
    digits = name.removeprefix("person_")
    if not digits.isdecimal():
        raise UserError(f"{name} is not a recording of the embedded corpus: only its causes are known.")
    return int(digits) - 1


def move(causes: Causes, settings: CorpusSettings, latent: str, by: NDArray) -> Causes:
    """Return causes whose cues are those of a moved latent; noise, episodes and all other latents stay.

    Args:
        causes: of a recording.
        settings: of the corpus.
        latent: as in `render_moved`.
        by: (T,) standard deviations.
    """
    name, target = choose(latent, LATENTS, "latent").split("_")
    column, applied = TARGETS.index(target), regime_settings(settings)
    mix = getattr(applied, target)
    share = getattr(mix, SHARES[name])
    cues: dict[str, Any] = {}

    def add(cue: str, amount: NDArray, power: float) -> None:
        cues[cue] = getattr(causes, cue).copy()
        cues[cue][:, column] += amount / max(np.sqrt(power + applied.noise**2), 1e-9)

    if name in ("s", "f"):
        shown = 1 - fade(causes.posed, applied.fps)
        add("face_cue", shown * np.sqrt(share) * by, mix.redundancy + mix.unique_face)
    if name in ("s", "a"):
        add("voice_cue", np.sqrt(share) * by, mix.redundancy + mix.unique_voice)
    if name == "g":
        add("face_synergy_cue", by, 1)
    if name == "m":
        add("voice_synergy_cue", by, 1)
    return replace(causes, **cues)


def strongest_latents(settings: CorpusSettings, target: str) -> dict[str, list[tuple[str, float]]]:
    """Return the latents behind a target's cues, one a cue, each with how far the label moves with it.

    Args:
        settings: of the corpus.
        target: "valence" or "arousal".

    Returns:
        "visual" and "audio" to (latent, label units per standard deviation); a cue that carries nothing is left out.
    """
    mix = getattr(regime_settings(settings), choose(target, TARGETS, "target"))

    def weight(name: str) -> float:
        return GAIN * float(np.sqrt(getattr(mix, SHARES[name])))

    found = {}
    for modality, (shared, own, product) in {"visual": SEEN, "audio": HEARD}.items():
        main = max((shared, own), key=weight)
        found[modality] = [(f"{name}_{target}", weight(name)) for name in (main, product) if weight(name) > 0]
    return found


def _render(
    settings: CorpusSettings,
    number: int,
    frames: NDArray[np.int_],
    end: int,
    samples: int,
    latent: str | None,
    by: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    script = Script(settings, number)
    name = latent.split("_")[0] if latent else ""
    if latent is not None:
        course = by * _around(end, len(script.face), settings.fps)
        script.causes = move(script.causes, settings, latent, course)
    main, product = script.causes.face_cue, script.causes.face_synergy_cue
    shown = {"smile": main[:, 0], "lids": main[:, 1], "tilt": product[:, 0], "brows": product[:, 1]}
    state = replace(script.face, **{cue: np.asarray(course, np.float32) for cue, course in shown.items()})
    state = replace(state, **{cue: getattr(state, cue)[frames] for cue in vars(state)})
    scenes = draw(script.person.looks, state)
    faces = np.stack([crop(scene, middle) for scene, middle in zip(scenes, middles(state), strict=True)])
    if latent is not None and name not in HEARD:
        return faces, np.zeros(samples, np.float32)  # nothing of it is heard, and a voice takes long
    stop = round(script.causes.time[end] * RATE)
    heard = script.sound()[max(stop - samples, 0) : stop]
    return faces, np.pad(heard, (samples - len(heard), 0))


def _around(end: int, length: int, fps: float) -> NDArray:
    """1 over the clip, faded in before it: a tempo that changed long ago would have moved every syllable since."""
    here = np.zeros(length, bool)
    here[max(end - SPAN - round(FADE * fps) + 1, 0) : end + 1] = True
    course = fade(here, fps)
    course[max(end - SPAN + 1, 0) :] = 1
    return course
