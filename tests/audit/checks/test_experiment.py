"""The verdict on a claim: what violates it, what is consistent with it, and what could not tell."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from audit.checks.experiment import Bound, judge, said
from audit.statistics import Interval


class Case(NamedTuple):
    name: str
    low: float
    ceiling: float
    detects: float
    broken: list[str]
    status: str
    says: str
    n: int = 1000

    def __repr__(self) -> str:
        return self.name


CASES = [
    Case("bound above the claim", 4.1, 9.0, 0.9, [], "fail", "violated: epsilon is at least 4.10"),
    Case("a broken assumption, whatever the bound", 0.0, 9.0, 0.9, ["no noise is added", "x"], "fail", "no noise"),
    Case("nothing found by a strong design", 3.5, 9.0, 0.9, [], "pass", "consistent"),
    Case("nothing found by a weak design", 3.5, 9.0, 0.79, [], "inconclusive", "about 5,000 canaries"),
    Case("a ceiling below the claim", 3.0, 3.9, 0.9, [], "inconclusive", "probability"),
    Case("exactly the claim", 4.0, 9.0, 0.9, [], "pass", "consistent"),
    Case("nothing measured", 0.0, 0.0, 0.0, [], "inconclusive", "about 5,000 canaries", 0),
]


def bound(case: Case) -> Bound:
    return Bound(
        "epsilon_lower",
        case.low,
        case.n,
        "epsilon",
        lambda _: Interval(case.low, max(case.low, case.ceiling)),
        ceiling=case.ceiling,
        detects=case.detects,
        needed="about 5,000 canaries would be needed",
        claim=4.0,
    )


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_the_verdict_follows_the_rule(case: Case) -> None:
    gate = judge("dp.gaussian", bound(case), 4.0, 0.9995, case.broken)
    assert gate.status == case.status
    assert case.says in gate.why
    assert gate.limit == 4.0
    assert gate.low == case.low


def test_a_violation_is_all_that_is_said() -> None:
    gates = [judge("dp.one-run", bound(case), 4.0, 0.9995, case.broken) for case in CASES[:4]]
    assert said(gates) == f"V{gates[0].why[1:]}. V{gates[1].why[1:]}."
    assert said(gates[2:3]) == f"C{gates[2].why[1:]}."


def test_a_bound_stands_in_the_document_with_its_kind_ceiling_and_claim() -> None:
    estimate = bound(CASES[0]).estimate(0.95)
    assert (estimate.kind, estimate.ceiling, estimate.limit) == ("certified", 9.0, 4.0)
    assert estimate.low == 4.1
