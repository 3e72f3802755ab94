"""Membership by sets: does a whole synthetic data set look like those of models that saw the record?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from audit.checks import Case, Subject, register
from audit.membership.asking import asked_of
from audit.membership.attack import Scores
from audit.membership.set_features import Columns, matches, random_queries
from audit.membership.shadow_attack import WITH_SAMPLES, ShadowAttack
from audit.membership.shadows import Shadows
from audit.membership.signals import SAMPLES, drawn_from
from audit.neighbours import Points, join
from audit.statistics import Floats
from reports.document import Access

QUERIES = 100
"""Random sets of columns by which a record is looked up."""

SHRINKAGE = 1.0
"""Ridge penalty, as a share of the mean squared length of the shadows' features."""


_FAR = 5.0
"""Deviations from the shadows' mean beyond which a feature of the target counts no more."""

_CHUNK = 256
"""Records whose classifiers are learnt at once."""

_ROOM = 2**27
"""Counts of all shadows, records and queries, at most: 256 MiB. Beyond, fewer queries are asked."""


class SetAttack(ShadowAttack):
    """An attack that has learnt, for each record, which synthetic sets come of models that saw it.

    A leaf says how a set is described. For every record a classifier learns from the shadows' sets, half of which were
    made with the record, and judges the target's set.
    """

    access: ClassVar[Access] = "query"
    modalities: ClassVar[tuple[str, ...]] = ("tabular",)
    knowledge: ClassVar[str] = WITH_SAMPLES
    asks = SAMPLES

    @abstractmethod
    def judge(self, case: Case, shadows: Shadows, columns: Columns, everyone: Points) -> Floats:
        """A score for each member and then each non-member of the case, higher for members.

        Args:
            case: Who is asked about, and the model.
            shadows: What the model is compared with.
            columns: How columns are cut into cells.
            everyone: All that are asked about in any case.
        """

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """The judgement of each record's own classifier on the case's set."""
        shadows = self.shadows(case)
        everyone = join(*(part.points for part in shadows.asked))
        scores = self.judge(case, shadows, Columns(shadows.reference.points, everyone), everyone)
        return Scores(*np.split(scores, [len(case.member_rows)]))

    def described(self, shadows: Shadows, describe: Callable[[Points], NDArray[Any]]) -> NDArray[Any]:
        """What a function says of one sample of each shadow, computed once; shape (shadows, ...)."""
        space = self.subject.neighbours.space

        def sets(_: Subject) -> NDArray[Any]:
            return np.stack([describe(drawn_from(model, space)) for model in shadows.models])

        return self.subject.shared(sets, self.id, shadows)

    def target_set(self, case: Case) -> Points:
        """A sample of the case's model."""
        return drawn_from(asked_of(case, self.signal)[0], case.neighbours.space)


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

    def judge(self, case: Case, shadows: Shadows, columns: Columns, everyone: Points) -> Floats:  # noqa: ARG002
        """By the features that differ clearly between sets made with the record and without."""
        inside = shadows.inside[:, shadows.rows(case)]
        known = self.described(shadows, columns.describe)
        return shrunken_centroids(known, inside, columns.describe(self.target_set(case)))


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

    def judge(self, case: Case, shadows: Shadows, columns: Columns, everyone: Points) -> Floats:
        """By counts of each record's own matches; their roots, whose noise is even."""
        asked, queries = columns.cells(everyone), random_queries(len(columns.sizes), _queries(shadows))

        def counts(drawn: Points, rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float16]:
            return np.sqrt(matches(queries, asked[rows], columns.cells(drawn)) / len(drawn)).astype(np.float16)

        known, rows = self.described(shadows, counts), shadows.rows(case)
        target, inside = counts(self.target_set(case), rows), shadows.inside[:, rows]
        parts = np.array_split(np.arange(len(rows)), -(-len(rows) // _CHUNK))
        return np.concatenate([ridge(known[:, rows[part]], inside[:, part], target[part]) for part in parts])


def _queries(shadows: Shadows) -> int:
    """How many queries the counts of all shadows and records leave room for."""
    people = sum(len(part.units) for part in shadows.asked)
    return max(10, min(QUERIES, _ROOM // (people * len(shadows.inside))))


def shrunken_centroids(known: Floats, inside: NDArray[np.bool_], target: Floats) -> Floats:
    """Is the target's set nearer to sets made with each record than to those without, where these differ clearly?

    Nearest shrunken centroids. Differences of means between sets with the record and without are divided by their
    standard error, and pulled towards zero by the largest that chance alone would show, sqrt(2 log features) (Donoho
    and Johnstone 1994): of many features only those few count that one record can move.

    Args:
        known: Features of the shadows' sets, shape (shadows, features).
        inside: Whether each record was in each shadow, shape (shadows, n).
        target: Features of the target's set, shape (features,).

    Returns:
        Scores, shape (n,); zero where no feature tells.

    Source: Tibshirani, Hastie, Narasimhan and Chu, "Diagnosis of multiple cancer types by shrunken centroids of gene
    expression" (PNAS 2002).
    """
    middle, spread = known.mean(axis=0), known.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    shown, asked = (known - middle) / scale, np.clip((target - middle) / scale, -_FAR, _FAR)
    signs = inside - inside.mean(axis=0)
    errors = signs.T @ shown / np.sqrt((signs**2).sum(axis=0))[:, None]
    beyond_chance = np.maximum(np.abs(errors) - np.sqrt(2 * np.log(known.shape[1])), 0)
    return np.asarray((np.sign(errors) * beyond_chance) @ asked)


def ridge(known: NDArray[np.floating], inside: NDArray[np.bool_], target: NDArray[np.floating]) -> Floats:
    """What does a ridge regression for each record, learnt from shadow sets, say about the target's set?

    It regresses membership (-1 or 1) on features that are standardised over the shadows; solved in the space of
    shadows: y' (K + a I)^-1 k, with K the shadows' products with each other and k those with the target.

    Args:
        known: Features of the shadows' sets for each record, shape (shadows, n, features).
        inside: Whether each record was in each shadow, shape (shadows, n).
        target: Features of the target's set for each record, shape (n, features).

    Returns:
        Scores, shape (n,), around zero where the set says nothing.
    """
    known, target = known.astype(np.float64), target.astype(np.float64)
    middle, spread = known.mean(axis=0), known.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    shown = np.moveaxis((known - middle) / scale, 0, 1)  # (n, shadows, features)
    asked = np.clip((target - middle) / scale, -_FAR, _FAR)
    products = shown @ np.moveaxis(shown, 1, 2)
    penalty = np.maximum(SHRINKAGE * np.einsum("nss->n", products) / products.shape[1], 1e-9)
    system = products + penalty[:, None, None] * np.eye(products.shape[1])
    weights = np.linalg.solve(system, shown @ asked[:, :, None])[:, :, 0]
    signs = np.where(inside, 1.0, -1.0).T
    return np.asarray((weights * (signs - signs.mean(axis=1, keepdims=True))).sum(axis=1))
