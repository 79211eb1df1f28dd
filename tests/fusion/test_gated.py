"""The gate chooses between attended and original features."""

import pytest
import torch

from jcalib.fusion import build_fusion


def test_a_gate_is_a_choice_between_attended_and_original():
    torch.manual_seed(0)
    joint, gated = build_fusion("joint", 5, 6, 3, dim=4).eval(), build_fusion("gated", 5, 6, 3, dim=4).eval()
    gated.load_state_dict(joint.state_dict(), strict=False)
    audio, visual = torch.randn(2, 3, 5), torch.randn(2, 3, 6)
    for bias, expected in (((-9.0, 9.0), joint(audio, visual).audio), ((9.0, -9.0), gated.project["audio"](audio))):
        with torch.no_grad():
            gated.gate["audio"].bias.copy_(torch.tensor(bias))
        torch.testing.assert_close(gated(audio, visual).audio, expected.relu())
    with pytest.raises(ValueError, match="temperature is 0: it has to be above 0"):
        build_fusion("gated", 5, 6, 3, temperature=0)


def test_the_gate_s_map_is_the_weight_of_what_was_attended():
    torch.manual_seed(0)
    gated = build_fusion("gated", 5, 6, 3, dim=4).eval()
    with torch.no_grad():
        gated.gate["visual"].bias.copy_(torch.tensor([-9.0, 9.0]))
    maps = gated(torch.randn(2, 3, 5), torch.randn(2, 3, 6), maps=True).maps
    torch.testing.assert_close(maps["gate_visual"], torch.ones(2, 3))
    assert ((maps["gate_audio"] >= 0) & (maps["gate_audio"] <= 1)).all()
