"""Temporal and swap influence against closed forms, finite differences, and each other."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from jcalib.explain.influence import feature_covariance, swap_influence, temporal_influence
from jcalib.fusion import build_fusion
from jcalib.settings import UserError
from jcalib.training import Ensemble

L, DA, DV = 4, 5, 3
DOUBLE = torch.float64


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def linear_predict() -> tuple[Callable[..., Tensor], Tensor, Tensor]:
    w_audio, w_visual = random(L, L, DA, seed=1), random(L, L, DV, seed=2)

    def predict(audio: Tensor, visual: Tensor, mask: Tensor | None = None) -> Tensor:
        return torch.einsum("bsd,tsd->bt", audio, w_audio) + torch.einsum("bsd,tsd->bt", visual, w_visual)

    return predict, w_audio, w_visual


def curved_predict(audio: Tensor, visual: Tensor, mask: Tensor | None = None) -> Tensor:
    mix_audio, mix_visual = random(L, L, seed=3), random(L, L, seed=4)
    own = torch.tanh(torch.einsum("ts,bsd->btd", mix_audio, audio)).sum(-1)
    return own * torch.sin(torch.einsum("ts,bsd->btd", mix_visual, visual)).sum(-1)


def mixed(rows: Tensor, seed: int) -> Tensor:
    """Features whose covariance is not the identity."""
    return rows @ random(rows.shape[-1], rows.shape[-1], seed=seed)


@pytest.fixture
def sequences() -> tuple[Tensor, Tensor]:
    return mixed(random(60, L, DA, seed=5), 6), mixed(random(60, L, DV, seed=7), 8)


@pytest.fixture
def covariances(sequences: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return tuple(feature_covariance(x.flatten(0, 1)) for x in sequences)


def test_covariance_is_that_of_the_population() -> None:
    x = mixed(random(50, DA), 1)
    expected = torch.from_numpy(np.cov(x.numpy(), rowvar=False, bias=True))
    torch.testing.assert_close(feature_covariance(x), expected)
    assert feature_covariance(x.float()).dtype == torch.float32


@pytest.mark.parametrize("bad", [torch.zeros(1, 3), torch.zeros(4), torch.tensor([[1.0], [torch.nan]])])
def test_covariance_refuses_what_has_none(bad: Tensor) -> None:
    with pytest.raises(UserError):
        feature_covariance(bad)


def test_linear_closed_form(sequences: tuple[Tensor, Tensor], covariances: tuple[Tensor, Tensor]) -> None:
    predict, w_audio, w_visual = linear_predict()
    found = temporal_influence(predict, *sequences, *covariances)
    for influence, weight, covariance in zip(found, (w_audio, w_visual), covariances, strict=True):
        expected = torch.einsum("tsd,de,tse->ts", weight, covariance, weight).sqrt()
        torch.testing.assert_close(influence, expected)


def recurrent_predict(name: str) -> Callable[..., Tensor]:
    """A fusion with a recurrent layer, as it is when its seeds are evaluated in one program."""
    torch.manual_seed(0)
    modules = [build_fusion(name, DA, DV, L, dim=6, rank=3).double().eval() for _ in range(2)]
    ensemble = Ensemble(modules[0], *stack_module_state(modules))
    return lambda audio, visual, mask=None: ensemble.predict(audio, visual, mask)[..., 0]


@pytest.mark.parametrize("name", ["curved", "lstm", "recursive"])
def test_equals_finite_differences(
    name: str, sequences: tuple[Tensor, Tensor], covariances: tuple[Tensor, Tensor]
) -> None:
    """Moving clip s along the Cholesky columns of Sigma and summing squares is g^T Sigma g, without a gradient."""
    sequences = sequences[0][:6], sequences[1][:6]
    step = 1e-5
    predict = curved_predict if name == "curved" else recurrent_predict(name)
    found = temporal_influence(predict, *sequences, *covariances)
    for modality in (0, 1):
        expected = torch.zeros(6, L, L, dtype=DOUBLE)
        for s in range(L):
            for column in torch.linalg.cholesky(covariances[modality]).T:
                ends = []
                for sign in (1, -1):
                    moved = [x.clone() for x in sequences]
                    moved[modality][:, s] += sign * step * column
                    ends.append(predict(*moved).detach())
                expected[:, :, s] += ((ends[0] - ends[1]) / (2 * step)).square()
        torch.testing.assert_close(found[modality], expected.sqrt().mean(dim=0), rtol=1e-6, atol=1e-8)


def test_gradients_do_not_need_cudnn(sequences: tuple[Tensor, Tensor], covariances: tuple[Tensor, Tensor]) -> None:
    """On CUDA cuDNN refuses a recurrent layer's backward pass in eval mode: it has to be off for gradients."""
    states: list[tuple[bool, bool]] = []

    def watching(audio: Tensor, visual: Tensor, mask: Tensor | None = None) -> Tensor:
        states.append((torch._C._functorch.is_gradtrackingtensor(audio), torch.backends.cudnn.enabled))
        return curved_predict(audio, visual, mask)

    temporal_influence(watching, *sequences, *covariances)
    assert (True, False) in states and (True, True) not in states
    assert torch.backends.cudnn.enabled


def test_rows_are_predicted_and_columns_changed(
    sequences: tuple[Tensor, Tensor], covariances: tuple[Tensor, Tensor]
) -> None:
    def second_hears_first(audio: Tensor, visual: Tensor, mask: Tensor | None = None) -> Tensor:
        prediction = torch.zeros_like(audio[..., 0])
        prediction[:, 1] = audio[:, 0].sum(dim=-1)
        return prediction

    for influence in (temporal_influence, swap_influence):
        extra = covariances if influence is temporal_influence else ()
        audio, visual = influence(second_hears_first, *sequences, *extra)
        assert audio[1, 0] > 0.1
        assert audio.count_nonzero() == 1
        assert visual.count_nonzero() == 0


def test_no_change_under_an_invertible_linear_change_of_features(
    sequences: tuple[Tensor, Tensor], covariances: tuple[Tensor, Tensor]
) -> None:
    audio, visual = sequences
    change = random(DA, DA, seed=11) + 3 * torch.eye(DA, dtype=DOUBLE)
    back = torch.linalg.inv(change)
    changed = audio @ change
    before = temporal_influence(curved_predict, audio, visual, *covariances)
    after = temporal_influence(
        lambda a, v, m: curved_predict(a @ back, v, m),
        changed,
        visual,
        feature_covariance(changed.flatten(0, 1)),
        covariances[1],
    )
    torch.testing.assert_close(after, before, rtol=1e-8, atol=1e-10)


def test_chunks_change_nothing(sequences: tuple[Tensor, Tensor], covariances: tuple[Tensor, Tensor]) -> None:
    whole = temporal_influence(curved_predict, *sequences, *covariances, chunk=60)
    torch.testing.assert_close(temporal_influence(curved_predict, *sequences, *covariances, chunk=7), whole)
    swaps = [swap_influence(curved_predict, *sequences, draws=2, chunk=chunk) for chunk in (7, 500)]
    torch.testing.assert_close(swaps[0], swaps[1])


def test_swap_is_sqrt_two_of_temporal_for_a_linear_fusion() -> None:
    audio, visual = mixed(random(3000, L, DA, seed=21), 6), mixed(random(3000, L, DV, seed=22), 8)
    covariances = feature_covariance(audio.flatten(0, 1)), feature_covariance(visual.flatten(0, 1))
    predict, _, _ = linear_predict()
    temporal = temporal_influence(predict, audio[:50], visual[:50], *covariances)
    swap = swap_influence(predict, audio, visual)
    for smooth, swapped in zip(temporal, swap, strict=True):
        torch.testing.assert_close(swapped / smooth, torch.full((L, L), 2**0.5, dtype=DOUBLE), rtol=0.05, atol=0)


def test_swap_takes_donors_from_other_recordings_only(sequences: tuple[Tensor, Tensor]) -> None:
    """Within a recording the sound is constant here, between two recordings it differs by one."""
    recording = torch.arange(60) % 2
    audio = recording.to(DOUBLE)[:, None, None].expand(60, L, DA)
    found, _ = swap_influence(lambda a, v, m: a[..., 0], audio, sequences[1], recording=recording)
    torch.testing.assert_close(found, torch.eye(L, dtype=DOUBLE))


def test_swap_needs_two_recordings(sequences: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(UserError, match="one recording"):
        swap_influence(curved_predict, *sequences, recording=torch.zeros(60))


def masked_linear(audio: Tensor, visual: Tensor, mask: Tensor | None) -> Tensor:
    assert mask is not None
    predict, _, _ = linear_predict()
    return predict(torch.where(mask[..., :1], audio, 0), torch.where(mask[..., 1:], visual, 0))


def test_masked_clips_do_not_count(sequences: tuple[Tensor, Tensor], covariances: tuple[Tensor, Tensor]) -> None:
    """A face lost in half of the sequences leaves the mean of the others; never seen is NaN, not 0."""
    mask = torch.ones(60, L, 2, dtype=torch.bool)
    whole = temporal_influence(masked_linear, *sequences, *covariances, mask)
    mask[::2, 2, 1] = False
    mask[:, 3, 1] = False
    visual = torch.where(mask[..., 1:], sequences[1], torch.nan)
    part = temporal_influence(masked_linear, sequences[0], visual, *covariances, mask)
    torch.testing.assert_close(part[0], whole[0])
    torch.testing.assert_close(part[1][:, :3], whole[1][:, :3])
    assert part[1][:, 3].isnan().all()

    swapped = swap_influence(masked_linear, sequences[0], visual, mask)
    assert swapped[1][:, :3].isfinite().all() and swapped[1][:, 3].isnan().all()


def test_a_mask_of_both_modalities_has_no_prediction(
    sequences: tuple[Tensor, Tensor], covariances: tuple[Tensor, Tensor]
) -> None:
    mask = torch.ones(60, L, dtype=torch.bool)
    mask[:, 0] = False
    audio, visual = temporal_influence(
        lambda a, v, m: masked_linear(a, v, m[..., None].expand(-1, -1, 2)), *sequences, *covariances, mask
    )
    for influence in (audio, visual):
        assert influence[0].isnan().all() and influence[:, 0].isnan().all()
        assert influence[1:, 1:].isfinite().all()


def test_dropout_is_refused(sequences: tuple[Tensor, Tensor], covariances: tuple[Tensor, Tensor]) -> None:
    dropout = nn.Dropout(0.5)
    with pytest.raises(UserError, match=r"eval\(\)"):
        temporal_influence(lambda a, v, m: dropout(a).sum(dim=-1), *sequences, *covariances)
    dropout.eval()
    temporal_influence(lambda a, v, m: dropout(a).sum(dim=-1), *sequences, *covariances)


def test_batch_norm_in_training_is_refused(sequences: tuple[Tensor, Tensor]) -> None:
    norm = nn.BatchNorm1d(L).double()
    with pytest.raises(UserError, match=r"eval\(\)"):
        swap_influence(lambda a, v, m: norm(a).square().sum(dim=-1), *sequences)


def test_no_sequences_is_an_error(covariances: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(UserError, match="0 examples"):
        temporal_influence(curved_predict, torch.zeros(0, L, DA), torch.zeros(0, L, DV), *covariances)


def seeds_of(name: str) -> Callable[..., Tensor]:
    """The mean valence of three seeds in one batched program, as a run predicts."""
    modules = []
    for seed in range(3):
        torch.manual_seed(seed)
        modules.append(build_fusion(name, audio_dim=DA, visual_dim=DV, clips=L, dim=6).double().eval())
    weights, buffers = stack_module_state(modules)

    def predict(audio: Tensor, visual: Tensor, mask: Tensor | None) -> Tensor:
        def one(weights: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
            return functional_call(modules[0], (weights, buffers), (audio, visual, mask)).prediction[..., 0]

        return torch.vmap(one)(weights, buffers).mean(dim=0)

    return predict


@pytest.mark.parametrize("name", ["joint", "cross", "mixer", "mean", "concat", "audio"])
def test_real_fusions_depend_on_what_they_can_see(
    name: str, sequences: tuple[Tensor, Tensor], covariances: tuple[Tensor, Tensor]
) -> None:
    mask = torch.ones(60, L, 2, dtype=torch.bool)
    mask[:20, 1, 1] = False
    visual = torch.where(mask[..., 1:], sequences[1], torch.nan)
    predict = seeds_of(name)
    for found in (
        temporal_influence(predict, sequences[0], visual, *covariances, mask),
        swap_influence(predict, sequences[0], visual, mask),
    ):
        off_diagonal = ~torch.eye(L, dtype=torch.bool)
        for modality, influence in zip(("audio", "visual"), found, strict=True):
            assert not influence.requires_grad
            assert influence.isfinite().all()
            read = modality == "audio" or name != "audio"
            assert (influence.diagonal() > 1e-6).all() == read
            across_time = name not in ("concat", "audio")
            assert (influence[off_diagonal].max() > 1e-6) == across_time
