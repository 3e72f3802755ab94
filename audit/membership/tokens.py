"""Membership in language models: are even the least likely tokens likely?"""

from __future__ import annotations

from audit.checks import register
from audit.membership.asking import AskingAttack
from audit.membership.signals import MIN_K, MIN_K_PLUS_PLUS

_KNOWLEDGE = "holds the model itself and reads off each token's likelihood"


@register
class MinK(AskingAttack):
    """Does the text hold no surprise for the model, not even in its least likely words?

    Texts that a model never saw hold some tokens it finds very unlikely. The score is the mean log-probability of the
    least likely fifth of the tokens.

    Source: Shi et al., "Detecting pretraining data from large language models" (ICLR 2024), Min-K% Prob.
    """

    id = "membership.min-k"
    title = "Membership by the least likely tokens"
    question = "Are the texts that the model was trained on free of surprises for it?"
    source = "Shi et al., Min-K% Prob (ICLR 2024)"
    modalities = ("text",)
    knowledge = _KNOWLEDGE
    asks = MIN_K


@register
class MinKPlusPlus(AskingAttack):
    """Is every word of the text a favourite among those the model could have written there?

    Each token's log-probability is compared with its mean and deviation under the prediction, so that a token counts by
    what else could stand in its place; the score is the mean over the lowest fifth.

    Source: Zhang et al., "Min-K%++: improved baseline for pre-training data detection" (ICLR 2025).
    """

    id = "membership.min-k-plus-plus"
    title = "Membership by standardised tokens"
    question = "Does the model prefer the words of the texts it was trained on to all others?"
    source = "Zhang et al., Min-K%++ (ICLR 2025)"
    modalities = ("text",)
    knowledge = _KNOWLEDGE
    asks = MIN_K_PLUS_PLUS
