"""Membership by what the model itself says about a record."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audit.checks import register
from audit.membership.asking import AskingAttack
from audit.membership.shadow_attack import CalibratedAttack
from audit.membership.shadows import Shadowed
from audit.membership.signals import DISCRIMINATOR, LOSS
from audit.statistics import Floats


@register
class Loss(AskingAttack):
    """Does the model find the records familiar that it was trained on?

    Training lowers the loss of training records; where it does so more than for others, the loss tells them. The score
    is minus the record's loss: an exact log-likelihood where the model has one, else the bound or the denoising error
    that its training lowers, with the same noise for every record.

    Source: Yeom, Giacomelli, Fredrikson and Jha, "Privacy risk in machine learning" (CSF 2018), attack 2, for
    classifiers; Hilprecht et al. (PoPETs 2019) for the reconstruction loss of VAEs.
    """

    id = "membership.loss"
    title = "Membership by loss"
    question = "Does the model find the people it was trained on more familiar than others?"
    source = "Yeom et al. (CSF 2018); Hilprecht et al. (PoPETs 2019) for generators"
    knowledge = "holds the model itself and reads off each record's loss"
    asks = LOSS


@register
class CalibratedLoss(CalibratedAttack):
    """Does the model find records more familiar than models do that never saw them?

    Common records are familiar to every model. What they are to shadow models without them is taken off: the score is
    the signal less its mean under the shadows that did not see the record.

    Source: Watson, Guo, Cormode and Sablayrolles, "On the importance of difficulty calibration in membership inference
    attacks" (ICLR 2022).
    """

    id = "membership.calibrated-loss"
    title = "Membership by calibrated loss"
    question = "Does the model find people more familiar than models on average that never saw them?"
    source = "Watson et al. (ICLR 2022)"

    def calibrated(self, asked: Shadowed, population: Callable[[], Shadowed]) -> Floats:  # noqa: ARG002
        """Signal less its mean under models that did not see the record."""
        outside = ~asked.inside
        return np.asarray(asked.target - (asked.shadows * outside).sum(axis=0) / outside.sum(axis=0))


@register
class Discriminator(AskingAttack):
    """Does the model's own discriminator call the records real that it was trained on?

    A GAN's discriminator learns to tell training records from generated ones; where it overfits, it knows them by
    heart. The score is its own.

    Source: Hayes, Melis, Danezis and De Cristofaro, "LOGAN" (PoPETs 2019), white-box attack.
    """

    id = "membership.discriminator"
    title = "Membership by the discriminator"
    question = "Does the discriminator know the people that it was trained on?"
    source = "Hayes et al., LOGAN (PoPETs 2019), white-box"
    knowledge = "holds the whole model, its discriminator included, and lets it judge each record"
    asks = DISCRIMINATOR
