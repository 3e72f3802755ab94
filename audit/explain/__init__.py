"""Explanation: what gives people away, and whom."""

from audit.explain.drivers import Drivers
from audit.explain.exposed_kinds import ExposedKinds
from audit.explain.latent import LatentTraversal
from audit.explain.nearest import NearestComparison

__all__ = ["Drivers", "ExposedKinds", "LatentTraversal", "NearestComparison"]
