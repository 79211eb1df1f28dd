"""Cross-talk: 0 where attended features are a modality's own, 1 where they are the other's, known where it is mixed."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from jcalib.explain import cross_talk
from jcalib.fusion import Fusion, FusionOutput, build_fusion
from jcalib.settings import UserError

B, L, D = 40, 4, 5


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def sequences() -> tuple[Tensor, Tensor]:
    return random(B, L, D, seed=1), random(B, L, D, seed=2)


def built(name: str) -> Fusion:
    torch.manual_seed(0)
    return build_fusion(name, audio_dim=D, visual_dim=D, clips=L, dim=6, rank=4).eval()


@pytest.mark.parametrize("name", ["concat", "mixer", "mean", "audio"])
def test_it_is_zero_where_attended_features_are_a_modalitys_own(name: str, sequences: tuple[Tensor, Tensor]) -> None:
    audio, visual = cross_talk(built(name), *sequences).share()
    assert audio == 0
    assert visual == 0 or (name == "audio" and visual.isnan())


class AttendsItself(Fusion):
    """Joint attention with key = itself: the correlation of a modality with itself."""

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        return *(x + x @ torch.tanh(x.mT @ x) for x in (audio, visual)), {}


class Recurrent(Fusion):
    """A BiLSTM over both modalities: each attended half has heard the other."""

    def __init__(self, *sizes: int, **options: int) -> None:
        super().__init__(*sizes, **options)
        self.lstm = nn.LSTM(2 * self.dim, self.dim, batch_first=True, bidirectional=True)

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        return *self.lstm(torch.cat([audio, visual], dim=-1))[0].chunk(2, dim=-1), {}


def test_it_is_zero_where_the_key_is_itself(sequences: tuple[Tensor, Tensor]) -> None:
    assert (cross_talk(AttendsItself(D, D, L).eval(), *sequences).share() == 0).all()


@pytest.mark.parametrize("name", ["joint", "cross"])
def test_attention_and_recurrence_look_at_the_other_modality(name: str, sequences: tuple[Tensor, Tensor]) -> None:
    for fusion in (built(name), Recurrent(D, D, L, dim=6).eval()):
        share = cross_talk(fusion, *sequences).share()
        assert ((share > 1e-5) & (share < 1)).all()


def mixing(weight: float):  # type: ignore[no-untyped-def]
    def attend(audio: Tensor, visual: Tensor, mask: Tensor | None) -> FusionOutput:
        return FusionOutput(audio[..., :1], audio + weight * visual, visual.clone())

    return attend


def test_a_mixture_has_the_share_of_its_variance() -> None:
    """audio + w visual, both of unit variance: w^2 / (1 + w^2)."""
    audio, visual = random(3000, L, D, seed=3), random(3000, L, D, seed=4)
    found = cross_talk(mixing(0.5), audio, visual).share()
    torch.testing.assert_close(found, torch.tensor([0.2, 0.0]), atol=0.01, rtol=0)


def test_the_other_modality_alone_is_one(sequences: tuple[Tensor, Tensor]) -> None:
    def swapped(audio: Tensor, visual: Tensor, mask: Tensor | None) -> FusionOutput:
        return FusionOutput(audio[..., :1], visual.clone(), audio.clone())

    assert (cross_talk(swapped, *sequences).share() == 1).all()


def test_when_is_a_choice_of_clips() -> None:
    """Only the last clip looks; the share there is that of the mixture, elsewhere 0."""

    def late(audio: Tensor, visual: Tensor, mask: Tensor | None) -> FusionOutput:
        last = (torch.arange(L) == L - 1)[:, None]
        return FusionOutput(audio[..., :1], audio + visual * last, visual.clone())

    found = cross_talk(late, random(3000, L, D, seed=3), random(3000, L, D, seed=4))
    last = (torch.arange(L) == L - 1).expand(3000, L)
    assert found.share(last)[0] == pytest.approx(0.5, abs=0.02)
    assert found.share(~last)[0] == 0


def test_a_seed_axis_is_kept_and_chunks_change_nothing(sequences: tuple[Tensor, Tensor]) -> None:
    modules = []
    for seed in range(3):
        torch.manual_seed(seed)
        modules.append(build_fusion("joint", audio_dim=D, visual_dim=D, clips=L, dim=6, rank=4).eval())
    weights, buffers = stack_module_state(modules)

    def attend(audio: Tensor, visual: Tensor, mask: Tensor | None) -> FusionOutput:
        return torch.vmap(lambda w, b: functional_call(modules[0], (w, b), (audio, visual, mask)))(weights, buffers)

    together = cross_talk(attend, *sequences, draws=2, chunk=7).share()
    assert together.shape == (3, 2)
    for seed, module in enumerate(modules):
        torch.testing.assert_close(together[seed], cross_talk(module, *sequences, draws=2).share())


def test_masked_clips_and_their_contents_do_not_count(sequences: tuple[Tensor, Tensor]) -> None:
    mask = torch.ones(B, L, 2, dtype=torch.bool)
    mask[::3, 1, 1] = False
    visual = torch.where(mask[..., 1:], sequences[1], torch.nan)
    found = cross_talk(built("joint"), sequences[0], visual, mask)
    assert found.share().isfinite().all()
    assert (found.other[::3, 1, 1] == 0).all() and (found.own[::3, 1, 1] == 0).all()


def test_mistakes_are_named(sequences: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(UserError, match="one recording"):
        cross_talk(built("joint"), *sequences, recording=torch.zeros(B))
    dropout = nn.Dropout(0.5)
    with pytest.raises(UserError, match=r"eval\(\)"):
        cross_talk(lambda a, v, m: FusionOutput(a, dropout(a), v), *sequences)
