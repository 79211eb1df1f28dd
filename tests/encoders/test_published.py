"""Published files become encoders; a file that is cut off, misshapen or misnamed is one line with the differences."""

import pytest
import torch
from torchvision.models import resnet18
from torchvision.models.video import r2plus1d_18

from jcalib.encoders import KINDS, InceptionVisual, ResNetAudio, ResNetVisual, build_encoder, restore_encoder
from tests.encoders.layouts import drawn, i3d_shapes, r2plus1d_shapes, resnet_shapes, tsav_shapes

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def tsav() -> State:
    return drawn(tsav_shapes())


def refusal(kind: str, modality: str, state: State) -> str:
    with pytest.raises(ValueError) as caught:
        restore_encoder(kind, modality, state)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_tsav_fills_both_encoders_and_their_read_outs_add_up_to_its_valence_and_arousal(tsav: State) -> None:
    audio, visual = restore_encoder("resnet", "audio", tsav), restore_encoder("resnet", "visual", tsav)
    assert isinstance(audio, ResNetAudio) and isinstance(visual, ResNetVisual)
    assert not (audio.training or visual.training)
    sound, clip = torch.rand(2, 1, 64, 107), torch.rand(2, 3, 8, 32, 32)

    own = resnet18(weights=None)
    own.conv1, own.fc = torch.nn.Conv2d(1, 64, 7, 2, 3, bias=False), torch.nn.Identity()
    own.load_state_dict({name[19:]: value for name, value in tsav.items() if name.startswith("audio_model.resnet.")})
    pictures = r2plus1d_18(weights=None)
    pictures.stem[0] = torch.nn.Conv3d(4, 45, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False)
    pictures.fc = torch.nn.Identity()
    pictures.load_state_dict(
        {name[21:]: value for name, value in tsav.items() if name.startswith("video_model.r2plus1d.")}
    )
    mean, std = torch.tensor([0.43216, 0.394666, 0.37645]), torch.tensor([0.22803, 0.22145, 0.216989])
    scaled = (clip - mean.reshape(3, 1, 1, 1)) / std.reshape(3, 1, 1, 1)
    with torch.inference_mode():
        heard = own.eval()(sound)
        seen = pictures.eval()(torch.cat([scaled, torch.zeros(2, 1, 8, 32, 32)], 1))  # a mask of zeros
        outputs = torch.cat([heard, seen], 1) @ tsav["fc.1.weight"].T + tsav["fc.1.bias"]
        torch.testing.assert_close(audio.features(sound), heard)
        torch.testing.assert_close(visual.features(clip), seen)
        torch.testing.assert_close(audio(sound) + visual(clip), outputs[:, 7:9], rtol=1e-4, atol=1e-4)


def test_the_public_i3d_has_no_temporal_convolution_and_its_features_are_1024_wide() -> None:
    encoder = restore_encoder("i3d", "visual", drawn(i3d_shapes()))
    assert isinstance(encoder, InceptionVisual)
    with torch.inference_mode():
        assert encoder.features(torch.rand(2, 3, 8, 33, 33)).shape == (2, 1024)


def test_torchvision_s_files_load_without_their_classifiers() -> None:
    kinetics = drawn(r2plus1d_shapes(3) | {"fc.weight": (400, 512), "fc.bias": (400,)})
    visual = restore_encoder("resnet", "visual", kinetics)
    assert torch.equal(visual.state_dict()["backbone.layer4.1.conv2.0.3.weight"], kinetics["layer4.1.conv2.0.3.weight"])
    imagenet = drawn(
        resnet_shapes() | {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 512), "fc.bias": (1000,)}, seed=1
    )
    audio = restore_encoder("i3d", "audio", imagenet)
    torch.testing.assert_close(audio.state_dict()["backbone.conv1.weight"][:, 0], imagenet["conv1.weight"].mean(1))


@pytest.mark.parametrize(("kind", "modality"), KINDS)
def test_a_checkpoint_of_the_kit_s_own_comes_back(kind: str, modality: str) -> None:
    trained = build_encoder(kind, modality, outputs=6)
    state = trained.state_dict()
    again = restore_encoder(kind, modality, state)
    assert all(torch.equal(value, state[name]) for name, value in again.state_dict().items())
    del state["readout.1.bias"]
    named = type(trained).__name__
    assert refusal(kind, modality, state) == f"not a checkpoint of {named}: readout.1.bias is missing."


def test_cut_off_misshapen_misnamed_and_foreign_files_are_one_line_with_the_first_differences(tsav: State) -> None:
    names = list(tsav)
    cut = {name: tsav[name] for name in names[:-5]}
    first, second, third = names[-5:-2]
    assert (
        refusal("resnet", "audio", cut)
        == f"not TSAV's weights: {first} is missing; {second} is missing; {third} is missing; and 2 more."
    )
    shaped = tsav | {"fc.1.weight": torch.zeros(12, 1024)}
    assert refusal("resnet", "visual", shaped) == "not TSAV's weights: fc.1.weight is (12, 1024), expected (17, 1024)."
    named = {name.replace("video_model.r2plus1d.stem", "video_model.r2plus1d.root"): tsav[name] for name in names}
    message = refusal("resnet", "visual", named)
    assert message.startswith("not TSAV's weights: video_model.r2plus1d.stem.0.weight is missing; ")
    assert "; and " in message
    assert "its entries are a; b: that is none of the public I3D's weights, TSAV's" in refusal(
        "resnet", "audio", {"a": torch.zeros(1), "b": torch.zeros(1)}
    )
    assert refusal("i3d", "visual", tsav) == (
        "TSAV's weights are weights of ResNetAudio and ResNetVisual, and InceptionVisual is wanted."
    )
