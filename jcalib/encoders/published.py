"""Published checkpoints to encoders: which file this is, told by its entries, and what of it is kept (2209.09068).

Tensors come in and encoders go out; files are `jcalib.weights`' business.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from jcalib.encoders.base import WIDTH, Encoder
from jcalib.encoders.i3d import InceptionI3d
from jcalib.encoders.inception import InceptionVisual
from jcalib.encoders.resnet import ResNetAudio, ResNetVisual
from jcalib.entries import check_entries, first_of

State = Mapping[str, Tensor]
SOUND, PICTURE, HEAD = "audio_model.resnet.", "video_model.r2plus1d.", "fc.1."
VALENCE_AROUSAL = slice(7, 9)  # of TSAV's 17 outputs: 7 expressions, valence, arousal, 8 action units


@dataclass(frozen=True)
class Layout:
    """One kind of published checkpoint.

    Attributes:
        what: it is, in words.
        shapes: of its entries, by name.
        loads: the encoders that it fills, and how.
    """

    what: str
    shapes: Callable[[], dict[str, torch.Size]]
    loads: dict[type[Encoder], Callable[[State], Encoder]]


def recognise(state: State) -> Layout:
    """Tell which published checkpoint some entries are.

    Args:
        state: entries by name.

    Returns:
        The layout that shares most names, if the entries are exactly its own.

    Raises:
        ValueError: the entries are those of no layout; the message has the first differences from the nearest.
    """
    shared = {name: len(set(layout.shapes()) & set(state)) for name, layout in LAYOUTS.items()}
    nearest = max(shared, key=lambda name: shared[name])
    if not shared[nearest]:
        known = ", ".join(layout.what for layout in LAYOUTS.values())
        raise ValueError(f"its entries are {first_of(state) or 'none'}: that is none of {known}.")
    check_entries(state, LAYOUTS[nearest].shapes(), LAYOUTS[nearest].what)
    return LAYOUTS[nearest]


def restore(encoder: type[Encoder], state: State) -> Encoder:
    """Build an encoder from a checkpoint: a published one, or one that the kit trained.

    Args:
        encoder: the class; `KINDS` of this package has all.
        state: entries by name.

    Returns:
        The encoder in evaluation mode. Its read-out is the file's where it has one (TSAV: the read-outs of audio and
        visual add up to its valence and arousal), and untrained otherwise.

    Raises:
        ValueError: the entries are no checkpoint's, or that of other encoders.
    """
    if "readout.1.weight" in state:
        own = encoder.like(state)
        check_entries(state, shapes_of(own), f"a checkpoint of {encoder.__name__}")
        own.load_state_dict(state)
        return own.eval()
    layout = recognise(state)
    if encoder not in layout.loads:
        fits = " and ".join(one.__name__ for one in layout.loads)
        raise ValueError(f"{layout.what} are weights of {fits}, and {encoder.__name__} is wanted.")
    return layout.loads[encoder](state).eval()


def shapes_of(module: nn.Module) -> dict[str, torch.Size]:
    """Return the shape of every entry of a module."""
    return {name: value.shape for name, value in module.state_dict().items()}


def _i3d(state: State) -> Encoder:
    encoder = InceptionVisual(2, temporal=False)
    encoder.backbone.load_state_dict(_without(state, "logits."))
    return encoder


def _tsav_audio(state: State) -> Encoder:
    encoder = ResNetAudio(2)
    encoder.backbone.load_state_dict(_below(state, SOUND))
    return _with_head(encoder, state, slice(None, WIDTH))


def _tsav_visual(state: State) -> Encoder:
    encoder = ResNetVisual(2)
    weights = _below(state, PICTURE)
    weights["stem.0.weight"] = weights["stem.0.weight"][:, :3]  # RGB; the fourth is a mask of the face
    encoder.backbone.load_state_dict(weights)
    return _with_head(encoder, state, slice(WIDTH, None))


def _with_head(encoder: Encoder, state: State, columns: slice) -> Encoder:
    """Give an encoder its half of TSAV's last layer, which reads [audio, visual]."""
    weights = {
        "1.weight": state[HEAD + "weight"][VALENCE_AROUSAL, columns],
        "1.bias": state[HEAD + "bias"][VALENCE_AROUSAL] / 2,
    }
    encoder.readout.load_state_dict(weights)
    return encoder


def _kinetics(state: State) -> Encoder:
    encoder = ResNetVisual(2)
    encoder.backbone.load_state_dict(_without(state, "fc."))
    return encoder


def _imagenet(state: State) -> Encoder:
    encoder = ResNetAudio(2)
    weights = _without(state, "fc.")
    weights["conv1.weight"] = weights["conv1.weight"].mean(1, keepdim=True)  # one channel, as TSAV begins
    encoder.backbone.load_state_dict(weights)
    return encoder


def _without(state: State, prefix: str) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith(prefix)}


def _below(state: State, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _i3d_shapes() -> dict[str, torch.Size]:
    with torch.device("meta"):
        return shapes_of(InceptionI3d())


def _tsav_shapes() -> dict[str, torch.Size]:
    with torch.device("meta"):
        sound, picture = shapes_of(ResNetAudio(2).backbone), shapes_of(ResNetVisual(2).backbone)
    stem = picture["stem.0.weight"]
    picture["stem.0.weight"] = torch.Size((stem[0], 4, *stem[2:]))
    head = {HEAD + "weight": torch.Size((17, 2 * WIDTH)), HEAD + "bias": torch.Size((17,))}
    named = {SOUND + name: shape for name, shape in sound.items()}
    return named | {PICTURE + name: shape for name, shape in picture.items()} | head


def _torchvision_shapes(name: str) -> dict[str, torch.Size]:
    from torchvision.models import get_model

    with torch.device("meta"):
        return shapes_of(get_model(name, weights=None))


LAYOUTS: dict[str, Layout] = {
    "i3d": Layout("the public I3D's weights", _i3d_shapes, {InceptionVisual: _i3d}),
    "tsav": Layout("TSAV's weights", _tsav_shapes, {ResNetAudio: _tsav_audio, ResNetVisual: _tsav_visual}),
    "r2plus1d": Layout(
        "torchvision's R(2+1)D-18 weights", lambda: _torchvision_shapes("r2plus1d_18"), {ResNetVisual: _kinetics}
    ),
    "resnet": Layout(
        "torchvision's ResNet-18 weights", lambda: _torchvision_shapes("resnet18"), {ResNetAudio: _imagenet}
    ),
}
