"""Fidelity: do the synthetic records look like real ones?"""

from audit.fidelity.classifier_two_sample import ClassifierTwoSample
from audit.fidelity.combinations import Combinations
from audit.fidelity.constraints import Constraints
from audit.fidelity.frechet import Frechet
from audit.fidelity.inception import InceptionScore
from audit.fidelity.kernel_distance import KernelInception, Mmd
from audit.fidelity.marginals import Marginals
from audit.fidelity.mauve import Mauve
from audit.fidelity.overlap import Overlap
from audit.fidelity.pairs import Pairs
from audit.fidelity.perplexity import Perplexity
from audit.fidelity.precision_recall import PrecisionRecall
from audit.fidelity.reconstruction import Reconstruction
from audit.fidelity.vocabulary import Vocabulary

__all__ = [
    "ClassifierTwoSample",
    "Combinations",
    "Constraints",
    "Frechet",
    "InceptionScore",
    "KernelInception",
    "Marginals",
    "Mauve",
    "Mmd",
    "Overlap",
    "Pairs",
    "Perplexity",
    "PrecisionRecall",
    "Reconstruction",
    "Vocabulary",
]
