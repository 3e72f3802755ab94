"""Attacks on generative models, evaluations of them, and audits made of both."""

from audit import (  # importing a family registers its checks
    anonymity,
    diversity,
    dp,
    explain,
    fairness,
    fidelity,
    membership,
    memorization,
    utility,
)
from audit.auditing import run_audit
from audit.checks import (
    Attack,
    Check,
    Evaluation,
    Measured,
    Policy,
    Subject,
    all_checks,
    default_policy,
    register,
)
from audit.suite import Suite, run_suite
from audit.targets import Target, model_target, records_target

__all__ = [
    "Attack",
    "Check",
    "Evaluation",
    "Measured",
    "Policy",
    "Subject",
    "Suite",
    "Target",
    "all_checks",
    "anonymity",
    "default_policy",
    "diversity",
    "dp",
    "explain",
    "fairness",
    "fidelity",
    "membership",
    "memorization",
    "model_target",
    "records_target",
    "register",
    "run_audit",
    "run_suite",
    "utility",
]
