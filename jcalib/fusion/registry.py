"""Every fusion by name, the kit's and the user's."""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from jcalib.fusion.base import Fusion
from jcalib.settings import UserError, choose

FUSIONS: dict[str, type[Fusion]] = {}
CELL = "cell-"  # how the names of the 24 cells begin

F = TypeVar("F", bound=Fusion)


def register(name: str) -> Callable[[type[F]], type[F]]:
    """Give a fusion a name, under which it is built, trained and ablated like any other.

    Args:
        name: the new name. Registering a name again replaces the class, as running a notebook cell twice does; the
            names of the kit's own fusions are taken.

    Returns:
        The decorator of a subclass of `Fusion`, which returns the class.

    Raises:
        TypeError: what is decorated is not a subclass of `Fusion`.
        ValueError: the name belongs to one of the kit's fusions.

    Example::

        @jca.fusion.register("gated_sum")
        class GatedSum(jca.fusion.Fusion):
            def __init__(self, *sizes, **options):
                super().__init__(*sizes, **options)
                self.gate = nn.Linear(2 * self.dim, self.dim)

            def attend(self, audio, visual, mask):
                gate = torch.sigmoid(self.gate(torch.cat([audio, visual], dim=-1)))
                return gate * audio, (1 - gate) * visual, {"gate": gate}
    """

    def add(cls: type[F]) -> type[F]:
        if not (isinstance(cls, type) and issubclass(cls, Fusion)):
            raise TypeError(f"{name!r} is {cls!r}: a fusion is a subclass of jcalib.fusion.Fusion.")
        taken = FUSIONS.get(name)
        if taken is not None and _is_ours(taken) and not _is_ours(cls):
            raise ValueError(f"the fusion name {name!r} is taken by {taken.__name__}: choose another name.")
        cls.name = name
        FUSIONS[name] = cls
        return cls

    return add


def named() -> list[str]:
    """Return the names of all fusions but the 24 cells (`jcalib.fusion.cells` lists these)."""
    return [name for name in FUSIONS if not name.startswith(CELL)]


def about(name: str) -> str:
    """Return what a fusion is, in one line: the first sentence of its docstring.

    Args:
        name: of the fusion.

    Returns:
        The line; empty where there is no docstring, or no such fusion.
    """
    text = (FUSIONS[name].__doc__ if name in FUSIONS else "") or ""
    first = re.split(r"\n\s*\n|(?<=\.)\s", text.strip(), maxsplit=1)[0]
    return " ".join(first.replace("`", "").split())


def choose_fusion(name: str, later: Iterable[str] = ()) -> str:
    """Return `name` if a fusion has it.

    Args:
        name: what the user wrote.
        later: names that will be registered.

    Raises:
        UserError: the name is unknown; the message gives the near name and all known ones, the cells as one.
    """
    return choose(name, [*FUSIONS, *later], "fusion", shown=[*named(), *later, f"{CELL}KEY-AXIS-NORMALISER-COMBINE"])


def build_fusion(name: str, audio_dim: int, visual_dim: int, clips: int, **options: Any) -> Fusion:
    """Build a fusion by name.

    Args:
        name: one of `FUSIONS`: those that `named` lists, one of the 24 cells, or one that the user registered.
        audio_dim: width of the audio features.
        visual_dim: width of the visual features.
        clips: L, the clips of a sequence.
        options: targets, dim, rank, dropout and head as in `Fusion`, and options of the class (`temperature`, `steps`).

    Returns:
        The module, with fresh weights from torch's global random state.

    Raises:
        ValueError: the name is unknown, or a size is not allowed.
    """
    return FUSIONS[choose_fusion(name)](audio_dim, visual_dim, clips, **options)


def check_modalities(name: str, there: Collection[str]) -> None:
    """Refuse a fusion of something that no recording has.

    Args:
        name: of the fusion.
        there: "audio", "visual" or both: what has a valid row at all.

    Raises:
        UserError: the name is unknown, or the fusion reads more than there is; the message says which make sense.
    """
    reads = FUSIONS[choose_fusion(name)].reads
    missing = [modality for modality in reads if modality not in there]
    if missing:
        sense = ", ".join(one for one in named() if set(FUSIONS[one].reads) <= set(there)) or "none"
        raise UserError(f"{name} reads {missing[0]}, which no recording has: the fusions that make sense are {sense}.")


def _is_ours(cls: type[Fusion]) -> bool:
    return cls.__module__.startswith(f"{__package__}.")
