"""Could chance have drawn the synthetic and the real records from one distribution? Asked of whole records."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import Measured, Sample, Subject, register
from audit.fidelity.damages import collapsed
from audit.fidelity.distance import UNBOUNDED, Distance, Gap, Gauge, Gauges, Summaries, Weights, compared_size
from audit.fidelity.marginals import compared_columns
from audit.fidelity.placing import FEATURES, Rows, placed_by_train
from audit.measures import gaussian_kernel, polynomial_kernel, squared_mmd
from audit.statistics import Floats


class KernelDistance(Distance):
    """The squared maximum mean discrepancy in one of the kernels."""

    most = 1500

    @abstractmethod
    def kernel(self, rows: Rows) -> Rows:
        """Similarity of every pair of rows."""

    def gaps(self, pooled: pd.DataFrame, first: NDArray[np.bool_], subject: Subject) -> Sequence[Gap]:  # noqa: ARG002
        """One: the whole record."""
        rows, _ = subject.shared(placed_by_train).rows(Sample("damaged", pooled, np.arange(len(pooled))), len(pooled))
        between = squared_mmd(self.kernel(rows))

        def distance(ours: Weights, theirs: Weights) -> Floats:
            return between(ours, theirs)[None]

        return [Gap("whole records", distance)]

    def says(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """The distance beside its floor, in words."""
        return (
            f"Measured on {FEATURES[subject.dataset.modality]}, the squared distance of whole records is "
            f"{measured[0].value:.4f}, that of {compared_size(subject, self.most):,} fresh real records "
            f"{floor[0].value:.4f}."
        )


@register
class Mmd(KernelDistance):
    """Could chance have drawn the synthetic and the real rows from one distribution?

    The unbiased squared maximum mean discrepancy with a Gaussian kernel whose width is the median distance between two
    records; numbers as ranks, categories as indicators, every column counting alike. 0 on average where both come from
    one distribution, and above where they do not, whatever the difference is.

    Source: Gretton, Borgwardt, Rasch, Schoelkopf and Smola, "A kernel two-sample test" (JMLR 2012).
    """

    id = "fidelity.mmd"
    title = "Maximum mean discrepancy"
    question = "Could chance have drawn the synthetic and the real rows from one distribution?"
    measures = ("squared_mmd", "p_value")
    source = "Gretton et al., A kernel two-sample test (JMLR 2012); permutation test"
    remedy = "Train longer, give the model more capacity or records, or a larger privacy budget."
    damage_done = "half of which are the same one"
    gauges: ClassVar[Gauges] = {"mmd": Gauge("in a Gaussian kernel, 0 to 2", UNBOUNDED, -UNBOUNDED)}
    summaries: ClassVar[Summaries] = {"squared_mmd": ("mean", "mmd")}

    def kernel(self, rows: Rows) -> Rows:
        """The Gaussian kernel."""
        return gaussian_kernel(rows)

    def unfit(self, subject: Subject) -> str | None:
        """A table of identifiers and constants alone has nothing to compare."""
        return None if compared_columns(subject) else "no column carries values that vary"

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Collapse half of the records to a single one."""
        return collapsed(records, rng)


@register
class KernelInception(KernelDistance):
    """How far do the features of synthetic images, texts or recordings lie from those of real ones?

    The kernel inception distance's formula, the unbiased squared maximum mean discrepancy with the kernel
    (x y / d + 1)^3, on named features that need no download: values compare with others of the same features only.
    Unlike a Frechet distance it is not biased by the number of records.

    Source: Binkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs" (ICLR 2018).
    """

    id = "fidelity.kernel-distance"
    title = "Kernel distance of features"
    question = "How far do the features of the synthetic records lie from those of real ones?"
    measures = ("squared_kernel_distance", "p_value")
    source = "KID: Binkowski et al. (ICLR 2018), on features that need no download; permutation test"
    modalities = ("image", "text", "audio")
    remedy = "Train longer, give the model more capacity or records, or a larger privacy budget."
    damage_done = "half of which are the same one"
    gauges: ClassVar[Gauges] = {"kid": Gauge("in a cubic kernel, from 0", UNBOUNDED, -UNBOUNDED)}
    summaries: ClassVar[Summaries] = {"squared_kernel_distance": ("mean", "kid")}

    def kernel(self, rows: Rows) -> Rows:
        """The cubic kernel."""
        return polynomial_kernel(rows)

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Collapse half of the records to a single one."""
        return collapsed(records, rng)
