"""Anonymity: can people be singled out, linked, or have a secret inferred?"""

from audit.anonymity.attack import CountingAttack, Way
from audit.anonymity.inference import Inference
from audit.anonymity.linkability import Linkability
from audit.anonymity.singling_out import SinglingOut

__all__ = ["CountingAttack", "Inference", "Linkability", "SinglingOut", "Way"]
