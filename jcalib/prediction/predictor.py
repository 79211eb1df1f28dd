"""A run made ready for new videos: each is encoded exactly as the run's features were, in one pass and bounded memory.

Frames, faces, clips, features, windows and predictions are one stream; of a whole video only some numbers per frame
are kept.
"""

from collections.abc import Iterable
from itertools import count
from pathlib import Path

import numpy as np

from jcalib.clips import RATE, SAMPLES
from jcalib.features import MODALITIES, encode_clips
from jcalib.files import read_json
from jcalib.inputs import picture_clips, sound_clips
from jcalib.media import FaceFrame, sound_windows
from jcalib.prediction.result import Prediction, prediction_table
from jcalib.prediction.stream import Seen, Video
from jcalib.prediction.windows import Windows
from jcalib.progress import Stage, stage
from jcalib.settings import UserError
from jcalib.training import Run, load_encoder, pick_device
from jcalib.training.evaluation import to_frames


def predict(video: str | Path, run: "Run | str | Path", device: str = "auto") -> Prediction:
    """Predict valence and arousal of one video, frame by frame.

    Args:
        video: any file that PyAV opens.
        run: a run, its folder or its name, or a report's folder, whose joint run is taken.
        device: "auto", "cpu" or "cuda".

    Returns:
        The prediction; `.frame()` has time, and valence and arousal each with spread over seeds and interval.

    Raises:
        UserError: there is no such run, it cannot predict videos, or the video cannot be read.
    """
    return Predictor(run, device)(video)


def find_run(where: Run | str | Path) -> tuple[Run, str]:
    """Return a run and in words where it comes from.

    Args:
        where: a run, its folder or its name, or a report's folder, whose joint run is taken.

    Raises:
        UserError: there is no such run, or the report does not say which runs it compares.
    """
    if isinstance(where, Run):
        return where, where.folder.name
    folder = Path(where)
    if not (folder / "report.json").is_file():
        run = Run.load(where)
        return run, run.folder.name
    compared = [read_json(record).get("runs", {}) for record in sorted((folder / "chapters").glob("*.json"))]
    joint = next((runs["joint"] for runs in compared if "joint" in runs), None)
    if joint is None:
        raise UserError(f"report {folder.name} names no joint run: write it again with jcalib report, or name a run.")
    return Run.load(joint), f"{joint}, the joint run of report {folder.resolve().name}"


class Predictor:
    """A run with its encoders; call it with a video.

    Args:
        run: see `predict`.
        device: "auto", "cpu" or "cuda".

    Raises:
        UserError: there is no such run, or it cannot predict videos.
    """

    def __init__(self, run: Run | str | Path, device: str = "auto") -> None:
        self.run, self.origin = find_run(run)
        name, encoding = self.run.folder.name, self.run.encoding
        if encoding is None:
            raise UserError(
                f"run {name} does not know what made its features, so a video cannot be encoded as they were: "
                "name a run that was trained on a corpus of videos (jcalib train)."
            )
        self.encoding, self.calibration = encoding, self.run.calibration
        self._device = pick_device(device)
        self._encoders = {one: load_encoder(getattr(encoding, one), one) for one in MODALITIES}
        self.ensemble = self.run.ensemble(device)

    def __call__(self, video: str | Path, frames: Iterable[FaceFrame] | None = None) -> Prediction:
        """Predict one video.

        Args:
            video: any file that PyAV opens.
            frames: its frames with their face crops, where these are known already.

        Raises:
            UserError: the video cannot be read at all, or is too short for one clip end.
        """
        file, hop = Video.open(Path(video), self.encoding.fps), self.encoding.hop
        seen = Seen()
        with stage(f"predict {file.path.name}", file.length) as progress:
            grid, heard = self._clips(file, file.faces() if frames is None else frames, seen, progress)
            missing = file.missing(seen)
            if not len(heard):
                what = missing or f"{file.path.name} has {len(seen.times)} frames"
                raise UserError(f"{what.rstrip('.')}: a prediction needs {hop} frames.")
            progress.note(f"{len(seen.times)} frames")
        times = np.array(seen.times)
        frame = np.arange(len(times))
        boxes = np.array(seen.boxes, np.float32)
        present = {"face": np.isfinite(boxes[:, 0]), "voice": heard[np.minimum(frame // hop, len(heard) - 1)]}
        values = to_frames(frame[hop - 1 :: hop], grid, len(times))
        return Prediction(
            name=file.path.name,
            fusion=self.run.settings.fusion,
            run=self.run.folder.name,
            table=prediction_table(times, values, present, self.calibration),
            boxes=boxes,
            calibration=self.calibration,
            notes=file.notes(seen, self.encoding.clip_frames),
            trouble=missing,
        )

    def _clips(
        self, file: Video, frames: Iterable[FaceFrame], seen: Seen, progress: Stage
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions (S, n, 2) at the clip ends, and whether each clip has sound, (n,)."""
        hop, size, device = self.encoding.hop, self.encoding.size, str(self._device)
        span = self.encoding.clip_frames
        windows = Windows(self.ensemble, self.run.settings.training.clips, span // hop, self._device)
        faces = (frame.crop for frame in seen.watch(seen.until_damaged(frames), progress))
        crops = picture_clips(faces, count(hop - 1, hop), size, span)
        # Voices come after the faces of the same clips, whose frames have left their times.
        sound = sound_clips(seen.until_damaged(sound_windows(file.path, seen.ends(hop), SAMPLES, RATE)))
        voices = encode_clips(self._encoders["audio"], "audio", sound, size, device)
        heard = []
        for visual in encode_clips(self._encoders["visual"], "visual", crops, size, device):
            audio = np.full((len(visual), self.run.settings.audio_dim), np.nan, np.float32)
            voice = next(voices, audio[:0])  # shorter where the soundtrack is damaged
            audio[: len(voice)] = voice
            windows.add(audio, visual)
            heard.append(~np.isnan(audio[:, 0]))
        return (windows.finish(), np.concatenate(heard)) if heard else (np.zeros((0, 0, 2)), np.zeros(0, bool))
