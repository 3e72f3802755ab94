"""Exposure: how much easier is a secret to guess after the model was trained on it?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from audit.checks import Check, Measured, Subject, register
from audit.checks.check import Examined
from audit.checks.gate import Evidence, beyond, control, decide
from audit.checks.policy import Limit
from audit.checks.retrained import asked_model, budget_of, published_domains
from audit.memorization.canaries import COUNTS, FEWEST, Canaries, affordable, make_canaries, with_canaries
from audit.memorization.exposure_shown import medians_figure, medians_table, ranks_table, times
from audit.memorization.ranks import (
    CHANCE,
    LOWEST,
    Memorized,
    Ranked,
    enough_to_pass,
    median_interval,
    smallest_noticed,
)
from audit.statistics import Floats
from generators import Generator, PrivacyBudget
from generators.encoding.private_domains import fitted_into
from generators.models.abilities import HasRecordLoss
from reports import Controls
from reports.words import estimate_name

ABSENT = 800
"""Canaries that are never trained on: the negative control."""

REFERENCES = 2047
"""Canaries that all others are ranked among."""

LOUD = 24
"""Canaries of the positive control's own model; their copies fill half of its records at most."""

MOST_COPIES = 64
ONCE, ALL = "memorized_1", "memorized"


@register
class Exposure(Check):
    """How much does a record's repetition in the training data make it easier to guess?

    Canaries - random secrets - are planted 1, 4, 16 and 64 times into the training records, as many as a fifth of them
    allows, and the target's kind is trained anew with its own hyper-parameters, and under a budget again if it claims
    one, all copies of a canary then being one privacy unit's. A canary's exposure is log2 |R| - log2 rank, where its
    rank is that of its loss among |R| secrets that were not planted: 0 to log2 |R| bits, the cap. A guesser with the
    model needs 2^exposure times fewer guesses.

    Estimates (lower is better): `memorized_1`, `memorized`: the share of the canaries planted once, and of all, that
    are known by heart: with six bits or more, beyond the 1/64 of them that chance puts there, exactly, whatever the
    model is like; from -1/63 to 1. `exposure_1`, `exposure_4`, ... (bits): the median exposure by number of copies,
    shown without a limit: chance gives one bit, and a median says nothing of a learnt fifth. The extrapolation beyond
    the cap by a skew-normal distribution stands in the table, labelled so.

    The finding speaks of the trainer as re-run, not of the weights that were delivered. Noise of a private run is
    drawn from the operating system, so another run gives other numbers; those of this one follow from the ranks that
    its table keeps.

    Source: Carlini, Liu, Erlingsson, Kos and Song, "The Secret Sharer" (USENIX Security 2019), definitions 4 and 5,
    section 4.3; intervals: Clopper and Pearson (Biometrika 1934), Thompson (Annals of Mathematical Statistics 1936).
    """

    id = "memorization.exposure"
    title = "Exposure of planted secrets"
    question = "How often must a record be repeated in training before the model gives it away?"
    source = "Carlini et al., The Secret Sharer (USENIX Security 2019)"
    access = "white-box"
    modalities = ("text", "tabular")
    measures = (ONCE, ALL, *(f"exposure_{count}" for count in COUNTS))
    knowledge = (
        "has the model's losses and knows what a secret looks like, all but its random part; speaks of the trainer as "
        "re-run with planted secrets, not of the delivered weights"
    )
    remedy = (
        "Remove repeated records before training, train for fewer epochs, or train under differential privacy with the "
        "person, not the record, as the unit."
    )
    costly = "trains the target's kind anew, twice, on records with planted secrets"

    def unfit(self, subject: Subject) -> str | None:
        """Secrets are planted by training again, and ranked by their loss."""
        model = subject.target.model
        if model is None:
            return "needs the generator, to train its kind again"
        if not isinstance(model, HasRecordLoss):
            return f"{model.kind} cannot say how familiar a record is (it has no record_loss)"
        return None

    def wanting(self, estimate: str, subject: Subject) -> str:
        """How many training records the design needs."""
        limit = subject.policy.limit(self.id, estimate)
        needed = _records_needed(limit, subject) if limit is not None else None
        return f"about {needed:,} training records are needed" if needed else "no number of secrets could decide it"

    def _examine(self, subject: Subject) -> Examined:
        rows = len(subject.dataset.train)
        counts = affordable(rows)
        if counts.get(1, 0) < FEWEST:
            return Examined([], f"Among {rows:,} training records too few secrets can be planted to see any share.")
        rng = self.rng(subject, "canaries")
        budget = claimed_budget(subject)
        canaries = _within(make_canaries(subject.dataset, counts, ABSENT, REFERENCES, rng), budget, subject)
        ranked = Ranked.by(retrained(subject, canaries, budget, rng), canaries, self.rng(subject, "ties"))
        memorized = {ONCE: ranked.planted(1), ALL: ranked.planted()}
        gated = [_share(name, exposures, ranked) for name, exposures in memorized.items()]
        medians = [_median(f"exposure_{count}", ranked.planted(count), ranked.cap) for count in counts]
        absent = _share("memorized_absent", ranked.absent, ranked)
        limits = {one.name: limit for one in gated if (limit := subject.policy.limit(self.id, one.name)) is not None}
        loud = self._loud(subject) if limits else None
        planted = {
            name: self._planted(name, limit, len(memorized[name]), loud, subject)
            for name, limit in limits.items()
            if loud is not None
        }
        confidence, shown = subject.policy.confidence_verdict, subject.policy.confidence_shown
        fired = beyond(absent, None, confidence)
        gates = [
            decide(
                self.id,
                one,
                limits[one.name],
                Evidence(detected=beyond(planted[one.name], None, confidence), fired=fired),
                confidence,
            )
            for one in gated
            if one.name in limits
        ]
        missed = [name for name, one in planted.items() if not beyond(one, None, confidence)]
        return Examined(
            measured=[*gated, *medians],
            why=" ".join(
                [
                    self._answer(ranked, canaries, rows, budget is not None),
                    *self._short(rows, limits, subject),
                    *(
                        _sentence(f"{estimate_name(gate.estimate)}: {gate.why}.")
                        for gate in gates
                        if gate.status != "pass"
                    ),
                ]
            ),
            gates=gates,
            nulls={one.name: absent.value for one in gated} | {one.name: 1.0 for one in medians},
            controls=Controls(
                positive=control(
                    ("missed" if missed else "detected") if planted else "not-run",
                    list(planted.values()),
                    shown,
                    "among secrets that were never trained on, a share as large as the limit stands with the ranks of "
                    f"secrets that a model without differential privacy saw {_loud_copies(rows)} times each"
                    if planted
                    else "no limit is set, so there is no size at which to plant a leak",
                ),
                negative=control("fired" if fired else "quiet", [absent], shown, "secrets that were never trained on"),
                drift=control(
                    "not-run", [], shown, "planted and other secrets are drawn alike, so no drift can come between them"
                ),
            ),
            power=_power(memorized, limits, subject),
            figures=[medians_figure(medians, float(np.median(ranked.absent)), shown)],
            tables=[medians_table(ranked, medians, shown), ranks_table(ranked)],
        )

    def _loud(self, subject: Subject) -> Ranked:
        """Ranks under a model that was trained without a budget on secrets which are repeated many times."""
        rng, copies = self.rng(subject, "positive"), _loud_copies(len(subject.dataset.train))
        canaries = make_canaries(subject.dataset, {copies: LOUD}, ABSENT, REFERENCES, rng)
        return Ranked.by(retrained(subject, canaries, None, rng), canaries, rng)

    def _planted(self, name: str, limit: Limit, n: int, loud: Ranked, subject: Subject) -> Measured:
        """As many secrets as the estimate has, all absent but a share as large as the limit."""
        rng = self.rng(subject, f"mixture/{name}")
        leaked = min(n, int(np.ceil(limit.limit * n)))
        chosen = [rng.choice(loud.exposures, leaked), rng.choice(loud.absent, n - leaked, replace=n > ABSENT)]
        return _share(name, np.concatenate(chosen), loud)

    @staticmethod
    def _short(rows: int, limits: dict[str, Limit], subject: Subject) -> list[str]:
        """A sentence that says how many training records a pass would take, where there are fewer."""
        needed = _records_needed(limits[ONCE], subject) if ONCE in limits else None
        if needed is None or rows >= needed:
            return []
        return [f"A trainer that learns no secret passes with {needed:,} training records; there are {rows:,}."]

    @staticmethod
    def _answer(ranked: Ranked, canaries: Canaries, rows: int, private: bool) -> str:
        once = Memorized.of(ranked.planted(1), ranked.references)
        said = [
            f"{float(np.median(ranked.planted(int(c)))):.1f} bits {times(int(c))}" for c in np.unique(ranked.copies)
        ]
        return (
            f"Of {once.n} secrets planted once, {once.top / once.n:.1%} stand among the first 64th of all ranks, where "
            f"chance puts {CHANCE:.1%}. Median exposure: {', '.join(said)} (chance: 1, cap: {ranked.cap:.0f}). The "
            f"secrets' {canaries.rows:,} records made up {canaries.rows / (rows + canaries.rows):.0%} of what the "
            "trainer saw."
            + (" Its noise is drawn anew in every run; the numbers follow from the ranks in the table." * private)
        )


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


def _loud_copies(rows: int) -> int:
    return min(MOST_COPIES, rows // LOUD)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _within(canaries: Canaries, budget: PrivacyBudget | None, subject: Subject) -> Canaries:
    return canaries if budget is None else canaries.within(asked_model(subject.target).schema_)


def _share(name: str, exposures: Floats, ranked: Ranked) -> Measured:
    counted = Memorized.of(exposures, ranked.references)
    return Measured(
        name=name,
        value=counted.share,
        n=counted.n,
        unit="share of planted secrets known by heart, beyond chance",
        interval=counted.interval,
        chance=0.0,
        bounds=(LOWEST, 1.0),
    )


def _median(name: str, values: Floats, cap: float) -> Measured:
    return Measured(
        name=name,
        value=float(np.median(values)),
        n=len(values),
        unit=f"bits (median over canaries; cap {cap:.1f})",
        interval=partial(median_interval, values, bounds=(0.0, cap)),
        chance=1.0,
        bounds=(0.0, cap),
    )


def _records_needed(limit: Limit, subject: Subject) -> int | None:
    """Training records among which enough secrets can be planted once for a trainer that learns none to pass."""
    secrets = enough_to_pass(limit.limit, REFERENCES, subject.policy.confidence_verdict)
    if secrets is None or secrets > COUNTS[1]:
        return None
    return next(rows for rows in range(0, 100_000, 100) if affordable(rows).get(1, 0) >= secrets)


def _power(memorized: dict[str, Floats], limits: dict[str, Limit], subject: Subject) -> dict[str, Any]:
    confidence = subject.policy.confidence_verdict
    return {
        "probability": 0.8,
        "smallest_detectable_share": {
            name: smallest_noticed(len(exposures), REFERENCES, confidence) for name, exposures in memorized.items()
        },
        "secrets": {name: len(exposures) for name, exposures in memorized.items()},
        "secrets_needed_to_pass": {
            name: enough_to_pass(limit.limit, REFERENCES, confidence) for name, limit in limits.items()
        },
        "meaning": "share of planted secrets that would have to be learnt by heart for a warning with probability .8 "
        "(null: not even half would do), and how many must be planted for a trainer that learns none to pass with it",
    }
