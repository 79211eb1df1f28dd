"""`python -m jcalib`: the same as `jcalib`."""

from jcalib.cli import main

main()
