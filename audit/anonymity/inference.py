"""Attribute inference: what does a release tell about a person of whom something is known already?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from audit.anonymity.attack import CountingAttack, Way, fewer
from audit.anonymity.choices import compared, known, secrets
from audit.anonymity.guessing import MOST_LEVELS, Bools, Forest, Secret
from audit.anonymity.nearest import Comparison, IntArray
from audit.checks import Case, Cases, Measured, Subject, register
from audit.checks.small_cells import People, share_in_words
from audit.neighbours import Points, join
from audit.statistics import Floats, Strata
from reports import Table

EASE = (0.03, 0.25, 0.5, 0.75, 0.97)  # where strata of how easily a secret is guessed part


@register
class Inference(CountingAttack):
    """Can a secret be guessed from what is known, better for training records than for others?

    The attacker knows all other columns of a person's record and guesses the secret one in two ways: it is that of the
    published record nearest in the known columns, or what a forest grown on the published records says. What works as
    well on records that the generator never saw is the population's doing and no risk. How well the population alone
    gives a secret away is measured by a forest grown on the reference; records are compared within strata of how
    easily it guesses them, since nothing can be leaked that is known anyway.

    Without a secret given, the columns stand as the secret in turn, and `risk` is over all of them: of the members'
    withheld cells that chance does not guess, the share given away. The worst single column is `worst_secret_risk`.

    Source: Giomi, Boenisch, Wehmeyer and Tasnadi (PoPETs 2023), section 4.3; a model as the attacker after Stadler,
    Oprisanu and Troncoso (USENIX Security 2022).
    """

    id = "anonymity.inference"
    title = "Inference of a secret"
    question = "Can something unknown about a person be read off the synthetic data because the person was in training?"
    source = (
        "Giomi et al., Anonymeter (PoPETs 2023), section 4.3; model attacker: Stadler et al. (USENIX Security 2022)"
    )
    measures = ("risk", "worst_secret_risk")
    knowledge = "holds the published records and, of a person, every column but the secret one"
    remedy = (
        "Train under differential privacy, stop earlier, publish fewer columns that together are rare, and coarsen or "
        "leave out the secret where it is not needed."
    )
    unit = "share given away of the training records' secrets that chance leaves"

    def __init__(self) -> None:
        super().__init__()
        self._known_anyway: dict[tuple[int, str], tuple[Bools, Floats]] = {}
        self._baseline: list[list[str]] = []

    def cases(self, subject: Subject) -> Cases:
        """Every record asked about is compared with every published one."""
        return subject.scored

    def ways(self, case: Case, subject: Subject) -> Mapping[str, Sequence[Way]]:
        """Guess each secret by the nearest record and by a forest, within strata of how easily it is guessed anyway."""
        names, space, rng = secrets(subject), case.neighbours.space, self.rng(subject, case.name)
        columns = {column.name: column for column in subject.dataset.schema.columns}
        asked, member, person = _asked(case)
        nearest = self._nearest(asked, case, subject, rng)
        right: dict[str, list[Bools]] = {"nearest record": [], "forest": []}
        ease = []
        for number, name in enumerate(names):
            secret = Secret.of(columns[name], space)
            anyway, easily = self._population(secret, case, subject)
            ease.append(np.searchsorted(EASE, easily))
            forest = Forest(case.synthetic, secret, known(subject, name), space, rng)
            right["nearest record"].append(secret.right(case.synthetic.take(nearest[:, number]), asked))
            right["forest"].append(forest.tried(asked)[0])
            if case is self.cases(subject).main:
                self._baseline.append([name, *(_share(anyway[of], person[of]) for of in (member, ~member))])
        grouped = len(names) > 1 or subject.dataset.schema.unit is not None

        def way(name: str, which: slice, hits: list[Bools]) -> Way:
            of = [level * len(names) + number for number, level in enumerate(ease)][which]
            times = len(of)
            strata = Strata.count(
                np.concatenate(hits[which]),
                np.tile(member, times),
                np.concatenate(of),
                np.tile(person, times) if grouped else None,
            )
            return Way(name, strata, fewer(member, person))

        found = {"risk": [way(how, slice(None), hits) for how, hits in right.items()]}
        if len(names) > 1:
            found["worst_secret_risk"] = [
                way(f"{name}, by {how}", slice(number, number + 1), hits)
                for number, name in enumerate(names)
                for how, hits in right.items()
            ]
        return found

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """What was guessed from what, and how well, in words."""
        risk, low, high = measured[0].shown(subject.policy.confidence_shown)
        names = secrets(subject)
        what = f"the secret {names[0]}" if len(names) == 1 else f"the withheld one of {', '.join(names)} (each in turn)"
        given = ", ".join(subject.known) if subject.known else "all other columns"
        chosen = "" if subject.secret is not None else "; chosen automatically, as hard to guess from what is common"
        wide = [name for name in names if _levels(subject, name) > MOST_LEVELS]
        grouped = f" Of {', '.join(wide)} forests guess the {MOST_LEVELS} commonest values only." if wide else ""
        return (
            f"From {given}, {what} is given away for {risk:.1%} of the training records for which chance does not "
            f"guess it ({low:.1%} to {high:.1%}){chosen}.{grouped}"
        )

    def tables(self, subject: Subject) -> list[Table]:
        """Successes, and what the population gives away without any release."""
        return [
            *super().tables(subject),
            Table(
                title="What the population gives away anyway",
                description="How often a forest grown on reference records alone guesses the secret.",
                columns=["secret", "of training records", "of others"],
                rows=[list(row) for row in self._baseline],
            ),
        ]

    def _nearest(self, asked: Points, case: Case, subject: Subject, rng: np.random.Generator) -> IntArray:
        """For each secret, the published record that is nearest in the known columns, shape (n, secrets)."""
        comparison, names = Comparison(asked, case.synthetic, case.neighbours.space, rng), secrets(subject)
        if subject.known or len(names) == 1:  # the same columns for all
            return np.repeat(comparison.nearest(known(subject, names[0])), len(names), axis=1)
        return comparison.nearest_without(compared(subject), names)

    def _population(self, secret: Secret, case: Case, subject: Subject) -> tuple[Bools, Floats]:
        """Whether, and how easily, a forest guesses that has seen the case's reference alone.

        Cases share references and the people asked about, so it is grown and asked once for all of them. Its answers
        are kept, and not the forest: of a secret with many levels it may take hundreds of megabytes.
        """
        name, main = secret.column.name, self.cases(subject).main
        key = (id(case.reference), name)
        if key not in self._known_anyway:
            rng = self.rng(subject, f"population/{len(case.reference)}/{name}")
            forest = Forest(case.reference, secret, known(subject, name), case.neighbours.space, rng)
            self._known_anyway[key] = forest.tried(join(main.members, main.nonmembers))
        among = np.concatenate([case.member_rows, len(main.members) + np.arange(len(main.nonmembers))])
        right, ease = self._known_anyway[key]
        return right[among], ease[among]


def _levels(subject: Subject, name: str) -> int:
    """How many categories a secret has; 0 for a number."""
    categorical = name in subject.neighbours.space.categorical
    return subject.dataset.reference[name].nunique(dropna=False) if categorical else 0


def _asked(case: Case) -> tuple[Points, Bools, IntArray]:
    """The members and others who are asked about, which of them are members, and the person behind each."""
    person = np.concatenate([case.member_units, case.member_units.max(initial=0) + 1 + case.nonmember_units])
    asked = join(case.members, case.nonmembers)
    return asked, np.arange(len(asked)) < len(case.members), person


def _share(hit: Bools, person: IntArray) -> str:
    people = People(*(float(len(np.unique(person[those]))) for those in (hit, ~hit, np.ones_like(hit))))
    return share_in_words(float(hit.sum()), len(hit), people)
