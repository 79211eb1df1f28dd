"""What a fusion costs: operations and memory by hand, time as a ratio that does not hang on the machine."""

import numpy as np
import pytest
import torch
from toy import toy_features, toy_preset

from jcalib.studies import Study, ablate
from jcalib.studies.cost import CALLS, ROUNDS, latencies
from jcalib.training.memory import peak_bytes
from jcalib.views.costs import plot_cost


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCALIB_HOME", str(tmp_path_factory.mktemp("home")))
        made = ablate(["concat", "cross", "mixer", "joint"], toy_features(), seeds=1, preset=toy_preset(1))
        assert len(made.table()) == 4
        return made


def test_peak_memory_counts_what_is_alive_at_once() -> None:
    kept = torch.zeros(10_000)  # there before: not counted

    def freed() -> torch.Tensor:
        first = kept[:1000] + 1
        second = first * 2
        del first
        third = second + 1  # second and third are alive
        return third.view(10, 100)

    def hoarded() -> list[torch.Tensor]:
        return [kept[:1000] + number for number in range(5)]

    assert peak_bytes(freed) == 2 * 4000
    assert peak_bytes(hoarded) == 5 * 4000


def test_calls_take_turns_and_the_first_round_is_not_counted() -> None:
    order: list[str] = []
    seconds = latencies({name: lambda name=name: order.append(name) for name in "ab"}, torch.device("cpu"))
    assert order == [name for _ in range(ROUNDS + 1) for name in "ab" for _ in range(CALLS)]
    assert all(len(one) == ROUNDS and (one > 0).all() for one in seconds.values())


def test_a_row_a_fusion_beside_its_score(study: Study) -> None:
    table = study.cost("cpu").set_index("fusion")
    assert set(table["ratio_to"]) == {"concat"} and table.loc["concat", "latency_ratio"] == 1
    assert (table["latency_ms"] > 0).all()
    # The correlation of joint, (d, 2d) a modality, is what mixer has not.
    assert table.loc["joint", "peak_kb"] > table.loc["mixer", "peak_kb"] > 0
    assert np.allclose(table["mean"], study.table().set_index("fusion")["mean"].loc[table.index])


def test_the_figure_names_every_fusion_in_every_panel(study: Study) -> None:
    for ax in plot_cost(study.cost("cpu")).axes:
        assert {text.get_text() for text in ax.texts} == {"concat", "cross", "mixer", "joint"}
