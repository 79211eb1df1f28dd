"""Tables as a page shows them."""

import numpy as np
import pandas as pd

from jcalib.views.tables import printed, without_constants

TABLE = pd.DataFrame(
    {
        "fusion": "joint",
        "seed": [0, 1],
        "ccc": [0.687634, 0.7],
        "p_adjusted": [0.0002, 0.0204],
        "parameters": 182_018,
        "train_peak_mb": 68.924801,
        "none": np.nan,
    }
)


def test_numbers_have_three_decimals_and_a_small_p_is_not_called_zero() -> None:
    shown = printed(TABLE)
    assert list(shown["ccc"]) == [0.688, 0.7] and list(shown["p_adjusted"]) == ["<.001", ".020"]
    assert list(printed(TABLE.assign(p=[np.nan, 1.0]))["p"]) == ["–", "1.000"]
    assert TABLE["p_adjusted"].iloc[0] == 0.0002, "the numbers stay"


def test_what_never_varies_is_one_line() -> None:
    rest, same = without_constants(TABLE)
    assert list(rest) == ["seed", "ccc", "p_adjusted"]
    assert same == "fusion joint, parameters 182,018, train peak mb 68.925"


def test_a_table_of_one_row_stays_whole() -> None:
    rest, same = without_constants(TABLE[:1])
    assert list(rest) == list(TABLE) and same == ""
