"""Exposure: how much easier is a secret to guess after the model was trained on it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from audit.checks import Check, Measured, Subject, register
from audit.checks.check import Examined
from audit.checks.gate import Evidence, beyond, control, decide
from audit.checks.retrained import asked_model, budget_of, published_domains
from audit.memorization.canaries import Canaries, make_canaries, with_canaries
from audit.statistics import Floats, Interval
from generators import Generator, PrivacyBudget
from generators.encoding.private_domains import fitted_into
from generators.models.abilities import HasRecordLoss
from reports import Controls, Figure, Table

COUNTS: dict[int, int] = {1: 200, 4: 24, 16: 24, 64: 24}
"""Canaries for each number of copies; most for a single copy, on which the limit stands."""

ABSENT = 800
MIXED = 200
"""Of canaries never trained on: as many are the null, and as many more stand in the positive control."""

REFERENCES = 2047
MOST_PLANTED = 1.0
"""Rows of canaries at most, as a share of the training records."""

CHANCE = 1.0
"""Median exposure, in bits, of a canary that was never trained on: half of all ranks lie above the middle."""


@register
class Exposure(Check):
    """How much does a record's repetition in the training data make it easier to guess?

    Canaries - random secrets - are planted 1, 4, 16 and 64 times into the training records, and the target's kind is
    trained anew with its own hyper-parameters, and under a budget again if it claims one, all copies of a canary then
    being one privacy unit's. A canary's exposure is log2 |R| - log2 rank, where its rank is that of its loss among |R|
    secrets that were not planted: 0 to log2 |R| bits, the cap. A guesser with the model needs 2^exposure times fewer
    guesses. Without memorisation the median is one bit, exactly, whatever the model is like.

    Estimates: `exposure_1`, `exposure_4`, ... (lower is better, in bits), the median exposure of canaries planted so
    often, with its interval by order statistics over canaries. The extrapolation beyond the cap by a skew-normal
    distribution stands in the table, labelled so.

    The finding speaks of the trainer as re-run, not of the weights that were delivered.

    Source: Carlini, Liu, Erlingsson, Kos and Song, "The Secret Sharer" (USENIX Security 2019), definitions 4 and 5,
    section 4.3; intervals of medians: Thompson (Annals of Mathematical Statistics 1936).
    """

    id = "memorization.exposure"
    title = "Exposure of planted secrets"
    question = "How often must a record be repeated in training before the model gives it away?"
    source = "Carlini et al., The Secret Sharer (USENIX Security 2019)"
    access = "white-box"
    modalities = ("text", "tabular")
    measures = tuple(f"exposure_{count}" for count in COUNTS)
    knowledge = (
        "has the model's losses and knows what a secret looks like, all but its random part; speaks of the trainer as "
        "re-run with planted secrets, not of the delivered weights"
    )
    remedy = (
        "Remove repeated records before training, train for fewer epochs, or train under differential privacy with the "
        "person, not the record, as the unit."
    )
    costly = "trains the target's kind anew on records with planted secrets"

    def unfit(self, subject: Subject) -> str | None:
        """Secrets are planted by training again, and ranked by their loss."""
        model = subject.target.model
        if model is None:
            return "needs the generator, to train its kind again"
        if not isinstance(model, HasRecordLoss):
            return f"{model.kind} cannot say how familiar a record is (it has no record_loss)"
        if not _counts(len(subject.dataset.train)):
            return f"train holds {len(subject.dataset.train)} records, too few to plant secrets among"
        return None

    def _examine(self, subject: Subject) -> Examined:
        counts = _counts(len(subject.dataset.train))
        rng = self.rng(subject, "canaries")
        canaries = make_canaries(subject.dataset, counts, ABSENT + MIXED, REFERENCES, rng)
        budget = claimed_budget(subject)
        if budget is not None:
            canaries = canaries.within(asked_model(subject.target).schema_)
        rerun = retrained(subject, canaries, budget, rng)
        ranked = Ranked.by(rerun, canaries, self.rng(subject, "ties"))
        free = ranked
        if budget is not None:
            leaky = retrained(subject, canaries, None, self.rng(subject, "positive"))
            free = Ranked.by(leaky, canaries, self.rng(subject, "ties"))
        measured = [
            _median(f"exposure_{count}", ranked.exposures[ranked.copies == count], ranked.cap) for count in counts
        ]
        absent = _median("exposure_absent", ranked.absent[:ABSENT], ranked.cap)
        confidence, shown = subject.policy.confidence_verdict, subject.policy.confidence_shown
        limits = {one.name: limit for one in measured if (limit := subject.policy.limit(self.id, one.name)) is not None}
        planted = {name: self._planted(name, limit.limit, free, subject) for name, limit in limits.items()}
        found = {name: beyond(one, replace(absent, name=name), confidence) for name, one in planted.items()}
        fired = absent.interval(confidence).low > CHANCE
        gates = [
            decide(
                self.id,
                one,
                limits[one.name],
                Evidence(null=absent, detected=found[one.name], fired=fired),
                confidence,
            )
            for one in measured
            if one.name in limits
        ]
        missed = [name for name, detected in found.items() if not detected]
        return Examined(
            measured=measured,
            why=" ".join([self._answer(ranked, counts), *(f"{g.why[0].upper()}{g.why[1:]}." for g in gates)]),
            gates=gates,
            nulls={one.name: absent.value for one in measured},
            controls=Controls(
                positive=control(
                    ("missed" if missed else "detected") if planted else "not-run",
                    list(planted.values()),
                    shown,
                    f"of secrets never trained on, some stand with the ranks of those planted {max(counts)} times "
                    "without differential privacy, as many as lift the median to the limit"
                    if planted
                    else "no limit is set, so there is no size at which to plant a leak",
                ),
                negative=control("fired" if fired else "quiet", [absent], shown, "secrets that were never trained on"),
                drift=control(
                    "not-run", [], shown, "planted and other secrets are drawn alike, so no drift can come between them"
                ),
            ),
            figures=[_figure(measured, absent, shown)],
            tables=[_table(ranked, counts, measured, shown)],
        )

    def _planted(self, name: str, size: float, free: Ranked, subject: Subject) -> Measured:
        """Exposures of absent canaries, mixed with as many of the most repeated ones as make the median this large."""
        above = 2.0**-size  # the share of absent canaries with more than this exposure
        share = (0.5 - above) / (1 - above)
        rng = self.rng(subject, f"mixture/{name}")
        loud = free.exposures[free.copies == free.copies.max()]
        mixed = free.absent[ABSENT:].copy()
        chosen = rng.permutation(len(mixed))[: round(share * len(mixed))]
        mixed[chosen] = rng.choice(loud, len(chosen))
        return _median(name, mixed, free.cap)

    @staticmethod
    def _answer(ranked: Ranked, counts: Mapping[int, int]) -> str:
        said = [
            f"{float(np.median(ranked.exposures[ranked.copies == count])):.1f} bits planted {times(count)}"
            for count in counts
        ]
        return (
            f"Median exposure of a secret: {', '.join(said)}; {float(np.median(ranked.absent)):.1f} when never trained "
            f"on (chance: {CHANCE:g}), and {ranked.cap:.1f} at most."
        )


@dataclass(frozen=True)
class Ranked:
    """Exposures of canaries under one model.

    Attributes:
        exposures: of each planted canary, in bits.
        copies: how often each was planted.
        absent: of canaries that were not planted.
        extrapolated: of each planted canary by a skew-normal fit to the references' losses.
        cap: largest exposure that the number of references can show.
    """

    exposures: Floats
    copies: NDArray[np.int64]
    absent: Floats
    extrapolated: Floats
    cap: float

    @classmethod
    def by(cls, model: Generator, canaries: Canaries, rng: np.random.Generator) -> Ranked:
        """Rank canaries by their loss under a model."""
        if not isinstance(model, HasRecordLoss):
            raise TypeError(f"{model.kind} has no record_loss")
        planted, absent, others = (
            model.record_loss(frame) for frame in (canaries.planted, canaries.absent, canaries.references)
        )
        return cls(
            exposure(planted, others, rng),
            canaries.copies,
            exposure(absent, others, rng),
            extrapolated_exposure(planted, others),
            float(np.log2(len(others) + 1)),
        )


def exposure(losses: Floats, references: Floats, rng: np.random.Generator) -> Floats:
    """How many bits does the model give away about each secret?

    With r the rank of the secret's loss among itself and the references, 1 being the lowest, the exposure is
    log2(references + 1) - log2(r). Ties are broken at random.

    Args:
        losses: of the secrets, shape (n,).
        references: losses of secrets that the model has not seen, shape (m,).
        rng: breaks ties.

    Returns:
        Bits, shape (n,), from 0 to log2(m + 1).

    Example:
        >>> exposure(np.array([0.5, 9.0]), np.array([1.0, 2.0, 3.0]), np.random.default_rng(0)).tolist()
        [2.0, 0.0]

    Source: Carlini et al. 2019, definition 4 and section 4.3 (by sampling).
    """
    ordered = np.sort(references)
    below = np.searchsorted(ordered, losses, side="left")
    up_to = np.searchsorted(ordered, losses, side="right")
    rank = 1 + rng.integers(below, up_to + 1)
    return np.asarray(np.log2(len(references) + 1) - np.log2(rank))


def extrapolated_exposure(losses: Floats, references: Floats) -> Floats:
    """What the exposure would be among all secrets that there are, if references' losses are skew-normal.

    Returns:
        -log2 of the share of secrets that the fitted distribution puts at or below each loss, shape (n,).

    Source: Carlini et al. 2019, section 4.3 (by distribution modelling).
    """
    if np.ptp(references) == 0:
        return np.full(len(losses), np.nan)
    shape, place, scale = stats.skewnorm.fit(references)
    return np.asarray(-stats.skewnorm.logcdf(losses, shape, place, scale) / np.log(2))


def retrained(
    subject: Subject, canaries: Canaries, budget: PrivacyBudget | None, rng: np.random.Generator
) -> Generator:
    """A model of the target's kind and hyper-parameters, trained on train with the canaries among it."""
    target, dataset = asked_model(subject.target), subject.dataset
    if budget is not None:
        # Domains that the target declared or paid for are known by now; the re-run need not buy them again.
        dataset = replace(dataset, schema=published_domains(target.schema_))
        dataset = replace(dataset, parts={"train": fitted_into(dataset.train, target.schema_)})
    planted = with_canaries(dataset, canaries, rng, one_unit=budget is not None)
    parameters: dict[str, Any] = {**target.get_params(), "seed": int(rng.integers(2**31))}
    return type(target)(**parameters).fit(planted, budget, progress=False)


def claimed_budget(subject: Subject) -> PrivacyBudget | None:
    """The budget that made the target's weights, for persons: a canary's copies are one person's."""
    budget = budget_of(asked_model(subject.target))
    return None if budget is None else replace(budget, unit="person")


def median_interval(values: Floats, confidence: float, bounds: tuple[float, float]) -> Interval:
    """Where may the median lie, whatever the distribution? The order statistics that a binomial count picks.

    The interval from the r-th smallest to the r-th largest value misses the median with probability
    2 P[Bin(n, 1/2) < r]; r is the largest with which that is at most 1 - confidence, and the bounds stand in where
    there is none.

    Example:
        >>> median_interval(np.arange(1.0, 11.0), 0.95, (0.0, 20.0))
        Interval(low=2.0, high=9.0)

    Source: Thompson (Annals of Mathematical Statistics 1936).
    """
    ordered = np.sort(values)
    r = int(stats.binom.ppf((1 - confidence) / 2, len(ordered), 0.5))
    if r and stats.binom.cdf(r - 1, len(ordered), 0.5) > (1 - confidence) / 2:
        r -= 1
    if r < 1:
        return Interval(*bounds)
    return Interval(float(ordered[r - 1]), float(ordered[-r]))


def times(count: int) -> str:
    """Once, or so many times."""
    return "once" if count == 1 else f"{count} times"


def _counts(rows: int) -> dict[int, int]:
    """As many kinds of canaries, the least repeated first, as do not crowd out the training records."""
    kept: dict[int, int] = {}
    for copies, canaries in COUNTS.items():
        if sum(c * k for c, k in kept.items()) + copies * canaries > MOST_PLANTED * rows:
            break
        kept[copies] = canaries
    return kept


def _median(name: str, values: Floats, cap: float) -> Measured:
    return Measured(
        name=name,
        value=float(np.median(values)),
        n=len(values),
        unit=f"bits (median over canaries; cap {cap:.1f})",
        interval=partial(median_interval, values, bounds=(0.0, cap)),
        chance=CHANCE,
        bounds=(0.0, cap),
    )


def _figure(measured: list[Measured], absent: Measured, confidence: float) -> Figure:
    bars = [absent, *measured]
    intervals = [one.interval(confidence) for one in bars]
    return Figure(
        kind="bars",
        title="Median exposure by number of copies",
        description="Bits that the model gives away about a planted secret; the first bar was never trained on.",
        data={
            "labels": ["never", *(times(int(one.name.rpartition("_")[2])) for one in measured)],
            "values": [round(one.value, 3) for one in bars],
            "low": [round(one.low, 3) for one in intervals],
            "high": [round(one.high, 3) for one in intervals],
            "reference": CHANCE,
            "reference_label": "chance",
            "unit": "bits",
        },
    )


def _table(ranked: Ranked, counts: Mapping[int, int], measured: list[Measured], confidence: float) -> Table:
    rows: list[list[str | int | float | None]] = []
    for one, count in zip(measured, counts, strict=True):
        mine = ranked.copies == count
        beyond_cap = float(np.median(ranked.extrapolated[mine]))
        low, high = one.interval(confidence)
        rows.append(
            [
                times(count),
                int(mine.sum()),
                round(one.value, 2),
                f"{low:.2f} to {high:.2f}",
                f"{float((ranked.exposures[mine] >= ranked.cap - 1e-9).mean()):.0%}",
                round(beyond_cap, 1) if np.isfinite(beyond_cap) else None,
            ]
        )
    return Table(
        title="Exposure of planted secrets",
        description=f"Ranks among {REFERENCES:,} secrets can show {ranked.cap:.1f} bits at most; the last column goes "
        "on by a skew-normal distribution fitted to their losses, and is an extrapolation.",
        columns=["planted", "canaries", "median exposure", f"{confidence:.0%} interval", "at the cap", "extrapolated"],
        rows=rows,
    )
