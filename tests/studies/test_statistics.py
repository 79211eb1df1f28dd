"""Sums, jackknife, two-way variance and verdicts: known answers, brute force, and simulated error rates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from jcalib.settings import UserError
from jcalib.studies.bootstrap import crossed_bootstrap
from jcalib.studies.statistics import (
    TOO_FEW,
    Comparison,
    ccc_from_sums,
    compare,
    holm,
    sums,
)


def direct_ccc(x: np.ndarray, y: np.ndarray) -> float:
    """Lin's definition on the frames themselves."""
    return 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)


def trial(
    seed: int | np.random.Generator,
    recordings: int = 20,
    seeds: int = 5,
    seed_effect: float = 0.08,
    recording_effect: float = 0.3,
    edge: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of two simulated fusions: A's noise is smaller by `edge`; gains vary by seed, noise by recording."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(recordings, 1, 60))
    pair = []
    for less in (edge, 0.0):
        gain = 0.8 + seed_effect * rng.normal(size=(1, seeds, 1))
        noise = (0.6 - less) * np.exp(recording_effect * rng.normal(size=(recordings, 1, 1)))
        offset = 0.1 * rng.normal(size=(recordings, 1, 1))
        pair.append(sums(gain * y + noise * rng.normal(size=(recordings, seeds, 60)) + offset, y))
    return pair[0], pair[1]


def fake(difference: float, error: float, **fields: object) -> Comparison:
    """A Comparison with a given difference and standard error at 19 degrees of freedom."""
    outer, inner = stats.t.ppf([0.975, 0.95], 19) * error
    p = 2 * stats.t.sf(abs(difference) / error, 19)
    values: dict[str, object] = {
        "difference": difference, "low": difference - outer, "high": difference + outer, "p": p, "p_adjusted": p,
        "inner_low": difference - inner, "inner_high": difference + inner, "standard_error": error, "df": 19.0,
        "detectable": 3 * error, "margin": 0.02, "clusters": 20, "unit": "persons", "seeds": 5, "paired": True,
    }  # fmt: skip
    return Comparison(**{**values, **fields})  # type: ignore[arg-type]


class TestSums:
    def test_added_over_recordings_they_give_the_ccc_of_all_frames(self) -> None:
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(2, 3, 50)) + 0.3
        assert ccc_from_sums(sums(x, y).sum(0)) == pytest.approx(direct_ccc(x.ravel(), y.ravel()), abs=1e-12)

    def test_agree_with_the_metric_that_training_uses(self) -> None:
        torch = pytest.importorskip("torch")
        from jcalib.concordance import ccc

        rng = np.random.default_rng(1)
        x, y = rng.normal(size=(2, 200, 2))
        y[rng.random(y.shape) < 0.2] = np.nan
        ours = ccc_from_sums(sums(x.T, y.T))
        np.testing.assert_allclose(ours, ccc(torch.from_numpy(x), torch.from_numpy(y)).numpy(), atol=1e-12)

    def test_count_only_frames_valid_for_target_prediction_and_all_fusions(self) -> None:
        x = np.array([1.0, np.nan, 3.0, 4.0, 5.0])
        y = np.array([2.0, 2.0, np.nan, 1.0, 7.0])
        assert sums(x, y, valid=np.array([1, 1, 1, 0, 1])).tolist() == [2, 6, 9, 26, 53, 37]

    def test_broadcast_a_target_over_seeds(self) -> None:
        rng = np.random.default_rng(2)
        assert sums(rng.normal(size=(4, 3, 2, 30)), rng.normal(size=(4, 1, 2, 30))).shape == (4, 3, 2, 6)

    @pytest.mark.parametrize("level", [0.0, 0.1, -0.3, 1.0])
    def test_corners_of_constant_sides(self, level: float) -> None:
        flat, moving = np.full(1000, level), np.linspace(-1, 1, 1000)
        assert np.isnan(ccc_from_sums(sums(flat, flat)))
        assert np.isnan(ccc_from_sums(sums(flat, flat + 0.5)))
        assert ccc_from_sums(sums(flat, moving)) == 0
        assert ccc_from_sums(sums(moving, flat)) == 0
        assert ccc_from_sums(sums(moving, moving)) == pytest.approx(1)

    def test_nothing_counted_is_undefined(self) -> None:
        assert np.isnan(ccc_from_sums(sums(np.full(9, np.nan), np.ones(9))))
        assert np.isnan(ccc_from_sums(np.zeros(6)))

    def test_a_small_variation_is_not_called_constant(self) -> None:
        y = np.linspace(0.5, 0.5001, 100)
        assert ccc_from_sums(sums(y, y)) == pytest.approx(1, abs=1e-3)


class TestCompare:
    def test_matches_the_jackknife_and_two_way_table_done_by_loops(self) -> None:
        rng = np.random.default_rng(3)
        n, seeds, frames = 11, 4, 40
        y = rng.normal(size=(n, frames))
        x = {name: y[:, None] * g + rng.normal(size=(n, seeds, frames)) for name, g in (("a", 0.9), ("b", 0.6))}

        def theta(kept: list[int], s: int) -> float:
            target = np.concatenate([y[r] for r in kept])
            a, b = (direct_ccc(np.concatenate([x[name][r, s] for r in kept]), target) for name in "ab")
            return a - b

        everyone = list(range(n))
        full = [theta(everyone, s) for s in range(seeds)]
        d = np.empty((n, seeds))
        for r in everyone:
            for s in range(seeds):
                d[r, s] = n * full[s] - (n - 1) * theta([other for other in everyone if other != r], s)
        grand = d.mean()
        ms_r = sum(seeds * (d[r].mean() - grand) ** 2 for r in range(n)) / (n - 1)
        ms_s = sum(n * (d[:, s].mean() - grand) ** 2 for s in range(seeds)) / (seeds - 1)
        ms_e = sum((d[r, s] - d[r].mean() - d[:, s].mean() + grand) ** 2 for r in range(n) for s in range(seeds)) / (
            (n - 1) * (seeds - 1)
        )
        v = max(ms_r + ms_s - ms_e, ms_r, ms_s) / (n * seeds)
        df = (ms_r + ms_s) ** 2 / (ms_r**2 / (n - 1) + ms_s**2 / (seeds - 1))

        found = compare(sums(x["a"], y[:, None]), sums(x["b"], y[:, None]))
        assert found.difference == pytest.approx(np.mean(full), abs=1e-10)
        assert found.standard_error == pytest.approx(np.sqrt(v), rel=1e-8)
        assert found.df == pytest.approx(df, rel=1e-8)
        assert found.p == pytest.approx(2 * stats.t.sf(abs(np.mean(full)) / np.sqrt(v), df), rel=1e-6)
        assert found.high - found.difference == pytest.approx(stats.t.ppf(0.975, df) * np.sqrt(v), rel=1e-8)
        assert found.inner_high - found.difference == pytest.approx(stats.t.ppf(0.95, df) * np.sqrt(v), rel=1e-8)
        reach = stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)
        assert found.detectable == pytest.approx(reach * np.sqrt(v), rel=1e-8)

    def test_several_targets_are_compared_on_their_mean(self) -> None:
        (a, b), (c, d) = trial(4), trial(5)
        both = compare(np.stack([a, c], axis=2), np.stack([b, d], axis=2))
        assert both.difference == pytest.approx((compare(a, b).difference + compare(c, d).difference) / 2)
        doubled = compare(np.stack([a, a], axis=2), np.stack([b, b], axis=2))
        assert doubled.frame().equals(compare(a, b).frame())

    def test_one_fusion_alone_gets_the_interval_of_its_own_ccc(self) -> None:
        a, _ = trial(6)
        own = compare(a)
        assert own.difference == pytest.approx(ccc_from_sums(a.sum(0)).mean())
        assert own.low < own.difference < own.high
        assert own.verdict == "above 0"

    def test_identical_fusions_have_a_defined_answer(self) -> None:
        a, _ = trial(7)
        same = compare(a, a)
        assert (same.difference, same.low, same.high, same.p, same.detectable) == (0, 0, 0, 1, 0)
        assert same.verdict == "no difference above .02"
        assert np.isfinite(same.df)

    def test_one_seed_leaves_only_recordings_to_vary_and_says_so(self) -> None:
        a, b = trial(8, seeds=1)
        one = compare(a, b)
        n = len(a)
        score = [ccc_from_sums(x.sum(0))[0] for x in (a, b)]
        left = ccc_from_sums(a.sum(0) - a)[:, 0] - ccc_from_sums(b.sum(0) - b)[:, 0]
        pseudo = n * (score[0] - score[1]) - (n - 1) * left
        assert one.standard_error == pytest.approx(pseudo.std(ddof=1) / np.sqrt(n))
        assert one.df == n - 1
        assert "this one seed" in one.covers
        assert "fresh seeds" in compare(*trial(8)).covers

    @pytest.mark.parametrize("recordings", [1, 2, 9])
    def test_under_ten_recordings_there_is_no_verdict(self, recordings: int) -> None:
        few = compare(*trial(9, recordings=recordings, edge=0.5))
        assert few.verdict == TOO_FEW
        assert np.isfinite(few.difference)
        assert np.isnan(few.p) == (recordings == 1)
        assert compare(*trial(9, recordings=10, edge=0.5)).verdict == "A higher"

    def test_persons_count_not_their_recordings(self) -> None:
        a, b = trial(10, recordings=24)
        persons = [f"p{r % 12}" for r in range(24)]
        added = [x[:12] + x[12:] for x in (a, b)]
        by_person = compare(a, b, clusters=persons)
        assert by_person.clusters == 12
        assert by_person.unit == "persons"
        assert by_person.low == pytest.approx(compare(*added).low)
        assert compare(a, b, clusters=[f"p{r % 6}" for r in range(24)]).verdict == TOO_FEW

    def test_copies_of_recordings_do_not_narrow_a_persons_interval(self) -> None:
        a, b = trial(11)
        twice = [np.concatenate([x, x]) for x in (a, b)]
        persons = [f"p{r % 20}" for r in range(40)]
        honest = compare(*twice, clusters=persons)
        assert honest.standard_error == pytest.approx(compare(a, b).standard_error)
        assert compare(*twice).standard_error < 0.9 * honest.standard_error

    def test_a_recording_without_annotated_frames_is_not_a_recording(self) -> None:
        a, b = trial(12)
        with_empty = [np.concatenate([x, np.zeros((5, *x.shape[1:]))]) for x in (a, b)]
        assert compare(*with_empty).frame().equals(compare(a, b).frame())

    def test_an_undefined_score_gives_no_verdict_and_no_warning(self) -> None:
        flat = sums(np.full((12, 3, 30), 0.2), np.full((12, 1, 30), 0.1))
        nothing = compare(flat, flat)
        assert np.isnan(nothing.difference)
        assert nothing.verdict == "cannot tell"

    def test_refuses_runs_that_do_not_match(self) -> None:
        a, b = trial(13)
        with pytest.raises(UserError, match="20 clusters x 5 seeds"):
            compare(a, b[:, :3])
        b = b.copy()
        b[0, :, 0] -= 1
        with pytest.raises(UserError, match="same frames"):
            compare(a, b)
        with pytest.raises(UserError, match="shape"):
            compare(a[0], b[0])
        with pytest.raises(UserError, match="2 clusters name 20 recordings"):
            compare(a, clusters=["x", "y"])

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_swapping_flips_and_order_does_not_matter(self, seed: int) -> None:
        a, b = trial(seed, recordings=12, seeds=3)
        found, swapped = compare(a, b), compare(b, a)
        assert swapped.difference == pytest.approx(-found.difference)
        assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low))
        assert swapped.p == pytest.approx(found.p)
        assert swapped.verdict.translate(str.maketrans("AB", "BA")) == found.verdict
        rng = np.random.default_rng(seed)
        rows, columns = rng.permutation(12), rng.permutation(3)
        shuffled = compare(a[rows][:, columns], b[rows][:, columns])
        for name in ("difference", "low", "high", "p", "df", "detectable"):
            assert getattr(shuffled, name) == pytest.approx(getattr(found, name), rel=1e-9)


class TestVerdict:
    @pytest.mark.parametrize(
        ("difference", "error", "verdict"),
        [
            (0.03, 0.01, "A higher"),
            (-0.03, 0.01, "B higher"),
            (0.004, 0.001, "A higher"),
            (0.004, 0.005, "no difference above .02"),
            (-0.004, 0.005, "no difference above .02"),
            (0.004, 0.012, "cannot tell"),
            (0.015, 0.008, "cannot tell"),
        ],
    )
    def test_three_answers(self, difference: float, error: float, verdict: str) -> None:
        assert fake(difference, error).verdict == verdict

    def test_an_adjusted_p_decides(self) -> None:
        assert fake(0.03, 0.01, p_adjusted=0.2).verdict == "cannot tell"

    def test_the_margin_is_a_parameter(self) -> None:
        assert fake(0.004, 0.012, margin=0.05).verdict == "no difference above .05"

    def test_frame_holds_the_verdict_and_what_it_covers(self) -> None:
        row = fake(0.03, 0.01).frame().iloc[0]
        assert row["verdict"] == "A higher"
        assert row["covers"] == "fresh persons and fresh seeds"


class TestErrorRates:
    def test_equal_fusions_are_told_apart_in_about_five_percent(self) -> None:
        """Half of the variance is luck of the seeds: what looks at recordings alone alarms far too often."""
        rng = np.random.default_rng(20)
        ours, recordings_alone = [], []
        for _ in range(300):
            a, b = trial(rng, seed_effect=0.2)
            ours.append(compare(a, b).p < 0.05)
            drawn = rng.multinomial(20, np.full(20, 1 / 20), size=200).astype(float)
            theta = [ccc_from_sums(np.tensordot(drawn, x, 1)).mean(-1) for x in (a, b)]
            low, high = np.quantile(theta[0] - theta[1], [0.025, 0.975])
            recordings_alone.append(low > 0 or high < 0)
        assert 0.01 <= np.mean(ours) <= 0.09
        assert np.mean(recordings_alone) > 0.2

    def test_the_printed_detectable_difference_is_found_in_four_of_five(self) -> None:
        rng = np.random.default_rng(21)
        found = [compare(*trial(rng, edge=0.195)) for _ in range(200)]
        planted = np.mean([one.difference for one in found])
        assert planted == pytest.approx(np.mean([one.detectable for one in found]), rel=0.1)
        assert 0.65 <= np.mean([one.verdict == "A higher" for one in found]) <= 0.95
        assert np.mean([one.low < planted < one.high for one in found]) >= 0.9


class TestHolm:
    def test_known_answer_whatever_the_order(self) -> None:
        np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
        np.testing.assert_allclose(holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06])

    def test_never_above_one_and_one_test_stays_itself(self) -> None:
        assert holm([0.6, 0.9]).tolist() == [1, 1]
        assert holm([0.037]).tolist() == [0.037]

    def test_an_undefined_test_still_counts(self) -> None:
        np.testing.assert_allclose(holm([np.nan, 0.02]), [np.nan, 0.04])


class TestBootstrap:
    def test_spread_agrees_with_the_jackknife(self) -> None:
        a, b = trial(30, seed_effect=0.2)
        draws = crossed_bootstrap(a, b, 4000, np.random.default_rng(0))
        found = compare(a, b)
        assert draws.shape == (4000,)
        assert draws.mean() == pytest.approx(found.difference, abs=0.3 * found.standard_error)
        assert 0.7 < draws.std() / found.standard_error < 1.3

    def test_one_draw_by_hand(self) -> None:
        a, b = trial(31, recordings=5, seeds=3)
        draws = crossed_bootstrap(a, b, 1, np.random.default_rng(1))
        rng = np.random.default_rng(1)
        rows = np.repeat(np.arange(5), rng.multinomial(5, np.full(5, 0.2), size=1)[0])
        columns = np.repeat(np.arange(3), rng.multinomial(3, np.full(3, 1 / 3), size=1)[0])
        theta = [np.mean([ccc_from_sums(x[rows, s].sum(0)) for s in columns]) for x in (a, b)]
        assert draws[0] == pytest.approx(theta[0] - theta[1])

    def test_resampling_seeds_widens_it(self) -> None:
        a, b = trial(32, seed_effect=0.3, recording_effect=0.0)
        crossed = crossed_bootstrap(a, b, 2000, np.random.default_rng(2))
        each = [crossed_bootstrap(a[:, [s]], b[:, [s]], 2000, np.random.default_rng(2)) for s in range(5)]
        assert crossed.std() > 1.5 * np.mean(each, axis=0).std()

    def test_same_seed_same_draws(self) -> None:
        a, _ = trial(33)
        first, second = (crossed_bootstrap(a, None, 50, np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
