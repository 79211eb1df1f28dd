"""Provenance says what a number depends on and nothing about whose machine it was."""

import getpass
import json
import socket
from pathlib import Path

import pytest

from jcalib import provenance as module
from jcalib.files import ROOT


def test_it_names_versions_device_and_time() -> None:
    found = module.provenance()
    assert {"python", "jcalib", "torch", "numpy"} <= set(found["versions"])
    assert found["device"]["kind"] in ("cpu", "cuda")
    assert found["device"]["memory_gb"] > 0
    assert found["threads"] >= 1
    assert found["made"].endswith("Z")
    json.dumps(found, allow_nan=False)


def test_it_tells_nothing_about_the_machine() -> None:
    words = json.dumps(module.provenance()).split('"')
    assert socket.gethostname() not in words
    assert getpass.getuser() not in words
    assert not any(str(place) in word for word in words for place in (ROOT, Path.home()))


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOT", tmp_path)
    found = module.provenance()
    assert found["commit"] is None
    assert found["dirty"] is None
