"""Comparisons of fusions that a statistician would sign, and audits of what they are compared on."""

from jcalib.studies.ablation import Study, ablate
from jcalib.studies.audits import Audit, Audits, audit_corpus

__all__ = ["Audit", "Audits", "Study", "ablate", "audit_corpus"]
