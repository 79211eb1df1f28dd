"""A prediction that can be explained: the same for a clip alone and among others, and the same twice."""

from collections.abc import Callable

import torch
from torch import Tensor

from jcalib.settings import UserError


def assert_steady(predict: Callable[..., Tensor], first: Tensor, *others: Tensor | None) -> None:
    """Refuse a prediction that changes with its neighbours in the batch, as dropout and batch norm make it.

    Args:
        predict: (B, ...) tensors to (B, ...) predictions.
        first, others: what `predict` takes, each (B, ...), the others perhaps None; two examples are tried.

    Raises:
        UserError: where there is no example, or the first one's prediction differs alone and beside the second.
    """
    if not len(first):
        raise UserError("0 examples to explain: hand in one or more.")
    pair = [None if value is None else value[:2] for value in (first, *others)]
    with torch.no_grad():
        beside = predict(*pair)[0]
        alone = predict(*[None if value is None else value[:1] for value in pair])[0]
    if not torch.allclose(alone, beside, rtol=1e-3, atol=1e-4, equal_nan=True):
        worst = (alone - beside).abs().argmax()
        raise UserError(
            f"predict gives {alone.flatten()[worst]:.4f} for an example alone, "
            f"{beside.flatten()[worst]:.4f} beside another: an explained prediction must not change. "
            "Put every module into eval() first."
        )
