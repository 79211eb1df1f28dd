"""Regimes: where a target's variance comes from, by name (design 9)."""

from typing import Any

from jcalib.settings import CorpusSettings, Mix, choose


def _mix(redundancy: float = 0, face: float = 0, voice: float = 0, synergy: float = 0) -> Mix:
    return Mix(redundancy=redundancy, unique_face=face, unique_voice=voice, synergy=synergy)


def _both(**shares: float) -> dict[str, Mix]:
    return {"valence": _mix(**shares), "arousal": _mix(**shares)}


REGIMES: dict[str, dict[str, Any]] = {
    "mixed": {},
    "redundant": _both(redundancy=1),
    "unique": _both(face=0.5, voice=0.5),
    "synergy": _both(synergy=1),
    "gating": {**_both(redundancy=1), "posed": 0.3, "face_loss": 0.2, "voice_loss": 0.25},
    "lag": {"lag": 0.6},
}


def regime_settings(settings: CorpusSettings) -> CorpusSettings:
    """Return the settings with the knobs of their regime turned; "mixed" changes nothing.

    Raises:
        UserError: an unknown regime.
    """
    return settings.changed(**REGIMES[choose(settings.regime, REGIMES, "regime")])
