"""Which persons train the encoders, which train the fusions, and which select (design 8)."""

import numpy as np

from jcalib.settings import Split, UserError


def deal_roles(persons: set[str], split: Split, seed: int) -> dict[str, str]:
    """Deals train persons out to encoder, fusion and selection, in the proportion of the split's counts.

    Args:
        persons: the persons of the train set.
        split: the counts; they are met exactly when they add up to the number of persons.
        seed: of the shuffle. Persons are sorted before it, so that the order of files does not matter.

    Returns:
        Each person's role.

    Raises:
        UserError: too few persons, so that encoders and fusions would have to share one.
    """
    n, alone = len(persons), not split.encoder
    if n < 2 - alone:
        needed = "the fusions need one" if alone else "encoders and fusions need one each"
        raise UserError(f"the train set has {n} usable persons: {needed} at least.")
    shuffled = np.random.default_rng(seed).permutation(sorted(persons)).tolist()
    total = split.encoder + split.fusion + split.selection
    encoder = 0 if alone else min(max(round(n * split.encoder / total), 1), n - 1)
    fusion = min(max(round(n * (split.encoder + split.fusion) / total) - encoder, 1), n - encoder)
    dealt = ["encoder"] * encoder + ["fusion"] * fusion + ["selection"] * (n - encoder - fusion)
    return dict(zip(shuffled, dealt, strict=True))
