"""Make a `Playback`: explain clips that touch, so that each picture belongs to one clip's map.

So does each sound, up to 30 frames a second; above, clips' sound overlaps, and what it adds to each is added up.
"""

from collections.abc import Sequence

import numpy as np

from jcalib.clips import RATE, SAMPLES
from jcalib.corpora import Corpus
from jcalib.explain.baselines import OWN, known_encoding
from jcalib.explain.conditions import SIGN, episodes
from jcalib.explain.looking import Windows
from jcalib.explain.methods import METHODS
from jcalib.explain.playback import SPECTRA, Playback, Track, colour_limit, quantised
from jcalib.explain.source import Source
from jcalib.explain.tracks import Explained, by_row, kept_track
from jcalib.features import Features
from jcalib.progress import stage
from jcalib.settings import UserError, choose
from jcalib.training import TARGETS, Reference, Run


def playback(
    runs: Sequence[Run],
    corpus: Corpus,
    features: Features,
    recording: str,
    targets: Sequence[str] = TARGETS,
    method: str = "integrated_gradients",
    seed: int | None = None,
    source: Source | None = None,
) -> Playback:
    """Explain one recording over time, for one or a few fusions.

    Maps are of a train of clips that touch: what each part of a clip adds to the prediction at its end. Modality
    shares and temporal influence are taken at every clip end.

    Args:
        runs: trained on `features`, one a fusion.
        corpus: where the recording is.
        features: of the corpus, made by the kit's encoders.
        recording: its name.
        targets: what is explained.
        method: one of `METHODS`; Integrated Gradients takes 32 steps, or 64 where the map does not add up.
        seed: which one is explained; their mean if None.
        source: the recording, where it has been read before.

    Raises:
        UserError: an unknown name, two runs of one fusion, or features of unknown encoders.
    """
    known_encoding(features)
    choose(method, METHODS, "attribution method")
    names = [run.settings.fusion for run in runs]
    if len(set(names)) < len(names) or not names:
        raise UserError(f"runs are of {', '.join(names) or 'no fusion'}: a playback takes one run a fusion.")
    recordings = {one.name: one for one in corpus.recordings}
    source = source or Source.of(recordings[choose(recording, recordings, "recording")], features)
    explained = [Explained.of(run, target, method, seed) for run in runs for target in targets]
    with stage(f"explain {recording}", len(explained) * len(source.rows)) as progress:
        parts = {(one.run.settings.fusion, one.target): kept_track(one, source, progress) for one in explained}
        progress.note(f"{len(source.rows)} clips, {' and '.join(names)}, {' and '.join(targets)}")
    limits = {
        target: (
            colour_limit([parts[name, target]["sound"][:, source.heard[::SPECTRA]] for name in names]),
            colour_limit([parts[name, target]["face"] for name in names]),
        )
        for target in targets
    }
    tracks = {key: _quantised(*key, part, *limits[key[1]]) for key, part in parts.items()}
    which = "Mean over seeds" if seed is None else f"Seed {seed}"
    told = ", ".join(f"{run.settings.fusion} ({run.folder.name}, {len(run.settings.seeds)} seeds)" for run in runs)
    origin, reference = f"{which} of {told}; {method.replace('_', ' ')}.", explained[0].reference(features)
    return _assembled(source, origin, method, limits, tracks, corpus, targets, reference)


def _quantised(fusion: str, target: str, part: dict[str, np.ndarray], voice: float, face: float) -> Track:
    maps = {"sound": quantised(part["sound"], voice), "face": quantised(part["face"], face)}
    return Track(fusion=fusion, target=target, **{**part, **maps})


def _assembled(
    source: Source,
    origin: str,
    method: str,
    limits: dict[str, tuple[float, float]],
    tracks: dict[tuple[str, str], Track],
    corpus: Corpus,
    targets: Sequence[str],
    reference: Reference,
) -> Playback:
    """Put everything together."""
    features, info = source.features, source.features.recordings[source.number]
    first, count = features.span(source.number)
    windows = Windows.of(features, [source.number], next(iter(tracks.values())).influence.shape[1], dense=True)
    rows = by_row(windows, first, count, np.repeat(windows.rows[:, None], windows.rows.shape[1], axis=1))
    seen = source.recording.face_present()
    low, high = _range(source.spectrogram)
    happening = {
        f"{name}, {target}" if name == SIGN else name: np.asarray(values, bool)[: len(seen)]
        for target in targets
        for name, values in (episodes(corpus, source.recording.name, target) or {}).items()
        if name != "time"
    }
    fps = (len(info.times) - 1) / (info.times[-1] - info.times[0])
    return Playback(
        name=source.recording.name,
        origin=origin,
        method=method,
        times=info.times,
        true=info.labels.astype(np.float32),
        seen=seen,
        pictures=source.pictures,
        sound=source.sound,
        spectrogram=((source.spectrogram - low) / (high - low) * 255).clip(0, 255).astype(np.uint8),
        decibel=(low, high),
        sound_start=source.start,
        heard=source.heard,
        ends=features.frame[first : first + count],
        windows=np.where(rows >= 0, features.frame[np.maximum(rows, 0)], -1),
        explained=features.frame[source.rows],
        face_frames=source.face_frames,
        spans=(features.clip_frames / fps, SAMPLES / RATE),
        limits=limits,
        tracks=tracks,
        baseline=OWN,
        background=reference.background,
        variation=reference.variation,
        episodes={name: values for name, values in happening.items() if values.any()},
    )


def _range(decibel: np.ndarray) -> tuple[float, float]:
    """Where greys begin and end."""
    if not decibel.size:
        return -80.0, 0.0
    low, high = (float(value) for value in np.percentile(decibel, (2, 99.9)))
    return low, max(high, low + 1)
