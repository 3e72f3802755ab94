"""Sums, a norm's quantile and scatter matrices of vectors in disjoint groups, each by one Gaussian mechanism.

Formal guarantee of each function here: normal noise of deviation `noise` is added to a statistic whose L2 sensitivity
is 1, for neighbours that differ by one added or removed vector; the answer is computed from nothing else. A vector
lies in one group, so however many groups there are, it changes the part of one of them alone.

Noise 0 gives exact answers, which protect nobody.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]


def noisy_sums(
    vectors: Floats, groups: Groups, size: int, *, radius: float, noise: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return the sum of each group's vectors and their number.

    Sensitivity: x enters as (x / radius, 1) / sqrt(2), whose norm is at most 1 because that of x is at most `radius`.

    Args:
        vectors: Shape (vectors, length); longer ones than `radius` are shortened to it.
        groups: Group of each, from 0 to size - 1, shape (vectors,).
        size: Number of groups.
        radius: Largest norm, known without the data.
        noise: See the module.
        rng: Seeded from the operating system where it has to protect anyone.

    Returns:
        Sums, shape (size, length), with noise of deviation sqrt(2) * radius * noise on each number, and counts, shape
        (size,), with noise of deviation sqrt(2) * noise.
    """
    answers = np.zeros((size, vectors.shape[1] + 1))
    np.add.at(answers[:, :-1], groups, _shortened(vectors, radius) / radius)
    answers[:, -1] = np.bincount(groups, minlength=size)
    answers += math.sqrt(2) * rng.normal(0, noise, answers.shape)
    return radius * answers[:, :-1], answers[:, -1]


def noisy_quantile(
    norms: Floats, *, share: float, largest: float, noise: float, rng: np.random.Generator, cells: int = 32
) -> float:
    """Return a radius beyond which about a given share of norms lie, read off a histogram.

    Sensitivity: a norm falls into one cell and changes its count by 1. Cells are equally wide as ratios, four to each
    doubling, so that the answer is as good for small norms as for large ones.

    Args:
        norms: Shape (vectors,).
        share: Share of the norms that may lie beyond the answer.
        largest: Largest possible norm, known without the data; larger ones count as this.
        noise: See the module.
        rng: Seeded from the operating system where it has to protect anyone.
        cells: Number of cells; the lowest reaches down to 0.
    """
    edges = largest * 2.0 ** (-np.arange(cells) / 4)
    places = np.clip(np.searchsorted(-edges, -norms, side="right") - 1, 0, cells - 1)
    counts = np.bincount(places, minlength=cells) + rng.normal(0, noise, cells)
    beyond = np.cumsum(counts) > share * counts.sum()
    return float(edges[np.argmax(beyond)])


def noisy_scatter(
    vectors: Floats, groups: Groups, size: int, *, radius: float, noise: float, rng: np.random.Generator
) -> Floats:
    """Return the sum of each group's outer products x x'.

    Sensitivity: u = x / radius has norm at most 1, and u u' the Frobenius norm |u|^2 <= 1. That is the L2 norm of the
    stacked upper triangle if entries off the diagonal are multiplied by sqrt(2), as each of them stands for two. The
    mechanism adds noise to this stack; with the multiplier taken off again, the noise is a symmetric matrix of
    deviation `noise` on the diagonal and noise / sqrt(2) beside it, which is as (A + A') / 2 is distributed for a
    square A of independent noise of deviation `noise`. No direction gets more of it than another (it is the Gaussian
    orthogonal ensemble), and all of its eigenvalues lie within `semicircle_edge` as the length grows.

    Args:
        vectors: Shape (vectors, length); longer ones than `radius` are shortened to it.
        groups: Group of each, from 0 to size - 1, shape (vectors,).
        size: Number of groups.
        radius: Norm to which vectors are shortened; infinity for not at all, if there is no noise.
        noise: See the module.
        rng: Seeded from the operating system where it has to protect anyone.

    Returns:
        Shape (size, length, length), symmetric; with noise of deviation radius^2 * noise on each diagonal entry.
    """
    length = vectors.shape[1]
    short = _shortened(vectors, radius)
    answers = np.empty((size, length, length))
    for group in range(size):
        own = short[groups == group]
        answers[group] = own.T @ own
        if noise > 0:
            square = rng.normal(0, radius**2 * noise, (length, length))
            answers[group] += (square + square.T) / 2
    return answers


def semicircle_edge(length: int, deviation: float) -> float:
    """Return the largest eigenvalue of pure noise of `noisy_scatter`, for large matrices (Wigner's semicircle law).

    Args:
        length: Rows of the matrix.
        deviation: Of the noise on each diagonal entry.
    """
    return 2 * (deviation / math.sqrt(2)) * math.sqrt(length)


def without_noise(matrix: Floats, deviation: float) -> Floats:
    """Return a symmetric matrix without what noise of this deviation may have put there.

    A true eigenvalue t large enough to be seen shows as y = t + e^2 / (4 t), where e is the edge of the semicircle, in
    a direction whose squared cosine with the true one is 1 - e^2 / (4 t^2) (Benaych-Georges and Nadakuditi 2011). In
    the direction found, the best value in the squared error is thus t - e^2 / (4 t) = sqrt(y^2 - e^2); within the edge
    nothing can be told from noise, and 0 is best. Without noise nothing changes.

    Args:
        matrix: Shape (length, length), symmetric.
        deviation: Of the noise on each diagonal entry.
    """
    if deviation == 0:
        return matrix
    edge = semicircle_edge(len(matrix), deviation)
    values, axes = np.linalg.eigh(matrix)
    kept: Floats = (axes * (np.sign(values) * np.sqrt(np.maximum(values**2 - edge**2, 0)))) @ axes.T
    return kept


def _shortened(vectors: Floats, radius: float) -> Floats:
    if math.isinf(radius):
        return vectors
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    short: Floats = vectors * np.minimum(1, radius / np.maximum(norms, np.finfo(float).tiny))
    return short
