"""The embedded corpus: drawn faces and synthesised voices whose causes are known (design 9)."""

from jcalib.corpora.synthetic.regimes import REGIMES, regime_settings
from jcalib.corpora.synthetic.render import Script, build, render_recording

__all__ = ["REGIMES", "Script", "build", "regime_settings", "render_recording"]
