"""A report of which every number is invented."""

import json
from pathlib import Path
from typing import Any

from jcalib.reporting.index import write_index
from jcalib.settings import preset

ORDER = [
    {"chapter": name, "title": title, "question": f"Why {title}?"}
    for name, title in [
        ("1_corpus", "1 · Corpus"),
        ("2_train", "2 · Train"),
        ("3_attention", "3 · Attention"),
        ("4_ablation", "4 · Ablation"),
        ("5_attribution", "5 · Attribution"),
    ]
]
ROW = {"fusion": "joint", "colour": "#0072b2", "ccc_valence": 0.58, "ccc_arousal": 0.64, "mean": 0.61}
ROW |= {"low": 0.58, "high": 0.64, "parameters": 184_321, "beats_single": True, "joint_against": ""}
ROLES = {
    "1_corpus": ["faces", "spectrogram"],
    "2_train": ["curves"],
    "3_attention": ["dependence", "maps"],
    "4_ablation": ["differences", "scores"],
    "5_attribution": ["attribution"],
}


def record(chapter: str) -> dict[str, Any]:
    figures = [
        {"name": role, "file": f"figures/{role}.png", "caption": f"See {role}.", "alt": role, "role": role}
        for role in ROLES[chapter]
    ]
    stages = [{"name": "fit", "text": "2 seeds", "seconds": 1.5, "peak_mb": 300}]
    return {"chapter": chapter, "status": "ok", "headline": f"Found in {chapter}.", "figures": figures,
            "stages": stages, "seconds": 75.0, "peak_mb": 400, "error": None, "metrics": {}}  # fmt: skip


def records() -> dict[str, dict[str, Any]]:
    made = {chapter: record(chapter) for chapter in ROLES}
    audit = {"name": "identity only", "value": 0.02, "expected": "within .05 of 0", "holds": True}
    made["1_corpus"] |= {"audits": [audit, {**audit, "name": "time only"}], "data": "3f9a1c"}
    made["2_train"] |= {"seeds": [0, 1]}
    bare = {"fusion": "mine", "mean": None, "colour": "red;}body{display:none"}
    made["4_ablation"] |= {"headline": "Joint beats vanilla by **.021**.", "detectable": ".024 was in reach."}
    made["4_ablation"] |= {"table": [ROW, {**ROW, "fusion": "cross", "beats_single": False}, bare]}
    return made


def fill(folder: Path, made: dict[str, dict[str, Any]]) -> str:
    """Write a report's files and return its first page."""
    (folder / "chapters").mkdir(parents=True)
    (folder / "figures").mkdir()
    settings = preset("quick").model_dump(mode="json")
    (folder / "report.json").write_text(json.dumps({"id": "quick-1", "chapters": ORDER, "settings": settings}))
    for chapter, one in made.items():
        (folder / "chapters" / f"{chapter}.json").write_text(json.dumps(one))
        (folder / f"{chapter}.html").write_text("")
        if one["status"] in ("ok", "unchanged"):
            for figure in one["figures"]:
                (folder / figure["file"]).write_bytes(b"x")
    return write_index(folder).read_text()
