"""Pictures survive the way to disk and back."""

from pathlib import Path

import numpy as np
import pytest

from jcalib.media import read_picture, write_picture
from jcalib.settings import UserError
from tests.builders import square_face


def test_round_trip_keeps_rgb_order(tmp_path: Path) -> None:
    picture = square_face(0.8)
    picture[:40] = (200, 30, 60)
    write_picture(tmp_path / "ä.jpg", picture)
    back = read_picture(tmp_path / "ä.jpg")
    assert back.shape == picture.shape and back.dtype == np.uint8
    np.testing.assert_allclose(back[20, 20], (200, 30, 60), atol=4)
    assert np.abs(back.astype(int) - picture).mean() < 2


@pytest.mark.parametrize("content", [None, b"", b"not a picture"])
def test_what_is_no_picture_costs_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "00001.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"00001\.jpg"):
        read_picture(path)
