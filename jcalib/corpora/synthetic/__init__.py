"""The embedded corpus: drawn faces and synthesised voices whose causes are known (design 9)."""

from jcalib.corpora.synthetic.causal import Moved, recording_number, render_moved, strongest_latents
from jcalib.corpora.synthetic.regimes import REGIMES, regime_settings
from jcalib.corpora.synthetic.render import Script, build, render_recording

__all__ = [
    "REGIMES",
    "Moved",
    "Script",
    "build",
    "recording_number",
    "regime_settings",
    "render_moved",
    "render_recording",
    "strongest_latents",
]
