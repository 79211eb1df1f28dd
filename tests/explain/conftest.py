"""A tiny corpus traced from pixels to predictions: what attribution is tested with."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from toy import toy_preset
from traced import CLIPS, HOP, SIZE

from jcalib.corpora import open_corpus
from jcalib.encoders import build_encoder
from jcalib.features import Encoding, extract_features
from jcalib.training import fit
from tests.builders import tiny_corpus


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny corpus, encoders with random weights as runs, its features, and runs of three fusions."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("JCALIB_HOME", str(home))
        corpus = open_corpus(tiny_corpus(tmp_path_factory.mktemp("corpus"), train=3, validation=2, frames=96), "smoke")
        torch.manual_seed(0)
        encoders = {modality: build_encoder("compact", modality).eval() for modality in ("audio", "visual")}
        for modality, encoder in encoders.items():
            folder = home / "runs" / f"encoder-{modality}-random"
            folder.mkdir(parents=True)
            (folder / "settings.json").write_text(json.dumps({"kind": "compact"}))
            save_file(
                {name: x.contiguous() for name, x in encoder.state_dict().items()}, folder / "checkpoint.safetensors"
            )
            (folder / "status.json").write_text("{}")
        names = {modality: f"encoder-{modality}-random" for modality in encoders}
        features = replace(
            extract_features(corpus, encoders, HOP, SIZE), encoding=Encoding(**names, size=SIZE, hop=HOP, fps=25)
        )
        runs = {
            name: fit(name, features, 2, toy_preset(2, clips=CLIPS), device="cpu")
            for name in ("joint", "audio", "lstm")
        }
        yield corpus, features, runs
