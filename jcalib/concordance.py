"""Concordance correlation (CCC): the metric, the loss, and the six sums that both follow from.

CCC = 2 cov(x, y) / (var x + var y + (mean x - mean y)²), with population moments over all values that count. The sums
(n, Sx, Sy, Sxx, Syy, Sxy) of disjoint sets of values add up, so that any selection of recordings is scored from theirs.
"""

import torch
from torch import Tensor, nn

# A series counts as constant when its standard deviation is below a millionth of its root mean square: sums cannot
# tell less from rounding.
_CONSTANT = 1e-12


def ccc(prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the CCC of each target over all values that count, concatenated.

    Args:
        prediction: (..., K), a target in each place of the last dimension; (N,) is a single target.
        target: the same shape; NaN where nobody annotated.
        mask: bool, the shape of `target` or that shape without K, True where a value counts. A fusion's mask (B, L, 2)
            names modalities, not targets: hand over `mask.any(-1)`.

    Returns:
        (K,) float64, or a scalar for (N,). NaN where CCC is not defined (`why_undefined` says why): fewer than two
        values, or both series constant. Exactly 0 where one series is constant and the other varies.

    Raises:
        ValueError: shapes do not fit, or the mask is not bool.
    """
    return ccc_from_sums(sums(prediction, target, mask))


def sums(prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return n, Sx, Sy, Sxx, Syy, Sxy (x prediction, y target) of each target over all values that count.

    Args:
        prediction: as in `ccc`.
        target: as in `ccc`.
        mask: as in `ccc`.

    Returns:
        (K, 6) float64, or (6,) for one-dimensional input.

    Raises:
        ValueError: shapes do not fit, or the mask is not bool.
    """
    x, y, counts = _columns(prediction.double(), target.double(), mask)
    six = torch.stack([value.sum(0) for value in (counts.double(), x, y, x * x, y * y, x * y)], dim=-1)
    return six if prediction.dim() > 1 else six[0]


def ccc_from_sums(sums: Tensor) -> Tensor:
    """Return CCC from sums.

    Args:
        sums: (..., 6), n, Sx, Sy, Sxx, Syy, Sxy; sums over disjoint sets of values may be added beforehand.

    Returns:
        (...) float64, with the corner answers of `ccc`.
    """
    n, x, y, xx, yy, xy = sums.double().unbind(-1)
    constant_x, constant_y = _is_constant(n, x, xx), _is_constant(n, y, yy)
    covariance = torch.where(constant_x | constant_y, 0.0, n * xy - x * y)
    concordance = 2 * covariance / (n * (xx + yy) - 2 * x * y)
    # Fewer than two values are constant too.
    return torch.where(constant_x & constant_y, torch.nan, concordance)


def why_undefined(sums: Tensor) -> str | None:
    """Return why CCC is NaN for one target's sums.

    Args:
        sums: (6,) as from `sums`.

    Returns:
        The reason in a few words, or None where CCC is defined.
    """
    n, x, y, xx, yy, _ = sums.double().unbind(-1)
    if n < 2:
        return f"{int(n)} valid values, CCC needs 2"
    if bool(_is_constant(n, x, xx) & _is_constant(n, y, yy)):
        return "prediction and target are both constant"
    return None if ccc_from_sums(sums).isfinite() else "a prediction is not finite"


class ConcordanceLoss(nn.Module):
    """1 - CCC over a batch's valid values, per target, then the mean over targets (arXiv 2203.14779, section 3).

    A target with fewer than two valid values adds 0 and no gradient, so that a batch without labels is harmless; a
    constant target, which nothing can agree with, adds 1 and no gradient. At a constant prediction the gradient is
    finite and leads towards the target. Nothing branches on values, so that the loss works under `torch.func.vmap` and
    `torch.func.grad`.
    """

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the loss of one batch.

        Args:
            prediction: (..., K), or (N,) for a single target.
            target: the same shape; NaN where nobody annotated.
            mask: bool, the shape of `target` or that shape without K, True where a value counts.

        Returns:
            A scalar in [0, 2], in float32 at least.

        Raises:
            ValueError: shapes do not fit, or the mask is not bool.
        """
        dtype = torch.promote_types(prediction.dtype, torch.float32)
        x, y, counts = _columns(prediction.to(dtype), target.to(dtype), mask)
        n = counts.sum(0)
        share = counts.to(dtype) / n.clamp(min=1)
        # Moments about the means: in float32 the raw sums would cancel where a prediction hardly varies.
        mean_x, mean_y = (share * x).sum(0), (share * y).sum(0)
        dx, dy = x - mean_x, y - mean_y
        variance_x, variance_y, covariance = ((share * product).sum(0) for product in (dx * dx, dy * dy, dx * dy))
        # What is left of a constant target is the rounding of its mean, which must not count as agreement.
        rounding = (16 * torch.finfo(dtype).eps * mean_y) ** 2
        covariance = torch.where(variance_y > rounding, covariance, 0)
        bottom = variance_x + variance_y + (mean_x - mean_y) ** 2
        concordance = 2 * covariance / torch.where(bottom > torch.finfo(dtype).tiny, bottom, 1)
        return torch.where(n < 2, 0, 1 - concordance).mean()


def _columns(prediction: Tensor, target: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Both series as (N, K) with zeros at values that do not count, and which count (N, K)."""
    if prediction.shape != target.shape or not prediction.dim():
        raise ValueError(
            f"prediction is {tuple(prediction.shape)}, target is {tuple(target.shape)}: "
            "both need one shape, with targets in the last dimension."
        )
    counts = ~target.isnan() & _spread(mask, target)
    series = (torch.where(counts, prediction, 0), torch.where(counts, target, 0), counts)
    x, y, counts = (s.flatten(0, -2) if s.dim() > 1 else s.unsqueeze(-1) for s in series)
    return x, y, counts


def _spread(mask: Tensor | None, target: Tensor) -> Tensor:
    """The mask with a place for each target."""
    if mask is None:
        return torch.ones_like(target, dtype=torch.bool)
    if mask.dtype != torch.bool:
        raise ValueError(f"mask is {mask.dtype}: it has to be bool, True where a value counts. Use mask.bool().")
    if mask.shape == target.shape:
        return mask
    if mask.shape == target.shape[:-1]:
        return mask.unsqueeze(-1).expand_as(target)
    raise ValueError(
        f"mask is {tuple(mask.shape)}, target is {tuple(target.shape)}: "
        "a mask has the target's shape, with or without the last dimension."
    )


def _is_constant(n: Tensor, total: Tensor, squares: Tensor) -> Tensor:
    return n * squares - total * total <= _CONSTANT * n * squares
