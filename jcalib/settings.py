"""Typed presets and parameters that refuse what they do not know.

Every number that decides a result lives in one of these classes; its fingerprint names the files made from it.
"""

import difflib
import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jcalib.wording import refusal


def fingerprint(value: Any) -> str:
    """Return 12 hex digits of a JSON-able value, the same for equal values on any machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class UserError(ValueError):
    """A mistake that the user can mend: one line, no traceback, exit code 2."""


def choose(name: str, known: Iterable[str], what: str, shown: Iterable[str] = ()) -> str:
    """Return `name` if it is one of the known names.

    Args:
        name: what the user wrote.
        known: the names there are.
        what: what is being named, for the message ("fusion", "preset").
        shown: what the message lists where that is not `known`, because there are too many.

    Raises:
        UserError: the name is unknown; the message gives the near name and all known ones.
    """
    names = list(known)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" did you mean {near[0]!r}?" if near else ""
    raise UserError(f"unknown {what} {name!r}:{hint} choose from {', '.join(shown or names)}.")


class Settings(BaseModel):
    """Frozen settings that refuse unknown names and mistyped values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def fingerprint(self) -> str:
        """Return 12 hex digits that change when any value changes."""
        return fingerprint(self.model_dump(mode="json"))

    def changed(self, **values: Any) -> Self:
        """Return a checked copy with some values changed.

        Raises:
            UserError: a name is unknown or a value is not allowed.
        """
        known = type(self).model_fields
        for name in values:
            choose(name, known, "setting")
        try:
            return type(self).model_validate({**dict(self), **values})
        except ValidationError as error:
            raise UserError(refusal(error)) from None


class Mix(Settings):
    """Shares of a target's variance (design 9): both modalities, face alone, voice alone, their product."""

    redundancy: float = Field(ge=0, le=1)
    unique_face: float = Field(ge=0, le=1)
    unique_voice: float = Field(ge=0, le=1)
    synergy: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        total = self.redundancy + self.unique_face + self.unique_voice + self.synergy
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the four shares add up to {total:.3f}, they must add up to 1")
        return self


class Split(Settings):
    """Persons in each of the four roles (design 8); with no selection persons the fusion persons select too."""

    encoder: int = Field(ge=0)  # 0 where published encoders are used as they are
    fusion: int = Field(ge=1)
    selection: int = Field(ge=0)
    report: int = Field(ge=1)

    @property
    def persons(self) -> int:
        """Number of persons in all."""
        return self.encoder + self.fusion + self.selection + self.report


class CorpusSettings(Settings):
    """The embedded corpus and its knobs (design 9)."""

    split: Split
    seconds: float = Field(gt=2)  # length of each recording
    fps: float = Field(default=25.0, gt=0)
    seed: int = 0
    regime: str = "mixed"
    valence: Mix = Mix(redundancy=0.4, unique_face=0.3, unique_voice=0.1, synergy=0.2)
    arousal: Mix = Mix(redundancy=0.4, unique_face=0.1, unique_voice=0.3, synergy=0.2)
    noise: float = Field(default=0.3, ge=0)  # standard deviation of the noise in a cue of unit variance
    face_loss: float = Field(default=0.10, ge=0, lt=1)  # fraction of the time the face is covered or lost
    voice_loss: float = Field(default=0.10, ge=0, lt=1)  # fraction of the time the voice is under noise
    posed: float = Field(default=0.10, ge=0, lt=1)  # fraction of the time the face shows something else
    lag: float = 0.0  # seconds by which the voice's cue comes after the label
    dwell: tuple[float, float] = (3.0, 6.0)  # shortest and longest time a synergy sign stays, seconds


class LabelSettings(Settings):
    """What is done to a corpus' labels before anything sees them; by default nothing."""

    delay: tuple[float, float] = (0.0, 0.0)  # seconds by which valence and arousal were rated too late
    median: int = Field(default=1, ge=1)  # frames of a median filter, odd; 1 is none

    def sentences(self) -> tuple[str, ...]:
        """What is on, one sentence each; none by default."""
        valence, arousal = self.delay
        said = [f"Labels: a rater's delay of {valence:g} s (valence) and {arousal:g} s (arousal) is taken back."]
        said = said if any(self.delay) else []
        return (*said, f"Labels: median of {self.median} frames.") if self.median > 1 else tuple(said)

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        if not all(0 <= seconds < math.inf for seconds in self.delay):
            raise ValueError(f"delay has {self.delay}: a rater answers after the event: a delay must be 0 s or more")
        if self.median % 2 == 0:
            raise ValueError(f"a median of {self.median} frames has no middle: it must be odd, or 1 for none")
        return self


class EncoderSettings(Settings):
    """The two encoders, and how they are trained on the encoder persons; one with weights stays as it is."""

    kind: Literal["compact", "resnet", "i3d"] = "compact"
    size: int = Field(default=64, ge=32)  # side of the picture an encoder sees, pixels
    weights_audio: str = ""  # a file, or the name of a known one (jcalib weights list); empty: it is trained
    weights_visual: str = ""
    epochs: int = Field(default=10, ge=1)
    batch: int = Field(default=32, ge=2)
    learning_rate: float = Field(default=4e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    seed: int = 0

    @property
    def weights(self) -> dict[str, str]:
        """The weights that are used as they are, by modality."""
        both = {"audio": self.weights_audio, "visual": self.weights_visual}
        return {modality: where for modality, where in both.items() if where}


class Decay(Settings):
    """A learning rate that falls in steps: times `factor` every `every` epochs, counted from epoch `after`."""

    after: int = Field(ge=0)
    every: int = Field(ge=1)
    factor: float = Field(gt=0, le=1)


class TrainingSettings(Settings):
    """A fusion's size and its training, equal for all fusions. The optimiser is AdamW; without decay it is Adam."""

    clips: int = Field(default=8, ge=1)  # L of the papers
    dim: int = Field(default=128, ge=1)  # d of the papers, each modality after its projection
    rank: int = Field(default=32, ge=1)  # k of the papers
    epochs: int = Field(default=24, ge=1)
    batch: int = Field(default=16, ge=1)  # sequences a step
    learning_rate: float = Field(default=1e-3, gt=0)  # the released code's
    weight_decay: float = Field(default=1e-3, ge=0)
    decay: Decay | None = None  # of the learning rate; None is a cosine over the epochs, to zero
    dropout: float = Field(default=0.6, ge=0, lt=1)  # of the head; the released code's
    modality_dropout: float = Field(default=0, ge=0, lt=1)  # sequences a step that train without voice or without face
    select_on: Literal["selection", "report"] = "selection"  # the persons whose CCC chooses the epoch that is kept

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        if self.decay is None:
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))
        return self.learning_rate * self.decay.factor ** (max(epoch - self.decay.after, 0) // self.decay.every)

    @property
    def practice(self) -> str:
        """What has to be said beside every number that was chosen on the persons it is reported on; else empty."""
        return "selected on validation, as published" if self.select_on == "report" else ""


class Preset(Settings):
    """Everything that one report is made from."""

    name: str
    corpus: CorpusSettings
    labels: LabelSettings = LabelSettings()
    encoder: EncoderSettings = EncoderSettings()
    training: TrainingSettings = TrainingSettings()
    hop: int = Field(default=8, ge=1)  # frames between clip ends
    clip_frames: int = Field(default=32, ge=8)  # that a clip spans; FG 2021 takes 16 on RECOLA
    seeds: int = Field(default=5, ge=1)
    fusions: tuple[str, ...] = (  # docs/models.md says what each is for
        *("audio", "visual", "concat", "lstm", "mean", "cross", "cross_wide", "cross_untied", "cross_scaled"),
        *("transformer", "mixer", "joint", "gated", "recursive"),
    )

    @model_validator(mode="after")
    def _hop_divides_a_clip(self) -> Self:
        if self.clip_frames % self.hop:
            raise ValueError(f"hop {self.hop} does not divide {self.clip_frames}, the frames of a clip")
        return self

    @model_validator(mode="after")
    def _has_encoders(self) -> Self:
        if not self.corpus.split.encoder and len(self.encoder.weights) < 2:
            raise ValueError("0 encoder persons train no encoder: give weights_audio and weights_visual")
        return self


def _persons(encoder: int, fusion: int, selection: int, report: int) -> Split:
    return Split(encoder=encoder, fusion=fusion, selection=selection, report=report)


PRESETS: dict[str, Preset] = {
    "smoke": Preset(
        name="smoke",
        corpus=CorpusSettings(split=_persons(2, 2, 0, 2), seconds=12),
        encoder=EncoderSettings(epochs=2),
        training=TrainingSettings(epochs=3),
        seeds=2,
        fusions=("cross", "mixer", "joint"),
    ),
    "quick": Preset(name="quick", corpus=CorpusSettings(split=_persons(24, 22, 8, 36), seconds=16)),
    "full": Preset(
        name="full",
        corpus=CorpusSettings(split=_persons(80, 80, 16, 64), seconds=60),
        encoder=EncoderSettings(kind="resnet", size=112, epochs=8, batch=64, learning_rate=2e-3),
        hop=4,
        seeds=20,
    ),
    # The papers' own practice, value by value with its source in `jcalib.papers`. Their persons are the user's corpus'.
    "paper": Preset(
        name="paper",
        corpus=CorpusSettings(split=_persons(0, 46, 0, 36), seconds=16),
        encoder=EncoderSettings(kind="i3d", size=224, weights_audio="tsav", weights_visual="i3d"),
        training=TrainingSettings(
            epochs=30, batch=96, weight_decay=0, decay=Decay(after=5, every=2, factor=0.8), select_on="report"
        ),
        hop=1,
        seeds=10,
    ),
    "paper-tbiom": Preset(
        name="paper-tbiom",
        corpus=CorpusSettings(split=_persons(0, 46, 0, 36), seconds=32),
        encoder=EncoderSettings(kind="resnet", size=112, weights_audio="tsav", weights_visual="tsav"),
        training=TrainingSettings(
            clips=16,
            epochs=50,
            batch=64,
            learning_rate=1e-4,
            weight_decay=0,
            decay=Decay(after=5, every=2, factor=0.8),
            select_on="report",
        ),
        hop=1,
        seeds=10,
    ),
    # FG 2021 on RECOLA: 128 frames in clips of 16. The labels' delay is the corpus' own, in its labels.json.
    "recola": Preset(
        name="recola",
        corpus=CorpusSettings(split=_persons(3, 5, 1, 9), seconds=16),
        clip_frames=16,
        hop=4,
    ),
}


def preset(name: str | Preset = "quick", **values: Any) -> Preset:
    """Return a preset by name, with some of its settings changed.

    Args:
        name: "smoke", "quick", "full", "paper" or "paper-tbiom"; a `Preset` passes through.
        values: settings of `Preset` to change.

    Raises:
        UserError: an unknown name or an impossible value.
    """
    chosen = name if isinstance(name, Preset) else PRESETS[choose(name, PRESETS, "preset")]
    return chosen.changed(**values) if values else chosen
