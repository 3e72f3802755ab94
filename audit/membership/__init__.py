"""Membership inference: was this person's record in the training data?"""

from audit.membership.attack import MembershipAttack, Scores
from audit.membership.classifier import Classifier
from audit.membership.denoising import Denoising, Proximal
from audit.membership.density_ratio import DensityRatio
from audit.membership.distance import Distance
from audit.membership.groundhog import Groundhog, Queries
from audit.membership.lira import Lira, LiraOffline, LiraSamples
from audit.membership.loss import CalibratedLoss, Discriminator, Loss
from audit.membership.rmia import Rmia, RmiaSamples
from audit.membership.tokens import MinK, MinKPlusPlus

__all__ = [
    "CalibratedLoss",
    "Classifier",
    "Denoising",
    "DensityRatio",
    "Discriminator",
    "Distance",
    "Groundhog",
    "Lira",
    "LiraOffline",
    "LiraSamples",
    "Loss",
    "MembershipAttack",
    "MinK",
    "MinKPlusPlus",
    "Proximal",
    "Queries",
    "Rmia",
    "RmiaSamples",
    "Scores",
]
