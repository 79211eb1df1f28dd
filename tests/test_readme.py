"""The README says what the published report says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jcalib.files import ROOT
from jcalib.reporting.report import plan
from jcalib.studies.verdicts import format_ccc

README = (ROOT / "README.md").read_text()
PUBLISHED = ROOT / "reports" / "published"
ABLATION = json.loads((PUBLISHED / "chapters" / "4_ablation.json").read_text())


def test_the_headline_is_the_report_s() -> None:
    assert f"> {ABLATION['headline']}" in README
    assert ABLATION["detectable"] in README


def test_what_joint_looks_at_and_which_map_to_trust_are_the_report_s() -> None:
    looking, trust = (
        json.loads((PUBLISHED / "chapters" / f"{name}.json").read_text())["headline"]
        for name in ("3_attention", "5_attribution")
    )
    assert looking in README
    assert trust.split(" That is over")[0] in README


@pytest.mark.parametrize("row", ABLATION["table"], ids=lambda row: row["fusion"])
def test_every_row_is_the_report_s(row: dict) -> None:
    scores = [format_ccc(row[key]) for key in ("ccc_valence", "ccc_arousal", "mean")]
    interval = f"[{format_ccc(row['low'])}, {format_ccc(row['high'])}]"
    assert f"| {row['fusion']} | {' | '.join(scores)} | {interval} | {row['parameters']:,} |" in README


@pytest.mark.parametrize("name", ["mixer", "concat"])
def test_what_beats_vanilla_without_correlation_does_so_by_the_report_s_amount(name: str) -> None:
    means = {row["fusion"]: row["mean"] for row in ABLATION["table"]}
    assert re.search(rf"`{name}`[^.]*? by {re.escape(format_ccc(means[name] - means['cross']))}", README)


def test_the_published_report_is_whole_and_small() -> None:
    assert json.loads((PUBLISHED / "status.json").read_text())["status"] == "ok"
    shown = [PUBLISHED / "index.html", *(PUBLISHED / "figures").iterdir()]
    assert sum(path.stat().st_size for path in shown) < 9_000_000  # the strip is 300 dpi


def test_the_run_that_is_predicted_with_is_the_one_that_make_report_makes() -> None:
    """Those of the published report are named by the code that trained them, which moves on."""
    assert README.count(f"--run reports/{plan('quick').id} ") == 2


def test_what_the_readme_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert links and all((ROOT / link).exists() for link in links)


def test_its_python_runs_as_a_script(tmp_path: Path) -> None:
    """From a file, without a guard for the processes that render; `smoke` stands for `quick`."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    script = tmp_path / "study.py"
    script.write_text("import torch\n" + "\n".join(blocks).replace('"quick"', '"smoke"').replace("seeds=5", "seeds=2"))
    environment = {**os.environ, "JCALIB_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "joint" in ran.stdout
