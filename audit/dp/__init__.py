"""Empirical epsilon: what does a private trainer really protect, beside what it claims?"""

from audit.dp.gaussian import Gaussian
from audit.dp.one_run import OneRun
from audit.dp.preprocessing import Preprocessing
from audit.dp.trainers import Trainer, audit_trainer, nearness

__all__ = ["Gaussian", "OneRun", "Preprocessing", "Trainer", "audit_trainer", "nearness"]
