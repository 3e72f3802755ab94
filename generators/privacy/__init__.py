"""Budgets, accounting and the ledger."""

from __future__ import annotations

from generators.privacy.accountant import composed_epsilon, dp_sgd_epsilon, noise_for
from generators.privacy.budget import PrivacyBudget
from generators.privacy.curator import Curator
from generators.privacy.entries import Entry
from generators.privacy.events import Event
from generators.privacy.ledger import Ledger
from generators.privacy.plan import PrivatePlan, plan_training

__all__ = [
    "Curator",
    "Entry",
    "Event",
    "Ledger",
    "PrivacyBudget",
    "PrivatePlan",
    "composed_epsilon",
    "dp_sgd_epsilon",
    "noise_for",
    "plan_training",
]
