"""Comparisons of fusions that a statistician would sign, and audits of what they are compared on."""

from jcalib.studies.ablation import Study, ablate
from jcalib.studies.audits import Audit, Audits, audit_corpus
from jcalib.studies.claims import sentences
from jcalib.studies.feature_audits import audit_features
from jcalib.studies.learning import LearningCurve, check_sizes, learning_cost, learning_curve
from jcalib.studies.modality_dropout import dropout_cost, with_modality_dropout
from jcalib.studies.published import NOT_COMPARABLE, beside
from jcalib.studies.relations import Relations, relations
from jcalib.studies.robustness import Robustness, robustness
from jcalib.studies.search import Search, search
from jcalib.studies.signals import signal_corruptions, signal_cost

__all__ = [
    "NOT_COMPARABLE",
    "Audit",
    "Audits",
    "LearningCurve",
    "Relations",
    "Robustness",
    "Search",
    "Study",
    "ablate",
    "audit_corpus",
    "audit_features",
    "beside",
    "check_sizes",
    "dropout_cost",
    "learning_cost",
    "learning_curve",
    "relations",
    "robustness",
    "search",
    "sentences",
    "signal_corruptions",
    "signal_cost",
    "with_modality_dropout",
]
