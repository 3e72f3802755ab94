"""Does a generator make everything that train holds, or the same few records again and again? A mode-collapse monitor.

Needs codes, one category a column (ranges as bins), of generated and of training records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int64]

_EXPECTED = 5
"""A category counts as lost if it should appear at least this often among the samples, and does not."""

_MANY_REPEATS = 0.05
_FAR = 0.2


@dataclass(frozen=True)
class Variety:
    """How varied a sample is, beside the training records.

    Attributes:
        samples: How many were looked at.
        expected: Categories, over all columns, common enough in train to be expected among them at least 5 times.
        lost: How many of those never appear.
        total_variation: Distance of the sample's categories from train's, from 0 to 1, averaged over columns.
        repeats: Share of samples that are equal, category for category, to an earlier one.
        repeats_in_train: The same among as many training records.
    """

    samples: float
    expected: float
    lost: float
    total_variation: float
    repeats: float
    repeats_in_train: float

    @classmethod
    def of(cls, codes: Codes, frequencies: Sequence[Counts], repeats_in_train: float) -> Self:
        """Measure a sample.

        Args:
            codes: Shape (samples, columns).
            frequencies: Train's count of each category, by column.
            repeats_in_train: `repeats_among` as many training records.
        """
        expected = lost = 0
        distances = []
        for column, counts in zip(codes.T, frequencies, strict=True):
            found = np.bincount(column, minlength=len(counts))
            shares = counts / counts.sum()
            common = shares * len(codes) >= _EXPECTED
            expected += int(common.sum())
            lost += int((common & (found == 0)).sum())
            distances.append(0.5 * np.abs(found / len(codes) - shares).sum())
        return cls(len(codes), expected, lost, float(np.mean(distances)), repeats_among(codes), repeats_in_train)

    def to_dict(self) -> dict[str, float]:
        """Return the numbers by name."""
        return asdict(self)

    def complaints(self) -> list[str]:
        """Return what a user should know, one sentence each; nothing if all is well."""
        found = []
        if self.lost:
            found.append(
                f"mode collapse: {self.lost:.0f} of {self.expected:.0f} categories that train holds often enough never "
                f"appear among {self.samples:.0f} samples"
            )
        if self.repeats > 2 * self.repeats_in_train + _MANY_REPEATS:
            found.append(
                f"mode collapse: {self.repeats:.1%} of {self.samples:.0f} samples repeat an earlier one, against "
                f"{self.repeats_in_train:.1%} of as many training records"
            )
        if self.total_variation > _FAR:
            found.append(
                f"categories are {self.total_variation:.2f} away from train's in total variation, averaged over "
                f"columns, which is more than {_FAR}"
            )
        return found


def repeats_among(codes: Codes) -> float:
    """Return the share of records that are equal to an earlier one."""
    return 1 - len(np.unique(codes, axis=0)) / len(codes)
