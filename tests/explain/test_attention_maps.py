"""Averaged maps, block energy and attended change against the fusions' own tensors and written-out formulas."""

import numpy as np
import pytest
import torch
from torch import Tensor

from jcalib.explain import attended_change, attention_maps, block_energy, block_shares
from jcalib.fusion import Fusion, build_fusion
from jcalib.settings import UserError

B, L, DA, DV, D = 9, 4, 6, 5, 7


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(B, L, DA, generator=generator), torch.randn(B, L, DV, generator=generator)


def fusion_named(name: str) -> Fusion:
    torch.manual_seed(1)
    return build_fusion(name, audio_dim=DA, visual_dim=DV, clips=L, dim=D)


@pytest.mark.parametrize("name", ["joint", "cross", "mean"])
def test_mean_of_the_fusions_own_maps(name: str, inputs: tuple[Tensor, Tensor]) -> None:
    fusion = fusion_named(name)
    found = attention_maps(fusion, *inputs, chunk=4)
    expected = fusion(*inputs, maps=True).maps
    assert expected and found.keys() == expected.keys()
    for key, values in expected.items():
        torch.testing.assert_close(found[key], values.mean(dim=0))
        assert not found[key].requires_grad


def test_columns_of_averaged_attention_add_up_to_one(inputs: tuple[Tensor, Tensor]) -> None:
    for values in attention_maps(fusion_named("cross"), *inputs).values():
        torch.testing.assert_close(values.sum(dim=0), torch.ones(L))


@pytest.mark.parametrize("shape", [(B, L), (B, L, 2)])
def test_incomplete_sequences_are_left_out(shape: tuple[int, ...], inputs: tuple[Tensor, Tensor]) -> None:
    fusion, mask = fusion_named("cross"), torch.ones(shape, dtype=torch.bool)
    mask[2, 1] = mask[5, 3] = False
    rest = [0, 1, 3, 4, 6, 7, 8]
    expected = attention_maps(fusion, inputs[0][rest], inputs[1][rest])
    torch.testing.assert_close(attention_maps(fusion, *inputs, mask), expected)
    with pytest.raises(UserError, match="none of 9"):
        attention_maps(fusion, *inputs, torch.zeros(shape, dtype=torch.bool))


@pytest.mark.parametrize("name", ["concat", "audio", "mixer"])
def test_a_fusion_without_maps_has_none(name: str, inputs: tuple[Tensor, Tensor]) -> None:
    assert attention_maps(fusion_named(name), *inputs) == {}
    assert block_shares(fusion_named(name), *inputs) == {}


def test_block_energy_by_hand() -> None:
    correlation = torch.tensor([[1.0, 2.0, 0.0, -3.0], [0.0, -1.0, 1.0, 1.0]])
    torch.testing.assert_close(block_energy(correlation), torch.tensor([6.0, 11.0]))
    assert block_energy(correlation.expand(3, 5, 2, 4)).shape == (3, 5, 2)


def test_block_shares_are_of_all_sequences(inputs: tuple[Tensor, Tensor]) -> None:
    fusion = fusion_named("joint")
    maps = {key: values.detach().numpy() for key, values in fusion(*inputs, maps=True).maps.items()}
    found = block_shares(fusion, *inputs, chunk=2)
    for modality, own in (("audio", slice(None, D)), ("visual", slice(D, None))):
        squares = maps[f"correlation_{modality}"] ** 2
        assert found[modality] == pytest.approx(squares[:, :, own].sum() / squares.sum(), rel=1e-5)


def test_a_correlation_with_itself_alone_is_all_in_its_own_block(inputs: tuple[Tensor, Tensor]) -> None:
    fusion = fusion_named("joint")
    with torch.no_grad():
        fusion.project["visual"].weight.zero_()
        fusion.project["visual"].bias.zero_()
    found = block_shares(fusion, *inputs)
    assert found["audio"] == 1
    assert np.isnan(found["visual"])


@pytest.mark.parametrize("name", ["joint", "cross", "mixer", "concat"])
def test_attended_change_is_attended_less_projected(name: str, inputs: tuple[Tensor, Tensor]) -> None:
    fusion = fusion_named(name)
    found = attended_change(fusion, *inputs)
    output = fusion(*inputs)
    for number, (modality, x) in enumerate(zip(("audio", "visual"), inputs, strict=True)):
        layer = fusion.project[modality]
        projected = x.numpy() @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        expected = np.sqrt(((getattr(output, modality).detach().numpy() - projected) ** 2).sum(-1))
        np.testing.assert_allclose(found[..., number], expected, rtol=1e-4, atol=1e-6)
    assert (found.max() == 0) == (name == "concat")


def test_attended_change_of_masked_and_unread_clips_is_nan(inputs: tuple[Tensor, Tensor]) -> None:
    mask = torch.ones(B, L, 2, dtype=torch.bool)
    mask[3, 2, 1] = False
    visual = inputs[1].clone()
    visual[3, 2] = torch.nan
    found = attended_change(fusion_named("cross"), inputs[0], visual, mask)
    assert found[3, 2, 1].isnan() and found.isnan().sum() == 1
    alone = attended_change(fusion_named("audio"), *inputs)
    assert alone[..., 1].isnan().all() and (alone[..., 0] == 0).all()


def test_modes_are_put_back(inputs: tuple[Tensor, Tensor]) -> None:
    fusion = fusion_named("joint").train()
    fusion.head.eval()
    attention_maps(fusion, *inputs)
    attended_change(fusion, *inputs)
    assert fusion.training and not fusion.head.training
