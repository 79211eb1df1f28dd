"""jcalib: does joint cross-attention fuse face and voice better than vanilla cross-attention?

Names are loaded when they are first used, so that `import jcalib` and the rendering workers start fast.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "open_corpus": "corpora",
    "preset": "settings",
    "UserError": "settings",
    "log_mel": "encoders",
    "build_fusion": "fusion",
    "open_features": "own_features",
    "extract": "training",
    "open_data": "training",
    "fit": "training",
    "evaluate": "training",
    "ablate": "studies",
    "robustness": "studies",
    "learning_curve": "studies",
    "search": "studies",
    "predict": "prediction",
    "attribute": "explain",
    "playback": "explain",
    "chapter": "reporting",
}
_ROOMS = (
    "concordance", "settings", "files", "progress", "provenance", "media", "corpora", "clips", "entries", "encoders",
    "inputs", "features", "own_features", "fusion", "weights", "papers", "training", "submission", "studies", "explain",
    "views", "prediction", "reporting", "doctor",
)  # fmt: skip

__version__ = "0.1.0"
__all__ = ["__version__", *_HOMES, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"jcalib.{_HOMES[name]}"), name)
    if name in _ROOMS:
        return import_module(f"jcalib.{name}")
    raise AttributeError(f"module 'jcalib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
