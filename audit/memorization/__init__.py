"""Memorisation: which training records come back out?"""

from audit.memorization.copies import Copies

__all__ = ["Copies"]
