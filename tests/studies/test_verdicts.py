"""Every way the numbers can fall gives a sentence with the right words and numbers, and not the wrong ones."""

import itertools
import math
import re
from dataclasses import replace

import pytest
from scipy import stats

from jcalib.studies.statistics import TOO_FEW, Comparison
from jcalib.studies.verdicts import beats_single, detectable, format_ccc, headline


def comparison(difference: float, error: float, clusters: int = 16, seeds: int = 5) -> Comparison:
    """A Comparison with a given difference and standard error at 15 degrees of freedom."""
    outer, inner = (float(stats.t.ppf(level, 15)) * error for level in (0.975, 0.95))
    p = float(2 * stats.t.sf(abs(difference) / error, 15))
    return Comparison(
        difference=difference, low=difference - outer, high=difference + outer, p=p, p_adjusted=p,
        inner_low=difference - inner, inner_high=difference + inner, standard_error=error, df=15.0,
        detectable=3 * error, margin=0.02, clusters=clusters, unit="persons", seeds=seeds, paired=True,
    )  # fmt: skip


SAME, OPEN = "no difference above .02", "cannot tell"
VERDICTS = ("A higher", "B higher", SAME, OPEN, TOO_FEW)

FIRST = {
    "A higher": comparison(0.041, 0.008),
    "B higher": comparison(-0.041, 0.008),
    SAME: comparison(0.003, 0.005),
    OPEN: comparison(0.011, 0.02),
    TOO_FEW: comparison(0.041, 0.008, clusters=2),
}
SECOND = {
    "A higher": comparison(0.033, 0.007),
    "B higher": comparison(-0.033, 0.007),
    SAME: comparison(0.004, 0.006),
    OPEN: comparison(-0.013, 0.015),
    TOO_FEW: comparison(0.033, 0.007, clusters=2),
}
OPENING = {
    "A higher": "joint beats vanilla by **.041** CCC [.024, .058]",
    "B higher": "vanilla beats joint by **.041** CCC [.024, .058]",
    SAME: "joint and vanilla score the same within .02 (.003, 90 % interval [-.006, .012])",
    OPEN: "**joint cannot be told from vanilla**: the difference is .011 CCC [-.032, .054]",
    TOO_FEW: f"there are **{TOO_FEW}** of joint and vanilla (2 report persons, and it takes 10)",
}
ENDING = {
    "A higher": "without it the same network scores lower by **.033** CCC [.018, .048].",
    "B higher": "without it the same network scores higher by **.033** CCC [.018, .048].",
    SAME: "without it the same network scores the same within .02 (.004, 90 % interval [-.007, .015]).",
    OPEN: "joint minus the same network without it is -.013 CCC [-.045, .019].",
    TOO_FEW: ".",
}
# What the second half may say of the correlation, by both verdicts; nothing else of this list may stand there.
CLAIMS = {
    "part": "has a part in it",
    "not it": "is not what does it",
    "helps": "the correlation helps joint**:",
    "harms": "the correlation harms joint",
    "nothing": "the correlation makes no difference to it",
    "whether": "cannot be told",
    "unsaid": "be said",
}
CLAIM = {
    "A higher": ("part", "not it", "not it", "whether", "unsaid"),
    "B higher": ("helps", "part", "nothing", "whether", "unsaid"),
    SAME: ("helps", "harms", "nothing", "whether", "unsaid"),
    OPEN: ("helps", "harms", "nothing", "whether", "unsaid"),
    TOO_FEW: ("helps", "harms", "nothing", "whether", "unsaid"),
}


def test_the_stand_ins_have_the_verdicts_they_are_named_for() -> None:
    for named in (FIRST, SECOND):
        assert [one.verdict for one in named.values()] == list(named)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(VERDICTS, VERDICTS)))
def test_headline_of_every_combination(first: str, second: str) -> None:
    text = headline(FIRST[first], SECOND[second])
    start = f"On this corpus {OPENING[first]}, "
    assert text.startswith(start)
    assert text.endswith(ENDING[second])
    said = text.removeprefix(start)
    expected = CLAIM[first][VERDICTS.index(second)]
    assert [name for name, words in CLAIMS.items() if words in said] == [expected]
    assert text.count("**") % 2 == 0
    assert not re.search(r"nan|undefined|\b0\.\d|[<>]", text)


def test_two_open_questions_are_both_left_open() -> None:
    assert "cannot be told either" in headline(FIRST[OPEN], SECOND[OPEN])
    assert "either" not in headline(FIRST["A higher"], SECOND[OPEN])


def test_headline_of_the_sketch() -> None:
    text = headline(FIRST["A higher"], SECOND["no difference above .02"])
    assert text == (
        "On this corpus joint beats vanilla by **.041** CCC [.024, .058], and **the correlation is not what does it**: "
        "without it the same network scores the same within .02 (.004, 90 % interval [-.007, .015])."
    )


def test_headline_without_a_mixer_says_nothing_of_the_correlation() -> None:
    assert headline(FIRST["A higher"]) == "On this corpus joint beats vanilla by **.041** CCC [.024, .058]."


def test_headline_says_where_it_takes_no_attention_to_beat_vanilla() -> None:
    alone = headline(FIRST["A higher"], SECOND[SAME])
    assert headline(FIRST["A higher"], SECOND[SAME], concat=SECOND["A higher"]) == (
        f"{alone} Plain concatenation beats vanilla, too, by **.033** CCC [.018, .048]."
    )
    for other in ("B higher", SAME, OPEN, TOO_FEW):
        assert headline(FIRST["A higher"], SECOND[SAME], concat=SECOND[other]) == alone


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sure_but_small_difference_is_called_small_and_explains_nothing(sign: int) -> None:
    text = headline(comparison(sign * 0.006, 0.002), SECOND["no difference above .02"])
    winner, loser = ("joint", "vanilla") if sign > 0 else ("vanilla", "joint")
    assert f"{winner} beats {loser} by **.006** CCC [.002, .010], less than the margin of .02" in text
    assert "not what does it" not in text
    assert "less than the margin" not in headline(FIRST["A higher"])


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("A higher", "joint beats the better single modality by **.041** CCC [.024, .058]."),
        ("B higher", "joint is beaten by the better single modality by **.041** CCC [.024, .058]."),
        (
            "no difference above .02",
            "joint and the better single modality score the same within .02 (.003, 90 % interval [-.006, .012]).",
        ),
        (
            "cannot tell",
            "Whether joint beats the better single modality cannot be told: the difference is .011 CCC [-.032, .054].",
        ),
        (TOO_FEW, f"Whether joint beats the better single modality cannot be said: {TOO_FEW}."),
    ],
)
def test_beats_single(verdict: str, words: str) -> None:
    assert beats_single("joint", FIRST[verdict]) == words


def test_an_interval_without_zero_that_stays_open_says_why() -> None:
    one = replace(comparison(0.041, 0.017), p_adjusted=0.059)
    assert one.low > 0 and one.verdict == OPEN
    assert beats_single("joint", one).endswith("CCC [.005, .077], p = .059 after Holm's correction.")
    assert "Holm" not in beats_single("joint", FIRST[OPEN])


def test_detectable_says_what_could_not_have_been_seen() -> None:
    assert detectable(FIRST["A higher"]) == (
        "16 report persons × 5 seeds could have shown a difference of .024 between joint and vanilla with 80 % power; "
        "what no interval here covers: one training set, one encoder."
    )
    assert (
        "a difference of .024 between joint and vanilla, and of .018 between joint and mixer, with 80 %"
        in detectable(FIRST["A higher"], mixer=SECOND[SAME])
    )
    assert detectable(FIRST["A higher"], "one training set").endswith("covers: one training set.")
    assert "one encoder, one seed." in detectable(comparison(0.04, 0.008, seeds=1))


def test_too_few_recordings_could_have_shown_nothing() -> None:
    text = detectable(comparison(0.04, math.nan, clusters=1))
    assert "1 report person × 5 seeds are too few" in text
    assert "80 %" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.021, ".021"), (-0.004, "-.004"), (0.5, ".500"), (1.0, "1.000"), (-1.0, "-1.000"), (0.99996, "1.000"),
        (0.0, ".000"), (-0.0, ".000"), (0.0004, ".0004"), (-0.0004, "-.0004"), (1e-9, ".000"), (-1e-9, ".000"),
        (10.25, "10.250"), (math.nan, "undefined"),
    ],
)  # fmt: skip
def test_format_ccc(value: float, text: str) -> None:
    assert format_ccc(value) == text


def test_format_ccc_with_two_digits() -> None:
    assert format_ccc(0.584, 2) == ".58"
