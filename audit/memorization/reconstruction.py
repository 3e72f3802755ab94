"""Attacks that do not exist yet, listed so that nobody takes their absence for a pass."""

from __future__ import annotations

from audit.checks import EVERY_MODALITY, Check, NotApplicableError, Subject, register
from audit.checks.check import Examined


class NotYet(Check):
    """A threat that is known and that nothing here measures: its finding is `not-run`, at whatever access."""

    modalities = EVERY_MODALITY
    measures = ()
    remedy = "Do not read silence as safety: this threat has to be judged by other means."

    def _examine(self, subject: Subject) -> Examined:  # noqa: ARG002
        raise NotApplicableError(self.missing)


@register
class Reconstruction(NotYet):
    """Could someone who knows all training records but one reconstruct that one from the model?

    Source: Balle, Cherubin and Hayes, "Reconstructing training data with informed adversaries" (IEEE S&P 2022).
    """

    id = "memorization.reconstruction"
    title = "Reconstruction by an informed adversary"
    question = "Could someone who knows all training records but one reconstruct that one from the model?"
    source = "Balle, Cherubin and Hayes, Reconstructing training data with informed adversaries (IEEE S&P 2022)"
    knowledge = "has the published records or the weights, and knows all training records but one"
    missing = "this attack is not built yet, so nothing is known"


@register
class ModelInversion(NotYet):
    """Could someone with the model find what its training records of one kind, or one person's, look like?

    Source: Fredrikson, Jha and Ristenpart, "Model inversion attacks that exploit confidence information" (CCS 2015).
    """

    id = "memorization.model-inversion"
    title = "Model inversion"
    question = "Could someone with the model find what one person's training records look like?"
    source = "Fredrikson, Jha and Ristenpart, Model inversion attacks that exploit confidence information (CCS 2015)"
    knowledge = "has the published records or the weights, and knows a label or a name that stands for one person"
    missing = "this attack is not built yet, so nothing is known"
