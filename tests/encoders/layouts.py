"""Published checkpoints as the tests build them: names and shapes written out, values drawn from a seed."""

from math import prod

import torch

# I3D: input channels, then the six widths of each block's units b0, b1a, b1b, b2a, b2b, b3b.
BLOCKS = {
    "3b": (192, 64, 96, 128, 16, 32, 32),
    "3c": (256, 128, 128, 192, 32, 96, 64),
    "4b": (480, 192, 96, 208, 16, 48, 64),
    "4c": (512, 160, 112, 224, 24, 64, 64),
    "4d": (512, 128, 128, 256, 24, 64, 64),
    "4e": (512, 112, 144, 288, 32, 64, 64),
    "4f": (528, 256, 160, 320, 32, 128, 128),
    "5b": (832, 256, 160, 320, 32, 128, 128),
    "5c": (832, 384, 192, 384, 48, 128, 128),
}


def i3d_shapes() -> dict[str, tuple[int, ...]]:
    """The 344 entries of `rgb_imagenet.pt`."""
    kernels = {
        "Conv3d_1a_7x7": (64, 3, 7, 7, 7),
        "Conv3d_2b_1x1": (64, 64, 1, 1, 1),
        "Conv3d_2c_3x3": (192, 64, 3, 3, 3),
    }
    for block, (inputs, b0, b1a, b1b, b2a, b2b, b3b) in BLOCKS.items():
        name = f"Mixed_{block}"
        kernels |= {f"{name}.b0": (b0, inputs, 1, 1, 1), f"{name}.b1a": (b1a, inputs, 1, 1, 1)}
        kernels |= {f"{name}.b1b": (b1b, b1a, 3, 3, 3), f"{name}.b2a": (b2a, inputs, 1, 1, 1)}
        kernels |= {f"{name}.b2b": (b2b, b2a, 3, 3, 3), f"{name}.b3b": (b3b, inputs, 1, 1, 1)}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, kernel in kernels.items():
        shapes[f"{name}.conv3d.weight"] = kernel
        shapes |= norm_shapes(f"{name}.bn", kernel[0])
    return shapes | {"logits.conv3d.weight": (400, 1024, 1, 1, 1), "logits.conv3d.bias": (400,)}


def norm_shapes(name: str, width: int) -> dict[str, tuple[int, ...]]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{part}": (width,) for part in parts}, f"{name}.num_batches_tracked": ()}


def resnet_shapes() -> dict[str, tuple[int, ...]]:
    """ResNet-18 with one input channel and without its last layer."""
    shapes = {"conv1.weight": (64, 1, 7, 7), **norm_shapes("bn1", 64)}
    inputs = 64
    for layer, width in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            name = f"layer{layer}.{block}"
            shapes |= {f"{name}.conv1.weight": (width, inputs, 3, 3), **norm_shapes(f"{name}.bn1", width)}
            shapes |= {f"{name}.conv2.weight": (width, width, 3, 3), **norm_shapes(f"{name}.bn2", width)}
            if inputs != width:
                shapes |= {f"{name}.downsample.0.weight": (width, inputs, 1, 1)}
                shapes |= norm_shapes(f"{name}.downsample.1", width)
            inputs = width
    return shapes


def r2plus1d_shapes(channels: int) -> dict[str, tuple[int, ...]]:
    """R(2+1)D-18 without its last layer."""
    shapes = {"stem.0.weight": (45, channels, 1, 7, 7), **norm_shapes("stem.1", 45)}
    shapes |= {"stem.3.weight": (64, 45, 3, 1, 1), **norm_shapes("stem.4", 64)}
    inputs = 64
    for layer, width in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            # A 3 x 3 x 3 convolution's parameters, spent on one over space and one over time.
            middle = inputs * width * 27 // (inputs * 9 + 3 * width)
            for conv, first in (("conv1", inputs), ("conv2", width)):
                name = f"layer{layer}.{block}.{conv}"
                shapes |= {f"{name}.0.0.weight": (middle, first, 1, 3, 3), **norm_shapes(f"{name}.0.1", middle)}
                shapes |= {f"{name}.0.3.weight": (width, middle, 3, 1, 1), **norm_shapes(f"{name}.1", width)}
            if inputs != width:
                name = f"layer{layer}.{block}.downsample"
                shapes |= {f"{name}.0.weight": (width, inputs, 1, 1, 1), **norm_shapes(f"{name}.1", width)}
            inputs = width
    return shapes


def tsav_shapes() -> dict[str, tuple[int, ...]]:
    shapes = {f"audio_model.resnet.{name}": shape for name, shape in resnet_shapes().items()}
    shapes |= {f"video_model.r2plus1d.{name}": shape for name, shape in r2plus1d_shapes(4).items()}
    return shapes | {"fc.1.weight": (17, 1024), "fc.1.bias": (17,)}


def drawn(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, torch.Tensor]:
    """Values that keep activations of one size: variances positive, kernels scaled by what they add up."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif name.endswith("running_var"):
            state[name] = torch.rand(shape, generator=generator) * 1.5 + 0.5
        elif len(shape) == 1:
            state[name] = torch.randn(shape, generator=generator) * 0.1 + name.endswith("weight")
        else:
            state[name] = torch.randn(shape, generator=generator) * (2 / prod(shape[1:])) ** 0.5
    return state
