"""The space of a search: which settings of a training are tried, and what values each may take."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jcalib.settings import TrainingSettings, UserError, choose

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

TUNABLE = ("learning_rate", "weight_decay", "dropout", "dim", "rank", "epochs", "batch")
LOGARITHMIC = ("learning_rate", "weight_decay")  # whose powers of ten are equally likely

Number = int | float
Stated = Mapping[str, tuple[Number, Number] | Sequence[Number]]

SPACE: Stated = {
    "learning_rate": (3e-4, 1e-2),
    "weight_decay": (1e-4, 1e-1),
    "dropout": (0.0, 0.7),
    "dim": [64, 128, 256],
    "rank": [16, 32, 64],
    "epochs": [12, 24, 48],
}


@dataclass(frozen=True)
class Dimension:
    """One setting that is searched: a range from low to high, or some values to choose from."""

    name: str
    values: tuple[Number, ...]
    between: bool

    def __contains__(self, value: Number) -> bool:
        return self.values[0] <= value <= self.values[1] if self.between else value in self.values

    def __str__(self) -> str:
        """As the command line takes it: "dropout=0..0.7", "dim=64/128"."""
        return f"{self.name}={('..' if self.between else '/').join(f'{value:g}' for value in self.values)}"

    @property
    def logarithmic(self) -> bool:
        """Whether powers of ten are equally likely."""
        return self.between and self.name in LOGARITHMIC

    def distribution(self) -> "BaseDistribution":
        """Return it in Optuna's words."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if not self.between:
            return CategoricalDistribution(self.values)
        low, high = self.values
        if _whole(self.name):
            return IntDistribution(int(low), int(high))
        return FloatDistribution(low, high, log=self.logarithmic)


def dimensions(space: Stated | None = None) -> tuple[Dimension, ...]:
    """Return a stated space, checked.

    Args:
        space: setting to (low, high), or to a list of values; `SPACE` by default.

    Raises:
        UserError: an unknown setting, a value that a training refuses, or a range without a width.
    """
    stated = SPACE if space is None else space
    if not stated:
        raise UserError(f"the space is empty: a search takes one or more of {', '.join(TUNABLE)}.")
    return tuple(_dimension(name, values) for name, values in stated.items())


def read_space(words: Iterable[str]) -> dict[str, Any] | None:
    """Return the space that a shell states as "learning_rate=1e-4..1e-2" and "dim=64/128"; None for no words.

    Raises:
        UserError: a word is none of the two.
    """
    space: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        between = ".." in text
        try:
            values = [float(part) for part in text.split(".." if between else "/")]
        except ValueError:
            raise UserError(f"the space has {word!r}: it takes NAME=LOW..HIGH, or NAME=VALUE/VALUE/VALUE.") from None
        space[name.strip()] = tuple(values) if between else values
    return space or None


def _dimension(name: str, values: Any) -> Dimension:
    choose(name, TUNABLE, "setting to search")
    if not isinstance(values, tuple | list) or not values:
        raise UserError(f"the space has {name} of {values!r}: it takes (low, high), or a list of values.")
    allowed = tuple(getattr(TrainingSettings().changed(**{name: value}), name) for value in values)
    one = Dimension(name, allowed, between=isinstance(values, tuple))
    if one.between and (len(allowed) != 2 or not allowed[0] < allowed[1]):
        raise UserError(f"the space has {one}: a range goes from low to high.")
    if one.logarithmic and allowed[0] == 0:
        raise UserError(f"the space has {one}: its range is one of powers of ten, and begins above 0.")
    if len(set(allowed)) < len(allowed):
        raise UserError(f"the space has {one}: a value comes once.")
    return one


def _whole(name: str) -> bool:
    return TrainingSettings.model_fields[name].annotation is int
