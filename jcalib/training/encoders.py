"""Train the audio and the visual encoder on persons that the fusions do not train on.

Each encoder learns valence and arousal with the CCC loss, and beside them the cues that its modality shows where the
corpus knows them, as the papers' backbones (TSAV) learn expressions and action units beside valence and arousal.
Without the cues an encoder could not represent a cue that matters only together with the other modality.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from jcalib.allocator import give_back_freed_memory, keep_freed_memory
from jcalib.clips import clip_ends
from jcalib.concordance import ConcordanceLoss
from jcalib.corpora import Corpus, Recording
from jcalib.encoders import build_encoder, restore_encoder
from jcalib.encoders.spectrogram import STD_DB
from jcalib.files import (
    fingerprint,
    hash_file,
    lost,
    read_json,
    replacing,
    source_fingerprint,
    write_json,
    write_status,
)
from jcalib.inputs import clip_inputs, clip_labels, prepare_inputs
from jcalib.progress import stage
from jcalib.provenance import provenance
from jcalib.settings import EncoderSettings, Preset, UserError
from jcalib.training.batched import pick_device
from jcalib.training.run import runs_folder
from jcalib.weights import find, load_weights

MODALITIES = ("audio", "visual")
FILES = ("settings.json", "checkpoint.safetensors")  # of a run
CUES = {"audio": ("voice_cue", "voice_synergy_cue"), "visual": ("face_cue", "face_synergy_cue")}
LIGHT = 0.2  # T-BIOM's jitter of brightness and contrast
SHIFT = 2  # pixels
GAIN = 6  # decibels


@dataclass(frozen=True)
class ClipSet:
    """What one encoder trains on: clips of the encoder persons.

    Attributes:
        inputs: uint8 pictures (n, 8, H, W, 3) or float log-mels (n, 64, 107).
        target: (n, K) float, NaN where unknown.
    """

    inputs: np.ndarray
    target: np.ndarray


def train_encoders(corpus: Corpus, preset: Preset, device: str = "auto") -> dict[str, nn.Module]:
    """Return the trained encoders of a corpus, "audio" and "visual": `load_encoder` of its `encoder_runs`."""
    runs = encoder_runs(corpus, preset, device)
    return {modality: load_encoder(runs[modality], modality) for modality in MODALITIES}


def encoder_runs(corpus: Corpus, preset: Preset, device: str = "auto") -> dict[str, str]:
    """Return the runs of a corpus' encoders; those that are not finished are trained first.

    Args:
        corpus: its recordings with role "encoder" are used, no others.
        preset: encoder settings and hop. An encoder with weights is not trained: its run holds these.
        device: "auto", "cpu" or "cuda".

    Returns:
        "audio" and "visual" to the run's name.

    Raises:
        UserError: a file of weights is not there, or does not fit.
    """
    folders = {modality: _published(preset.encoder, modality) for modality in preset.encoder.weights}
    trained = [modality for modality in MODALITIES if modality not in folders]
    if trained:
        key = _key(corpus, preset, device)
        folders |= {modality: runs_folder() / f"encoder-{modality}-{key}" for modality in trained}
    missing = [modality for modality in trained if lost(folders[modality], FILES)]
    if missing:
        clips = _read_clips(corpus.with_role("encoder"), preset)
        for modality in missing:
            _train(clips[modality], modality, preset.encoder, folders[modality], pick_device(device))
    return {modality: folders[modality].name for modality in MODALITIES}


def load_encoder(run: str, modality: str) -> nn.Module:
    """Return the encoder of a run in evaluation mode, on the CPU.

    Args:
        run: its run's name.
        modality: "audio" or "visual".

    Raises:
        UserError: there is no such run, or it lost a file.
    """
    from safetensors.torch import load_file

    folder = runs_folder() / run
    if missing := lost(folder, FILES):
        how = f"lost {', '.join(missing)}" if folder.is_dir() else "is not there"
        raise UserError(
            f"run {run}, the {modality} encoder, {how}: jcalib train with the same settings makes it again."
        )
    kind = read_json(folder / "settings.json")["kind"]
    return restore_encoder(kind, modality, load_file(folder / "checkpoint.safetensors"))


def _key(corpus: Corpus, preset: Preset, device: str) -> str:
    """Fingerprint everything that the training of encoders depends on."""
    recordings = corpus.with_role("encoder")
    return fingerprint(
        [
            preset.encoder.fingerprint(),
            preset.hop,
            preset.clip_frames,
            [one.content() for one in recordings],
            [one.truth and hash_file(one.truth) for one in recordings],
            pick_device(device).type,
            source_fingerprint("clips.py", "concordance.py", "encoders", "inputs.py", "media", "training/encoders.py"),
        ]
    )


def _published(settings: EncoderSettings, modality: str) -> Path:
    """Return the run of an encoder whose weights are given; it is written first where it is missing."""
    path = find(settings.weights[modality])
    digest = hash_file(path)
    key = fingerprint([settings.kind, digest, source_fingerprint("encoders", "weights")])
    folder = runs_folder() / f"encoder-{modality}-{key}"
    if lost(folder, FILES):
        with stage(f"read {modality} weights") as progress:
            encoder = load_weights(settings.kind, modality, path)
            progress.note(f"{path.name}, {type(encoder).__name__}")
        outputs = encoder.get_submodule("readout.1").out_features
        given = {"file": path.name, "sha256": digest}
        _write(folder, encoder, settings.model_dump() | {"outputs": outputs, "weights": given})
    return folder


def _read_clips(recordings: tuple[Recording, ...], preset: Preset) -> dict[str, ClipSet]:
    """Read the valid clips of every recording, pictures already at the encoder's size.

    A recording that cannot be read is passed over; it becomes a row of failures when it is encoded.
    """
    kept: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {modality: [] for modality in MODALITIES}
    broken: list[str] = []
    with stage("read encoder clips", len(recordings)) as progress:
        for recording in recordings:
            ends = clip_ends(recording.length, preset.hop)
            try:
                pictures, log_mel, valid = clip_inputs(recording, ends, preset.encoder.size, preset.clip_frames)
            except (UserError, OSError) as error:
                broken.append(f"{recording.name}: {error}")
                progress.advance()
                continue
            for column, (modality, inputs) in enumerate((("audio", log_mel), ("visual", pictures))):
                use = valid[:, column]
                kept[modality].append((inputs[use], _targets(recording, ends, modality)[use]))
            progress.advance()
        lost = f", {len(broken)} that cannot be read" if broken else ""
        clips = max(sum(len(inputs) for inputs, _ in parts) for parts in kept.values())
        progress.note(f"{clips} clips of {len(recordings) - len(broken)} recordings{lost}")
    for modality, parts in kept.items():
        if (count := sum(len(inputs) for inputs, _ in parts)) < 2:
            word = {"audio": "voice", "visual": "face"}[modality]
            first = f" First of {len(broken)} that cannot be read: {broken[0]}" if broken else ""
            raise UserError(
                f"the {modality} encoder has {count} clips with a {word} to train on, in {len(recordings)} recordings: "
                f"it needs 2 at least, and encoder persons need both face and voice.{first}"
            )
    return {
        modality: ClipSet(np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))
        for modality, parts in kept.items()
    }


def _targets(recording: Recording, ends: np.ndarray, modality: str) -> np.ndarray:
    """Return valence, arousal and, where known, this modality's cues at the clip ends, (n, K)."""
    columns = [clip_labels(recording, ends)]
    if recording.truth is not None:
        truth = recording.load_truth()
        columns += [truth[name][ends] for name in CUES[modality]]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _train(clips: ClipSet, modality: str, settings: EncoderSettings, folder: Path, device: torch.device) -> None:
    """Train one encoder from its seed and write its run."""
    keep_freed_memory()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(settings.seed)
        encoder = build_encoder(settings.kind, modality, clips.target.shape[1]).to(device)
        with stage(f"train {modality} encoder", settings.epochs) as progress:
            history = _epochs(encoder, clips, modality, settings, device, progress.advance)
            progress.note(f"{len(clips.target)} clips, loss {history[-1]['loss']:.3f}")
    give_back_freed_memory()
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "history.csv") as beside:
        pd.DataFrame(history).to_csv(beside, index=False)
    _write(folder, encoder, settings.model_dump() | {"outputs": clips.target.shape[1]})


def _write(folder: Path, encoder: nn.Module, settings: dict[str, object]) -> None:
    """Write an encoder's run, its status last."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "settings.json", settings)
    with replacing(folder / "checkpoint.safetensors") as beside:
        save_file({name: value.cpu().contiguous() for name, value in encoder.state_dict().items()}, beside)
    write_json(folder / "provenance.json", provenance())
    write_status(folder, FILES)


def _epochs(
    encoder: nn.Module,
    clips: ClipSet,
    modality: str,
    settings: EncoderSettings,
    device: torch.device,
    on_epoch: Callable[[], None],
) -> list[dict[str, float]]:
    inputs, target = torch.from_numpy(clips.inputs), torch.from_numpy(clips.target)
    steps = settings.epochs * len(_batches(torch.arange(len(target)), settings.batch))
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=steps)
    loss = ConcordanceLoss()
    generator = torch.Generator().manual_seed(settings.seed)
    history = []
    for epoch in range(settings.epochs):
        encoder.train()
        total = 0.0
        for rows in _batches(torch.randperm(len(target), generator=generator), settings.batch):
            batch = _augment(prepare_inputs(inputs[rows].to(device), modality, settings.size), modality, generator)
            value = loss(encoder(batch), target[rows].to(device))
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            schedule.step()
            total += float(value.detach()) * len(rows)
        history.append({"epoch": epoch, "loss": total / len(target)})
        on_epoch()
    return history


def _batches(order: Tensor, size: int) -> list[Tensor]:
    """Cut an order of clips into batches; one left over joins the last: batch norm and CCC are undefined for one."""
    *whole, last = order.split(size)
    return [*whole[:-1], torch.cat([whole[-1], last])] if whole and len(last) == 1 else [*whole, last]


def _augment(batch: Tensor, modality: str, generator: torch.Generator) -> Tensor:
    """Vary what means nothing: light, contrast and side of each clip, place of a batch (pictures); gain (log-mel)."""

    def factor(spread: float) -> Tensor:
        """Uniform in +-spread."""
        shape = (len(batch), *[1] * (batch.dim() - 1))
        return ((torch.rand(shape, generator=generator) * 2 - 1) * spread).to(batch.device)

    if modality == "audio":
        return batch + factor(GAIN / STD_DB)
    mean = batch.mean(dim=tuple(range(1, batch.dim())), keepdim=True)
    lit = ((batch - mean) * (1 + factor(LIGHT)) + mean + factor(LIGHT)).clamp(0, 1)
    rows, columns = torch.randint(-SHIFT, SHIFT + 1, (2,), generator=generator).tolist()
    return torch.where(factor(1) > 0, lit, lit.flip(-1)).roll((rows, columns), (-2, -1))
