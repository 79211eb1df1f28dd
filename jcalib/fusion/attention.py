"""The attention equations as functions of tensors: what the modules, the pictures and the tests all call.

Shapes: B sequences, L clips, d features of one modality, D features of the joint representation (2d), k the papers'
rank. Time is an axis of rows here: x (L, d) is the papers' X^T, so that their X_a (d_a, L) is our `audio.mT`.
Attention is among tokens, n of width m: clips (x as it is) or features (x^T); `jcalib.fusion.block` has the choice.
Rows that a mask leaves out have to be zero (`jcalib.fusion.Fusion` sees to it); with that, only softmax needs a mask.
"""

import math

import torch
from torch import Tensor


def correlate(tokens: Tensor, weight: Tensor, key: Tensor) -> Tensor:
    """Correlate every own token with every key token: S = X W K^T.

    Args:
        tokens: (B, n, m) own tokens X.
        weight: (m, M) W.
        key: (B, N, M) key tokens K.

    Returns:
        (B, n, N), own tokens in rows.
    """
    return tokens @ weight @ key.mT


def add_mapped(tokens: Tensor, correlation: Tensor, w_x: Tensor, w_c: Tensor, w_h: Tensor) -> Tensor:
    """Add to the tokens what a hidden layer makes of them and of their correlation: X + ReLU(X W_x^T + C W_c^T) W_h^T.

    Args:
        tokens: (B, n, m) X.
        correlation: (B, n, N) C.
        w_x: (k, m).
        w_c: (k, N).
        w_h: (m, k).

    Returns:
        (B, n, m) attended tokens.
    """
    return tokens + torch.relu(tokens @ w_x.mT + correlation @ w_c.mT) @ w_h.mT


def joint_correlation(x: Tensor, joint: Tensor, weight: Tensor) -> Tensor:
    """Correlate every feature of one modality with every joint feature: C = tanh(x^T W J / sqrt(D)).

    Args:
        x: (B, L, d) one modality.
        joint: (B, L, D) the joint representation [audio, visual], the same order for both modalities.
        weight: (L, L) W, the papers' W_ja or W_jv; it mixes time.

    Returns:
        (B, d, D) in (-1, 1). Joint cross-attention, arXiv 2203.14779, section 3 (C_a, C_v).
    """
    # The weight is scaled, not the correlation, which is far larger.
    return torch.tanh(correlate(x.mT, weight / math.sqrt(joint.shape[-1]), joint.mT))


def joint_attention(x: Tensor, correlation: Tensor, w_x: Tensor, w_c: Tensor, w_h: Tensor) -> Tensor:
    """Add to one modality what its joint correlation says: x + (H W_h^T)^T, H = ReLU(x^T W_x^T + C W_c^T).

    Args:
        x: (B, L, d) one modality.
        correlation: (B, d, D) from `joint_correlation`.
        w_x: (k, L) the papers' W_a or W_v.
        w_c: (k, D) the papers' W_ca or W_cv.
        w_h: (L, k) the papers' W_ha or W_hv, transposed.

    Returns:
        (B, L, d) attended features. arXiv 2203.14779, section 3 (H_a, X_att,a).
    """
    return add_mapped(x.mT, correlation, w_x, w_c, w_h).mT


def temporal_mixing(x: Tensor, w_x: Tensor, w_h: Tensor) -> Tensor:
    """Joint attention without the correlation: x + (ReLU(x^T W_x^T) W_h^T)^T, a small network along time.

    Args:
        x: (B, L, d) one modality.
        w_x: (k, L).
        w_h: (L, k).

    Returns:
        (B, L, d).
    """
    return x + (torch.relu(x.mT @ w_x.mT) @ w_h.mT).mT


def cross_correlation(audio: Tensor, visual: Tensor, weight: Tensor) -> Tensor:
    """Correlate every audio clip with every visual clip: Z = x_a W x_v^T.

    Args:
        audio: (B, L, d).
        visual: (B, L, d).
        weight: (d, d) W, shared by both directions; the visual side uses Z^T.

    Returns:
        (B, L, L), audio time in rows, visual time in columns. Vanilla cross-attention, arXiv 2111.05222, section 3.
    """
    return correlate(audio, weight, visual)


def column_softmax(correlation: Tensor, *, mask: Tensor | None = None, temperature: float = 1.0) -> Tensor:
    """Turn correlations into attention over own tokens: each column is positive and sums to 1.

    Args:
        correlation: (B, n, N), own tokens in rows; clips (B, L, L) in the paper.
        mask: (B, n) bool, True where an own row is valid; the others get no attention.
        temperature: correlations are divided by it.

    Returns:
        (B, n, N); all 0 in a sequence that has no valid own row.
    """
    scaled = correlation / temperature
    if mask is None:
        return scaled.softmax(dim=-2)
    own = mask.unsqueeze(-1)
    # The lowest finite number instead of -inf: a sequence without a valid row would become NaN.
    lowest = torch.finfo(scaled.dtype).min
    return torch.where(own, torch.where(own, scaled, lowest).softmax(dim=-2), 0)


def mean_attention(mask: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return attention that is the same for every valid own row: A = 1/L.

    Args:
        mask: (B, L) bool, True where an own row is valid.
        dtype: of the result.

    Returns:
        (B, L, L), own time in rows; all 0 in a sequence that has no valid own row.
    """
    column = mask.to(dtype) / mask.sum(-1, keepdim=True).clamp(min=1)
    return column.unsqueeze(-1).expand(*column.shape, column.shape[-1])


def reweight(tokens: Tensor, attention: Tensor) -> Tensor:
    """Add to each token the attended sum of the own tokens: tanh(X + A^T X).

    Args:
        tokens: (B, n, m) one modality's; clips (B, L, d) in the paper.
        attention: (B, n, n), own tokens in rows.

    Returns:
        (B, n, m) attended tokens. arXiv 2111.05222, section 3 (X_att,a, X_att,v).
    """
    return torch.tanh(tokens + attention.mT @ tokens)


def cross_attention(x: Tensor, correlation: Tensor, *, mask: Tensor | None = None, temperature: float = 1.0) -> Tensor:
    """Re-weight one modality by its correlation with the other: `reweight` by the `column_softmax` of it.

    Args:
        x: (B, L, d) one modality.
        correlation: (B, L, L) from `cross_correlation`, own time in rows: Z for audio, Z^T for visual.
        mask: (B, L) bool, True where an own row is valid.
        temperature: correlations are divided by it.

    Returns:
        (B, L, d) attended features. Vanilla cross-attention, arXiv 2111.05222, section 3.
    """
    return reweight(x, column_softmax(correlation, mask=mask, temperature=temperature))
