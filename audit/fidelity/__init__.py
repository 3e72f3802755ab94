"""Fidelity: do the synthetic records look like real ones?"""

from audit.fidelity.marginals import Marginals

__all__ = ["Marginals"]
