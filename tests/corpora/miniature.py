"""A miniature Aff-Wild2 with every quirk of the real one, built by someone who keeps count."""

import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import av
import numpy as np

from jcalib.media import write_picture, write_video
from tests.builders import square_face, tone

FRAMES = 40
EDITION = Path("annotations") / "VA_Estimation_Challenge"


class Quirk(NamedTuple):
    """What a check has to find: its kind, where, and the number that it has to give, if any."""

    kind: str
    file: str
    line: int | None = None
    count: int | None = None


@dataclass
class Miniature:
    """The folder, the quirks in it, and what must come out of it.

    Attributes:
        root: the corpus' folder.
        quirks: one row each.
        lost: recordings that a reader must leave out.
        late: recordings that fail when they are encoded.
        usable: recordings that must be read, with their number of frames.
        rates: frames per second of the usable ones.
    """

    root: Path
    quirks: list[Quirk] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    usable: dict[str, int] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)

    def found(self, kind: str, file: str | Path, line: int | None = None, count: int | None = None) -> None:
        """Notes a quirk down."""
        self.quirks.append(Quirk(kind, Path(file).as_posix(), line, count))

    def text(self, name: str, text: str | bytes, split: str = "Train_Set") -> Path:
        """Writes an annotation and returns its path from the root."""
        path = EDITION / split / f"{name}.txt"
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def add(
        self,
        name: str,
        split: str = "Train_Set",
        rows: list[str] | None = None,
        fps: float = 25,
        video: str | None = None,
        crops: range = range(FRAMES),
        frames: int = FRAMES,
    ) -> Path:
        """Writes a recording that nothing is wrong with, but for what the arguments change."""
        path = self.root / "videos" / (video or f"{name}.mp4")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            shutil.copy(_video(fps, frames, path.suffix), path)
        folder = self.root / "cropped_aligned" / name
        for frame in crops:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(_crop(), folder / f"{frame + 1:05d}.jpg")
        self.usable[name] = frames
        self.rates[name] = fps
        return self.text(name, "\n".join(["valence,arousal", *(labels(frames) if rows is None else rows), ""]), split)

    def lose(self, name: str) -> None:
        """A recording that cannot be used."""
        self.lost.append(name)
        self.usable.pop(name, None)


def labels(frames: int = FRAMES) -> list[str]:
    """Rows as they stand in an annotation."""
    return [f"{value:.3f},{-value:.3f}" for value in np.linspace(-0.8, 0.8, frames)]


def build_miniature(root: Path) -> Miniature:
    """Builds it, quirk after quirk."""
    made = Miniature(root)
    _lines(made)
    _frames(made)
    _videos(made)
    _sets(made)
    _strays(made)
    return made


def _lines(made: Miniature) -> None:
    path = made.add("windows", fps=23.976)
    text = b"\xef\xbb\xbf" + (made.root / path).read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n"
    made.text("windows", text)
    made.found("byte-order mark", path, 1)

    rows = labels()
    made.found("blank line", made.add("blank", rows=[*rows[:10], "", *rows[10:]]), 12)

    rows[3:8] = ["-5,-5"] * 5
    rows[20:23] = ["-5,0.1", "-5.0,0.2", "0.3,-5"]
    path = made.add("invalid", rows=rows)
    made.found("invalid frames", path, count=5)
    made.found("invalid in one column", path, count=3)

    made.found("invalid frames", made.add("nobody", rows=["-5,-5"] * FRAMES), count=FRAMES)
    made.found("nothing annotated", EDITION / "Train_Set" / "nobody.txt")

    rows = labels()
    rows[5], rows[30], rows[31] = "0.1;0.2", "1.5,0", "0.1,0.2,0.3"
    path = made.add("typos", rows=rows)
    for line in (7, 32, 33):
        made.found("unreadable line", path, line)

    rows = [f"{1000 * float(row.partition(',')[0]):.0f},0" for row in labels()]
    path = made.add("thousands", rows=rows)
    for line in range(2, FRAMES + 2):
        made.found("unreadable line", path, line)
    made.found("mostly unreadable", path, count=FRAMES)
    made.lose("thousands")

    made.add("headless")
    made.found("no header", made.text("headless", "\n".join(labels())), 1)
    made.lose("headless")


def _frames(made: Miniature) -> None:
    made.found("labels and frames differ", made.add("longer", rows=labels(43)), count=43)
    made.found("labels and frames differ", made.add("shorter", rows=labels(37)), count=37)
    made.usable["shorter"] = 37
    made.found("crops beyond the end", "cropped_aligned/shorter", count=3)

    made.add("hidden", crops=range(6, FRAMES), fps=60)
    made.found("lost faces", "cropped_aligned/hidden", count=6)

    made.found("no crops", made.add("faceless", crops=range(0)))

    made.add("hollow")
    (made.root / "cropped_aligned" / "hollow" / "00009.jpg").write_bytes(b"")
    made.found("empty crop", "cropped_aligned/hollow/00009.jpg")
    made.found("lost faces", "cropped_aligned/hollow", count=1)

    made.add("hurt")
    crop = made.root / "cropped_aligned" / "hurt" / "00009.jpg"
    crop.write_bytes(crop.read_bytes()[:-100])
    made.found("unreadable crop", "cropped_aligned/hurt/00009.jpg")
    made.late.append("hurt")

    made.found("too short", made.add("brief", frames=20), count=20)
    made.lose("brief")


def _videos(made: Miniature) -> None:
    made.add("duo_left", video="batch1/duo.mp4", fps=29.97)
    made.add("duo_right", video="batch1/duo.mp4", fps=29.97)

    made.found("no video", made.add("absent"))
    (made.root / "videos" / "absent.mp4").unlink()
    made.lose("absent")

    made.found("unreadable video", made.add("broken"))
    (made.root / "videos" / "broken.mp4").write_bytes(b"no video at all")
    made.lose("broken")

    made.add("cut", fps=30, frames=200)
    whole = (made.root / "videos" / "cut.mp4").read_bytes()
    (made.root / "videos" / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    made.found("fewer frames than the header says", "videos/cut.mp4", count=200)
    made.found("lost faces", "cropped_aligned/cut", count=160)
    made.late.append("cut")

    made.add("dropped", video="dropped.avi")  # its header counts five frames that it does not hold
    made.rates["dropped"] = 39 / (44 / 25)

    made.add("mute", video="mute.mp4")
    write_video(made.root / "videos" / "mute.mp4", [square_face(0.5, 64)] * FRAMES, 25, np.zeros(0))
    made.found("no soundtrack", "videos/mute.mp4")

    made.add("twin")
    shutil.copy(made.root / "videos" / "twin.mp4", made.root / "videos" / "twin.mpeg")
    made.found("two videos", "videos/twin.mpeg")


def _sets(made: Miniature) -> None:
    made.add("judge", "Validation_Set")
    made.add("pair_right", "Validation_Set", video="pair.mp4")
    made.add("pair_left", video="pair.mp4")
    made.found("person in two splits", "pair_left")
    made.lose("pair_left")

    made.add("exam", "Test_Set", rows=[])
    made.add("listed_left", "Test_Set", video="listed.mp4")
    (made.root / EDITION / "Test_Set" / "listed_left.txt").unlink()
    listing = EDITION / "Valence_Arousal_Estimation_Challenge_test_set_release.txt"
    (made.root / listing).write_text("exam\r\nlisted_left\r\nunknown\r\n")
    made.found("no video", listing, 3)
    made.lose("unknown")
    (made.root / "CVPR_5th_ABAW_VA_test_set_sample.txt").write_text("image_location,valence,arousal\n")

    older = made.root / "annotations" / "VA_Set" / "Train_Set"
    older.mkdir(parents=True)
    (older / "windows.txt").write_text("valence,arousal\n0,0\n")
    made.found("two editions", "annotations/VA_Set")

    shutil.copy(_video(25, FRAMES, ".mp4"), made.root / "videos" / "spare.mp4")
    made.found("no annotation", "videos/spare.mp4")
    (made.root / "cropped_aligned" / "spare").mkdir()
    made.found("no annotation", "cropped_aligned/spare")


def _strays(made: Miniature) -> None:
    places = [
        *(EDITION / "Train_Set" / name for name in (".DS_Store", "Thumbs.db", "._windows.txt")),
        *(Path("videos") / name for name in (".DS_Store", "._windows.mp4", "notes.txt")),
        *(Path("cropped_aligned") / "windows" / name for name in (".DS_Store", "._00001.jpg", "Thumbs.db")),
    ]
    for place in places:
        (made.root / place).write_bytes(b"\0")
        made.found("stray", place)
    (made.root / EDITION / "Train_Set" / "folder.txt").mkdir()
    made.found("stray", EDITION / "Train_Set" / "folder.txt")
    (made.root / "cropped_aligned" / ".DS_Store").write_bytes(b"\0")


@cache
def _shelf() -> Path:
    return Path(mkdtemp(prefix="miniature-"))


@cache
def _crop() -> Path:
    path = _shelf() / "crop.jpg"
    write_picture(path, square_face(0.7))
    return path


@cache
def _video(fps: float, frames: int, suffix: str) -> Path:
    """A video of grey squares under a tone; in an AVI five frames after the 20th are dropped, as recorders do."""
    path = _shelf() / f"{fps}-{frames}{suffix}"
    if suffix == ".mp4":
        write_video(path, [square_face(0.5, 64)] * frames, fps, tone(frames / fps))
        with (
            av.open(str(path)) as source,
            av.open(str(_shelf() / "front.mp4"), "w", options={"movflags": "faststart"}) as front,
        ):
            streams = {one.index: front.add_stream_from_template(one) for one in source.streams}
            for packet in source.demux():
                if packet.size:
                    packet.stream = streams[packet.stream.index]
                    front.mux(packet)
        return (_shelf() / "front.mp4").replace(path)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=round(fps))
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(square_face(0.5, 64), format="rgb24")
            frame.pts = number if number < 20 else number + 5
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
