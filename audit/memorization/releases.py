"""Several releases of one data set, attacked together."""

from __future__ import annotations

import numpy as np

from audit.checks import Case, Cases, Subject, register
from audit.membership import MembershipAttack, Scores
from audit.neighbours import Points, join
from audit.statistics import auc
from reports import Figure

RELEASES = 4
"""Releases in all; each further one costs as much as the first and tells less."""


@register
class Releases(MembershipAttack):
    """How much more do several releases of one data set give away than one?

    Whoever publishes new records of the same model every quarter publishes a larger sample of what it memorised. The
    attacker joins all releases, the first being the published one, the others drawn anew from the model, each as large;
    and scores a record by minus its distance to the nearest record of any of them. Every control has a model and
    releases of its own.

    Source: distance to the nearest record as in Chen et al., GAN-Leaks (CCS 2020); more records help, as Houssiau et
    al. (2022) and Stadler, Oprisanu and Troncoso (USENIX Security 2022) show for single releases.
    """

    id = "memorization.releases"
    title = "Several releases together"
    question = "How well are members told apart by several releases of the same model taken together?"
    source = "distances as in Chen et al., GAN-Leaks (CCS 2020), to the union of releases"
    access = "query"
    knowledge = f"holds {RELEASES} releases of the same model, and asks of a record whether it was in the training data"
    costly = "trains four more models like this one, for its controls"
    remedy = (
        "Count releases as one: publish a fixed number of records, or train under differential privacy, whose promise "
        "holds for any number of records drawn from one model."
    )

    def __init__(self) -> None:
        super().__init__()
        self._released: dict[str, list[Points]] = {}

    def unfit(self, subject: Subject) -> str | None:
        """Only a model makes further releases."""
        if subject.target.model is None:
            return "the target is a set of records: there is no model that could release more"
        return super().unfit(subject)

    def cases(self, subject: Subject) -> Cases:
        """Every case has a model behind it."""
        return subject.retrained

    def score(self, case: Case, rng: np.random.Generator) -> Scores:
        """Minus the distance to the nearest record of any release."""
        return _nearest(case, join(*self._of(case, rng)))

    def figures(self, subject: Subject) -> list[Figure]:
        """What the base shows, and the AUC by number of releases."""
        case = self.cases(subject).main
        releases = self._of(case, self.rng(subject, case.name))
        counts = range(1, RELEASES + 1)
        scores = [_nearest(case, join(*releases[:count])) for count in counts]
        values = [round(auc(one.members, one.nonmembers), 4) for one in scores]
        return [
            *super().figures(subject),
            Figure(
                kind="bars",
                title="Members told apart by number of releases",
                description="The AUC of distances to the nearest record of the first releases; .5 is guessing.",
                data={
                    "labels": [f"{count} release" + "s" * (count > 1) for count in counts],
                    "values": values,
                    "low": None,
                    "high": None,
                    "reference": 0.5,
                    "reference_label": "guessing",
                    "unit": "AUC",
                },
            ),
        ]

    def _of(self, case: Case, rng: np.random.Generator) -> list[Points]:
        """The case's releases: for the target the published one first, then new ones of the same size."""
        if case.name not in self._released:
            if case.model is None:
                raise TypeError(f"the case {case.name} has no model that could release more")
            count, first = len(case.synthetic), [case.synthetic] if case.name == "main" else []
            seeds = rng.integers(2**31, size=RELEASES - len(first))
            place = case.neighbours.space.place
            self._released[case.name] = first + [place(case.model.sample(count, seed=int(seed))) for seed in seeds]
        return self._released[case.name]


def _nearest(case: Case, published: Points) -> Scores:
    return Scores(*(-case.neighbours.nearest(asked, published)[:, 0] for asked in (case.members, case.nonmembers)))
