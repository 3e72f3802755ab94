"""Membership by local over-representation, with densities from normalising flows."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from audit.checks import Case, Subject, register
from audit.membership.attack import MembershipAttack, Scores
from audit.statistics import Floats
from generators import Dataset, Generator, create
from generators.models.abilities import HasLogLikelihood
from generators.models.ensemble import fit_many


@register
class DensityRatioFlow(MembershipAttack):
    """Is a record more likely under the synthetic data than under the population, by fitted densities?

    The score is log p_synthetic(x) - log p_reference(x), each the exact likelihood of a normalising flow for mixed
    columns (`tabular-flow`), one fitted on the published records and one on the reference, which share no record with
    each other or with those asked about. Flows see dependence that nearest neighbours in many columns miss, and miss
    single copies that neighbours see.

    Source: van Breugel, Sun, Qian and van der Schaar, "Membership inference attacks against synthetic data through
    overfitting detection" (AISTATS 2023), DOMIAS, equation 2, in logs, with flows as density estimators (section 5).
    """

    id = "membership.density-ratio-flow"
    modalities = ("tabular",)
    title = "Membership by density ratio of flows"
    question = "Are the people it was made from more likely under the synthetic data than the population explains?"
    source = "van Breugel et al., DOMIAS (AISTATS 2023), with flow densities"
    costly = "fits about ten normalising flows"

    def score(self, case: Case, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """Log ratio of the two likelihoods."""
        return Scores(self._ratio(case, case.frames.members), self._ratio(case, case.frames.nonmembers))

    def _ratio(self, case: Case, asked: pd.DataFrame) -> Floats:
        parts = {"published": case.frames.published, "reference": case.frames.reference}
        synthetic, population = (self._log_density(case, part, frame, asked) for part, frame in parts.items())
        return np.asarray(synthetic - population)

    def _log_density(self, case: Case, part: str, known: pd.DataFrame, asked: pd.DataFrame) -> Floats:
        # Main and drift cases know one reference, and so do negative and planted ones: its flow is fitted once.
        name = known.index.values.tobytes() if part == "reference" else case.name
        model = self.subject.shared(partial(self._flow, known), self.id, part, name)
        if not isinstance(model, HasLogLikelihood):
            raise TypeError("a flow must know its likelihood")
        return model.log_likelihood(asked.reset_index(drop=True))

    def _flow(self, known: pd.DataFrame, subject: Subject) -> Generator:
        pool = Dataset("records", subject.dataset.schema, {"train": known.reset_index(drop=True)})
        seed = int(self.rng(subject, "flow").integers(2**31))
        return fit_many(create("tabular-flow"), pool, [np.arange(len(known))], [seed])[0]
