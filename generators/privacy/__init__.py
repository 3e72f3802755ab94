"""Budgets, accounting and the ledger."""

from __future__ import annotations

from generators.privacy.accountant import dp_sgd_epsilon, noise_for
from generators.privacy.budget import PrivacyBudget
from generators.privacy.ledger import Entry, Ledger
from generators.privacy.plan import PrivatePlan, plan_training

__all__ = ["Entry", "Ledger", "PrivacyBudget", "PrivatePlan", "dp_sgd_epsilon", "noise_for", "plan_training"]
