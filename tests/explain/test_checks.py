"""Each check can fail: a planted map beats a random one and a wrong one, on a model whose cause is known by code."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from captum.metrics import infidelity as captum_infidelity
from torch import Tensor

from jcalib.explain import against_truth, edge_map, integrated_gradients, region
from jcalib.explain.baselines import Baseline
from jcalib.explain.checks import FRACTIONS, Probe, area, curves, infidelity, pooled, probe
from jcalib.explain.memory import batch_that_fits, halving
from jcalib.explain.trust import agreement

MOUTH, BAND = np.s_[:, :, :, 10:14, 4:12], np.s_[:, :, 3:6]


def mouth_and_band(pictures: Tensor, log_mel: Tensor) -> Tensor:
    """A read-out of a mouth patch and of three mel bands, curved so that no map gets it by accident."""
    return torch.tanh(0.002 * pictures[MOUTH].flatten(1).sum(1)) + torch.tanh(0.02 * log_mel[BAND].flatten(1).sum(1))


@pytest.fixture(scope="module")
def planted() -> Any:
    generator = torch.Generator().manual_seed(0)
    pictures = 0.2 + 0.8 * torch.rand(3, 8, 16, 16, generator=generator)
    log_mel = 0.1 + torch.rand(1, 16, 24, generator=generator)
    clip = SimpleNamespace(pictures=pictures, log_mel=log_mel, recording="planted")
    baseline = Baseline(torch.zeros_like(pictures), torch.zeros_like(log_mel), "black", "known by code")
    found = integrated_gradients(
        mouth_and_band, pictures, log_mel, baseline.pictures, baseline.log_mel, target="valence"
    )
    probes = {name: probe(mouth_and_band, clip, baseline, name) for name in ("visual", "audio")}  # type: ignore[arg-type]
    return found, probes


def maps(found: Any, modality: str) -> dict[str, np.ndarray]:
    good = found.of(modality)
    rng = np.random.default_rng(0)
    return {
        "good": good,
        "random": rng.permutation(good.ravel()).reshape(good.shape),
        "wrong": np.roll(good, 7, axis=-2),
    }


@pytest.mark.parametrize("modality", ["visual", "audio"])
def test_a_planted_map_beats_a_random_and_a_wrong_one(planted: Any, modality: str) -> None:
    found, probes = planted
    deletion, insertion, unfaithful = {}, {}, {}
    for name, values in maps(found, modality).items():
        gone, back = curves(values, probes[modality])
        deletion[name], insertion[name] = area(gone), area(back)
        unfaithful[name] = infidelity(values, probes[modality])
    for other in ("random", "wrong"):
        assert deletion["good"] < deletion[other] - 0.2
        assert insertion["good"] > insertion[other] + 0.2
        assert unfaithful["good"] < 0.1 < 0.3 < unfaithful[other]


@pytest.mark.parametrize("modality", ["visual", "audio"])
def test_the_map_of_a_mouth_reader_lies_in_the_mouth(planted: Any, modality: str) -> None:
    found, _ = planted
    cause = np.zeros(found.of(modality).shape)
    cause[MOUTH[2:] if modality == "visual" else BAND[2:]] = 1
    score = {name: against_truth(values, cause) for name, values in maps(found, modality).items()}
    inside = cause.mean()
    assert score["good"] == pytest.approx({"energy ratio": 1 / inside, "pointing": 1, "AUROC": 1})
    assert score["random"]["energy ratio"] == pytest.approx(1, abs=0.35)
    assert score["random"]["AUROC"] == pytest.approx(0.5, abs=0.1)
    assert score["wrong"]["energy ratio"] < 1 and score["wrong"]["AUROC"] < 0.5 and score["wrong"]["pointing"] == 0
    uniform = against_truth(np.ones(cause.shape), cause)
    assert uniform == pytest.approx({"energy ratio": 1, "pointing": inside, "AUROC": 0.5})


def test_a_reader_of_the_eyes_does_not_pass_for_a_reader_of_the_mouth(planted: Any) -> None:
    found, _ = planted
    eyes = np.zeros((8, 16, 16))
    eyes[:, 2:6, 4:12] = 1
    assert against_truth(found.pictures, eyes)["energy ratio"] == 0


def test_curves_run_from_the_clip_to_the_baseline_and_back(planted: Any) -> None:
    found, probes = planted
    deletion, insertion = curves(found.pictures, probes["visual"])
    assert len(deletion) == len(FRACTIONS)
    assert (deletion[0], deletion[-1], insertion[0], insertion[-1]) == pytest.approx((1, 0, 0, 1), abs=1e-6)
    assert (np.diff(deletion) <= 1e-6).all()


def test_a_map_that_knows_what_pushes_back_goes_beyond_the_baseline() -> None:
    """Of two cells that push and one that pulls, all that pushes is gone first: what is left is the pull alone."""
    weights = np.array([[3.0, 2.0, -4.0, 0.0]])

    def masked(masks: np.ndarray) -> np.ndarray:
        return (~masks * weights).sum(axis=(1, 2))

    probed = Probe("audio", 1.0, 0.0, np.zeros((1, 1, 4), bool), np.ones(1), masked)
    (good, back), (bad, _) = curves(weights, probed), curves(-weights, probed)
    assert good.min() == pytest.approx(-4) and back.max() == pytest.approx(5)
    assert area(good) < 0 < area(bad)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_order_of_a_map_without_sign_does_not_turn_with_the_prediction(sign: float) -> None:
    def masked(masks: np.ndarray) -> np.ndarray:
        return sign * (~masks * np.array([[3.0, 1.0]])).sum(axis=(1, 2))

    probed = Probe("visual", 4 * sign, 0.0, np.zeros((1, 1, 2), bool), np.ones(1), masked)
    strongest, weakest = (area(curves(np.array([one]), probed, signed=False)[0]) for one in ([3.0, 1.0], [1.0, 3.0]))
    assert strongest < weakest


def test_agreement_leaves_out_a_constant_map() -> None:
    ramp = np.arange(64.0).reshape(8, 8)
    assert agreement({"a": ramp, "b": 2 * ramp, "flat": np.zeros((8, 8))}) == pytest.approx(
        {"a": 1, "b": 1, "flat": np.nan}, nan_ok=True
    )


def test_infidelity_is_captums_with_its_best_scale(planted: Any) -> None:
    """The same blocks, one modality: Captum's expectation over the mean square of the drops."""
    found, probes = planted
    probed, values = probes["audio"], maps(found, "audio")["random"]
    clip = 0.1 + torch.rand(1, 16, 24, generator=after_pictures())[None]
    masks = torch.from_numpy(probed.masks)[:, None].float()

    def forward(log_mel: Tensor) -> Tensor:
        return torch.tanh(0.02 * log_mel[BAND].flatten(1).sum(1))

    def perturb(inputs: Tensor) -> tuple[Tensor, Tensor]:
        return masks, inputs * (1 - masks)

    theirs = captum_infidelity(forward, perturb, clip, torch.from_numpy(values)[None, None].float(),
                               n_perturb_samples=len(masks), normalize=True)  # fmt: skip
    drops = probed.drops
    assert infidelity(values, probed) == pytest.approx(float(theirs) / np.mean(drops**2), rel=1e-3)


def after_pictures() -> torch.Generator:
    generator = torch.Generator().manual_seed(0)
    torch.rand(3, 8, 16, 16, generator=generator)
    return generator


def test_a_map_is_judged_by_its_pattern_and_not_by_its_unit(planted: Any) -> None:
    found, probes = planted
    values = found.pictures
    assert infidelity(1000 * values, probes["visual"]) == pytest.approx(infidelity(values, probes["visual"]))
    assert infidelity(0 * values, probes["visual"]) == 1


@pytest.mark.parametrize("modality", ["visual", "audio"])
def test_maps_of_one_cause_agree_and_others_do_not(planted: Any, modality: str) -> None:
    found, _ = planted
    some = maps(found, modality)
    agreed = agreement({**some, "again": 2 * np.abs(some["good"])})
    assert min(agreed["good"], agreed["again"]) > max(agreed["random"], agreed["wrong"]) + 0.1


def test_a_region_holds_the_energy_in_the_fewest_cells() -> None:
    cause = np.array([[3.0, 1.0], [0.1, 0.0]])
    np.testing.assert_array_equal(region(cause, 0.8), [[True, False], [False, False]])
    np.testing.assert_array_equal(region(cause, 0.99), [[True, True], [False, False]])
    assert not region(np.zeros((2, 2))).any()


def test_scores_of_nothing_are_unknown() -> None:
    assert all(np.isnan(value) for value in against_truth(np.zeros((3, 3)), np.eye(3)).values())
    assert all(np.isnan(value) for value in against_truth(np.eye(3), np.zeros((3, 3))).values())


def test_edges_are_where_a_picture_changes() -> None:
    picture = np.zeros((1, 8, 8))
    picture[:, :, 4:] = 1
    assert edge_map(picture)[0, :, 3:5].min() > 0 == edge_map(picture)[0, :, [0, 1, 6, 7]].max()


def test_pooling_keeps_the_mean() -> None:
    values = np.random.default_rng(0).normal(size=(8, 64, 64))
    assert pooled(values).shape == (8, 8, 8) and pooled(values).mean() == pytest.approx(values.mean())
    assert pooled(values[0]).shape == (1, 8, 8)


def test_batches_are_halved_until_they_fit() -> None:
    tried = []

    def work(batch: int) -> int:
        tried.append(batch)
        if batch > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return batch

    assert halving(work, 24) == 3 and tried == [24, 12, 6, 3]
    with pytest.raises(RuntimeError, match="other"):
        halving(lambda batch: (_ for _ in ()).throw(RuntimeError("other")), 8)  # type: ignore[arg-type]
    with pytest.raises(torch.OutOfMemoryError):
        halving(lambda batch: work(99), 8)


def test_the_batch_is_sized_from_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = torch.zeros(10), torch.zeros(10**7)
    assert batch_that_fits(small) == 64 and batch_that_fits(small, most=5) == 5
    free = {"SC_AVPHYS_PAGES": 3 * 10**6, "SC_PAGE_SIZE": 4096}  # 12 GB: a 4th holds one of 2.6 GB
    monkeypatch.setattr("os.sysconf", free.__getitem__)
    assert batch_that_fits(large) == 1
    assert batch_that_fits(torch.zeros(10**6)) == 12
