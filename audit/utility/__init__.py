"""Utility: can the synthetic records do the work of real ones?"""

from audit.utility.train_synthetic_test_real import TrainSyntheticTestReal

__all__ = ["TrainSyntheticTestReal"]
