"""A training that is killed goes on where it stopped and ends with the same numbers."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from toy import toy_features, toy_preset

from jcalib.training import fit
from jcalib.training import fusions as room
from jcalib.training.run import Run

EPOCHS = 30

PROGRAM = """
    import sys, time
    sys.path.insert(0, sys.argv[1])
    from toy import toy_features, toy_preset
    import jcalib.training.fusions as room
    room.SAVE_EVERY = 0.0
    room.fit("joint", toy_features(), 2, toy_preset(30), on_epoch=lambda epoch: (print(epoch.number), time.sleep(.05)))
"""


@pytest.mark.parametrize(("after", "later"), [(1, 0.02), (7, 0.055)])  # between two epochs, and within one
def test_a_killed_training_ends_with_the_same_numbers(after, later, tmp_path, monkeypatch):
    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "killed"))
    arguments = [sys.executable, "-uc", textwrap.dedent(PROGRAM), str(Path(__file__).parent)]
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= after:
            time.sleep(later)
            child.send_signal(signal.SIGKILL)
            break
    child.stdout.close()
    child.wait()
    assert not list(tmp_path.glob("killed/runs/*/status.json"))

    trained: list[int] = []
    original = room._Training._train_epoch
    monkeypatch.setattr(room._Training, "_train_epoch", lambda self: (trained.append(self.epoch), original(self))[1])
    epochs: list[int] = []
    resumed = fit("joint", toy_features(), 2, toy_preset(EPOCHS), on_epoch=lambda epoch: epochs.append(epoch.number))
    assert trained[0] >= after, "it started from the beginning"
    assert epochs == list(range(EPOCHS))

    monkeypatch.setenv("JCALIB_HOME", str(tmp_path / "undisturbed"))
    whole = fit("joint", toy_features(), 2, toy_preset(EPOCHS))
    assert_same(resumed, whole)


def assert_same(one: Run, other: Run) -> None:
    columns = ["valence", "arousal"]
    assert np.array_equal(one.predictions[columns], other.predictions[columns])
    assert one.history.equals(other.history)
    assert one.metrics["best_epoch"] == other.metrics["best_epoch"]
