"""Every kind of fusion goes on exactly where it stopped: dropout, recurrence, learned states and all."""

import numpy as np
import pytest
from toy import toy_features, toy_preset

from jcalib.training import fit
from jcalib.training import fusions as room

KINDS = ("lstm", "recursive", "gated", "transformer", "released", "cross_wide", "cell-joint-time-softmax-map")


@pytest.mark.parametrize("name", KINDS)
def test_an_interrupted_training_ends_with_the_same_numbers(name, tmp_path, monkeypatch):
    def stop(epoch):
        if epoch.number == 0:
            raise KeyboardInterrupt

    tables = []
    for home, disturb in (("killed", True), ("undisturbed", False)):
        monkeypatch.setenv("JCALIB_HOME", str(tmp_path / home))
        with monkeypatch.context() as patch:
            patch.setattr(room, "SAVE_EVERY", 0.0)
            if disturb:
                with pytest.raises(KeyboardInterrupt):
                    fit(name, toy_features(), 2, toy_preset(2), on_epoch=stop)
        run = fit(name, toy_features(), 2, toy_preset(2))
        tables.append((run.predictions[["valence", "arousal"]].to_numpy(), run.history))
    assert np.array_equal(tables[0][0], tables[1][0]) and tables[0][1].equals(tables[1][1])
