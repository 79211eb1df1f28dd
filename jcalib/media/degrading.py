"""Sound and pictures made worse as rooms, codecs and cameras make them: arrays in, arrays of the same shape out."""

from io import BytesIO

import av
import numpy as np

NOISE_FROM = 20.0  # hertz: below it pink noise has no power, or the deepest would drown the rest
EPISODE = 1.0  # seconds that a silence lasts, or a multiple of it
GREY = 128  # of what covers a face


def noisy(sound: np.ndarray, rate: int, snr: float, rng: np.random.Generator) -> np.ndarray:
    """Add pink noise, whose power falls as 1 / f like that of most surroundings.

    Args:
        sound: float32 (S,).
        rate: samples per second.
        snr: signal-to-noise ratio in dB, over the whole sound.
        rng: of the noise; its shape does not hang on the ratio.
    """
    spectrum = np.fft.rfft(rng.standard_normal(len(sound)))
    hertz = np.fft.rfftfreq(len(sound), 1 / rate)
    noise = np.fft.irfft(np.where(hertz < NOISE_FROM, 0, spectrum / np.sqrt(np.maximum(hertz, NOISE_FROM))), len(sound))
    scale = np.sqrt(_power(sound) / max(_power(noise), 1e-30) / 10 ** (snr / 10))
    return (sound + scale * noise).astype(np.float32)


def reverberant(sound: np.ndarray, rate: int, decay: float, rng: np.random.Generator) -> np.ndarray:
    """Put a sound into a room whose echoes together are as strong as the direct sound; the level stays.

    The room is noise that decays exponentially (Polack's model), which starts after the direct sound.

    Args:
        sound: float32 (S,).
        rate: samples per second.
        decay: RT60, seconds until the echoes are 60 dB down.
        rng: of the room; a longer decay is the same room with harder walls.
    """
    from scipy.signal import fftconvolve

    after = np.arange(1, round(1.5 * decay * rate)) / rate
    echoes = rng.standard_normal(len(after)) * 10 ** (-3 * after / decay)
    room = np.concatenate([[1.0], echoes / np.sqrt((echoes**2).sum())])
    heard = fftconvolve(sound, room)[: len(sound)]
    return (heard * np.sqrt(_power(sound) / max(_power(heard), 1e-30))).astype(np.float32)


def coded(sound: np.ndarray, rate: int, kbit: float) -> np.ndarray:
    """Send a sound through Opus, the codec of video calls, and back.

    Args:
        sound: float32 (S,).
        rate: samples per second.
        kbit: bit rate in kbit/s.
    """
    file = BytesIO()
    with av.open(file, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=48_000, layout="mono", bit_rate=round(1000 * kbit))
        for frame in [*_resampled(sound, rate, 48_000), None]:
            out.mux(stream.encode(frame))
    file.seek(0)
    with av.open(file, "r") as coded_file:
        resampler = av.AudioResampler("fltp", "mono", rate)
        frames = [*coded_file.decode(audio=0), None]
        pieces = [piece.to_ndarray()[0] for frame in frames for piece in resampler.resample(frame)]
    heard = np.concatenate([*pieces, np.zeros(len(sound))])[: len(sound)]
    return heard.astype(np.float32)


def silenced(sound: np.ndarray, rate: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Take seconds out of a sound.

    Args:
        sound: float32 (S,).
        rate: samples per second.
        share: how many of the seconds; the ones of a smaller share are among those of a larger.
        rng: of the choice.
    """
    return np.where(episodes(len(sound), rate, share, rng), 0, sound).astype(np.float32)


def episodes(count: int, rate: float, share: float, rng: np.random.Generator) -> np.ndarray:
    """Choose seconds: bool (count,), True for a share of them; those of a smaller share are among those of a larger.

    Args:
        count: of samples or frames.
        rate: of them per second.
        share: in [0, 1].
        rng: of the choice.
    """
    second = (np.arange(count) / rate / EPISODE).astype(int)
    return rng.random(int(second[-1]) + 1 if count else 0)[second] < share


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Blur a picture.

    Args:
        picture: uint8 (H, W, 3).
        sigma: standard deviation of the Gaussian, pixels.
    """
    import cv2

    return cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def covered(picture: np.ndarray, share: float, centre: tuple[float, float]) -> np.ndarray:
    """Cover a part of a picture with a grey square.

    Args:
        picture: uint8 (H, W, 3).
        share: of its area.
        centre: of the square, each in [0, 1]; moved as little as it takes to keep the square inside.
    """
    height, width = picture.shape[:2]
    side = min(round((share * height * width) ** 0.5), height, width)
    top, left = (
        round(min(max(at * length - side / 2, 0), length - side))
        for at, length in zip(centre, (height, width), strict=True)
    )
    picture = picture.copy()
    picture[top : top + side, left : left + side] = GREY
    return picture


def _power(sound: np.ndarray) -> float:
    return float(np.mean(np.square(sound, dtype=np.float64))) if len(sound) else 0.0


def _resampled(sound: np.ndarray, rate: int, wanted: int) -> list[av.AudioFrame]:
    frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler("flt", "mono", wanted)
    return [*resampler.resample(frame), *resampler.resample(None)]
