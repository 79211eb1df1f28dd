"""Published weights as files: which there are, how one is fetched, what a file is, and encoders made from one.

Nothing is fetched unless it is asked for by name, and a path to a file that the user has is always enough.
"""

from jcalib.weights.choosing import with_weights
from jcalib.weights.fetching import fetch
from jcalib.weights.known import KNOWN, Known, find, table
from jcalib.weights.reading import Finding, check, load_weights, read_state

__all__ = ["KNOWN", "Finding", "Known", "check", "fetch", "find", "load_weights", "read_state", "table", "with_weights"]
