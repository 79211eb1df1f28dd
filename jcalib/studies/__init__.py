"""Comparisons of fusions that a statistician would sign: ablation, families of tests, verdicts in words."""

from jcalib.studies.ablation import Study, ablate

__all__ = ["Study", "ablate"]
