"""A file is fetched on request, resumed, verified; nothing in between is ever taken for it."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from jcalib.settings import UserError
from jcalib.weights import KNOWN, fetch, find
from jcalib.weights import known as room

CONTENT = np.random.default_rng(0).bytes(3_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Sends CONTENT, or no more than `breaks_off` bytes an answer; `asked` has the ranges that were asked for."""

    content, breaks_off, ranges = CONTENT, 10**9, True
    asked: list[str | None]


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers["Range"]
        self.server.asked.append(asked)
        whole = self.server.content
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.ranges else 0
        if asked and start >= len(whole):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(whole)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(whole) - start))
        self.end_headers()
        self.wfile.write(whole[start:][: self.server.breaks_off])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on this machine, and the known file `toy` that it has."""
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with Server(("127.0.0.1", 0), Answer) as serving:
        serving.asked = []
        url = f"http://127.0.0.1:{serving.server_port}/toy.pt"
        toy = replace(KNOWN["i3d"], name="toy", file="toy.pt", url=url, sha256=DIGEST)
        monkeypatch.setattr(room, "KNOWN", KNOWN)
        monkeypatch.setitem(KNOWN, "toy", toy)
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "weights").iterdir())


def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the weights toy are not here: jcalib weights fetch toy fetches them"):
        find("toy")
    assert fetch("toy").read_bytes() == CONTENT
    assert find("toy") == fetch("toy") == tmp_path / "weights" / "toy.pt"
    assert server.asked == [None] and files(tmp_path) == ["toy.pt"]


def test_an_interrupted_fetch_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.breaks_off = 1_300_000
    with pytest.raises(UserError, match=r"broke off at 1,300,000 of 3,000,000 bytes: the same command goes on\."):
        fetch("toy")
    assert files(tmp_path) == ["toy.pt.part"]
    with pytest.raises(UserError, match="broke off at 2,600,000 of 3,000,000"):
        fetch("toy")
    assert fetch("toy").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1300000-", "bytes=2600000-"] and files(tmp_path) == ["toy.pt"]


def test_a_server_without_ranges_sends_it_again_from_the_start(server: Server, tmp_path: Path) -> None:
    server.breaks_off = 1_000_000
    with pytest.raises(UserError, match="broke off"):
        fetch("toy")
    server.breaks_off, server.ranges = 10**9, False
    assert fetch("toy").read_bytes() == CONTENT


def test_a_whole_part_is_not_asked_for_twice_and_a_longer_one_is_removed(server: Server, tmp_path: Path) -> None:
    part = tmp_path / "weights" / "toy.pt.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    assert fetch("toy").read_bytes() == CONTENT
    (tmp_path / "weights" / "toy.pt").unlink()
    part.write_bytes(CONTENT + b"more")
    with pytest.raises(UserError, match="416"):
        fetch("toy")
    assert not part.exists()


def test_another_file_is_refused_and_removed(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(UserError, match=rf"sent another file, with SHA-256 \w{{64}}, not {DIGEST}: it"):
        fetch("toy")
    assert files(tmp_path) == []
    (tmp_path / "weights" / "toy.pt").write_bytes(b"old")
    with pytest.raises(UserError, match=r"toy\.pt has another SHA-256 than"):
        fetch("toy")


def test_without_a_checksum_the_user_has_to_say_so(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"--sha256 has 0000.*: toy\.pt is known to be"):
        fetch("toy", sha256="0" * 64)
    monkeypatch.setitem(KNOWN, "toy", replace(KNOWN["toy"], sha256=None))
    with pytest.raises(UserError, match=r"nobody states a checksum of toy\.pt.*--sha256.*--unverified"):
        fetch("toy")
    with pytest.raises(UserError, match="a SHA-256 is 64 hexadecimal digits"):
        fetch("toy", sha256="abc")
    assert server.asked == []
    with pytest.raises(UserError, match="sent another file"):
        fetch("toy", sha256="0" * 64)
    assert fetch("toy", sha256=DIGEST.upper()).read_bytes() == CONTENT
    (tmp_path / "weights" / "toy.pt").unlink()
    assert fetch("toy", unverified=True).read_bytes() == CONTENT


def test_an_address_that_does_not_answer_is_one_line(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN, "toy", replace(KNOWN["toy"], url="http://127.0.0.1:9/toy.pt"))
    with pytest.raises(UserError, match=r"cannot be fetched: .*\. The same command goes on\.") as refusal:
        fetch("toy")
    assert "\n" not in str(refusal.value)
    monkeypatch.setitem(KNOWN, "toy", replace(KNOWN["toy"], url=None))
    with pytest.raises(UserError, match=r"no address is known for toy: put toy\.pt into"):
        fetch("toy")


def test_what_is_known_says_what_is_not() -> None:
    assert KNOWN["tsav"].sha256 is None and KNOWN["tsav"].licence == "research use only"
    table = room.table().set_index("name")
    assert table.loc["tsav", "sha256"] == "not known"
    assert table.loc["yunet", "sha256"] == "25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31"
    for known in KNOWN.values():
        assert known.licence and known.what and known.page.startswith("https://")
        assert (known.sha256 is None) == (not known.stated), "a checksum has somebody who states it"


def test_torchvision_s_checksums_begin_as_its_file_names_say() -> None:
    from torchvision.models import ResNet18_Weights
    from torchvision.models.video import R2Plus1D_18_Weights

    for name, weights in (
        ("r2plus1d", R2Plus1D_18_Weights.KINETICS400_V1),
        ("resnet18", ResNet18_Weights.IMAGENET1K_V1),
    ):
        assert KNOWN[name].url == weights.url
        begins = weights.url.rpartition("-")[2].removesuffix(".pth")
        assert KNOWN[name].sha256 and KNOWN[name].sha256.startswith(begins)
        assert KNOWN[name].size == pytest.approx(weights.meta["_file_size"] * 2**20, rel=1e-3)
