"""Anonymity: can people be singled out, linked, or have a secret inferred?"""

from audit.anonymity.attack import CountingAttack, Way
from audit.anonymity.inference import Inference

__all__ = ["CountingAttack", "Inference", "Way"]
