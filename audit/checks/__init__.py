"""What a check is: its base classes, controls, gates, policy and registry."""

from audit.checks.attack import Attack
from audit.checks.cases import Case, Cases, Frames, Part
from audit.checks.check import EVERY_MODALITY, Check, NotApplicableError
from audit.checks.evaluation import Evaluation, Sample, real_sample, synthetic_sample
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
    "Sample",
    "Subject",
    "all_checks",
    "asked_for",
    "check_limits",
    "counted",
    "default_policy",
    "real_sample",
    "register",
    "require_columns",
    "select",
    "synthetic_sample",
    "worst",
]
