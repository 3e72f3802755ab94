"""Membership inference: what every attack does with its scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from audit.checks import Attack, Case, Cases, Measured, Subject
from audit.statistics import (
    Floats,
    Interval,
    Metric,
    auc,
    auc_draws,
    bootstrap_interval,
    roc_curve,
    smallest_detectable_share,
    smallest_fpr,
    tpr_at_fpr,
    tpr_draws,
)
from reports import Figure

RATES = (0.1, 0.01, 0.001)
_BINS = 40


@dataclass(frozen=True)
class Scores:
    """Scores of members and non-members; higher means more likely a member."""

    members: Floats
    nonmembers: Floats


class MembershipAttack(Attack):
    """An attack that scores records; a leaf only writes `score`."""

    remedy: ClassVar[str] = (
        "Train under differential privacy or with a smaller epsilon, stop earlier, use more records or a smaller "
        "model, and remove repeated records before training."
    )

    measures: ClassVar[tuple[str, ...]] = ("auc", *(f"tpr_at_fpr_{rate:g}" for rate in RATES))

    def __init__(self) -> None:
        self._scores: dict[str, Scores] = {}

    @abstractmethod
    def score(self, case: Case, rng: np.random.Generator) -> Scores:
        """Score the case's members and non-members, alike and without knowing which is which."""

    def cases(self, subject: Subject) -> Cases:
        """Attacks that score each record against each published one see at most `policy.max_scored` of each kind."""
        return subject.scored

    @final
    def leak(self, estimate: str, size: float, target: Case) -> float:
        """Leaked members rank first: a share f lifts chance c to f + (1 - f) c, and the AUC to .5 + f / 2.

        An attack that looks at a part of the published records sees that part of the leak.
        """
        if estimate == "auc":
            return (2 * size - 1) * target.looked_at
        rate = float(estimate.removeprefix("tpr_at_fpr_"))
        return (size - rate) / (1 - rate) * target.looked_at

    @final
    def measure(self, cases: Sequence[Case], subject: Subject) -> list[Measured]:
        """AUC and TPR at each false-positive rate that the non-members can support, averaged over the cases."""
        weights = self.cases(subject).weights
        scored = [(self._scored(case, subject), weights[0][:, case.member_rows], weights[1]) for case in cases]
        people = [
            len(np.unique(np.concatenate([case.member_units for case in cases]))),
            len(np.unique(cases[0].nonmember_units)),
        ]
        measured = [
            _average(
                "auc",
                [auc(one.members, one.nonmembers) for one, _, _ in scored],
                [auc_draws(one.members, one.nonmembers, w1, w0) for one, w1, w0 in scored],
                people,
                "probability that a member outranks a non-member",
                chance=0.5,
            )
        ]
        for rate in RATES:
            if smallest_fpr(people[1]) > rate:
                continue
            points = [tpr_at_fpr(one.members, one.nonmembers, rate) for one, _, _ in scored]
            measured.append(
                _average(
                    f"tpr_at_fpr_{rate:g}",
                    [point.tpr for point in points],
                    [tpr_draws(one.members, one.nonmembers, w1, w0, rate) for one, w1, w0 in scored],
                    people,
                    f"share of members found while {rate:.1%} of non-members are accused",
                    chance=rate,
                    realised_fpr=float(np.mean([point.realised_fpr for point in points])),
                )
            )
        return measured

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How well members were told from non-members, in words."""
        low, high = measured[0].interval(subject.policy.confidence_shown)
        return (
            f"Shown one member and one non-member, the attacker picks the member {measured[0].value:.1%} of the time "
            f"({low:.1%} to {high:.1%}; guessing gives 50%)."
        )

    def figures(self, subject: Subject) -> list[Figure]:
        """ROC curves of target and drift control, and the distribution of scores."""
        cases = self.cases(subject)
        main, drift = self._scored(cases.main, subject), self._scored(cases.drift[0], subject)
        floor = smallest_fpr(len(main.nonmembers))
        grid = np.unique(np.concatenate([np.geomspace(min(floor, 0.5), 1, 60), np.linspace(0.02, 1, 50)]))
        return [
            Figure(
                kind="roc",
                title="Members found against non-members accused",
                description="Both axes are rates; on the diagonal the attack only guesses. Rates that too few "
                "non-members could support are left out.",
                data={
                    "curves": [
                        {
                            "label": label,
                            "fpr": _rounded(grid),
                            "tpr": _rounded(roc_curve(scores.members, scores.nonmembers, grid)),
                            "low": None,
                            "high": None,
                        }
                        for label, scores in (("this target", main), ("drift control", drift))
                    ]
                },
            ),
            _histogram(main),
        ]

    def power(self, subject: Subject) -> dict[str, Any]:
        """The smallest share of leaked members that these gates would have noticed with probability .8."""
        cases, policy = self.cases(subject), subject.policy
        limit = policy.limit(self.id, "auc")
        if limit is None:
            return {}
        quiet = self._scored(cases.negative, subject)
        share = self.leak("auc", limit.limit, cases.main)
        case = cases.planted(share, *self.planting("auc"))
        planted = self._scored(case, subject).members[case.leaked]
        found: dict[str, float | None] = {}
        metrics: list[tuple[Metric, str]] = [("auc", "auc"), *((rate, f"tpr_at_fpr_{rate:g}") for rate in RATES)]
        for metric, name in metrics:
            if metric != "auc" and smallest_fpr(len(quiet.nonmembers)) > metric:
                continue
            found[name] = smallest_detectable_share(
                quiet.members,
                quiet.nonmembers,
                planted,
                metric,
                null=None,
                confidence=policy.confidence_verdict,
                rng=self.rng(subject, f"power/{name}"),
                member_units=case.member_units,
                nonmember_units=case.nonmember_units,
            )
        return {
            "probability": 0.8,
            "smallest_detectable_share": found,
            "meaning": "share of members that would have to be copied for this attack to raise at least a warning with "
            "probability .8; null: not even 30% would have been noticed",
        }

    def _scored(self, case: Case, subject: Subject) -> Scores:
        if case.name not in self._scores:
            self._scores[case.name] = self.score(case, self.rng(subject, case.name))
        return self._scores[case.name]


def _average(
    name: str,
    values: list[float],
    draws: list[Floats],
    people: list[int],
    unit: str,
    *,
    chance: float,
    realised_fpr: float | None = None,
) -> Measured:
    """One measurement from those of several cases, resampled together."""
    value, drawn = float(np.mean(values)), np.mean(draws, axis=0)
    return Measured(
        name=name,
        value=value,
        n=min(people),
        unit=unit,
        interval=partial(_interval, value, drawn, min(people)),
        chance=chance,
        draws=drawn,
        realised_fpr=realised_fpr,
    )


def _interval(value: float, draws: Floats, units: int, confidence: float) -> Interval:
    return bootstrap_interval(value, draws, units, confidence)


def _histogram(scores: Scores) -> Figure:
    """Score distributions, coarse enough that no bin speaks of fewer than five people."""
    both = np.concatenate([scores.members, scores.nonmembers])
    low, high = np.quantile(both, [0.005, 0.995])
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    return Figure(
        kind="score-histogram",
        title="Scores of members and non-members",
        description="The further the two lie apart, the better members can be told; bins of under five are hidden.",
        data={
            "edges": _rounded(edges),
            "members": _counts(scores.members, edges),
            "nonmembers": _counts(scores.nonmembers, edges),
        },
    )


def _counts(scores: Floats, edges: Floats) -> list[int | None]:
    """Counts by bin, with those under five hidden, and never one alone: it would follow from the sum."""
    counts = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)[0]
    hidden = (counts > 0) & (counts < 5)
    if hidden.sum() == 1 and (counts >= 5).any():
        hidden[np.argmin(np.where(counts >= 5, counts, np.iinfo(counts.dtype).max))] = True
    return [None if hide else int(count) for count, hide in zip(counts, hidden, strict=True)]


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
