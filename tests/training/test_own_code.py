"""A run of a user's own fusion is found again while all that the fusion is made of is the same, and only then."""

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toy import toy_features, toy_preset

from jcalib.files import fingerprint, source_fingerprint
from jcalib.fusion import FUSIONS
from jcalib.settings import UserError
from jcalib.training import fit
from jcalib.training.run import code_of

CELL = """
import math
import functools
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from torch import nn
import jcalib as jca

SCALE = 0.5
TABLE = {"rows": [1, 2], "names": {"a", "b", "c", "d"}}
WEIGHTS, TENSOR = np.arange(3.0), torch.ones(2, dtype=torch.bfloat16)
UNUSED = 1

class Mode(Enum):
    SOFT = 1

@dataclass(frozen=True)
class Size:
    width: int = 3

SIZE = Size()

@functools.cache
def table(length):
    return length + 1

def squash(x, sharpness=2.0):
    return torch.sigmoid(sharpness * x)  # squashed

@torch.no_grad()
def inner(x):
    return squash(x) * math.sqrt(SCALE)

def scaled(factor):
    return lambda x: factor * inner(x)

half = scaled(0.25)

class Gate(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weigh = nn.Linear(2 * dim, dim)

    def forward(self, x):
        return half(self.weigh(x)) + (Mode.SOFT.value + SIZE.width + table(2)) * 1e-3

class Base(jca.fusion.Fusion):
    bias = 0.1

    @property
    def shift(self):
        return self.bias

@jca.fusion.register("mine")
class Mine(Base):
    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.gate, self.unused = Gate(self.dim), 0

    def attend(self, audio, visual, mask):
        gate = self.gate(torch.cat([audio, visual], dim=-1)) + self.shift
        weighed = [gate * w for w in WEIGHTS[: len(TABLE["rows"])]] if len(TABLE["names"]) > 2 else [TENSOR.sum()]
        return sum(weighed) * audio, (1 - gate) * visual, {}
"""


@pytest.fixture(autouse=True)
def _mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "home"))
    yield
    FUSIONS.pop("mine", None)


def run_cell(text: str = CELL) -> dict[str, Any]:
    """Run a cell that has no file; return what it defines."""
    there: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, "<cell>", "exec"), there)
    return there


def key(old: str = "", new: str = "") -> str:
    """The key of the cell's fusion, with a piece of the cell changed."""
    assert not old or CELL.count(old) == 1
    run_cell(CELL.replace(old, new) if old else CELL)
    return code_of("mine")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCALE = 0.5", "SCALE = 0.25"),
        ("SCALE = 0.5", "SCALE = 1"),
        ('{"rows": [1, 2]', '{"rows": [2, 1]'),
        ('"c", "d"}', '"c", "e"}'),
        ("np.arange(3.0)", "np.arange(3.0) + 1"),
        ("torch.ones(2", "torch.zeros(2"),
        ("SOFT = 1", "SOFT = 2"),
        ("width: int = 3", "width: int = 4"),
        ("SIZE = Size()", "SIZE = Size(5)"),
        ("return length + 1", "return length + 2"),
        ("sharpness=2.0", "sharpness=3.0"),
        ("sharpness * x", "sharpness + x"),
        ("torch.sigmoid", "torch.tanh"),
        ("squash(x) * math.sqrt", "squash(x) + math.sqrt"),
        ("math.sqrt", "math.exp"),
        ("@torch.no_grad()", "@torch.enable_grad()"),
        ("scaled(0.25)", "scaled(0.75)"),
        ("nn.Linear(2 * dim, dim)", "nn.Linear(2 * dim, dim, bias=False)"),
        ("bias = 0.1", "bias = 0.2"),
        ("return self.bias", "return -self.bias"),
        ("1 - gate", "2 - gate"),
    ],
)
def test_the_key_changes_with_whatever_the_fusion_uses(old: str, new: str) -> None:
    assert key(old, new) != key()


@pytest.mark.parametrize(
    ("old", "new"),
    [("# squashed", "# pressed\n"), ("UNUSED = 1", "UNUSED = object()\nunused = open"), ("\nhalf", "\n\nhalf")],
)
def test_the_key_stays_when_nothing_changes_that_the_fusion_uses(old: str, new: str) -> None:
    assert key(old, new) == key()


def test_the_key_stays_when_the_code_has_run() -> None:
    before, there = key(), run_cell()
    for _ in range(200):  # Python writes faster instructions into code that runs often
        there["scaled"](2)(there["TENSOR"])
    fit("mine", toy_features(), 1, toy_preset(1))
    assert code_of("mine") == before


def test_a_changed_helper_trains_again_and_an_unchanged_one_does_not() -> None:
    key()
    first = fit("mine", toy_features(), 1, toy_preset(1))
    key()
    assert fit("mine", toy_features(), 1, toy_preset(1)).folder == first.folder
    key("sharpness=2.0", "sharpness=30.0")
    again = fit("mine", toy_features(), 1, toy_preset(1))
    assert again.folder != first.folder and not again.predictions.equals(first.predictions)


@pytest.mark.parametrize("hashing", ["1", "2"])
def test_another_process_without_a_file_comes_to_the_same_key(hashing: str) -> None:
    code = f"{CELL}\nfrom jcalib.training.run import code_of; print(code_of('mine'))"
    environment = {**os.environ, "PYTHONHASHSEED": hashing}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == key()


def test_a_module_of_the_user_counts_by_what_is_taken_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "nets").mkdir()
    cell = """
import jcalib as jca
import nets.parts

@jca.fusion.register("mine")
class Mine(jca.fusion.Fusion):
    def attend(self, audio, visual, mask):
        return nets.parts.louder(audio), visual, {}
"""

    def keyed(parts: str) -> str:
        for name in [name for name in sys.modules if name.startswith("nets")]:
            del sys.modules[name]
        (tmp_path / "nets" / "parts.py").write_text(parts)
        for compiled in tmp_path.rglob("*.pyc"):
            compiled.unlink()
        run_cell(cell)
        return code_of("mine")

    plain = "OTHER, GAIN = 1, 2\ndef louder(x): return GAIN * x\n"
    assert keyed(plain) == keyed(plain.replace("OTHER, GAIN = 1", "OTHER, GAIN = 5"))
    assert keyed(plain) != keyed(plain.replace("1, 2", "1, 3"))


def test_the_fusions_of_the_kit_count_by_their_text() -> None:
    code = source_fingerprint("concordance.py", "clips.py", "fusion", "training")
    for name in ("joint", "cross", "cell-other-time-softmax-reweight"):
        assert code_of(name) == fingerprint([code, inspect.getsource(FUSIONS[name])])


def test_what_nobody_can_tell_apart_is_refused_in_one_line() -> None:
    run_cell(CELL.replace("SCALE = 0.5", "import threading\nSCALE = threading.Lock()"))
    with pytest.raises(UserError, match=r"^Mine.*inner.*SCALE is a _thread\.lock: a run is found again") as told:
        code_of("mine")
    assert "\n" not in str(told.value)
