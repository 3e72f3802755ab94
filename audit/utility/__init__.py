"""Utility: can the synthetic records do the work of real ones?"""

from audit.utility.importance import ImportanceAgreement
from audit.utility.queries import Queries
from audit.utility.train_synthetic_test_real import TrainSyntheticTestReal

__all__ = ["ImportanceAgreement", "Queries", "TrainSyntheticTestReal"]
