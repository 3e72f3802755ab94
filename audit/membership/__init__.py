"""Membership inference: was this person's record in the training data?"""

from audit.membership.attack import MembershipAttack, Scores
from audit.membership.classifier import Classifier
from audit.membership.density_ratio import DensityRatio
from audit.membership.distance import Distance
from audit.membership.lira import Lira, LiraOffline, LiraSamples
from audit.membership.loss import Discriminator, Loss
from audit.membership.rmia import Rmia, RmiaSamples

__all__ = ["Classifier", "DensityRatio", "Discriminator", "Distance", "Loss", "MembershipAttack", "Scores"]
