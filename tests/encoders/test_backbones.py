"""Every encoder has one face, takes its modality's clips and learns with all of its weights."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from jcalib.encoders import KINDS, WIDTH, build_encoder

SHAPES = {"visual": (3, 8, 32, 32), "audio": (1, 64, 107)}


@pytest.mark.parametrize(("kind", "modality"), KINDS)
def test_shapes_and_gradients(kind: str, modality: str) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(kind, modality, outputs=3)
    clip = torch.rand(2, *SHAPES[modality])
    assert encoder.modality == modality
    assert encoder.features(clip).shape == (2, WIDTH)
    prediction = encoder(clip)
    assert prediction.shape == (2, 3)
    prediction.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())


@pytest.mark.parametrize(("kind", "modality"), KINDS)
def test_a_clip_s_features_do_not_depend_on_its_batch(kind: str, modality: str) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(kind, modality).eval()
    clips = torch.rand(3, *SHAPES[modality])
    with torch.no_grad():
        torch.testing.assert_close(encoder.features(clips)[1:2], encoder.features(clips[1:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("modality", "shape"), [("visual", (3, 8, 64, 64)), ("audio", (1, 64, 107))])
def test_compact_encoders_are_cheap(modality: str, shape: tuple[int, ...]) -> None:
    encoder = build_encoder("compact", modality).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        encoder(torch.rand(1, *shape))
    assert counter.get_total_flops() < 25e6


def test_compact_visual_takes_other_sizes() -> None:
    assert build_encoder("compact", "visual")(torch.rand(2, 3, 8, 96, 96)).shape == (2, 2)


def test_unknown_encoders_are_refused() -> None:
    with pytest.raises(ValueError, match="compact touch: there are compact audio, compact visual"):
        build_encoder("compact", "touch")
