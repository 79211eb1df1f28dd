"""Many videos to one folder: what comes out is named apart, opens, and a file that fails costs a row."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from jcalib.media import frame_times, read_frames, read_sound, write_video
from jcalib.prediction import Predictor, predict_files
from jcalib.prediction.files import find_videos
from jcalib.settings import UserError
from tests.builders import square_face, tone, write_stamped

Film = Callable[..., Path]


class Links(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            value or "" for name, value in attrs if name in ("src", "href") and not (value or "").startswith("#")
        ]


def test_good_and_bad_files_together(predictor: Predictor, film: Film, tmp_path: Path) -> None:
    one, other = film("a/clip.mp4"), film("b/clip.mp4", sound=False)
    (tmp_path / "b" / "bad & <ugly>.avi").write_bytes(b"nothing")
    (tmp_path / "none").mkdir()
    out = tmp_path / "out"
    made = predict_files(predictor, [one.parent, other.parent, tmp_path / "none", one], out)
    assert {path.name for path in out.iterdir()} == {
        "a-clip.csv", "a-clip.mp4", "b-clip.csv", "b-clip.mp4", "index.html", "failures.csv",
    }  # fmt: skip
    failures = pd.read_csv(out / "failures.csv")
    assert failures["name"].tolist() == ["none", "bad & <ugly>.avi"]
    assert failures["consequence"].tolist() == ["nothing predicted", "not predicted"]
    table = pd.read_csv(out / "a-clip.csv")
    np.testing.assert_allclose(table["valence"], predictor(one).frame()["valence"], atol=1e-4)
    assert table["voice"].eq(1).all() and pd.read_csv(out / "b-clip.csv")["voice"].eq(0).all()
    assert [entry.name for entry in made.entries] == ["a-clip", "b-clip"]
    links = Links(made.index).found
    assert set(links) == {"a-clip.csv", "a-clip.mp4", "b-clip.csv", "b-clip.mp4"}
    page = made.index.read_text()
    assert "bad &amp; &lt;ugly&gt;.avi" in page and "<ugly>" not in page
    assert "Outer band: the interval above" in page
    assert page.count('role="img"') == 2 and "Predicted traces of clip.mp4 over 1.6 s" in page
    with av.open(str(out / "b-clip.mp4")) as container:
        assert not container.streams.audio


def test_the_annotated_video_keeps_time_and_sound(predictor: Predictor, tmp_path: Path) -> None:
    """A flash and a click at one moment, in a file whose frames come when they like and whose clock starts late."""
    times = 0.4 + np.cumsum([0.0, *np.tile([0.03, 0.05, 0.04], 13)])
    click = np.zeros(44_100, np.float32)
    click[round((times[20] - 0.4) * 44_100) :][:400] = 0.9
    path = tmp_path / "flash.mkv"
    write_stamped(path, times.tolist(), [(0.4, click)], [float(n == 20) for n in range(40)])
    predict_files(predictor, [path], tmp_path / "out")
    made = tmp_path / "out" / "flash.mp4"
    np.testing.assert_allclose(frame_times(made), times - times[0], atol=2e-3)
    light = [picture[:400, 300:500].mean() for _, picture in read_frames(made)]
    assert int(np.argmax(light)) == 20
    sound, start = read_sound(made)
    heard = start + int(np.argmax(np.abs(sound) > 0.3)) / 44_100
    assert heard == pytest.approx(times[20] - times[0], abs=0.02)
    assert start + len(sound) / 44_100 == pytest.approx(times[-1] - times[0], abs=0.06)


def test_the_playhead_moves_and_the_box_is_drawn(predictor: Predictor, film: Film, tmp_path: Path) -> None:
    predict_files(predictor, [film(frames=30)], tmp_path / "out")
    frames = [picture for _, picture in read_frames(tmp_path / "out" / "clip.mp4")]
    assert len(frames) == 30 and frames[0].shape == (450 + 224, 800, 3)
    heads = [int(frame[460:640].min(axis=(0, 2)).argmax()) for frame in frames]
    assert heads[0] == pytest.approx(76, abs=2) and heads[-1] == pytest.approx(786, abs=2)
    assert (np.diff(heads) > 0).all()


def test_a_page_without_an_interval_explains_none(predictor: Predictor, film: Film, tmp_path: Path) -> None:
    bare = {name: one.model_copy(update={"half_width": None}) for name, one in predictor.calibration.items()}
    predictor.calibration = bare
    page = predict_files(predictor, [film()], tmp_path / "out").index.read_text()
    assert "not calibrated: the run had no selection persons" in page and "Outer band" not in page
    assert "Band: one standard deviation over seeds, which is not how far off a prediction is." in page


def test_names_differ_whatever_the_files_are_called(tmp_path: Path) -> None:
    for name in ("a/x.mp4", "b/x.MP4", "b/a-x.mp4", "c/b/x.avi", "failures.mp4", "b/.hidden.mp4", "b/notes.txt"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    named, empty = find_videos([tmp_path / "in"], tmp_path / "out")
    assert len({name.lower() for name in named}) == len(named) == 5 and not empty
    assert "failures" not in named and {path.name for path in named.values()} == {
        "x.mp4", "x.MP4", "a-x.mp4", "x.avi", "failures.mp4",
    }  # fmt: skip


def test_results_are_no_input_and_overwrite_none(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", [square_face(0.5, 64)] * 3, 25, tone(0.1))
    out = tmp_path / "out"
    out.mkdir()
    (out / "old.mp4").touch()
    assert list(find_videos([tmp_path], out)[0]) == ["clip"]
    with pytest.raises(UserError, match=r"clip\.mp4 would be overwritten by its own prediction"):
        find_videos([tmp_path / "clip.mp4"], tmp_path)
    with pytest.raises(UserError, match=r"nowhere does not exist"):
        find_videos([tmp_path / "nowhere"], out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty: no video there"):
        find_videos([tmp_path / "empty"], out)


def test_sound_alone_gets_a_video_too(predictor: Predictor, tmp_path: Path) -> None:
    write_stamped(tmp_path / "a.mkv", [0.0, 0.04], [(0.0, tone(1.2))])
    with (
        av.open(str(tmp_path / "a.mkv")) as source,
        av.open(str(tmp_path / "voice.mka"), "w", format="matroska") as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    made = predict_files(predictor, [tmp_path / "voice.mka"], tmp_path / "out")
    assert made.failures.empty and not (tmp_path / "out" / "failures.csv").exists()
    assert len(frame_times(tmp_path / "out" / "voice.mp4")) == 30


@pytest.mark.parametrize("name", ["clip.csv", "clip.mp4", "index.html", "failures.csv"])
def test_a_file_of_the_users_own_is_never_replaced(name: str, tmp_path: Path) -> None:
    video, out = tmp_path / "clip.mpg", tmp_path / "out"
    video.touch()
    out.mkdir()
    (out / name).write_text("time,valence,arousal\n0,0.5,0.5\n")
    with pytest.raises(UserError, match=rf"{name} is there and no prediction of jcalib: name another folder"):
        find_videos([video], out)


def test_earlier_predictions_are_replaced(predictor: Predictor, film: Film, tmp_path: Path) -> None:
    (tmp_path / "broken.avi").write_bytes(b"nothing")
    first = predict_files(predictor, [film(frames=30), tmp_path / "broken.avi"], tmp_path / "out")
    assert len(first.failures) == 1
    again = predict_files(predictor, [film(frames=34)], tmp_path / "out")
    assert len(pd.read_csv(again.folder / "clip.csv")) == 34 and not (again.folder / "failures.csv").exists()
    (again.folder / "clip.csv").write_text("time,valence,arousal\n0,0.5,0.5\n")
    with pytest.raises(UserError, match=r"clip\.csv is there and no prediction of jcalib"):
        predict_files(predictor, [film(frames=34)], again.folder)
