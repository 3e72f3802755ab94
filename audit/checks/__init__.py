"""What a check is: its base classes, controls, gates, policy and registry."""

from audit.checks.attack import Attack
from audit.checks.cases import Case, Cases, Frames, Part
from audit.checks.check import EVERY_MODALITY, Check, NotApplicableError
from audit.checks.evaluation import Evaluation
from audit.checks.gate import worst
from audit.checks.measured import Measured, counted
from audit.checks.policy import Limit, Policy, default_policy
from audit.checks.registry import all_checks, asked_for, check_limits, register, select
from audit.checks.subject import Subject, require_columns

__all__ = [
    "EVERY_MODALITY",
    "Attack",
    "Case",
    "Cases",
    "Check",
    "Evaluation",
    "Frames",
    "Limit",
    "Measured",
    "NotApplicableError",
    "Part",
    "Policy",
    "Subject",
    "all_checks",
    "asked_for",
    "check_limits",
    "counted",
    "default_policy",
    "register",
    "require_columns",
    "select",
    "worst",
]
