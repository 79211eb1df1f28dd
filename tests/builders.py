"""Miniature recordings and corpora for tests: coloured squares for faces, tones and clicks for voices."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from jcalib.media import write_picture, write_video

RATE = 44_100


def square_face(brightness: float, side: int = 112) -> np.ndarray:
    """A grey picture with a square in its middle: uint8 (side, side, 3)."""
    face = np.full((side, side, 3), 90, np.uint8)
    middle = slice(side // 4, 3 * side // 4)
    face[middle, middle] = np.uint8(255 * brightness)
    return face


def tone(seconds: float, hertz: float = 220, loudness: float = 0.3) -> np.ndarray:
    """A steady tone: float32 (S,)."""
    return (loudness * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def add_recording(
    root: Path,
    name: str,
    split: str = "Train_Set",
    frames: int = 48,
    labels: np.ndarray | None = None,
    lost: Sequence[int] = (),
    sound: np.ndarray | None = None,
    video: str | None = None,
) -> Path:
    """Writes one recording into a folder in Aff-Wild2's layout.

    Args:
        root: the corpus' folder.
        name: the track's name.
        split: folder of the annotation.
        frames: of the video, at 25 a second.
        labels: (T, 2) as written, a ramp by default.
        lost: frames without a crop.
        sound: the soundtrack, a tone by default.
        video: the video's name where it is not the track's.

    Returns:
        The annotation file.
    """
    ramp = np.linspace(-0.8, 0.8, frames)
    faces = [square_face(0.5 + value / 2) for value in ramp]
    path = root / "videos" / f"{video or name}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, [face[:64, :64] for face in faces], 25, tone(frames / 25) if sound is None else sound)
    crops = root / "cropped_aligned" / name
    crops.mkdir(parents=True, exist_ok=True)
    for frame, face in enumerate(faces):
        if frame not in lost:
            write_picture(crops / f"{frame + 1:05d}.jpg", face)
    values = np.stack([ramp, -ramp], axis=1) if labels is None else labels
    annotation = root / "annotations" / "VA_Estimation_Challenge" / split / f"{name}.txt"
    annotation.parent.mkdir(parents=True, exist_ok=True)
    annotation.write_text("valence,arousal\n" + "".join(f"{v:.4f},{a:.4f}\n" for v, a in values))
    return annotation


def tiny_corpus(root: Path, train: int = 3, validation: int = 1, frames: int = 48) -> Path:
    """Writes persons p1, p2, ... of a train set and a validation set."""
    for number in range(1, train + validation + 1):
        add_recording(
            root, f"p{number}", "Train_Set" if number <= train else "Validation_Set", frames, lost=range(number)
        )
    return root


def write_stamped(
    path: Path,
    frame_times: Sequence[float],
    sound_blocks: Sequence[tuple[float, np.ndarray]] = (),
    brightness: Sequence[float] | None = None,
    channels: int = 1,
) -> None:
    """Writes a Matroska file in which every frame and every block of PCM sound lies at a time of its own.

    Args:
        path: the file, `.mkv`.
        frame_times: seconds, one a frame.
        sound_blocks: start in seconds and samples (S,) or (channels, S).
        brightness: of each frame.
        channels: of the soundtrack.
    """
    clock = Fraction(1, 1000)
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width = video.height = 64
        video.pix_fmt, video.codec_context.time_base = "yuv420p", clock
        layout = "stereo" if channels == 2 else "mono"
        audio = container.add_stream("pcm_s16le", rate=RATE, layout=layout) if len(sound_blocks) else None
        for number, seconds in enumerate(frame_times):
            face = square_face(0.5 if brightness is None else brightness[number], 64)
            frame = av.VideoFrame.from_ndarray(face, format="rgb24")
            frame.pts, frame.time_base = round(seconds * 1000), clock
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for start, samples in sound_blocks:
            block = np.atleast_2d(samples).T.reshape(1, -1)
            sound = av.AudioFrame.from_ndarray((block * 32767).astype(np.int16), format="s16", layout=layout)
            sound.sample_rate, sound.pts, sound.time_base = RATE, round(start * RATE), Fraction(1, RATE)
            container.mux(audio.encode(sound))
        if audio is not None:
            container.mux(audio.encode(None))
