"""One attention block with four switches, of which joint and vanilla cross-attention are two settings.

As published the two differ in key, axis, normaliser and combination at once; here each is a switch. Axis picks the
tokens: clips (x as it is: n = L, m = d) or features (x^T: n = d, m = L), for own tokens X and key tokens K alike.
Then S = X W K^T; C = tanh(S / sqrt(D)), D the features of the key, or the softmax of S over own tokens; and

    map        X + ReLU(X W_x^T + C W_c^T) W_h^T
    reweight   tanh(X + C^T X), averaged over the two d-blocks of J where C has 2d columns, over sqrt(n) for a tanh

turned back to (L, d). `jcalib.fusion.cells` names all 24 settings.
"""

import math
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from jcalib.fusion.attention import add_mapped, column_softmax, correlate, reweight
from jcalib.fusion.base import Fusion, weight


class Switches(NamedTuple):
    """In what attentions differ.

    Attributes:
        key: what a modality is correlated with: the other one (one W for both directions), both side by side as
            J = [x_a, x_v] (a W each), or itself (a W each).
        axis: what the tokens are: features, correlated over time, or clips ("time"), correlated over features.
        normaliser: tanh of S / sqrt(D), or softmax of S over own tokens.
        combine: how the attended features are made of it.
    """

    key: Literal["other", "joint", "itself"]
    axis: Literal["feature", "time"]
    normaliser: Literal["tanh", "softmax"]
    combine: Literal["map", "reweight"]

    @property
    def map_name(self) -> str:
        """What C is called: "correlation" is joint's (d, 2d), "attention" is over clips, others say their axis."""
        kind = "correlation" if self.normaliser == "tanh" else "attention"
        plain = self.axis == "time" if kind == "attention" else (self.axis, self.key) == ("feature", "joint")
        return kind if plain else f"{self.axis}_{kind}"


JOINT = Switches("joint", "feature", "tanh", "map")
VANILLA = Switches("other", "time", "softmax", "reweight")


class AttentionBlock(Fusion):
    """A fusion whose attention is set by four switches.

    Weights: w (m, M) is W, once per modality, or once in all where the key is the other modality; and with the map
    w_x (k, m), w_c (k, N), w_h (m, k) once per modality; no biases. Maps: C of audio and of visual (B, n, N), own
    tokens in rows, audio features of J first, under the names that `Switches.map_name` gives.

    Subclasses set:
        switches: the setting.
        tied: False gives each modality its own W where the key is the other one.
    """

    switches: ClassVar[Switches]
    tied: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Among clips, S and the attended sum of own clips take any number; every other weight has a side L.
        cls.fixed_clips = cls.switches.axis == "feature" or cls.switches.combine == "map"

    def __init__(self, *sizes: int, **options: Any) -> None:
        super().__init__(*sizes, **options)
        if self._shares_w:
            self.w = self._w()
        self.of_audio, self.of_visual = self._weights(), self._weights()

    @property
    def _shares_w(self) -> bool:
        return self.switches.key == "other" and self.tied

    @property
    def _key_dim(self) -> int:
        """D, the features of the key."""
        return 2 * self.dim if self.switches.key == "joint" else self.dim

    def _w(self) -> nn.Parameter:
        by_feature = self.switches.axis == "feature"
        return weight(self.clips, self.clips) if by_feature else weight(self.dim, self._key_dim)

    def _weights(self) -> nn.ParameterDict:
        weights = {} if self._shares_w else {"w": self._w()}
        if self.switches.combine == "map":
            by_feature = self.switches.axis == "feature"
            own, keys = (self.clips, self._key_dim) if by_feature else (self.dim, self.clips)  # m, N
            weights |= {"w_x": weight(self.rank, own), "w_c": weight(self.rank, keys), "w_h": weight(own, self.rank)}
        return nn.ParameterDict(weights)

    def attend(self, audio: Tensor, visual: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        x_audio, x_visual = self._tokens(audio), self._tokens(visual)
        s_audio, s_visual = self._scores(x_audio, x_visual)
        c_audio, c_visual = self._normalise(s_audio, mask[..., 0]), self._normalise(s_visual, mask[..., 1])
        attended_audio = self._tokens(self._combine(x_audio, c_audio, self.of_audio))
        attended_visual = self._tokens(self._combine(x_visual, c_visual, self.of_visual))
        name = self.switches.map_name
        return attended_audio, attended_visual, {f"{name}_audio": c_audio, f"{name}_visual": c_visual}

    def _tokens(self, x: Tensor) -> Tensor:
        """Turn clips by features into tokens, and back."""
        return x.mT if self.switches.axis == "feature" else x

    def _scores(self, x_audio: Tensor, x_visual: Tensor) -> tuple[Tensor, Tensor]:
        """S of both modalities; over sqrt(D) for a tanh, whose small W is scaled instead of the large S."""
        scale = math.sqrt(self._key_dim) if self.switches.normaliser == "tanh" else 1.0
        if self._shares_w:
            scores = correlate(x_audio, self.w / scale, x_visual)
            return scores, scores.mT
        key_audio, key_visual = self._keys(x_audio, x_visual)
        s_audio = correlate(x_audio, self.of_audio["w"] / scale, key_audio)
        return s_audio, correlate(x_visual, self.of_visual["w"] / scale, key_visual)

    def _keys(self, x_audio: Tensor, x_visual: Tensor) -> tuple[Tensor, Tensor]:
        if self.switches.key == "itself":
            return x_audio, x_visual
        if self.switches.key == "other":
            return x_visual, x_audio
        joint = torch.cat([x_audio, x_visual], dim=-2 if self.switches.axis == "feature" else -1)
        return joint, joint

    def _normalise(self, scores: Tensor, rows: Tensor) -> Tensor:
        """C of one modality; rows (B, L) are its valid clips."""
        if self.switches.normaliser == "tanh":
            return torch.tanh(scores)
        if self.switches.axis == "feature":  # a feature is a valid token if any clip has it
            rows = rows.any(-1, keepdim=True).expand(-1, scores.shape[-2])
        return self.attention(scores, rows)

    def attention(self, scores: Tensor, own: Tensor) -> Tensor:
        """Return the softmax over own tokens, valid where own (B, n) is True."""
        return column_softmax(scores, mask=own)

    def _combine(self, tokens: Tensor, correlation: Tensor, weights: nn.ParameterDict) -> Tensor:
        if self.switches.combine == "map":
            return add_mapped(tokens, correlation, weights["w_x"], weights["w_c"], weights["w_h"])
        own = tokens.shape[-2]
        if self.switches.normaliser == "tanh":
            correlation = correlation / math.sqrt(own)
        if self.switches.axis == "feature" and self.switches.key == "joint":
            correlation = correlation.unflatten(-1, (2, own)).mean(-2)
        return reweight(tokens, correlation)
