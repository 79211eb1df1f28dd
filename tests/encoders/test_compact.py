"""What the compact encoders keep of a clip: where, and when."""

import torch

from jcalib.encoders import build_encoder
from jcalib.encoders.compact import WeightedMean


def test_the_mean_over_time_starts_plain_and_learns_when() -> None:
    maps = torch.randn(2, 3, 5, 4)
    mean = WeightedMean(3, 4)
    torch.testing.assert_close(mean(maps), maps.mean(-1))
    with torch.no_grad():
        mean.weight.zero_()[1, 0, -1] = 1
    torch.testing.assert_close(mean(maps)[:, 1], maps[:, 1, :, -1])
    assert not mean(maps)[:, [0, 2]].any()


def test_a_visual_weight_belongs_to_one_picture() -> None:
    encoder = build_encoder("compact", "visual").eval()
    clip = torch.rand(1, 3, 8, 64, 64)
    with torch.no_grad():
        encoder.mean.weight.zero_()[..., 5] = 1
        same = clip.clone()
        same[:, :, [0, 1, 2, 3, 4, 6, 7]] = 0
        torch.testing.assert_close(encoder.features(clip), encoder.features(same))
        assert not torch.allclose(encoder.features(clip), encoder.features(clip.roll(1, dims=2)))


def test_place_is_kept() -> None:
    """A stroke elsewhere in the picture, or a tone in another band, is another thing."""
    for modality, shape, axis in (("visual", (1, 3, 8, 64, 64), 3), ("audio", (1, 1, 64, 107), 2)):
        encoder = build_encoder("compact", modality).eval()
        clip = torch.zeros(shape)
        clip.narrow(axis, 20, 3).fill_(1)
        with torch.no_grad():
            here, there = encoder.features(clip), encoder.features(clip.roll(16, dims=axis))
        assert (here - there).norm() > 0.05 * here.norm(), modality
