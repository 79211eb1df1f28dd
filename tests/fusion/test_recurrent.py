"""The BiLSTM against torch's own, and the fusions that use it."""

import numpy as np
import pytest
import torch
from torch import nn

from jcalib.fusion import build_fusion
from jcalib.fusion.recurrent import bilstm

B, L = 5, 6


def lstm(layers: int = 1) -> nn.LSTM:
    torch.manual_seed(0)
    return nn.LSTM(4, 3, layers, batch_first=True, bidirectional=True).double()


def sequences() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(B, L, 4)))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("started", [False, True])
def test_it_is_torch_s_lstm_where_every_clip_is_valid(layers, started):
    own, x = lstm(layers), sequences().requires_grad_()
    initial = tuple(torch.randn(2, layers, 2, 3).double()) if started else None
    state = tuple(one.flatten(0, 1).unsqueeze(1).expand(-1, B, -1).contiguous() for one in initial or ()) or None
    expected, _ = own(x, state)
    found = bilstm(own, x, torch.ones(B, L, dtype=torch.bool), initial)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    parameters = [x, *own.parameters()]
    for one, other in zip(
        torch.autograd.grad(found.square().sum(), parameters),
        torch.autograd.grad(expected.square().sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("layers", [1, 2])
def test_skipped_clips_are_as_if_they_were_not_there(layers):
    own, x = lstm(layers), sequences()
    valid = torch.tensor([True, False, True, True, False, True]).expand(B, L)
    expected, _ = own(x[:, valid[0]])
    torch.testing.assert_close(bilstm(own, x, valid)[:, valid[0]], expected, atol=1e-12, rtol=0)
    assert not bilstm(own, x, torch.zeros(B, L, dtype=torch.bool)).any()


def test_the_lstm_fusion_is_concat_read_by_a_recurrence():
    torch.manual_seed(0)
    fusion = build_fusion("lstm", 5, 6, L, dim=4).eval()
    audio, visual = torch.randn(B, L, 5), torch.randn(B, L, 6)
    fused = torch.cat([fusion.project["audio"](audio), fusion.project["visual"](visual)], dim=-1)
    torch.testing.assert_close(fusion(audio, visual).prediction, fusion.head(fusion.lstm(fused)[0]))


def test_one_step_of_recursion_is_joint_and_more_steps_are_not():
    torch.manual_seed(0)
    audio, visual, joint = torch.randn(B, L, 5), torch.randn(B, L, 6), build_fusion("joint", 5, 6, L, dim=4)
    outputs = []
    for steps in (1, 2, 3):
        fusion = build_fusion("recursive", 5, 6, L, dim=4, steps=steps)
        shared = {key: value for key, value in joint.state_dict().items() if not key.startswith("head")}
        assert fusion.load_state_dict(shared, strict=False).unexpected_keys == []
        outputs.append(fusion(audio, visual, maps=True))
    once = joint(audio, visual, maps=True)
    assert torch.equal(outputs[0].audio, once.audio)
    assert torch.equal(outputs[0].maps["correlation_visual"], once.maps["correlation_visual"])
    assert not torch.allclose(outputs[1].audio, once.audio) and not torch.allclose(outputs[1].audio, outputs[2].audio)
    with pytest.raises(ValueError, match="steps is 0: attention is applied once at least"):
        build_fusion("recursive", 5, 6, L, steps=0)


def test_steps_share_their_weights():
    sizes = {sum(p.numel() for p in build_fusion("recursive", 5, 6, L, steps=s).parameters()) for s in (1, 2, 4)}
    assert len(sizes) == 1
