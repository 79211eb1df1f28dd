"""Tables as a page shows them: three decimals, small p values as papers print them, what never varies in one line."""

import math
from typing import TYPE_CHECKING

from jcalib.studies.verdicts import format_ccc

if TYPE_CHECKING:
    import pandas as pd

P_VALUES = ("p", "p_adjusted")
SMALLEST = 0.001  # a p value below it is said to be so


def printed(table: "pd.DataFrame", digits: int = 3) -> "pd.DataFrame":
    """Return a table as it is shown: rounded, p values in words.

    Args:
        table: any; it stays as it is.
        digits: decimals.
    """
    return table.round(digits).assign(**{name: table[name].map(_p) for name in P_VALUES if name in table})


def without_constants(table: "pd.DataFrame") -> "tuple[pd.DataFrame, str]":
    """Return the columns that vary, and a line that names the others with their value.

    Args:
        table: any; one of a single row stays whole.
    """
    same = [name for name in table if len(table) > 1 and table[name].nunique(dropna=False) == 1]
    known = {str(name).replace("_", " "): table[name].iloc[0] for name in same if table[name].notna().all()}
    return table.drop(columns=same), ", ".join(f"{name} {_value(value)}" for name, value in known.items())


def _value(value: object) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def _p(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"<{format_ccc(SMALLEST)}" if value < SMALLEST else format_ccc(value)
