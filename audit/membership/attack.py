"""Membership inference: what every attack does with its scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from audit.checks import EVERY_MODALITY, Attack, Case, Cases, Measured, Subject
from audit.statistics import (
    Floats,
    Interval,
    Metric,
    auc,
    auc_draws,
    bootstrap_interval,
    normal_quantile,
    roc_curve,
    smallest_detectable_share,
    smallest_fpr,
    tpr_at_fpr,
    tpr_draws,
)
from audit.statistics.roc import NONMEMBERS_ABOVE
from reports import Figure

RATES = (0.1, 0.01, 0.001)
_BINS = 40


IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Scores of members and non-members; higher means more likely a member.

    Attributes:
        members: one score each, shape (n1,).
        nonmembers: one score each, shape (n0,).
        member_rows: which of the case's members the scores stand for, shape (n1,); None for all of them, in order.
        nonmember_rows: the same of its non-members, shape (n0,).
    """

    members: Floats
    nonmembers: Floats
    member_rows: IntArray | None = field(default=None, kw_only=True)
    nonmember_rows: IntArray | None = field(default=None, kw_only=True)

    @property
    def rows(self) -> tuple[IntArray, IntArray]:
        """The rows of the case that members and non-members stand for."""
        return (
            np.arange(len(self.members)) if self.member_rows is None else self.member_rows,
            np.arange(len(self.nonmembers)) if self.nonmember_rows is None else self.nonmember_rows,
        )


class MembershipAttack(Attack):
    """An attack that scores records; a leaf only writes `score`.

    `prefix` begins the names of its estimates, where they speak of others than the average record. `combinable` says
    whether the score may be one of those that `membership.combined` puts together. `spread` is the standard error of
    the scores' AUC and TPR, as a multiple of what resampling finished scores shows: above 1 where the scores
    themselves depend on who was asked about. `subject` is whose case is being scored, for a `score` that needs more
    than the case.
    """

    subject: Subject

    modalities: ClassVar[tuple[str, ...]] = EVERY_MODALITY
    prefix: ClassVar[str] = ""
    combinable: ClassVar[bool] = True
    spread: ClassVar[float] = 1.0

    remedy: ClassVar[str] = (
        "Train under differential privacy or with a smaller epsilon, stop earlier, use more records or a smaller "
        "model, and remove repeated records before training."
    )

    measures: ClassVar[tuple[str, ...]] = ("auc", *(f"tpr_at_fpr_{rate:g}" for rate in RATES))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.prefix:
            cls.measures = tuple(cls.prefix + name for name in MembershipAttack.measures)

    @abstractmethod
    def score(self, case: Case, rng: np.random.Generator) -> Scores:
        """Score the case's members and non-members, alike and without knowing which is which."""

    @final
    def scored(self, case: Case, subject: Subject) -> Scores:
        """The scores of one case, computed once an audit, whichever check asks for them."""
        self.subject = subject
        return subject.shared(lambda _: self.score(case, self.rng(subject, case.name)), *scores_of(self.id, case.name))

    def cases(self, subject: Subject) -> Cases:
        """Attacks that score each record against each published one see at most `policy.max_scored` of each kind."""
        return subject.scored

    @final
    def leak(self, estimate: str, size: float, target: Case) -> float:
        """Leaked members rank first: a share f lifts chance c to f + (1 - f) c, and the AUC to .5 + f / 2.

        An attack that looks at a part of the published records sees that part of the leak.
        """
        metric = estimate.removeprefix(self.prefix)
        if metric == "auc":
            return (2 * size - 1) * target.looked_at
        rate = float(metric.removeprefix("tpr_at_fpr_"))
        return (size - rate) / (1 - rate) * target.looked_at

    @final
    def measure(self, cases: Sequence[Case], subject: Subject) -> list[Measured]:
        """AUC and TPR at each false-positive rate that the non-members can support, averaged over the cases."""
        everyone = self.cases(subject).weights
        scored = [self.scored(case, subject) for case in cases]
        weights = [
            (everyone[0][:, case.member_rows[one.rows[0]]], everyone[1][:, one.rows[1]])
            for case, one in zip(cases, scored, strict=True)
        ]
        people = [
            _people(np.concatenate([c.member_units[s.rows[0]] for c, s in zip(cases, scored, strict=True)])),
            _people(cases[0].nonmember_units[scored[0].rows[1]]),
        ]
        measured = [
            self._average(
                "auc",
                [auc(one.members, one.nonmembers) for one in scored],
                [auc_draws(one.members, one.nonmembers, *w) for one, w in zip(scored, weights, strict=True)],
                people,
                "probability that a member outranks a non-member",
                chance=0.5,
            )
        ]
        for rate in RATES:
            if smallest_fpr(people[1]) > rate:
                continue
            points = [tpr_at_fpr(one.members, one.nonmembers, rate) for one in scored]
            measured.append(
                self._average(
                    f"tpr_at_fpr_{rate:g}",
                    [point.tpr for point in points],
                    [tpr_draws(one.members, one.nonmembers, *w, rate) for one, w in zip(scored, weights, strict=True)],
                    people,
                    f"share of members found while {rate:.1%} of non-members are accused",
                    chance=rate,
                    realised_fpr=float(np.mean([point.realised_fpr for point in points])),
                )
            )
        return measured

    def wanting(self, estimate: str, subject: Subject) -> str:
        """How many non-members a rate needs, and how many there are."""
        rate = float(estimate.removeprefix(self.prefix).removeprefix("tpr_at_fpr_"))
        case = self.cases(subject).main
        there = _people(case.nonmember_units[self.scored(case, subject).rows[1]])
        return f"it needs {NONMEMBERS_ABOVE / rate:,.0f} people who were not trained on, and there are {there:,}"

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
        main, drift = self.scored(cases.main, subject), self.scored(cases.drift[0], subject)
        floor = smallest_fpr(_people(cases.main.nonmember_units[main.rows[1]]))
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
            _histogram(main, cases.main),
        ]

    def power(self, subject: Subject) -> dict[str, Any]:
        """The smallest share of leaked members that these gates would have noticed with probability .8."""
        cases, policy = self.cases(subject), subject.policy
        limit = policy.limit(self.id, f"{self.prefix}auc")
        if limit is None:
            return {}
        quiet = self.scored(cases.negative, subject)
        estimate = f"{self.prefix}auc"
        case = self.planted_case(cases, self.leak(estimate, limit.limit, cases.main), estimate)
        loud = self.scored(case, subject)
        is_leaked = np.isin(loud.rows[0], np.zeros(0, dtype=np.int64) if case.leaked is None else case.leaked)
        planted = loud.members[is_leaked]
        if len(planted) == 0:
            return {}
        if case.model is not None:
            # Scores of another model have another scale: those who leaked stand among strangers to their own model.
            rows = loud.rows[0][~is_leaked], loud.rows[1]
            quiet = Scores(loud.members[~is_leaked], loud.nonmembers, member_rows=rows[0], nonmember_rows=rows[1])
        # A larger standard error is the same as a higher confidence at the smaller one.
        confidence = 2 * float(norm.cdf(self.spread * normal_quantile(policy.confidence_verdict))) - 1
        found: dict[str, float | None] = {}
        metrics: list[tuple[Metric, str]] = [("auc", "auc"), *((rate, f"tpr_at_fpr_{rate:g}") for rate in RATES)]
        for metric, name in metrics:
            if metric != "auc" and smallest_fpr(_people(case.nonmember_units[quiet.rows[1]])) > metric:
                continue
            found[self.prefix + name] = smallest_detectable_share(
                quiet.members,
                quiet.nonmembers,
                planted,
                metric,
                null=None,
                confidence=confidence,
                rng=self.rng(subject, f"power/{name}"),
                member_units=case.member_units[quiet.rows[0]],
                nonmember_units=case.nonmember_units[quiet.rows[1]],
            )
        how = self.how_planted([case], subject)
        leak = f"leak as it was planted ({how})" if how else "be copied"
        return {
            "probability": 0.8,
            "smallest_detectable_share": found,
            "meaning": f"share of members that would have to {leak} for this attack to raise at least a warning with "
            "probability .8; null: not even 30% would have been noticed",
        }

    def _average(
        self,
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
        drawn = value + self.spread * (drawn - value)
        return Measured(
            name=self.prefix + name,
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


def _histogram(scores: Scores, case: Case) -> Figure:
    """Score distributions, coarse enough that no bin speaks of fewer than five people."""
    both = np.concatenate([scores.members, scores.nonmembers])
    both = both[np.isfinite(both)] if np.isfinite(both).any() else np.zeros(1)
    low, high = np.quantile(both, [0.005, 0.995])
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    return Figure(
        kind="score-histogram",
        title="Scores of members and non-members",
        description="The further the two lie apart, the better members can be told; bins of under five are hidden.",
        data={
            "edges": _rounded(edges),
            "members": _counts(scores.members, case.member_units[scores.rows[0]], edges),
            "nonmembers": _counts(scores.nonmembers, case.nonmember_units[scores.rows[1]], edges),
        },
    )


def _counts(scores: Floats, people: IntArray, edges: Floats) -> list[int | None]:
    """Records by bin; bins of under five people are hidden, and more of them until the hidden hold five together.

    Else what they hold would follow from the sum, and one alone always does.
    """
    inside = np.clip(scores, edges[0], edges[-1])
    counts = np.histogram(inside, edges)[0]
    bins = np.minimum(np.searchsorted(edges, inside, side="right") - 1, len(counts) - 1)
    in_bin = np.bincount(np.unique(np.stack([bins, people]), axis=1)[0], minlength=len(counts))
    hidden = (in_bin > 0) & (in_bin < 5)
    shown = (in_bin >= 5) & ~hidden
    while hidden.any() and (hidden.sum() == 1 or in_bin[hidden].sum() < 5) and shown.any():
        least = np.argmin(np.where(shown, counts, np.iinfo(counts.dtype).max))
        hidden[least], shown[least] = True, False
    return [None if hide else int(count) for count, hide in zip(counts, hidden, strict=True)]


def scores_of(check: str, case: str) -> tuple[str, str, str]:
    """The name under which a subject remembers an attack's scores of a case."""
    return "scores", check, case


def _people(units: IntArray) -> int:
    return len(np.unique(units))


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
