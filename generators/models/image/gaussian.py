"""Images from normal distributions over low frequencies: the baseline that deep models are held against."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.fft import dct
from torch import Tensor

from generators.datasets import Schema
from generators.encoding.images import ImageEncoder, to_tensor
from generators.errors import InputError
from generators.models.base import Generator
from generators.models.parameters import PositiveInt
from generators.models.running import Beside, Paying
from generators.privacy import Curator, Event, Ledger
from generators.privacy.accountant import calibrated
from generators.privacy.curator import RNG
from generators.privacy.moments import noisy_quantile, noisy_scatter, noisy_sums, semicircle_edge, without_noise
from generators.training import History

Floats = npt.NDArray[np.float64]

_SHARES = {"sums": 0.1, "norms": 0.02, "scatter": 0.88}
"""How a budget is divided between the means, the norm to clip to, and the scatter around the means."""

_BEYOND = 0.3
"""Share of the records whose distance from their mean is cut short under a budget, so that less noise is needed: what
this shrinks weighs less than what more noise would blur (the likelihood of other records was as good or better than
with 0.03 or 0.1, on grey and coloured images, at epsilon 1, 3 and 10)."""

_ROUNDING = (2 / 255) ** 2 / 12
"""Variance that rounding to 256 grey levels, from -1 to 1, adds to every coefficient."""

_CHUNK = 2048


@dataclass(frozen=True)
class _Noise:
    """Deviations of the noise on statistics of sensitivity 1; all 0 without a budget."""

    sums: float
    norms: float
    scatter: float


class ImageGaussian(Generator):
    """Makes images with a normal distribution for each combination of labels over their low frequencies; no network.

    An image is seen as the lowest coefficients of each channel's discrete cosine transform, which is the same for all
    data. A combination of labels has a mean and a covariance; where it has too few records for a covariance of its own,
    or where noise hides in what it differs, it has that of all labels. An image is drawn from the normal distribution,
    transformed back and clipped.

    Without a budget the moments are exact. Under one there are three Gaussian mechanisms, those of
    `generators.privacy.moments`: noisy sums and counts give the means, a noisy histogram the norm to which differences
    from the means are then clipped, and noisy scatter matrices of these the covariances. All else is computed from the
    answers.

    Attributes:
        frequencies: Coefficients in each direction and channel; at most as many as an image has pixels there.
        private_frequencies: The same under a budget, where noise falls on each pair of coefficients.
        encoder_: Levels of the labels, and the size of images.
        counts_: How many records each combination of labels has, shape (combinations,); noisy under a budget.
        means_: Mean coefficients of each combination, and last those of all records, shape (combinations + 1, length).
        which_: Which covariance each combination has, and last any other, shape (combinations + 1,).
        variances_: Along the axes of each covariance, shape (covariances, length).
        axes_: Its eigenvectors in columns, shape (covariances, length, length).

    Example:
        >>> from generators import load_dataset
        >>> data = load_dataset("digits-images").split(seed=0)
        >>> model = ImageGaussian().fit(data)
        >>> model.sample(2)["image"][0].shape
        (8, 8, 1)
    """

    kind: ClassVar[str] = "image-gaussian"
    modality: ClassVar[str] = "image"

    frequencies: PositiveInt = 16
    private_frequencies: PositiveInt = 10
    encoder_: ImageEncoder = field(init=False)
    counts_: Floats = field(init=False)
    means_: Floats = field(init=False)
    which_: npt.NDArray[np.int64] = field(init=False)
    variances_: Floats = field(init=False)
    axes_: Floats = field(init=False)

    def log_likelihood(self, frame: pd.DataFrame) -> Floats:
        """Return the log-density of each record's coefficients given its labels, in nats, shape (records,).

        Pixels count from -1 to 1, and as spread over the range that rounds to them. Frequencies that the model leaves
        out do not count.

        Args:
            frame: Canonical frame. A record whose labels train did not show counts as one of any labels.
        """
        points, groups = self._whitened(frame)
        spread = np.log(self.variances_).sum(axis=1)[self.which_[groups]]
        likelihood: Floats = -0.5 * ((points**2).sum(axis=1) + spread + points.shape[1] * math.log(2 * math.pi))
        return likelihood

    def record_loss(self, frame: pd.DataFrame) -> Floats:
        """Return each record's negative log-likelihood, shape (records,)."""
        return -self.log_likelihood(frame)

    def encode(self, frame: pd.DataFrame) -> Floats:
        """Return each record's latent point: standard normal coordinates given its labels, then these one-hot.

        Returns:
            Shape (records, coefficients + width of the labels).
        """
        points, _ = self._whitened(frame)
        return np.concatenate([points, self.encoder_.labels_.one_hot(frame)], axis=1)

    def decode(self, latents: Floats, seed: int = 0) -> pd.DataFrame:
        """Return the image of each latent point; nothing is drawn.

        Args:
            latents: As `encode` returns them; of a label's numbers the largest counts.
            seed: Not needed.

        Raises:
            InputError: The points have another length.
        """
        del seed
        self._require_fitted()
        return self._drawn(*self.encoder_.labels_.parted(latents, self.means_.shape[1]))

    def _fit(
        self, frame: pd.DataFrame, schema: Schema, ledger: Ledger, paying: Paying | None, beside: Beside
    ) -> History:
        if beside.checkpoints is not None:
            raise InputError("image-gaussian is fitted in one go: it has no checkpoints")
        for callback in beside.callbacks:
            callback.started(self.kind, self.get_params(), 0)
        self.encoder_ = ImageEncoder(public_only=paying is not None).fit(frame, schema)
        self.encoder_.record(ledger)
        if paying is None:
            ledger.add("the mean and covariance of images, for each combination of labels", "none", note="exact")
            self._learn(frame, len(frame), _Noise(0.0, 0.0, 0.0), np.random.default_rng(0))
        else:
            noise, rng = _paid(paying.curator)
            self._learn(frame.iloc[paying.curator.one_each()], paying.curator.units, noise, rng)
        for callback in beside.callbacks:
            callback.finished([])
        return History()

    def _learn(self, frame: pd.DataFrame, units: float, noise: _Noise, rng: np.random.Generator) -> None:
        """Estimate all moments; with noise, from answers of `generators.privacy.moments` and from nothing else."""
        vectors, groups = self._coefficients(frame), self._groups(frame)
        size, length = len(self.encoder_.labels_.combinations_), vectors.shape[1]
        largest = math.sqrt(math.prod(self.encoder_.shape_))  # of a black or white image; the transform keeps norms
        sums, counts = noisy_sums(vectors, groups, size, radius=largest, noise=noise.sums, rng=rng)
        # A count no larger than the largest of so many normal draws counts as none.
        self.counts_ = np.where(counts > math.sqrt(2) * noise.sums * math.sqrt(2 * math.log(size)), counts, 0.0)
        self.means_ = self._shrunken_means(sums, units, math.sqrt(2) * noise.sums * largest)

        vectors = vectors - self.means_[groups]
        radius = math.inf
        if noise.scatter > 0:
            norms = np.linalg.norm(vectors, axis=1)
            radius = noisy_quantile(norms, share=_BEYOND, largest=2 * largest, noise=noise.norms, rng=rng)
        # A covariance of its own takes more records than coefficients, and a semicircle of noise that does not cover
        # all that can be: the squared radius, which no variance exceeds. The other combinations share one matrix.
        own = np.flatnonzero(self.counts_ > max(length, semicircle_edge(length, noise.scatter)))
        self.which_ = np.full(size + 1, len(own))
        self.which_[own] = np.arange(len(own))
        matrices = len(own) + (len(own) < size)
        scatter = noisy_scatter(vectors, self.which_[groups], matrices, radius=radius, noise=noise.scatter, rng=rng)
        deviation = noise.scatter * radius**2 if noise.scatter > 0 else 0.0
        self._take_covariances(scatter, self.counts_[own], units, deviation)

    def _shrunken_means(self, sums: Floats, units: float, deviation: float) -> Floats:
        """Return the mean of each combination, moved towards that of all by as much as its noise asks for.

        The positive-part estimator of James and Stein (1961): a mean that lies no further off than noise alone would
        put it is that of all, and so is that of no records.

        Args:
            sums: Shape (combinations, length).
            units: Number of records.
            deviation: Of the noise on each number of `sums`.
        """
        seen = self.counts_ > 0
        everyone = sums[seen].sum(axis=0) / self.counts_[seen].sum() if seen.any() else sums.sum(axis=0) / units
        away = np.zeros_like(sums)
        away[seen] = sums[seen] / self.counts_[seen, None] - everyone
        squared = (away**2).sum(axis=1)
        noise = max(sums.shape[1] - 2, 0) * (deviation / np.maximum(self.counts_, 1)) ** 2
        kept = np.maximum(0, squared - noise) / np.maximum(squared, np.finfo(float).tiny)
        return np.concatenate([everyone + kept[:, None] * away, everyone[None]])

    def _take_covariances(self, scatter: Floats, numbers: Floats, units: float, deviation: float) -> None:
        """Set the covariance of each combination that has one, and last that of all."""
        everyone = scatter.sum(axis=0) / units
        pooled = without_noise(everyone, deviation * math.sqrt(len(scatter)) / units)
        # What noise hides is not nothing: the trace tells its sum, and it is spread evenly, as in the probabilistic
        # principal components of Tipping and Bishop (1999).
        hidden = max(0.0, float(np.trace(everyone - pooled))) / len(pooled)
        pooled = pooled + hidden * np.eye(len(pooled))
        found = []
        for matrix, number in zip(scatter, numbers, strict=False):
            # The noise on a difference: that on its own matrix, as far as it is not in both, and that on all others.
            weights = (1 / number - 1 / units) ** 2 + (len(scatter) - 1) / units**2
            found.append(pooled + without_noise(matrix / number - everyone, deviation * math.sqrt(weights)))
        values, axes = np.linalg.eigh(np.stack([*found, pooled]))
        self.axes_ = np.ascontiguousarray(axes)
        self.variances_ = np.maximum(values, hidden) + _ROUNDING

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        codes = self.encoder_.labels_.draw(n, generator, conditions, self.counts_)
        points = torch.randn(n, self.means_.shape[1], generator=generator, dtype=torch.float64).numpy()
        return self._drawn(points, codes)

    def _drawn(self, points: Floats, codes: npt.NDArray[np.int64]) -> pd.DataFrame:
        groups = self._groups(codes)
        vectors = self.means_[groups]
        scaled = points * np.sqrt(self.variances_)[self.which_[groups]]
        for which in np.unique(self.which_[groups]):
            chosen = self.which_[groups] == which
            vectors[chosen] += scaled[chosen] @ self.axes_[which].T
        down, right = self._bases()
        blocks = torch.from_numpy(vectors).reshape(-1, self.encoder_.shape_[2], len(down), len(right))
        images = [(down.T @ part @ right).float() for part in torch.split(blocks, _CHUNK)]
        return self.encoder_.decode(torch.cat(images), codes)

    def _whitened(self, frame: pd.DataFrame) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Return each record's standard normal coordinates, and its combination of labels."""
        self._require_fitted()
        groups = self._groups(frame)
        points = self._coefficients(frame) - self.means_[groups]
        for which in np.unique(self.which_[groups]):
            chosen = self.which_[groups] == which
            points[chosen] = points[chosen] @ self.axes_[which] / np.sqrt(self.variances_[which])
        return points, groups

    def _coefficients(self, frame: pd.DataFrame) -> Floats:
        """Return the low frequencies of images, shape (records, channels * frequencies down * frequencies right)."""
        down, right = self._bases()
        cells = frame[self.encoder_.name_]
        found = [
            (down @ to_tensor(cells.iloc[start : start + _CHUNK], self.encoder_.shape_).double() @ right.T).flatten(1)
            for start in range(0, max(len(cells), 1), _CHUNK)
        ]
        return torch.cat(found).numpy()

    def _bases(self) -> tuple[Tensor, Tensor]:
        """Return the orthonormal cosines down and to the right, lowest frequencies first, shape (frequencies, side)."""
        sides = self.encoder_.shape_[:2]
        kept = self.private_frequencies if self.encoder_.public_only else self.frequencies
        down, right = (dct(np.eye(side), norm="ortho", axis=0)[:kept] for side in sides)
        return torch.from_numpy(down), torch.from_numpy(right)

    def _groups(self, records: pd.DataFrame | npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the place of each record's combination of labels, -1 where train did not show it."""
        labels = self.encoder_.labels_
        codes = labels.encode(records) if isinstance(records, pd.DataFrame) else records
        numbers, known = np.zeros(len(codes), dtype=np.int64), np.zeros(len(labels.combinations_), dtype=np.int64)
        for place, size in enumerate(labels.sizes):
            numbers, known = numbers * size + codes[:, place], known * size + labels.combinations_[:, place]
        # Combinations are in ascending order.
        found = np.searchsorted(known, numbers).clip(0, len(known) - 1)
        return np.where((known[found] == numbers) & (codes >= 0).all(axis=1), found, -1)

    def _state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        arrays = {"counts": self.counts_, "means": self.means_, "which": self.which_}
        arrays |= {"variances": self.variances_, "axes": self.axes_}
        return {"encoder": self.encoder_.to_dict()}, {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _restore(self, state: dict[str, Any], weights: dict[str, Tensor]) -> None:
        self.encoder_ = ImageEncoder.from_dict(state["encoder"], self.schema_)
        self.counts_, self.means_ = weights["counts"].numpy(), weights["means"].numpy()
        self.which_, self.variances_ = weights["which"].numpy(), weights["variances"].numpy()
        self.axes_ = weights["axes"].numpy()


def _paid(curator: Curator) -> tuple[_Noise, np.random.Generator]:
    """Pay for all answers, and return the noise on them and who draws it."""
    scale = {name: 1 / math.sqrt(share) for name, share in _SHARES.items()}

    def events(sigma: float) -> list[Event]:
        return [Event("gaussian", sigma * scale[name]) for name in _SHARES]

    sigma = calibrated(lambda noise: [*curator.events, *events(noise)], curator.budget)
    whats = {
        "sums": "the sum and number of images, for each combination of labels",
        "norms": "how far images are from the mean of their labels",
        "scatter": "the scatter of images around the mean of their labels",
    }
    for event, (name, what) in zip(events(sigma), whats.items(), strict=True):
        curator.spend(what, event, parameters={"share": _SHARES[name], "rng": RNG})
    seed = int.from_bytes(os.urandom(32), "little") if curator.test_seed is None else curator.test_seed
    return _Noise(**{name: sigma * scale[name] for name in _SHARES}), np.random.default_rng(seed)
