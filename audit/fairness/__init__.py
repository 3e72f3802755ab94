"""Fairness: who is represented worse, served worse and exposed more than others?"""

from audit.fairness.exposure import SubgroupExposure
from audit.fairness.likeness import SubgroupLikeness
from audit.fairness.representation import Representation
from audit.fairness.usefulness import SubgroupUsefulness

__all__ = ["Representation", "SubgroupExposure", "SubgroupLikeness", "SubgroupUsefulness"]
