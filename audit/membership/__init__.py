"""Membership inference: was this person's record in the training data?"""

from audit.membership.attack import MembershipAttack, Scores
from audit.membership.classifier import Classifier
from audit.membership.density_ratio import DensityRatio
from audit.membership.distance import Distance

__all__ = ["Classifier", "DensityRatio", "Distance", "MembershipAttack", "Scores"]
