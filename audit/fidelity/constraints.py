"""How many synthetic records are such that no real one would be?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from audit.checks import Evaluation, Measured, Sample, Subject, register
from audit.checks.small_cells import coarse, share_in_words
from audit.fidelity.marginals import compared_columns
from audit.fidelity.rules import Rule, learn_rules
from audit.statistics import Floats, Interval, mean_interval
from reports import Table

_SHOWN = 20


@register
class Constraints(Evaluation):
    """How many synthetic records break a rule that all real training records obey?

    Rules are learnt from the training records: domains, orders between two numbers, and values that imply a value of
    another column, where chance could not have made them. Fresh real records break a few of them too, such as a range
    that the training records did not reach: that is the floor. Every synthetic record is looked at.

    Source: the rules are those of data validation, learnt as in Chu, Ilyas and Papotti, "Discovering denial
    constraints" (VLDB 2013).
    """

    id = "fidelity.constraints"
    title = "Impossible records"
    question = "How many synthetic records break a rule that all real training records obey?"
    measures = ("violations", "contradictions")
    source = "denial constraints learnt from data: Chu, Ilyas and Papotti (VLDB 2013)"
    remedy = "Model the columns that determine each other as one, or drop what breaks the rules before publishing."
    damage_done = "with every second column shuffled and a tenth of the first out of its domain"

    def __init__(self) -> None:
        self._rules: list[Rule] | None = None

    def unfit(self, subject: Subject) -> str | None:
        """A table of identifiers and constants alone has no rules."""
        return None if compared_columns(subject) else "no column carries values that vary"

    def measure(self, sample: Sample, subject: Subject, rng: np.random.Generator) -> list[Measured]:  # noqa: ARG002
        """Shares of records that break any rule, and any rule between columns."""
        rules = self._learnt(subject)
        any_rule = _any(rules, sample.frame)
        between = _any([rule for rule in rules if rule.kind != "domain"], sample.frame)
        return [
            _measured("violations", any_rule, sample, f"share of records that break one of {len(rules)} rules"),
            _measured("contradictions", between, sample, "share of records whose columns contradict each other"),
        ]

    def damage(self, records: pd.DataFrame, subject: Subject, rng: np.random.Generator) -> pd.DataFrame:
        """Shuffle every second column, and move the first one out of its domain in a tenth of the records."""
        columns = compared_columns(subject)
        spoilt = records.assign(
            **{column.name: records[column.name].to_numpy()[rng.permutation(len(records))] for column in columns[::2]}
        )
        wild = rng.random(len(records)) < 0.1
        name = columns[0].name
        if columns[0].is_number:
            return spoilt.assign(**{name: np.where(wild, spoilt[name].max() * 2 + 1, spoilt[name])})
        if columns[0].kind == "datetime":
            return spoilt.assign(**{name: spoilt[name].where(~wild, pd.Timestamp("2200-01-01"))})
        return spoilt.assign(**{name: spoilt[name].where(~wild, "no such value")})

    def answer(self, measured: list[Measured], floor: list[Measured], subject: Subject) -> str:
        """Both shares beside their floors, in words."""
        return (
            f"{measured[0].value:.2%} of the synthetic records break one of {len(self._learnt(subject))} rules that "
            f"all training records obey, and {floor[0].value:.2%} of fresh real records do; columns "
            f"contradict each other in {measured[1].value:.2%} ({floor[1].value:.2%})."
        )

    def tables(self, subject: Subject) -> list[Table]:
        """The rules that are broken most."""
        rows: list[tuple[float, list[str | int | float | None]]] = []
        for rule in self._learnt(subject):
            broken = int(rule.broken(subject.synthetic).sum())
            real = int(rule.broken(subject.dataset.reference).sum())
            if broken:
                shares = [
                    share_in_words(broken, len(subject.synthetic)),
                    share_in_words(real, len(subject.dataset.reference)),
                ]
                rows.append((broken, [rule.kind, rule.columns, *shares]))
        if not rows:
            return []
        ordered = sorted(rows, key=lambda row: -row[0])[:_SHOWN]
        return [
            Table(
                title="Rules that synthetic records break",
                description="Rules hold in all training records. Values are not shown."
                + (f" The {_SHOWN} broken most often, of {len(rows)}." if len(rows) > _SHOWN else ""),
                columns=["kind", "rule", "synthetic records", "fresh real records"],
                rows=[row for _, row in ordered],
            )
        ]

    def _learnt(self, subject: Subject) -> list[Rule]:
        if self._rules is None:
            self._rules = learn_rules(subject.dataset.train, compared_columns(subject))
        return self._rules


def _any(rules: list[Rule], frame: pd.DataFrame) -> Floats:
    broken = np.zeros(len(frame), dtype=bool)
    for rule in rules:
        broken |= rule.broken(frame)
    return broken.astype(np.float64)


def _measured(name: str, broken: Floats, sample: Sample, unit: str) -> Measured:
    return Measured(
        name=name,
        value=float(broken.mean()),
        n=len(np.unique(sample.units)),
        unit=f"{unit}, 0 to 1",
        interval=partial(_interval, broken, sample),
        step=coarse(len(np.unique(sample.units))),
    )


def _interval(broken: Floats, sample: Sample, confidence: float) -> Interval:
    return mean_interval(broken, confidence, sample.units, bounds=(0.0, 1.0))
