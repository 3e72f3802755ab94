"""Membership by sets: does a whole synthetic data set look like those of models that saw the record?"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from audit.checks import Case, register
from audit.membership.attack import Scores
from audit.membership.set_features import Codes, Columns, matches, random_queries
from audit.membership.shadow_attack import WITH_SAMPLES, ShadowAttack
from audit.membership.signals import SAMPLES, Signal, drawn_from
from audit.neighbours import Points, join
from audit.statistics import Floats
from generators import Generator
from reports.document import Access

QUERIES = 100
"""Random sets of columns by which a record is looked up."""

SHRINKAGE = 1.0
"""Ridge penalty, as a share of the mean squared length of the shadows' features."""


_CHUNK = 256
"""Records whose classifiers are learnt at once."""


class SetAttack(ShadowAttack):
    """An attack that has learnt, for each record, which synthetic sets come of models that saw it.

    A leaf says how a set is described, `features`. For every record a classifier (ridge regression of membership on
    features; one common penalty) learns from the shadows' sets, half of which were made with the record, and judges the
    target's set.
    """

    access: ClassVar[Access] = "query"
    modalities: ClassVar[tuple[str, ...]] = ("tabular",)
    knowledge: ClassVar[str] = WITH_SAMPLES

    def __init__(self) -> None:
        super().__init__()
        self._of_shadows: NDArray[np.float32] | None = None

    @abstractmethod
    def features(self, drawn: Points, asked: Points, columns: Columns) -> Floats:
        """Describe a synthetic set, alike for all records (1, features) or for each record asked about (n, features).

        Args:
            drawn: The set.
            asked: The records.
            columns: How columns are cut into cells.
        """

    def signal(self, model: Generator) -> Signal | None:  # noqa: ARG002
        """Samples are all that is needed."""
        return SAMPLES

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """The judgement of each record's own classifier on the case's set."""
        shadows, space = self.shadows, case.neighbours.space
        if self._of_shadows is None:
            everyone = join(*(part.points for part in shadows.asked))
            self._columns = Columns(shadows.reference.points, everyone)
            sets = (drawn_from(model, space) for model in shadows.models)
            self._of_shadows = np.stack(
                [self.features(one, everyone, self._columns).astype(np.float32) for one in sets]
            )
        if case.model is None:
            raise ValueError(f"{self.id}: the case {case.name} has no model that could be asked")
        rows = shadows.rows(case)
        target = self.features(drawn_from(case.model, space), join(case.members, case.nonmembers), self._columns)
        if len(target) == 1:
            found = judged(self._of_shadows, shadows.inside[:, rows], target)
        else:
            parts = np.array_split(np.arange(len(rows)), -(-len(rows) // _CHUNK))
            found = np.concatenate(
                [judged(self._of_shadows[:, rows[part]], shadows.inside[:, rows[part]], target[part]) for part in parts]
            )
        return Scores(*np.split(found, [len(case.member_rows)]))


def judged(known: NDArray[np.floating[Any]], inside: NDArray[np.bool_], target: Floats) -> Floats:
    """What a classifier for each record, learnt from shadow sets, says about the target's set.

    Ridge regression of membership (-1 or 1) on features that are standardised over the shadows, solved in the space of
    shadows: y' (K + a I)^-1 k, with K the shadows' products with each other and k those with the target.

    Args:
        known: Features of the shadows' sets, (shadows, n, features) or, the same for all records, (shadows, 1,
            features).
        inside: Whether each record was in each shadow, (shadows, n).
        target: Features of the target's set, (n, features) or (1, features).

    Returns:
        Scores, shape (n,), around zero where the set says nothing.
    """
    known = known.astype(np.float64)
    middle, spread = known.mean(axis=0), known.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    shown, asked = (known - middle) / scale, np.clip((target - middle) / scale, -10, 10)
    shown = np.moveaxis(shown, 0, 1)  # (n or 1, shadows, features)
    products = shown @ np.moveaxis(shown, 1, 2)
    penalty = SHRINKAGE * np.einsum("nss->n", products) / products.shape[1]
    system = products + np.maximum(penalty, 1e-9)[:, None, None] * np.eye(products.shape[1])
    weights = np.linalg.solve(system, shown @ asked[:, :, None])[:, :, 0]  # (n or 1, shadows)
    signs = np.where(inside, 1.0, -1.0).T
    return np.asarray((weights * (signs - signs.mean(axis=1, keepdims=True))).sum(axis=1))


@register
class Groundhog(SetAttack):
    """Do the moments, histograms and correlations of the synthetic set betray who was in training?

    One outlier may move the mean, the extremes or a correlation of a small data set. Features of the whole set are
    compared with those of sets that shadow models made with and without the record; see `Columns.describe`.

    Source: Stadler, Oprisanu and Troncoso, "Synthetic data - anonymisation groundhog day" (USENIX Security 2022).
    """

    id = "membership.groundhog"
    title = "Membership by the whole set"
    question = "Do the moments, histograms and correlations of the synthetic set betray who was in training?"
    source = "Stadler et al., Groundhog Day (USENIX Security 2022)"

    def features(self, drawn: Points, asked: Points, columns: Columns) -> Floats:  # noqa: ARG002
        """Naive, histogram and correlation features of the set."""
        return columns.describe(drawn)[None, :]


@register
class Queries(SetAttack):
    """Do counts of those who share some of a person's values betray that the person was in training?

    For random sets of columns it counts the synthetic records that agree with the person's record there (numbers: in
    the same tenth of the population), and compares the counts with those in sets of shadow models with and without the
    record.

    Source: Houssiau et al., "TAPAS: a toolbox for adversarial privacy auditing of synthetic data" (SyntheticData4ML
    2022); counts by random subsets of columns as in Meeus et al. (ESORICS 2023).
    """

    id = "membership.queries"
    title = "Membership by counting queries"
    question = "Do counts of who shares some of a person's values betray that the person was in training?"
    source = "Houssiau et al., TAPAS (2022); Meeus et al., Achilles' heels (ESORICS 2023)"

    def features(self, drawn: Points, asked: Points, columns: Columns) -> Floats:
        """Root counts of matches for each record, on fixed random sets of columns; roots have even noise."""
        queries: list[Codes] = random_queries(len(columns.sizes), QUERIES)
        return np.sqrt(matches(queries, columns.cells(asked), columns.cells(drawn)) / len(drawn))
