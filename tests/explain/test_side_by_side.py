"""Clips that are explained side by side come to what they come to alone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from traced import last_row

from jcalib.explain import read_clip, trust_table
from jcalib.explain.side_by_side import AHEAD, side_by_side


@pytest.fixture
def two_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_items_keep_their_order_and_are_read_as_they_are_needed(two_cores: None) -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    made = side_by_side(lambda number: (number, torch.get_num_threads()), items())
    assert next(made) == (0, 1) and len(read) == 2 * AHEAD
    assert [number for number, _ in made] == list(range(1, 100))
    assert torch.get_num_threads() == 2


def test_a_mistake_ends_it(two_cores: None) -> None:
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda number: 1 / number, range(3)))
    assert torch.get_num_threads() == 2


def test_a_table_made_side_by_side_is_the_same(made: Any, monkeypatch: pytest.MonkeyPatch, two_cores: None) -> None:
    """Random numbers of one clip are not another's; no clip's weights are shuffled for another."""
    corpus, features, runs = made
    monkeypatch.setattr("jcalib.explain.checks.LEAST", 0.0)  # random weights move next to nothing
    clips = [read_clip(corpus, features, last_row(features) - number) for number in range(2)]
    methods = ("gradient_shap", "grad_cam", "feature_ablation")
    beside = trust_table(runs["joint"], corpus, clips, "valence", methods)
    torch.set_num_threads(1)
    alone = trust_table(runs["joint"], corpus, clips, "valence", methods)
    assert beside.drop(columns="value").equals(alone.drop(columns="value"))
    np.testing.assert_allclose(beside["value"].astype(float), alone["value"].astype(float), rtol=1e-3, atol=1e-4)
