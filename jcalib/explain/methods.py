"""Attribution by name: one contract for gradients along paths, gradients at a layer, and maskings (design 11).

All by Captum, through fusion and encoders, to pixels and log-mel cells, in units of the target wherever the method has
any.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from jcalib.explain.attribution import Attribution, adds_up, integrated_gradients
from jcalib.explain.baselines import Baseline, own_baseline
from jcalib.explain.masking import Inputs, by_parts
from jcalib.explain.memory import batch_that_fits, differentiable, halving
from jcalib.explain.path import Clip, ClipPath, clip_path
from jcalib.explain.side_by_side import DRAWING
from jcalib.fusion.inputs import MODALITIES
from jcalib.settings import UserError, choose
from jcalib.training import Run

Maps = tuple[Tensor, Tensor]  # (8, H, W), (mels, frames)

EXTENTS = ("clip", "window")
POINTS = 16  # of a path at once: more are no faster, and each keeps 25 MB for a clip of 64 pixels
STEPS = 32, 512  # of Integrated Gradients, the first and the last number tried
SAMPLES = 32  # of Gradient SHAP
NOISE = 0.02  # standard deviation that Gradient SHAP adds to its inputs, in [0, 1] of pictures and in log-mel units
STRIDE, WINDOW = 8, 2  # an occluded square moves by an 8th of a side; it is two of these wide
CELLS = 8  # of feature ablation, a side


def attribute(
    run: Run,
    clip: Clip,
    target: str = "valence",
    method: str = "integrated_gradients",
    baseline: Baseline | None = None,
    device: str = "cpu",
    extent: str = "clip",
) -> Attribution:
    """Attribute a run's mean prediction over seeds for one clip to its pixels and its log-mel cells.

    Args:
        run: what is explained.
        clip: from `explain.read_clip`.
        target: "valence" or "arousal".
        method: one of `METHODS`: integrated_gradients, gradient_shap, grad_cam, occlusion, feature_ablation.
        baseline: what the clip is compared with; `own_baseline` of the clip if None.
        device: "auto", "cpu" or "cuda".
        extent: "clip", its own frames and sound, with the window's other clips as their features are; or "window",
            the frames and the sound of all L clips, see `attribute_window`.

    Raises:
        UserError: an unknown name, or nobody knows which encoders made the features.
    """
    from jcalib.explain.window import attribute_window

    choose(method, METHODS, "attribution method")
    path = clip_path(run, clip, target, device)
    if choose(extent, EXTENTS, "extent") == "window":
        return attribute_window(path, clip, target, method, baseline)
    return attribute_path(path, clip, target, method, baseline)


def attribute_path(
    path: ClipPath,
    clip: Clip,
    target: str,
    method: str,
    baseline: Baseline | None = None,
    steps: tuple[int, int] = STEPS,
) -> Attribution:
    """Attribute through a path that is there already; see `attribute`.

    Args:
        path: of the clip and the target.
        clip, target, method, baseline: as in `attribute`.
        steps: the first and the last number of steps that Integrated Gradients try.
    """
    chosen = baseline or own_baseline(clip.pictures, clip.log_mel)
    inputs = clip.pictures[None].to(path.device), clip.log_mel[None].to(path.device)
    start = chosen.pictures[None].to(path.device), chosen.log_mel[None].to(path.device)
    with torch.no_grad():
        seeds, origin = path.by_seed(*inputs)[:, 0], float(path(*start))
    made = partial(integrated, steps=steps) if method == "integrated_gradients" else METHODS[method]
    pictures, log_mel, points = made(path, inputs, start)
    seen, heard = ("visual" in path.reads), ("audio" in path.reads)  # unread, a masking leaves rounding behind
    maps = seen * pictures.detach().cpu().numpy(), heard * log_mel.detach().cpu().numpy()
    total = sum(float(part.sum(dtype=np.float64)) for part in maps)
    prediction = float(seeds.mean())
    good = adds_up(total, prediction - origin)
    found = Attribution(*maps, target, chosen.name, prediction, origin, points, good, method, method in COMPLETE)
    unread = [modality for modality in MODALITIES if modality not in path.reads]
    notes = tuple(f"the fusion does not read the {modality} features: their map is zero" for modality in unread)
    spread = float(seeds.std()) if len(seeds) > 1 else float("nan")
    return replace(found, reason=chosen.reason, spread=spread, notes=notes)


def integrated(
    path: ClipPath, inputs: Inputs, start: Inputs, steps: tuple[int, int] = STEPS
) -> tuple[Tensor, Tensor, int]:
    """Sum the gradient along the straight path from the baseline, see `integrated_gradients`."""
    (first, most), batch = steps, batch_that_fits(*inputs, most=POINTS)
    ends = inputs[0][0], inputs[1][0], start[0][0], start[1][0]
    found = integrated_gradients(path, *ends, target="", steps=first, most_steps=most, batch=batch)
    return torch.from_numpy(found.pictures), torch.from_numpy(found.log_mel), found.steps


def gradient_shap(path: ClipPath, inputs: Inputs, start: Inputs) -> tuple[Tensor, Tensor, int]:
    """Average (x - b) times the gradient at random places between baseline and clip (Lundberg and Lee 2017)."""
    from captum.attr import GradientShap

    method = GradientShap(path)

    def work(batch: int) -> Maps:
        sums: list[Tensor] = [torch.zeros_like(part) for part in inputs]
        with _drawing_alike():
            for part in torch.arange(SAMPLES).split(batch):
                maps = method.attribute(inputs, start, n_samples=len(part), stdevs=NOISE)
                sums = [total + len(part) / SAMPLES * one for total, one in zip(sums, maps, strict=True)]
        return sums[0], sums[1]

    return *_summed(halving(work, min(SAMPLES, batch_that_fits(*inputs)))), SAMPLES


def grad_cam(path: ClipPath, inputs: Inputs, start: Inputs) -> tuple[Tensor, Tensor, int]:
    """Weight each encoder's last maps by their mean gradients (Selvaraju et al. 2017), signed: without the ReLU."""
    from captum.attr import LayerGradCam

    maps = []
    for modality, example in zip(("visual", "audio"), inputs, strict=True):
        shape = example.shape[2:]
        if modality not in path.reads:
            maps.append(torch.zeros(shape, device=path.device))
            continue
        layer = last_map_layer(path.encoders[modality], example)
        with differentiable():
            found = LayerGradCam(path, layer).attribute(inputs, relu_attributions=False)
        maps.append(_resized(found, shape))
    return maps[0], maps[1], 1


def occlusion(path: ClipPath, inputs: Inputs, start: Inputs) -> tuple[Tensor, Tensor, int]:
    """Slide a window of the baseline over pictures (two at a time) and sound (Zeiler and Fergus 2014)."""
    from captum.attr import Occlusion

    (*_, side, _), (*_, bands, frames) = (one.shape for one in inputs)
    eighths = _strides(side, side // STRIDE)
    seen = [_strides(inputs[0].shape[2], 2), eighths, eighths]
    heard = [_strides(bands, bands // STRIDE), _strides(frames, frames // STRIDE)]
    # A cell under several windows gets their mean.
    pictures = by_parts(Occlusion, path, inputs, start, "visual", seen, sliding_window_shapes=(1, WINDOW, WINDOW))
    log_mel = by_parts(Occlusion, path, inputs, start, "audio", heard, sliding_window_shapes=(WINDOW, 1))
    steps = 4 * (STRIDE - WINDOW + 1) ** 2 + (STRIDE - WINDOW + 1) * (STRIDE + 1)
    return pictures, log_mel, steps


def feature_ablation(path: ClipPath, inputs: Inputs, start: Inputs) -> tuple[Tensor, Tensor, int]:
    """Replace one region of the face, through all pictures, or one block of the spectrogram; spread over its cells."""
    from captum.attr import FeatureAblation

    maps = []
    for modality, example in zip(("visual", "audio"), inputs, strict=True):
        *through, height, width = example.shape[2:]
        parts = [*(torch.zeros(size, dtype=torch.long) for size in through), _cells(height), _cells(width)]
        found = by_parts(FeatureAblation, path, inputs, start, modality, parts)
        over = [torch.bincount(axis)[axis].to(path.device) for axis in parts[-2:]]
        maps.append(found / (over[0][:, None] * over[1] * prod(through)))
    return maps[0], maps[1], 2 * CELLS**2


METHODS: dict[str, Callable[[ClipPath, Inputs, Inputs], tuple[Tensor, Tensor, int]]] = {
    "integrated_gradients": integrated,
    "gradient_shap": gradient_shap,
    "grad_cam": grad_cam,
    "occlusion": occlusion,
    "feature_ablation": feature_ablation,
}
COMPLETE = ("integrated_gradients", "gradient_shap")
AT_A_LAYER = ("grad_cam",)  # a layer's maps, weighted: neither a baseline nor a unit


def last_map_layer(encoder: nn.Module, example: Tensor) -> nn.Module:
    """Return the last part of an encoder whose output still has places: what Grad-CAM looks at.

    Args:
        encoder: with `.features`.
        example: (1, ...) its input.

    Raises:
        UserError: no part has.
    """
    order: list[nn.Module] = []

    def note(module: nn.Module, _: object, output: object) -> None:
        if isinstance(output, Tensor) and output.dim() >= 4 and min(output.shape[-2:]) > 1:
            order.append(module)

    hooks = [part.register_forward_hook(note) for part in encoder.modules() if not list(part.children())]
    try:
        with torch.no_grad():
            encoder.features(example)  # type: ignore[operator]
    finally:
        for hook in hooks:
            hook.remove()
    if not order:
        raise UserError(f"{type(encoder).__name__} has no layer with places: Grad-CAM cannot look into it.")
    return order[-1]


@contextmanager
def _drawing_alike() -> Iterator[None]:
    """Captum draws from torch's and numpy's global generators: the same numbers each time, and nobody else's."""
    with DRAWING, torch.random.fork_rng(devices=[]), differentiable():
        state = np.random.get_state()  # noqa: NPY002
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


def _strides(size: int, stride: int) -> Tensor:
    """Numbers of the strides that places of an axis lie in; the last one may be short."""
    return torch.arange(size) // stride


def _cells(size: int) -> Tensor:
    """Numbers 0 to 7 of the eighths that places of an axis lie in."""
    return torch.arange(size) * CELLS // size


def _summed(maps: tuple[Tensor, Tensor]) -> Maps:
    """Maps of one clip without the axes of colours and channels."""
    return maps[0][0].sum(dim=0), maps[1][0].sum(dim=0)


def _resized(found: Tensor, shape: torch.Size) -> Tensor:
    """A layer's map, (n, 1, ...) with one n a picture or a clip, at the inputs' resolution."""
    if found.dim() == 5:  # a 3-D network: time is an axis of its own
        return interpolate(found, tuple(shape), mode="trilinear")[0, 0]
    resized = interpolate(found, tuple(shape[-2:]), mode="bilinear")[:, 0]
    return resized if len(shape) == 3 else resized[0]
