"""Is a map faithful to the model? Checks that need no truth, each of which a map can fail (design 11).

A modality at a time, since methods differ in how they scale pictures against sound. What is taken away is replaced by
the baseline.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from jcalib.explain.attribution import Attribution
from jcalib.explain.baselines import Baseline
from jcalib.explain.masking import predict_masked
from jcalib.explain.memory import batch_that_fits, halving
from jcalib.explain.path import Clip, ClipPath
from jcalib.explain.seeds import rank_correlation

Predict = Callable[[Tensor, Tensor], Tensor]
FRACTIONS = np.linspace(0, 1, 9) ** 2  # dense where the first cells go
LEAST = 0.05  # target units: a modality that moves the prediction by less has nothing to be faithful to
BLOCKS = 48
RADIUS = 0.02


@dataclass(frozen=True)
class Probe:
    """One modality of one clip, ready to be masked.

    Attributes:
        modality: "visual" or "audio".
        whole, bare: f(clip), and f with this modality at its baseline.
        masks: (N, ...) bool, random blocks, in the shape of the map.
        drops: (N,) f(clip) - f(clip with the block at its baseline).
    """

    modality: str
    whole: float
    bare: float
    masks: NDArray[np.bool_]
    drops: NDArray[np.float64]
    predict_masked: Callable[[NDArray[np.bool_]], NDArray[np.float64]]

    @property
    def size(self) -> float:
        """By how much the modality moves the prediction, in target units."""
        return abs(self.whole - self.bare)

    @property
    def informative(self) -> bool:
        """Whether it moves it at all."""
        return self.size > LEAST


def probe(
    predict: Predict, clip: Clip, baseline: Baseline, modality: str, blocks: int = BLOCKS, seed: int = 0
) -> Probe:
    """Mask random blocks of one modality, once for all maps of the clip.

    Args:
        predict: of the clip and target, such as a `ClipPath`.
        clip: what is masked.
        baseline: by what.
        modality: "visual" or "audio".
        blocks: how many.
        seed: of the blocks.
    """
    shape = clip.pictures.shape[1:] if modality == "visual" else clip.log_mel.shape[1:]

    inputs = clip.pictures[None], clip.log_mel[None]
    start = baseline.pictures[None], baseline.log_mel[None]

    def masked(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
        def work(batch: int) -> NDArray[np.float64]:
            parts = torch.from_numpy(masks).split(batch)
            found = [predict_masked(predict, inputs, start, modality, part) for part in parts]
            return torch.cat(found).double().cpu().numpy()

        return halving(work, batch_that_fits(*inputs))

    masks = np.stack(list(_blocks(tuple(shape), blocks, np.random.default_rng(seed))))
    ends = np.stack([np.zeros(shape, bool), np.ones(shape, bool)])
    values = masked(np.concatenate([ends, masks]))
    return Probe(modality, float(values[0]), float(values[1]), masks, values[0] - values[2:], masked)


def curves(values: NDArray, probed: Probe, signed: bool = True) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take cells away, and put them back, in the order in which the map says they carry the prediction.

    Cells that push from the baseline towards the prediction come first, equal ones in random order; the curves are
    (f - bare) / (whole - bare). They leave 0 to 1 where a map is right about what pushes back: once all that pushes
    towards the prediction is gone, it lies beyond the baseline. To cut that off would make all good maps alike.

    Args:
        values: the map of the modality.
        probed: of the modality.
        signed: whether the map says in which direction a cell pushes; else its strongest cells come first.

    Returns:
        Deletion and insertion, (9,) each, at `FRACTIONS` of the cells.
    """
    push = values.ravel() * (np.sign(probed.whole - probed.bare) if signed else 1)
    shuffled = np.random.default_rng(0).permutation(len(push))
    order = shuffled[np.argsort(-push[shuffled], kind="stable")]
    place = np.empty(order.shape, int)
    place[order] = np.arange(len(order))
    between = FRACTIONS[1:-1]  # both ends are known
    gone = place[None] < np.rint(between * len(order))[:, None]
    masks = np.concatenate([gone, ~gone]).reshape(-1, *values.shape)
    reached = (probed.predict_masked(masks) - probed.bare) / (probed.whole - probed.bare)
    deletion, insertion = np.split(reached, 2)
    return np.concatenate([[1.0], deletion, [0.0]]), np.concatenate([[0.0], insertion, [1.0]])


def infidelity(values: NDArray, probed: Probe) -> float:
    """Compare what the map says of random blocks with what the model does (Yeh et al. 2019, arXiv 1901.09392).

    E[(b sum of the block - drop)^2] / E[drop^2] with the best scale b: 0 is perfect, 1 is a map that knows nothing.

    Args:
        values: the map of the modality.
        probed: of the modality.
    """
    said = probed.masks.reshape(len(probed.masks), -1) @ values.ravel().astype(np.float64)
    power, drops = said @ said, probed.drops
    if not drops @ drops:
        return float("nan")
    scale = said @ drops / power if power else 0.0
    return float(np.square(scale * said - drops).sum() / (drops @ drops))


def area(curve: NDArray[np.float64]) -> float:
    """Return the area under a curve of `curves`: its mean over the share of cells."""
    return float(np.trapezoid(curve, FRACTIONS))


def max_sensitivity(
    attribution: Attribution, again: Callable[[Clip], Attribution], clip: Clip, draws: int = 2, radius: float = RADIUS
) -> dict[str, float]:
    """Return how far a map moves when the clip moves by what nobody sees or hears (Yeh et al. 2019), by modality.

    Args:
        attribution: of the clip.
        again: the same method on another clip.
        clip: the clip.
        draws: of uniform noise.
        radius: of it, in [0, 1] of pictures and in log-mel units.

    Returns:
        "visual" and "audio" to the largest |moved map - map| / |map|; NaN for an empty map.
    """
    generator = torch.Generator().manual_seed(0)
    worst = {"visual": 0.0, "audio": 0.0}
    for _ in range(draws):
        noise = [radius * (2 * torch.rand(x.shape, generator=generator) - 1) for x in (clip.pictures, clip.log_mel)]
        moved = again(replace(clip, pictures=(clip.pictures + noise[0]).clamp(0, 1), log_mel=clip.log_mel + noise[1]))
        for modality in worst:
            before, after = attribution.of(modality), moved.of(modality)
            size = np.linalg.norm(before)
            worst[modality] = max(worst[modality], float(np.linalg.norm(after - before) / size)) if size else np.nan
    return worst


def randomised(path: ClipPath, seed: int = 0) -> Iterator[tuple[str, ClipPath]]:
    """Randomise a path's weights from the prediction down, stage by stage (Adebayo et al. 2018, arXiv 1810.03292).

    Each tensor's entries are shuffled, so that their distribution stays.

    Args:
        path: is left as it is.
        seed: of the shuffles.

    Yields:
        What is random by now ("head", "fusion", "encoders", each with those before it), and the path.
    """
    broken = deepcopy(path)
    generator = torch.Generator().manual_seed(seed)
    weights = broken.ensemble.tensors()
    head = [x for name, x in weights.items() if name.startswith("head")]
    fusion = [x for name, x in weights.items() if not name.startswith("head")]
    encoders = [x for encoder in broken.encoders.values() for x in _weights(encoder)]
    stages = [("head", head), ("fusion", fusion), ("encoders", encoders)]
    for name, tensors in stages:
        for tensor in tensors:
            flat = tensor.data.reshape(-1)
            tensor.data.copy_(flat[torch.randperm(len(flat), generator=generator).to(flat.device)].view(tensor.shape))
        yield name, broken


def cascade(
    attribution: Attribution, path: ClipPath, again: Callable[[ClipPath], Attribution]
) -> dict[str, dict[str, float]]:
    """Return the rank correlation of a map with itself as more weights become random: near 0 it depends on them.

    Args:
        attribution: of the path as trained.
        path: the path.
        again: the same method on another path.

    Returns:
        By stage, "visual" and "audio" to the rank correlation of pooled maps.
    """
    found = {}
    for stage, broken in randomised(path):
        other = again(broken)
        found[stage] = {
            m: rank_correlation(pooled(attribution.of(m)), pooled(other.of(m))) for m in ("visual", "audio")
        }
    return found


def pooled(values: NDArray) -> NDArray[np.float64]:
    """Add a map up in an 8 x 8 grid of each picture, or of the spectrogram: noise of single cells is not compared."""
    flat = torch.from_numpy(np.asarray(values, dtype=np.float64))
    single = flat if flat.dim() == 3 else flat[None]
    return nn.functional.adaptive_avg_pool2d(single, 8).numpy()


def _weights(encoder: nn.Module) -> Iterator[Tensor]:
    """Weights of what leads to features, in order; the read-out that trained them is not on the path."""
    for name, tensor in encoder.named_parameters():
        if not name.startswith("readout"):
            yield tensor


def _blocks(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Boxes of a 4th to a half of each axis."""
    for _ in range(count):
        mask = np.ones(shape, bool)
        for axis, size in enumerate(shape):
            length = int(rng.integers(max(1, size // 4), max(2, size // 2 + 1)))
            start = int(rng.integers(0, size - length + 1))
            here = np.zeros(size, bool)
            here[start : start + length] = True
            mask &= here.reshape([-1 if one == axis else 1 for one in range(len(shape))])
        yield mask
