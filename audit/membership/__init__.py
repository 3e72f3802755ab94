"""Membership inference: was this person's record in the training data?"""

from audit.membership.attack import MembershipAttack, Scores
from audit.membership.averaged import Averaged
from audit.membership.calibrated_distance import CalibratedDistance
from audit.membership.calibrated_distance_retrained import CalibratedDistanceRetrained
from audit.membership.classifier import Classifier
from audit.membership.combined import Combined
from audit.membership.denoising import Denoising, Proximal, Retraced
from audit.membership.density_ratio import DensityRatio
from audit.membership.density_ratio_flow import DensityRatioFlow
from audit.membership.distance import Distance
from audit.membership.exposed import Exposed
from audit.membership.groundhog import Groundhog, Queries
from audit.membership.lira import Lira, LiraOffline, LiraSamples
from audit.membership.loss import CalibratedLoss, Discriminator, Loss
from audit.membership.monte_carlo import MonteCarlo
from audit.membership.persons import Persons
from audit.membership.risk import check_keys, record_risk, write_record_risk
from audit.membership.rmia import Rmia, RmiaSamples
from audit.membership.tokens import MinK, MinKPlusPlus

__all__ = [
    "Averaged",
    "CalibratedDistance",
    "CalibratedDistanceRetrained",
    "CalibratedLoss",
    "Classifier",
    "Combined",
    "Denoising",
    "DensityRatio",
    "DensityRatioFlow",
    "Discriminator",
    "Distance",
    "Exposed",
    "Groundhog",
    "Lira",
    "LiraOffline",
    "LiraSamples",
    "Loss",
    "MembershipAttack",
    "MinK",
    "MinKPlusPlus",
    "MonteCarlo",
    "Persons",
    "Proximal",
    "Queries",
    "Retraced",
    "Rmia",
    "RmiaSamples",
    "Scores",
    "check_keys",
    "record_risk",
    "write_record_risk",
]
