"""Plain sentences that follow from the numbers, whichever way they fall.

Text without HTML; bold in Markdown. A sentence says what the verdict allows and nothing more: "cannot tell" never
becomes "the same", and a difference that is sure but small is called small.
"""

import math
from typing import Literal

from jcalib.studies.statistics import CANNOT_TELL, FEWEST, TOO_FEW, Comparison

Outcome = Literal["a", "b", "same", "open", "few"]

SINGLE = "the better single modality"

# What the second comparison, joint - mixer, says of the correlation (rows), given how the first, joint - cross, fell;
# None serves the outcomes that a row does not name.
_CLAIMS: dict[Outcome, dict[Outcome | None, str]] = {
    "a": {
        "a": "and **the correlation has a part in it**",
        None: "though **the correlation helps joint**",
    },
    "b": {
        "a": "but **the correlation is not what does it**",
        "b": "and **the correlation has a part in it**",
        None: "and **the correlation harms joint**",
    },
    "same": {
        "a": "and **the correlation is not what does it**",
        None: "and **the correlation makes no difference to it**",
    },
    "open": {
        "a": "but **whether the correlation does it cannot be told**",
        "open": "and whether the correlation helps joint cannot be told either",
        None: "but **whether the correlation helps joint cannot be told**",
    },
    "few": {
        "few": "nor can it be said whether the correlation helps joint",
        None: f"but whether the correlation helps joint cannot be said: {TOO_FEW}",
    },
}


def format_ccc(value: float, digits: int = 3) -> str:
    """Return a CCC or a difference as papers print it: .021, -.004, 1.000, without a leading zero.

    A value that would round to zero shows one digit more: an interval's end should not look like 0 when it is not.
    """
    if math.isnan(value):
        return "undefined"
    texts = (f"{value:.{shown}f}" for shown in (digits, digits + 1))
    text = next((text for text in texts if float(text) != 0), f"{0:.{digits}f}")
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else text


def format_interval(low: float, high: float, digits: int = 3) -> str:
    """Return an interval as papers print it, [.021, .043], or the reason why there is none."""
    if math.isnan(low) or math.isnan(high):
        return f"({TOO_FEW})"
    return f"[{format_ccc(low, digits)}, {format_ccc(high, digits)}]"


def headline(
    primary: Comparison,
    mixer: Comparison | None = None,
    data: str = "this corpus",
    concat: Comparison | None = None,
) -> str:
    """Return the report's first sentences: does joint beat vanilla, is it the correlation, and is it joint at all?

    Args:
        primary: joint - cross on the mean of valence and arousal.
        mixer: joint - mixer, the same network without the correlation; None where it was not run.
        data: what both were compared on, in words.
        concat: concat - cross, plain concatenation; None where it was not run.
    """
    return f"{_joint(primary, mixer, data)}{_concat(concat)}"


def _joint(primary: Comparison, mixer: Comparison | None, data: str) -> str:
    sentence = f"On {data} {_joint_and_vanilla(primary)}"
    if mixer is None:
        return f"{sentence}."
    # A difference smaller than the margin leaves nothing that the correlation could be credited with.
    first = "same" if primary.within_margin and _outcome(primary) != "few" else _outcome(primary)
    return f"{sentence}, {_correlation(first, mixer)}."


def _concat(concat: Comparison | None) -> str:
    """Whether it takes attention at all to beat vanilla; nothing where plain concatenation does not."""
    if concat is None or _outcome(concat) != "a":
        return ""
    return f" Plain concatenation beats vanilla, too, by {_amount(concat)}."


def beats_single(name: str, comparison: Comparison) -> str:
    """Return whether a fusion beats the better of its two modalities alone.

    Args:
        name: the fusion.
        comparison: the fusion - the better single modality.
    """
    match _outcome(comparison):
        case "a":
            return f"{name} beats {SINGLE} by {_amount(comparison)}."
        case "b":
            return f"{name} is beaten by {SINGLE} by {_amount(comparison)}."
        case "same":
            return f"{name} and {SINGLE} score {_same(comparison)}."
        case "open":
            adjusted = corrected(comparison)
            return f"Whether {name} beats {SINGLE} cannot be told: the difference is {_signed(comparison)}{adjusted}."
        case "few":
            return f"Whether {name} beats {SINGLE} cannot be said: {TOO_FEW}."


def corrected(comparison: Comparison) -> str:
    """Return why a verdict is open although the interval leaves 0 out: the correction for many tests; else nothing.

    Args:
        comparison: one of a family.
    """
    if comparison.verdict != CANNOT_TELL or comparison.low <= 0 <= comparison.high:
        return ""
    return f", p = {format_ccc(comparison.p_adjusted)} after Holm's correction"


def detectable(
    comparison: Comparison, uncovered: str = "one training set, one encoder", mixer: Comparison | None = None
) -> str:
    """Return what could not have been seen: the smallest detectable difference, and what no interval covers.

    Args:
        comparison: joint - cross.
        uncovered: what there was only one of.
        mixer: joint - mixer, whose variance is another one; None where it was not run.
    """
    seeds = f"{comparison.seeds} seeds" if comparison.seeds > 1 else "1 seed"
    sample = f"{_count(comparison)} × {seeds}"
    if _outcome(comparison) == "few" or math.isnan(comparison.detectable):
        seen = f"{sample} are too few to say what difference could have been seen"
    else:
        of_mixer = f", and of {format_ccc(mixer.detectable)} between joint and mixer," if mixer else ""
        amount = f"{format_ccc(comparison.detectable)} between joint and vanilla{of_mixer}"
        seen = f"{sample} could have shown a difference of {amount} with 80 % power"
    missing = uncovered if comparison.seeds > 1 else f"{uncovered}, one seed"
    return f"{seen}; what no interval here covers: {missing}."


def _joint_and_vanilla(primary: Comparison) -> str:
    match _outcome(primary):
        case "a":
            return f"joint beats vanilla by {_amount(primary)}"
        case "b":
            return f"vanilla beats joint by {_amount(primary)}"
        case "same":
            return f"joint and vanilla score {_same(primary)}"
        case "open":
            return f"**joint cannot be told from vanilla**: the difference is {_signed(primary)}"
        case "few":
            return f"there are **{TOO_FEW}** of joint and vanilla ({_count(primary)}, and it takes {FEWEST})"


def _correlation(primary: Outcome, mixer: Comparison) -> str:
    outcome = _outcome(mixer)
    claim = _CLAIMS[outcome].get(primary, _CLAIMS[outcome][None])
    match outcome:
        case "a":
            return f"{claim}: without it the same network scores lower by {_amount(mixer)}"
        case "b":
            return f"{claim}: without it the same network scores higher by {_amount(mixer)}"
        case "same":
            return f"{claim}: without it the same network scores {_same(mixer)}"
        case "open":
            return f"{claim}: joint minus the same network without it is {_signed(mixer)}"
        case "few":
            return claim


def _outcome(comparison: Comparison) -> Outcome:
    named: dict[str, Outcome] = {"A higher": "a", "B higher": "b", CANNOT_TELL: "open", TOO_FEW: "few"}
    return named.get(comparison.verdict, "same")


def _amount(comparison: Comparison) -> str:
    """Return the size of a difference and its 95 % interval, both seen from the higher side."""
    low, high = comparison.low, comparison.high
    if comparison.difference < 0:
        low, high = -high, -low
    small = f", less than the margin of {_margin(comparison)}" if comparison.within_margin else ""
    return f"**{format_ccc(abs(comparison.difference))}** CCC {format_interval(low, high)}{small}"


def _signed(comparison: Comparison) -> str:
    if math.isnan(comparison.difference):
        return "undefined"
    return f"{format_ccc(comparison.difference)} CCC {format_interval(comparison.low, comparison.high)}"


def _same(comparison: Comparison) -> str:
    inner = format_interval(comparison.inner_low, comparison.inner_high)
    return f"the same within {_margin(comparison)} ({format_ccc(comparison.difference)}, 90 % interval {inner})"


def _margin(comparison: Comparison) -> str:
    return f"{comparison.margin:g}".replace("0.", ".", 1)


def _count(comparison: Comparison) -> str:
    unit = comparison.unit if comparison.clusters != 1 else comparison.unit.removesuffix("s")
    return f"{comparison.clusters} report {unit}"
