"""A preset whose encoders have weights of the user's choice, in place of its own or of training."""

from collections.abc import Iterable

from jcalib.settings import Preset, UserError, choose
from jcalib.settings import preset as preset_of
from jcalib.weights.known import KNOWN, find
from jcalib.weights.reading import load_weights

MODALITIES = ("audio", "visual")


def with_weights(preset: str | Preset, given: Iterable[str] = ()) -> Preset:
    """Return a preset that uses weights as they are.

    Args:
        preset: a preset or its name.
        given: "visual=FILE" or "audio=FILE", each modality once at most; a file, or the name of a known one
            (`jcalib weights list`).

    Returns:
        The preset, its files with their whole paths.

    Raises:
        UserError: there is no such preset, modality or file.
    """
    chosen, found = preset_of(preset), dict[str, str]()
    for one in given:
        modality, where = _read(one)
        if modality in found:
            raise UserError(f"weights name {modality} twice: an encoder takes one file.")
        found[modality] = where if where in KNOWN else str(find(where))
    if not found:
        return chosen
    return chosen.changed(encoder=chosen.encoder.changed(**{f"weights_{one}": to for one, to in found.items()}))


def check_fit(preset: Preset) -> None:
    """Refuse files that a preset's encoders do not take, before any work; known files may be fetched later.

    Args:
        preset: with its weights.

    Raises:
        UserError: a file is of something else; one line with the first differences.
    """
    for modality, where in preset.encoder.weights.items():
        if where not in KNOWN:
            load_weights(preset.encoder.kind, modality, where)


def spelled(preset: Preset) -> list[str]:
    """Return a preset's weights as `with_weights` reads them.

    Args:
        preset: where they are.
    """
    return [f"{modality}={where}" for modality, where in preset.encoder.weights.items()]


def _read(given: str) -> tuple[str, str]:
    modality, equals, where = (part.strip() for part in given.partition("="))
    if not (equals and where):
        raise UserError(f"weights has {given!r}: it takes a modality and a file, as visual=i3d.pt or audio=tsav.")
    return choose(modality, MODALITIES, "modality of weights"), where
