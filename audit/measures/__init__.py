"""Formulas of quality: pure functions, each with its range, its direction, its unit and its source."""

from audit.measures.association import correlation, cramers_v, mutual_information
from audit.measures.frechet import frechet_distance
from audit.measures.kernels import gaussian_kernel, polynomial_kernel, squared_mmd
from audit.measures.manifolds import Manifolds, shared_manifolds
from audit.measures.shares import kolmogorov_smirnov, total_variation, wasserstein

__all__ = [
    "Manifolds",
    "correlation",
    "cramers_v",
    "frechet_distance",
    "gaussian_kernel",
    "kolmogorov_smirnov",
    "mutual_information",
    "polynomial_kernel",
    "shared_manifolds",
    "squared_mmd",
    "total_variation",
    "wasserstein",
]
