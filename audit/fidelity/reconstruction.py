"""How much of a record survives being encoded and decoded by the model?"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from audit.checks import Evaluation, Measured, Sample, Subject, register
from audit.fidelity.placing import holdout_sample
from audit.measures.images import WINDOW, psnr, ssim
from audit.measures.sounds import log_spectral_distance, signal_to_noise
from audit.statistics import Floats, Interval, mean_interval
from generators.datasets.payload import payload_column
from generators.models.abilities import Encodes
from reports.document import Access

MOST = 500


@register
class Reconstruction(Evaluation):
    """How much of an image or a recording that the model has never seen survives being encoded and decoded?

    Holdout records are encoded and decoded. Images are compared with what comes back by peak signal-to-noise ratio and
    structural similarity, recordings by signal-to-noise ratio and log-spectral distance. The floor is another real
    record in the decoded one's place: what a model gets right that knows nothing of the record.

    Source: Wang et al. (IEEE TIP 2004) for SSIM; Gray and Markel (1976) for the log-spectral distance.
    """

    id = "fidelity.reconstruction"
    title = "Reconstruction of records never seen"
    question = "How much of a record that the model has never seen survives being encoded and decoded?"
    measures = ("psnr", "ssim", "signal_to_noise", "log_spectral_distance")
    source = "PSNR; SSIM: Wang et al. (IEEE TIP 2004); log-spectral distance: Gray and Markel (1976)"
    access: ClassVar[Access] = "white-box"
    modalities = ("image", "audio")
    remedy = "Give the model more latent dimensions or capacity."
    damage_done = "in one another's place, with every second line of pixels or sample gone"

    def unfit(self, subject: Subject) -> str | None:
        """The model must be able to encode and decode."""
        if subject.target.model is None or not isinstance(subject.target.model, Encodes):
            return "the model cannot encode and decode records"
        return None

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:
        """Closeness of holdout records to what came back."""
        holdout, model = holdout_sample(subject), _asked(subject)
        rows = np.sort(rng.permutation(len(holdout.frame))[:MOST])
        originals = holdout.frame.iloc[rows].reset_index(drop=True)
        if sample.case == "synthetic":
            others = model.decode(model.encode(originals), seed=subject.seed)
        else:
            others = sample.frame.iloc[rng.integers(len(sample.frame), size=len(rows))]
        column = payload_column(subject.dataset.schema)
        pairs = (list(originals[column.name]), list(others[column.name]))
        closeness = _images(*pairs) if column.kind == "image" else _recordings(*pairs)
        return [_measured(name, values, holdout.units[rows]) for name, values in closeness.items()]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG002
        """Lose half of every record."""
        name = payload_column(subject.dataset.schema).name
        halved = np.empty(len(records), dtype=object)
        for row, cell in enumerate(records[name]):
            halved[row] = np.where(np.arange(len(cell)).reshape(-1, *[1] * (cell.ndim - 1)) % 2 == 0, cell, 0)
            halved[row] = halved[row].astype(cell.dtype)
        return records.assign(**{name: pd.Series(halved, index=records.index, dtype=object)})

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:  # noqa: ARG002
        """How close they come back, in words."""
        return (
            f"Records that the model has never seen come back with {measured[0].value:.1f} dB ({measured[0].name}); "
            f"another real record in their place would have {floor[0].value:.1f} dB."
        )


def _asked(subject: Subject) -> Any:
    """The model of a subject that is not unfit; that it can encode, its type does not say."""
    return subject.target.model


def _images(originals: list[np.ndarray], others: list[np.ndarray]) -> dict[str, Floats]:
    first, second = np.stack(originals), np.stack(others)
    found = {"psnr": psnr(first, second)}
    if min(first.shape[1:3]) >= WINDOW:
        found["ssim"] = ssim(first, second)
    return found


def _recordings(originals: list[np.ndarray], others: list[np.ndarray]) -> dict[str, Floats]:
    """Recordings of unequal length are compared as far as the shorter one goes."""
    pairs = [(one[: len(other)], other[: len(one)]) for one, other in zip(originals, others, strict=True)]
    return {
        "signal_to_noise": np.array([signal_to_noise(*pair) for pair in pairs]),
        "log_spectral_distance": np.array([log_spectral_distance(*pair) for pair in pairs]),
    }


def _measured(name: str, values: Floats, units: np.ndarray) -> Measured:
    unit = {"ssim": "structural similarity, -1 to 1"}.get(name, "decibels")
    return Measured(
        name=name,
        value=float(values.mean()),
        n=len(np.unique(units)),
        unit=f"{unit}, mean over records",
        interval=partial(_interval, values, units),
        better="lower" if name == "log_spectral_distance" else "higher",
        bounds=(-1.0, 1.0) if name == "ssim" else (-float("inf"), float("inf")),
    )


def _interval(values: Floats, units: np.ndarray, confidence: float) -> Interval:
    return mean_interval(values, confidence, units)
