"""Membership by a classifier that has learnt to tell synthetic from real records."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

from audit.checks import Case, register
from audit.membership.attack import MembershipAttack, Scores

TREES = 60


@register
class Classifier(MembershipAttack):
    """Does a record look more like the synthetic data than like the population?

    A classifier learns to tell the published records from the reference; the share of its votes that a record was
    published is the score. Where the generator repeats what is peculiar to its training data, members score high. The
    classifier must be able to overfit as the generator may have: extremely randomised trees grown to the last record
    (Geurts, Ernst and Wehenkel 2006) notice single copies, where boosted trees with ten records a leaf missed a tenth
    of all members being copied.

    Source: Hayes, Melis, Danezis and De Cristofaro, "LOGAN" (PoPETs 2019), black-box attack with auxiliary knowledge.
    """

    id = "membership.classifier"
    title = "Membership by classifier"
    question = "Has the synthetic data taken on what is peculiar to the people it was made from?"
    source = "Hayes et al., LOGAN (PoPETs 2019), black-box with auxiliary knowledge"

    def score(self, case: Case, rng: np.random.Generator) -> Scores:
        """Share of votes for published, by trees grown on published against reference records of equal weight."""
        features = np.concatenate([case.synthetic.values, case.reference.values])
        published = np.arange(len(features)) < len(case.synthetic)
        weights = np.where(published, 0.5 / published.sum(), 0.5 / (~published).sum()) * len(features)
        model = ExtraTreesClassifier(n_estimators=TREES, n_jobs=-1, random_state=int(rng.integers(2**31)))
        model.fit(features, published, sample_weight=weights)
        return Scores(*(model.predict_proba(asked.values)[:, 1] for asked in (case.members, case.nonmembers)))
