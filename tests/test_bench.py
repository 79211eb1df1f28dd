"""What is measured is what it is called: the loop is joint, the operations are there, the null check can fail."""

import numpy as np
import pytest
import torch
from loop import predict
from torch.utils.flop_counter import FlopCounterMode

from jcalib.concordance import ConcordanceLoss
from jcalib.fusion import JointCrossAttention
from jcalib.settings import preset
from jcalib.studies.oracles import with_strangers_labels
from jcalib.studies.statistics import compare


@pytest.mark.parametrize("clips", [8, 16])
def test_the_loop_over_samples_is_joint(clips: int) -> None:
    torch.manual_seed(0)
    model = JointCrossAttention(12, 10, clips, dim=6, rank=4, dropout=0.0)
    audio, visual = torch.randn(5, clips, 12), torch.randn(5, clips, 10)
    target = torch.rand(5, clips, 2)
    found = []
    for prediction in (predict(model, audio, visual), model(audio, visual).prediction):
        loss = ConcordanceLoss()(prediction, target)
        found.append([prediction, *torch.autograd.grad(loss, list(model.parameters()))])
    for loop, ours in zip(*found, strict=True):
        torch.testing.assert_close(loop, ours, atol=1e-5, rtol=1e-4)


def test_the_roofline_counts_the_operations_of_a_step() -> None:
    from steps import WIDTH

    from bench import joint_operations

    size = preset("quick").training.changed(batch=3)
    model = JointCrossAttention(WIDTH, WIDTH, size.clips, dim=size.dim, rank=size.rank)
    with FlopCounterMode(display=False) as counter:
        model(torch.randn(3, size.clips, WIDTH), torch.randn(3, size.clips, WIDTH)).prediction.sum().backward()
    # The features need no gradient, so the projections' backward is half of what a layer inside takes.
    spared = 3 * 2 * 2 * size.clips * WIDTH * size.dim
    assert counter.get_total_flops() == pytest.approx(joint_operations(size) - spared, rel=0.02)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    import null_check

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        ensemble = null_check.trained("joint", 2 * null_check.SEEDS * 16, epochs=2)
        return null_check.drawn_studies(ensemble, 16, 20)


def test_two_copies_of_a_fusion_are_hardly_ever_told_apart(tables: np.ndarray) -> None:
    from null_check import checked

    row = checked(tables)
    assert row["exactly 0"] == 0 and row["smallest |difference|"] > 0
    assert row["declared"] <= 4, "16 fair studies exceed that once in a thousand"
    assert row["found"] >= 0.4


def test_the_null_check_can_fail(tables: np.ndarray) -> None:
    """Recordings alone as the sample, the fault that design 10 names, declares far too often."""
    from null_check import with_planted

    alone = [compare(a.mean(1, keepdims=True), b.mean(1, keepdims=True)).p < 0.05 for a, b in tables]
    assert sum(alone) > sum(compare(a, b).p < 0.05 for a, b in tables) + 2
    far = with_planted(tables, 0.3)  # predictions shrunk to a third
    assert all(one.p < 0.05 and one.difference > 0 for one in far)


def test_strangers_labels_go_to_all_who_train_and_to_nobody_else() -> None:
    from null_check import TRAINING, simulated

    features = simulated({**TRAINING, "report": 2}, np.random.default_rng(0))
    changed = with_strangers_labels(features, np.random.default_rng(0))
    assert changed.source != features.source
    for number, (before, after) in enumerate(zip(features.recordings, changed.recordings, strict=True)):
        assert np.array_equal(before.labels, after.labels) == (before.role == "report")
        first, count = changed.span(number)
        rows = slice(first, first + count)
        np.testing.assert_array_equal(changed.target[rows], after.labels[changed.frame[rows]])
