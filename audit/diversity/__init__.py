"""Diversity: do the synthetic records show all that real ones show, and nothing too often?"""

from audit.diversity.duplicates import Duplicates
from audit.diversity.modes import Modes
from audit.diversity.phrases import Phrases

__all__ = ["Duplicates", "Modes", "Phrases"]
