"""Memorisation: which training records come back out?"""

from audit.memorization.copies import Copies
from audit.memorization.found_again import FoundAgain
from audit.memorization.image_extraction import ImageExtraction
from audit.memorization.speakers import Speakers

__all__ = ["Copies", "FoundAgain", "ImageExtraction", "Speakers"]
