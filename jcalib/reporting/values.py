"""What the chapters' parameters may say: an unknown preset, fusion, device or folder is refused before a kernel starts.

The type alone would let `preset=smok` through, and the mistake would show only minutes later.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jcalib.settings import UserError, choose, preset

if TYPE_CHECKING:
    from nbformat import NotebookNode

DEVICES = ("auto", "cpu", "cuda")
SYNTHETIC = "synthetic"
TARGETS = ("valence", "arousal")
_REGISTERED = re.compile(r"""register\(["'](\w+)["']\)""")


def check_values(values: Mapping[str, Any], notebook: "NotebookNode") -> None:
    """Refuse names that nothing has.

    Args:
        values: a chapter's parameters, of the types it declares.
        notebook: the chapter; a fusion that one of its cells registers has a name too.

    Raises:
        UserError: an unknown name, with the near one, or a number that cannot be.
    """
    if "preset" in values:
        preset(values["preset"])
    if "device" in values:
        check_device(values["device"])
    if "target" in values:
        choose(values["target"], TARGETS, "target")
    if values.get("seeds", 0) < 0:
        raise UserError(f"seeds has {values['seeds']}: it is how many, 1 or more. 0 takes the preset's number.")
    check_source(values.get("corpus", SYNTHETIC), values.get("features", ""))
    check_weights(values.get("preset", "quick"), values.get("weights", []), values.get("features", ""))
    named = [*values.get("fusions", []), *filter(None, [values.get("fusion")])]
    if named:
        check_fusions(named, _REGISTERED.findall("\n".join(cell.source for cell in notebook.cells)))


def check_device(name: str) -> None:
    """Refuse a device that does not exist, or is not here.

    Raises:
        UserError: the name is unknown, or there is no GPU that torch can use.
    """
    choose(name, DEVICES, "device")
    if name == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UserError("device has 'cuda', and torch sees no GPU here: take auto or cpu; jcalib doctor says more.")


def check_source(corpus: str, features: str = "") -> None:
    """Refuse a folder that does not exist, or holds something else; each recording is its reader's to judge.

    Args:
        corpus: "synthetic", or a folder of recordings.
        features: a folder of own features; empty for a corpus.

    Raises:
        UserError: there is no such folder, with the near name, or both are named.
    """
    if features:
        from jcalib.own_features import find_features

        find_features(features)
        if corpus != SYNTHETIC:
            raise UserError(f"corpus has {corpus!r} and features has {features!r}: name one of the two.")
    if corpus != SYNTHETIC:
        from jcalib.corpora import find_corpus

        find_corpus(corpus)


def check_weights(name: str, weights: list[str], features: str = "") -> None:
    """Refuse weights that no encoder takes.

    Args:
        name: the preset, whose encoders are meant.
        weights: as `weights.with_weights` reads them.
        features: a folder of own features; empty for a corpus.

    Raises:
        UserError: a modality or file that is not there, a file of something else, or no encoder to give it to.
    """
    if not weights:
        return
    if features:
        raise UserError(f"weights has {', '.join(weights)}: own features are encoded already, leave weights out.")
    from jcalib.weights import with_weights

    with_weights(name, weights)


def check_compared(fusions: str) -> None:
    """Refuse a report without the two fusions that it is about.

    Args:
        fusions: names with commas between; empty for the preset's.

    Raises:
        UserError: a name is unknown, or joint or cross is missing.
    """
    names = names_of(fusions)
    if not names:
        return
    check_fusions(names, [])
    for needed in ("joint", "cross"):
        if needed not in names:
            raise UserError(f"fusions has {', '.join(names)}: a report compares joint and cross, add {needed}.")


def names_of(fusions: str, needed: bool = False) -> list[str]:
    """Return the fusions that a shell names with commas between.

    Args:
        fusions: what the user wrote.
        needed: whether nothing at all, which is the preset's fusions, is refused too.

    Raises:
        UserError: there is no name in it.
    """
    names = [name.strip() for name in fusions.strip("[]() ").split(",") if name.strip()]
    if not names and (needed or fusions.strip("[]() ")):
        raise UserError(f"fusions has {fusions!r}: name fusions with commas between.")
    return names


def check_fusions(names: list[str], own: list[str]) -> None:
    """Refuse fusions that nobody registered.

    Args:
        names: what the user wrote.
        own: names that are registered later.

    Raises:
        UserError: the name is unknown; the message gives the near name.
    """
    from jcalib.fusion import choose_fusion

    for name in names:
        choose_fusion(name, own)
