"""The contract that every fusion keeps: shapes, refusals, gradients, and independence of the sequences in a batch."""

import numpy as np
import pytest
import torch

from jcalib.fusion import FUSIONS, Fusion, build_fusion, cells, named

NAMED = [
    "audio", "visual", "concat", "mean", "cross", "mixer", "joint", "cross_wide", "cross_untied", "cross_scaled",
    "gated", "lstm", "recursive", "released", "transformer",
]  # fmt: skip
NAMES = [*NAMED, *cells()]
FREE = {"audio", "visual", "concat", "mean", "cross", "cross_wide", "cross_untied", "cross_scaled", "lstm"}
FREE |= {"transformer", *(name for name in NAMES if "-time-" in name and name.endswith("-reweight"))}
B, L, DA, DV, D = 4, 3, 5, 6, 4


def make(name: str, **options: int) -> Fusion:
    torch.manual_seed(0)
    return build_fusion(name, DA, DV, L, **({"dim": D, "rank": 3} | options))


def features(batch: int = B, clips: int = L, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    return tuple(torch.from_numpy(rng.normal(size=(batch, clips, d)).astype("float32")) for d in (DA, DV))


def test_the_fusions_are_these_in_this_order():
    assert [name for name in named() if FUSIONS[name].__module__.startswith("jcalib.")] == NAMED
    assert {name for name in FUSIONS if FUSIONS[name].__module__.startswith("jcalib.")} == set(NAMES)
    assert all(FUSIONS[name].name == name for name in NAMES)


MAPS = {
    "mean": "attention", "cross": "attention", "cross_wide": "attention", "cross_untied": "attention",
    "cross_scaled": "attention", "transformer": "attention", "joint": "correlation", "recursive": "correlation",
    "gated": "correlation", "released": "scores",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_output_shapes_and_maps(name):
    fusion = make(name, targets=3)
    out = fusion(*features(), maps=True)
    assert out.prediction.shape == (B, L, 3)
    assert out.audio.shape == out.visual.shape == (B, L, fusion.dim)
    assert fusion.dim == D or name == "cross_wide"
    shapes = {"attention": (B, L, L), "correlation": (B, D, 2 * D), "scores": (B, D, 2 * D)}
    expected = {f"{MAPS[name]}_{m}": shapes[MAPS[name]] for m in ("audio", "visual")} if name in MAPS else {}
    expected |= {f"gate_{m}": (B, L) for m in ("audio", "visual")} if name == "gated" else {}
    assert {key: tuple(value.shape) for key, value in out.maps.items()} == expected
    assert make(name)(*features()).maps is None


def test_joint_has_the_parameters_of_the_paper():
    count = sum(p.numel() for p in build_fusion("joint", 512, 512, 8).parameters())
    encoders, head = 2 * (512 * 128 + 128), (256 * 128 + 128) + (128 * 2 + 2)
    attention = 2 * (8 * 8 + 32 * 8 + 32 * 256 + 8 * 32)
    assert count == encoders + attention + head == 182_018


def test_parameters_of_the_other_fusions():
    counts = {name: sum(p.numel() for p in build_fusion(name, 512, 512, 8).parameters()) for name in NAMED}
    concat = 131_328 + 33_154
    assert counts["concat"] == counts["mean"] == concat
    assert counts["cross"] == concat + 128 * 128
    assert counts["mixer"] == concat + 2 * 2 * 8 * 32
    assert counts["audio"] == counts["visual"] == 65_664 + (128 * 128 + 128) + 258


@pytest.mark.parametrize("head,layers", [("mlp", ["Linear", "ReLU", "Dropout", "Linear"]), ("released", None)])
def test_heads(head, layers):
    fusion = build_fusion("joint", DA, DV, L, head=head, dropout=0.25)
    assert [type(m).__name__ for m in fusion.head] == (layers or ["Linear", "Dropout", "Linear"])
    assert [m.p for m in fusion.head if isinstance(m, torch.nn.Dropout)] == [0.25]


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_gets_a_gradient(name):
    fusion = make(name)
    fusion(*features()).prediction.square().sum().backward()
    for key, parameter in fusion.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_right(name):
    fusion = make(name).double().eval()
    for parameter in fusion.parameters():  # a bias of exactly 0 puts masked rows on the corner of a ReLU
        torch.nn.init.normal_(parameter, std=0.4)
    weights = {k: p for k, p in fusion.named_parameters() if not k.startswith(("head", "project"))}
    audio, visual = (x.double() for x in features(batch=2))
    mask = torch.ones(2, L, 2, dtype=torch.bool)
    mask[0, 0, 0] = mask[1, :, 1] = False

    def attended(audio, visual, *values):
        out = torch.func.functional_call(fusion, dict(zip(weights, values, strict=True)), (audio, visual, mask))
        return out.prediction, *(getattr(out, modality) for modality in fusion.reads)

    for modality, x in (("audio", audio), ("visual", visual)):
        x.requires_grad_(modality in fusion.reads)
    assert torch.autograd.gradcheck(attended, (audio, visual, *weights.values()), fast_mode=True)


@pytest.mark.parametrize("name", NAMES)
def test_sequences_of_a_batch_do_not_touch(name):
    fusion = make(name).eval()
    audio, visual = features()
    out = fusion(audio, visual, maps=True)
    order = torch.tensor([2, 0, 3, 1])
    permuted = fusion(audio[order], visual[order], maps=True)
    alone = fusion(audio[1:2], visual[1:2], maps=True)
    for field in ("prediction", "audio", "visual"):
        torch.testing.assert_close(getattr(permuted, field), getattr(out, field)[order])
        torch.testing.assert_close(getattr(alone, field), getattr(out, field)[1:2])
    for key, value in out.maps.items():
        torch.testing.assert_close(permuted.maps[key], value[order])


@pytest.mark.parametrize("name", NAMES)
def test_only_weights_on_time_fix_the_number_of_clips(name):
    fusion = make(name)
    if name not in FREE:
        with pytest.raises(ValueError, match=r"have 7 clips, this fusion was built for 3: .*clips=7"):
            fusion(*features(clips=7))
    else:
        assert fusion(*features(clips=7)).prediction.shape == (B, 7, 2)


def refusal(audio=(B, L, DA), visual=(B, L, DV), mask=None) -> str:
    with pytest.raises(ValueError) as caught:
        make("concat")(torch.zeros(audio), torch.zeros(visual), mask)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_refusals_name_value_rule_and_remedy():
    assert refusal(audio=(B, 9, DA), visual=(B, 8, DV)).startswith(
        "audio has 9 clips, visual has 8: a fusion needs the same number."
    )
    assert "audio has 3 sequences, visual has 4" in refusal(audio=(3, L, DA))
    assert "visual has 2 features, this fusion was built for 6" in refusal(visual=(B, L, 2))
    assert "audio is (3, 5)" in refusal(audio=(L, DA))
    assert "mask is torch.int64: it has to be bool" in refusal(mask=torch.ones(B, L, dtype=torch.int64))
    for shape in [(B, L, 1), (B, L, 3), (B, L + 1), (L,), (B, L, 2, 1)]:
        assert f"mask is {shape}" in refusal(mask=torch.ones(shape, dtype=torch.bool))


def test_sizes_and_head_are_checked():
    with pytest.raises(ValueError, match="clips is 0: a fusion needs at least 1"):
        build_fusion("joint", DA, DV, 0)
    with pytest.raises(ValueError, match=r"unknown head 'mpl'.*mlp"):
        build_fusion("joint", DA, DV, L, head="mpl")


TALKS = {
    "joint": True, "cross": True, "cross_wide": True, "cross_untied": True, "cross_scaled": True, "transformer": True,
    "gated": True, "recursive": True, "released": True, "concat": False, "lstm": False, "mean": False, "mixer": False,
} | {name: switches.key != "itself" for name, switches in cells().items()}  # fmt: skip


@pytest.mark.parametrize("name", TALKS)
def test_cross_talk_is_where_the_equations_put_it(name):
    """Attended audio depends on visual, and attended visual on audio, or not at all: then to the last bit."""
    fusion = make(name).eval()
    (audio, visual), (other_audio, other_visual) = features(), features(seed=1)
    out = fusion(audio, visual)
    assert torch.equal(out.audio, fusion(audio, other_visual).audio) is not TALKS[name]
    assert torch.equal(out.visual, fusion(other_audio, visual).visual) is not TALKS[name]
