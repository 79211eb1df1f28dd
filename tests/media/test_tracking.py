"""The same face is followed: carried between detections, lost when it is gone, found again, not mistaken."""

import numpy as np
import pytest

from jcalib.media import Cascades, Detector, Face
from jcalib.media.tracking import Follower, Track
from tests.media.drawn_faces import Told, backgrounds, drawn, moving, number, place, told_face

FPS = 25
SCENES = 144  # pixels, the side of a drawn scene


def follow(pictures: list[np.ndarray], detector: Detector) -> list[Track | None]:
    number(pictures)
    follower = Follower(detector, every_s=0.2)
    return [follower(index / FPS, picture) for index, picture in enumerate(pictures)]


def error(track: Track, eyes: np.ndarray) -> float:
    """How far the worse eye is off, in eye distances."""
    return float(np.linalg.norm(track.eyes - eyes, axis=1).max() / np.linalg.norm(eyes[1] - eyes[0]))


def test_flow_carries_the_face_between_detections() -> None:
    pictures, eyes = moving(360, 640, 40, 2.0)
    detector = Told([[told_face(pair)] for pair in eyes])
    tracks = follow(pictures, detector)
    assert detector.calls == 8  # five a second, in 1.6 s
    for track, pair in zip(tracks, eyes, strict=True):
        assert track is not None and error(track, pair) < 0.03
    assert np.abs(np.diff(eyes[:6], axis=0)).max() > 0.1 * 55  # it does move between two detections


def test_trembling_detections_are_steadied() -> None:
    pictures, eyes = moving(360, 640, 60, 2.0)
    rng = np.random.default_rng(0)
    gap = np.linalg.norm(eyes[0, 1] - eyes[0, 0])
    trembling = eyes + rng.normal(0, 0.06 * gap, eyes.shape)
    tracks = follow(pictures, Told([[told_face(pair)] for pair in trembling]))
    errors = [np.square(track.eyes - pair).mean() for track, pair in zip(tracks, eyes, strict=True) if track]
    assert np.sqrt(np.mean(errors[20:])) < 0.6 * 0.06 * gap


@pytest.mark.parametrize("person", [2, 4, 5])
def test_the_cascades_keep_hold_of_a_drawn_face(person: int) -> None:
    pictures, eyes = moving(360, 640, 60, 2.0, person)
    tracks = follow(pictures, Cascades())
    errors = [error(track, pair) for track, pair in zip(tracks, eyes, strict=True) if track]
    assert len(errors) >= 50 and max(errors) < 0.2


def test_a_few_missed_detections_are_bridged_many_are_not() -> None:
    """A turned head that stays in sight: flow carries it for two seconds."""
    pictures, eyes = moving(360, 640, 100, 2.0)
    present = [
        track is not None
        for track in follow(
            pictures, Told([[told_face(pair)] if index < 20 else [] for index, pair in enumerate(eyes)])
        )
    ]
    assert all(present[:65]) and not any(present[70:])


def test_a_lost_face_is_none_and_comes_back() -> None:
    pictures, eyes = moving(360, 640, 60, 2.0)
    for index, empty in enumerate(backgrounds(360, 640, 60)):
        if 20 <= index < 40:
            pictures[index] = empty
    faces = [[] if 20 <= index < 40 else [told_face(pair)] for index, pair in enumerate(eyes)]
    present = [track is not None for track in follow(pictures, Told(faces))]
    assert all(present[:20]) and not any(present[20:40])
    assert all(present[45:])  # searched for every fifth frame


def test_the_same_person_is_followed_when_another_stays() -> None:
    """The larger one, on the left, leaves after 2.4 s and comes back on the right; the other one stays."""
    large, large_eyes = drawn(1, 110)
    small, small_eyes = drawn(4, 110)
    pictures = list(backgrounds(360, 800, 110))
    faces = []
    for index, picture in enumerate(pictures):
        place(picture, small[index], (300, 120), 1.2)
        here = [told_face(small_eyes[index] * 1.2 + (300, 120))]
        corner = (10, 60) if index < 60 else (500, 60)
        if index < 60 or index >= 85:
            place(picture, large[index], corner, 2.0)
            here.append(told_face(large_eyes[index] * 2 + corner))
        faces.append(here)
    columns = [None if track is None else track.middle[0] for track in follow(pictures, Told(faces))]
    assert all(column is not None and column < 300 for column in columns[:60])
    assert columns[60:85] == [None] * 25
    assert all(column is not None and column > 500 for column in columns[90:])


def test_who_passes_by_is_forgotten() -> None:
    first, first_eyes = drawn(4, 60)
    second, second_eyes = drawn(1, 60)
    pictures = list(backgrounds(360, 640, 60))
    faces: list[list[Face]] = []
    for index, picture in enumerate(pictures):
        scene, eyes, corner = (first, first_eyes, (10, 60)) if index < 20 else (second, second_eyes, (340, 60))
        place(picture, scene[index], corner, 2.0)
        faces.append([told_face(eyes[index] * 2 + corner)])
    tracks = follow(pictures, Told(faces))
    assert all(track is not None and track.middle[0] > 320 for track in tracks[25:])


def test_a_detection_that_jumps_to_something_else_is_not_believed() -> None:
    pictures, eyes = moving(360, 640, 40, 2.0)
    gap = np.linalg.norm(eyes[0, 1] - eyes[0, 0])
    faces = [[told_face(pair)] for pair in eyes]
    faces[20] = [told_face(eyes[20] + (0.5 * gap, 0.6 * gap))]
    for track, pair in zip(follow(pictures, Told(faces)), eyes, strict=True):
        assert track is not None and error(track, pair) < 0.05
