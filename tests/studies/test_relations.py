"""Joint without a block of its correlation: exactly that block is gone, and the scores are those of the same frames."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from toy import toy_features, toy_preset

from jcalib.fusion import JointCrossAttention
from jcalib.settings import UserError
from jcalib.studies import relations
from jcalib.studies.relations import INTER, INTRA, WithoutInter, WithoutIntra
from jcalib.studies.statistics import ccc_from_sums
from jcalib.training import Run, fit

FEATURES = toy_features(lost=True)
DIM = 6


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        yield fit("joint", FEATURES, 2, toy_preset(4))


@pytest.mark.parametrize(("kind", "own"), [(WithoutIntra, True), (WithoutInter, False)])
def test_a_block_at_zero_is_a_block_that_no_weight_reads(kind: type[JointCrossAttention], own: bool) -> None:
    """C W_c^T is the same whether a block of C is 0 or the columns of W_c that read it."""
    torch.manual_seed(0)
    whole = JointCrossAttention(5, 7, 4, dim=DIM, rank=3).eval()
    without = kind(5, 7, 4, dim=DIM, rank=3).eval()
    without.load_state_dict(whole.state_dict())
    audio, visual = torch.randn(3, 4, 5), torch.randn(3, 4, 7)
    found = without(audio, visual, maps=True)
    assert not torch.allclose(found.prediction, whole(audio, visual).prediction)
    with torch.no_grad():
        for weights, first in ((whole.of_audio, own), (whole.of_visual, not own)):
            weights["w_c"][:, slice(0, DIM) if first else slice(DIM, None)] = 0
    torch.testing.assert_close(found.prediction, whole(audio, visual).prediction)
    gone = found.maps["correlation_audio"][..., :DIM] if own else found.maps["correlation_audio"][..., DIM:]
    assert not gone.any() and found.maps["correlation_audio"].any()


def test_the_whole_joint_scores_what_its_run_says(run: Run) -> None:
    found = relations(run, FEATURES, device="cpu")
    assert set(found.sums) == {"joint", INTRA, INTER}
    said = run.frame()["ccc"].to_numpy(float)  # targets within seeds
    np.testing.assert_allclose(ccc_from_sums(found.sums["joint"].sum(0)).ravel(), said, atol=1e-5)
    frames = [table[..., 0] for table in found.sums.values()]
    assert all(np.array_equal(frames[0], one) for one in frames[1:])
    assert len(found.persons) == len(found.sums["joint"])


def test_what_is_needed_is_the_difference_in_ccc(run: Run) -> None:
    found = relations(run, FEATURES, device="cpu")
    same = found.needed(INTRA).difference
    direct = np.subtract(*(ccc_from_sums(found.sums[name].sum(0)).mean() for name in ("joint", INTRA)))
    assert same == pytest.approx(direct, abs=1e-6)
    with pytest.raises(UserError, match="relation"):
        found.needed("inter")
