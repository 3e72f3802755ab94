"""Memorisation: which training records come back out?"""

from audit.memorization.authenticity import Authenticity
from audit.memorization.copies import Copies
from audit.memorization.data_copying import DataCopying
from audit.memorization.exposure import Exposure
from audit.memorization.extraction import Extraction, GeneratedFirst, PrefixExtraction
from audit.memorization.found_again import FoundAgain
from audit.memorization.image_extraction import ImageExtraction
from audit.memorization.personal_data import PersonalData
from audit.memorization.reconstruction import ModelInversion, Reconstruction
from audit.memorization.releases import Releases
from audit.memorization.speakers import Speakers

__all__ = [
    "Authenticity",
    "Copies",
    "DataCopying",
    "Exposure",
    "Extraction",
    "FoundAgain",
    "GeneratedFirst",
    "ImageExtraction",
    "ModelInversion",
    "PersonalData",
    "PrefixExtraction",
    "Reconstruction",
    "Releases",
    "Speakers",
]
