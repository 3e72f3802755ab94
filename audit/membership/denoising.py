"""Membership in diffusion models: how well is the noise undone?"""

from __future__ import annotations

from audit.checks import register
from audit.membership.asking import AskingAttack
from audit.membership.signals import DENOISING, PROXIMAL

DIFFUSION = ("tabular", "image")


@register
class Denoising(AskingAttack):
    """Does the diffusion model free records of noise more easily that it was trained on?

    At fixed times and with the same noise for everybody it is asked to undo what was added; the score is minus the mean
    log of the error. Times matter: near the clean record everybody's error is small, far from it nobody's record is
    left, and membership shows in between.

    Source: Duan, Kong, Wang, Shi and Xu, "Are diffusion models vulnerable to membership inference attacks?" (ICML
    2023), SecMI; with noise that is drawn, as in Matsumoto, Miura and Yanai (S&P workshops 2023).
    """

    id = "membership.denoising"
    title = "Membership by denoising"
    question = "Does the model free the people's records of noise more easily that it was trained on?"
    source = "after Duan et al., SecMI (ICML 2023); Matsumoto et al. (2023)"
    modalities = DIFFUSION
    knowledge = "holds the model itself and has it undo noise of the attacker's making"
    asks = DENOISING


@register
class Proximal(AskingAttack):
    """Does the diffusion model undo best, on records it was trained on, the noise that it sees there itself?

    The noise that is added is the model's own answer for the clean record, so nothing is drawn and two questions are
    enough. Categories of tables stay clean.

    Source: Kong, Duan, Ma, Shen, Zhu, Shi and Xu, "An efficient membership inference attack for the diffusion model by
    proximal initialization" (ICLR 2024), PIA.
    """

    id = "membership.proximal"
    title = "Membership by proximal initialisation"
    question = "Does the model recognise noise of its own making best on the people it was trained on?"
    source = "Kong et al., PIA (ICLR 2024)"
    modalities = DIFFUSION
    knowledge = "holds the model itself, and asks it twice about each record"
    asks = PROXIMAL
