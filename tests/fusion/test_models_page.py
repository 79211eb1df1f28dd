"""docs/models.md says what the modules are: every fusion, every parameter count."""

import re

import pytest
from torch import nn

from jcalib.files import ROOT
from jcalib.fusion import build_fusion, cells, named

PAGE = (ROOT / "docs" / "models.md").read_text()
SIZES = re.findall(r"^\| `([\w-]+)` \| ([\d,]+) \| ([\d,]+) \|$", PAGE, re.MULTILINE)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def part(name: str) -> tuple[str, str]:
    """What a row of the table of the release's parts gives for the release and for us."""
    theirs, ours = re.search(rf"^\| {name}[^|]*\| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE).groups()
    return theirs, ours


def number(text: str) -> int:
    return int(re.search(r"[\d,]+$", text)[0].replace(",", ""))


def test_every_fusion_has_a_size():
    kit = [name for name in named() if build_fusion(name, 2, 2, 2, dim=4).__module__.startswith("jcalib.")]
    assert sorted(name for name, _, _ in SIZES) == sorted([*kit, *cells()])


@pytest.mark.parametrize(("name", "short", "long"), SIZES, ids=lambda value: value)
def test_sizes_are_those_of_the_modules(name, short, long):
    assert [f"{count(build_fusion(name, 512, 512, clips)):,}" for clips in (8, 16)] == [short, long]


def test_the_parts_that_every_fusion_shares():
    fusion = build_fusion("concat", 512, 512, 8)
    assert f"both projections ({count(fusion.project):,})" in PAGE and f"({count(fusion.head):,}). A test" in PAGE
    assert f"(d = {build_fusion('cross_wide', 512, 512, 8).dim} here)" in PAGE


def test_the_release_s_parts_are_ours_and_add_up():
    fusion = build_fusion("released", 512, 512, 16, dim=512)
    attention = sum(map(count, (fusion.joint, fusion.of_audio, fusion.of_visual)))
    recurrence = count(fusion.lstm) + fusion.h.numel() + fusion.c.numel() + count(fusion.beside)
    assert [number(one) for one in part("co-attention")] == [attention, attention]
    assert [number(one) for one in part("BiLSTM")] == [recurrence, recurrence]
    assert number(part("heads")[1]) == count(fusion.head)
    assert number(part("projections")[1]) == count(fusion.project)
    assert number(part("in all")[1]) == count(fusion)
    one_head = count(nn.Sequential(nn.Linear(512, 128), nn.Linear(128, 1)))
    assert number(part("heads")[0]) == 2 * one_head
    theirs = [number(part(name)[0]) for name in ("co-attention", "BiLSTM", "heads", "spatial")]
    assert sum(theirs) == number(part("in all")[0]) == 8_586_323


def test_sizes_of_the_release_s_dead_modules_follow_from_the_equations():
    """What they are said to have, from joint's own weights and the heads that the page describes."""
    joint = build_fusion("joint", 512, 512, 16)
    attention = count(joint.of_audio) + count(joint.of_visual)
    heads = 2 * (640 * 128 + 128 + 128 + 1)
    assert f"run; {count(joint.project) + attention + heads:,} parameters at L = 16" in PAGE
    wide = build_fusion("joint", 512, 512, 16, dim=512)
    assert f"run; {count(wide.of_audio) + count(wide.of_visual) + 1024 * 128 + 128 + 128 + 1:,})" in PAGE
