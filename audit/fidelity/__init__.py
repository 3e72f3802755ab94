"""Fidelity: do the synthetic records look like real ones?"""

from audit.fidelity.classifier_two_sample import ClassifierTwoSample
from audit.fidelity.combinations import Combinations
from audit.fidelity.constraints import Constraints
from audit.fidelity.frechet import Frechet
from audit.fidelity.kernel_distance import KernelInception, Mmd
from audit.fidelity.marginals import Marginals
from audit.fidelity.pairs import Pairs
from audit.fidelity.precision_recall import PrecisionRecall

__all__ = [
    "ClassifierTwoSample",
    "Combinations",
    "Constraints",
    "Frechet",
    "KernelInception",
    "Marginals",
    "Mmd",
    "Pairs",
    "PrecisionRecall",
]
