"""The cube of 24 cells: its corners are joint and vanilla cross-attention, its names are systematic and findable."""

import inspect

import pytest
import torch

from jcalib.fusion import FUSIONS, build_fusion, cells, choose_fusion, named
from jcalib.fusion.attention import (
    cross_attention,
    cross_correlation,
    joint_attention,
    joint_correlation,
)
from jcalib.settings import UserError

CORNERS = {"joint": "cell-joint-feature-tanh-map", "cross": "cell-other-time-softmax-reweight"}


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    audio, visual = (torch.randn(4, 8, 512, generator=generator) for _ in range(2))
    return audio, visual, torch.rand(4, 8, 2, generator=generator) < 0.8


def test_there_are_24_named_by_their_switches():
    assert len(cells()) == 24 and set(cells()) <= set(FUSIONS)
    for name, switches in cells().items():
        assert name == "cell-" + "-".join(switches)
        assert FUSIONS[name].switches == switches
        assert switches.key in FUSIONS[name].__doc__ and inspect.getsource(FUSIONS[name])


@pytest.mark.parametrize("name", CORNERS)
def test_a_corner_is_the_published_fusion_to_the_last_bit(name):
    """The same weights from the same seed, under the same names, and the same output from them."""
    fusions = []
    for one in (name, CORNERS[name]):
        torch.manual_seed(5)
        fusions.append(build_fusion(one, 512, 512, 8).eval())
    plain, cell = (fusion.state_dict() for fusion in fusions)
    assert list(plain) == list(cell) and all(torch.equal(plain[key], cell[key]) for key in plain)
    outputs = [fusion(*inputs(), maps=True) for fusion in fusions]
    for field in ("prediction", "audio", "visual"):
        assert torch.equal(getattr(outputs[0], field), getattr(outputs[1], field))
    assert outputs[0].maps.keys() == outputs[1].maps.keys()
    assert all(torch.equal(outputs[0].maps[key], outputs[1].maps[key]) for key in outputs[0].maps)


def test_the_corners_are_the_plain_formulas():
    torch.manual_seed(5)
    audio, visual = torch.randn(2, 3, 8, 128)
    joint = build_fusion("cell-joint-feature-tanh-map", 512, 512, 8)
    w = joint.of_audio
    plain = joint_correlation(audio, torch.cat([audio, visual], -1), w["w"])
    attended, _, maps = joint.attend(audio, visual, torch.ones(3, 8, 2, dtype=torch.bool))
    torch.testing.assert_close(maps["correlation_audio"], plain, atol=1e-6, rtol=0)
    plain = joint_attention(audio, plain, w["w_x"], w["w_c"], w["w_h"])
    torch.testing.assert_close(attended, plain, atol=1e-6, rtol=0)
    cross = build_fusion("cell-other-time-softmax-reweight", 512, 512, 8)
    _, attended, _ = cross.attend(audio, visual, torch.ones(3, 8, 2, dtype=torch.bool))
    plain = cross_attention(visual, cross_correlation(audio, visual, cross.w).mT)
    torch.testing.assert_close(attended, plain, atol=1e-6, rtol=0)


def test_cells_that_differ_in_one_switch_compute_something_else():
    torch.manual_seed(5)
    audio, visual, mask = inputs()
    predictions = {}
    for name in cells():
        fusion = build_fusion(name, 512, 512, 8).eval()
        for key, parameter in fusion.named_parameters():
            torch.nn.init.constant_(parameter, 0.02) if "head" not in key else torch.nn.init.ones_(parameter)
        with torch.no_grad():
            fusion.project["audio"].weight.copy_(torch.randn(128, 512, generator=torch.Generator().manual_seed(2)) / 20)
        predictions[name] = fusion(audio, visual, mask).audio
    names = list(predictions)
    for place, name in enumerate(names):
        for other in names[place + 1 :]:
            assert not torch.allclose(predictions[name], predictions[other], atol=1e-6), (name, other)


def test_correlation_and_attention_are_what_pictures_and_shares_expect_of_these_names():
    for name in cells():
        maps = build_fusion(name, 5, 6, 3, dim=4)(torch.randn(2, 3, 5), torch.randn(2, 3, 6), maps=True).maps
        shapes = {key: tuple(value.shape[1:]) for key, value in maps.items()}
        assert shapes.get("correlation_audio", (4, 8)) == (4, 8)
        assert shapes.get("attention_audio", (3, 3)) == (3, 3)
        assert len(shapes) == 2


def test_messages_list_the_named_and_the_pattern_of_the_cells():
    assert choose_fusion("cell-joint-time-tanh-map") == "cell-joint-time-tanh-map"
    with pytest.raises(UserError) as caught:
        choose_fusion("cell-joint-time-tahn-map")
    assert "did you mean 'cell-joint-time-tanh-map'?" in str(caught.value)
    listed = str(caught.value).partition("choose from ")[2].rstrip(".").split(", ")
    assert listed == [*named(), "cell-KEY-AXIS-NORMALISER-COMBINE"]
    assert choose_fusion("mine", ["mine"]) == "mine"
    with pytest.raises(UserError, match="did you mean 'mine'"):
        choose_fusion("mien", ["mine"])
