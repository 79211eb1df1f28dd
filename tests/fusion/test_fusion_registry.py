"""A user's own fusion, registered in a notebook cell."""

import importlib

import pytest
import torch
from torch import nn

from jcalib.fusion import FUSIONS, Fusion, about, baselines, build_fusion, named, register


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    """Names registered in a test go with it."""
    for name in list(FUSIONS):
        monkeypatch.setitem(FUSIONS, name, FUSIONS[name])
    kept = set(FUSIONS)
    yield
    for name in set(FUSIONS) - kept:
        del FUSIONS[name]


def features() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 5, generator=generator), torch.randn(2, 3, 6, generator=generator)


def register_gated() -> type[Fusion]:
    @register("gated_sum")
    class GatedSum(Fusion):
        def __init__(self, *sizes, **options):
            super().__init__(*sizes, **options)
            self.gate = nn.Linear(2 * self.dim, self.dim)

        def attend(self, audio, visual, mask):
            gate = torch.sigmoid(self.gate(torch.cat([audio, visual], dim=-1)))
            return gate * audio, (1 - gate) * visual, {"gate": gate}

    return GatedSum


def test_a_registered_fusion_is_built_like_any_other():
    cls = register_gated()
    fusion = build_fusion("gated_sum", 5, 6, 3, dim=4, targets=1)
    out = fusion(*features(), maps=True)
    assert type(fusion) is cls and cls.name == "gated_sum"
    assert out.prediction.shape == (2, 3, 1) and set(out.maps) == {"gate"}
    mask = torch.tensor([[True, False, True], [False, False, False]])
    audio, visual = (x.masked_fill(~mask[..., None], float("nan")) for x in features())
    assert torch.equal(fusion.eval()(audio, visual, mask).prediction, fusion(*features(), mask).prediction)


def test_a_cell_may_be_run_again():
    first, second = register_gated(), register_gated()
    assert first is not second and FUSIONS["gated_sum"] is second


def test_the_names_of_the_kit_are_taken():
    with pytest.raises(ValueError, match="'joint' is taken by JointCrossAttention: choose another name"):
        register("joint")(type("Mine", (Fusion,), {}))
    assert FUSIONS["joint"].__name__ == "JointCrossAttention"


def test_the_kit_may_be_reloaded():
    before = FUSIONS["audio"]
    importlib.reload(baselines)
    assert FUSIONS["audio"] is not before and FUSIONS["audio"].__qualname__ == before.__qualname__


def test_only_fusions_are_registered():
    with pytest.raises(TypeError, match=r"subclass of jcalib\.fusion\.Fusion"):
        register("mine")(nn.Linear)
    assert "mine" not in FUSIONS


def test_forward_is_shared():
    with pytest.raises(TypeError, match=r"Mine defines forward: .* Define attend"):

        class Mine(Fusion):
            def forward(self, audio, visual):
                return audio


def test_attend_keeps_the_shape():
    class Pooled(Fusion):
        def attend(self, audio, visual, mask):
            return audio.mean(1), visual, {}

    with pytest.raises(ValueError, match=r"Pooled\.attend returned audio as \(2, 4\), expected \(2, 3, 4\)"):
        Pooled(5, 6, 3, dim=4)(*features())


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown fusion 'jiont': did you mean 'joint'\?.*audio.*cross.*joint"):
        build_fusion("jiont", 5, 6, 3)


def test_every_fusion_of_the_kit_says_what_it_is_in_a_line():
    said = {name: about(name) for name in named()}
    assert all(20 < len(text) < 130 and text.endswith(".") and "\n" not in text for text in said.values()), said
    assert len(set(said.values())) == len(said)
    assert said["mean"] == "Cross-attention with A = 1/L over the valid clips: what temporal smoothing alone achieves."


def test_a_fusion_without_a_docstring_says_nothing():
    register_gated()
    assert about("gated_sum") == "" == about("nobody")
    register("mine")(type("Mine", (Fusion,), {"__doc__": "Half of each,\n    no more"}))
    assert about("mine") == "Half of each, no more"
