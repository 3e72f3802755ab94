"""Membership in diffusion models: how well is the noise undone?"""

from __future__ import annotations

from audit.checks import register
from audit.membership.asking import AskingAttack
from audit.membership.signals import DENOISING, PROXIMAL, SECMI

DIFFUSION = ("tabular", "image")


@register
class Denoising(AskingAttack):
    """Does the diffusion model free records of noise more easily that it was trained on?

    At fixed times and with the same noise for everybody it is asked to undo what was added; the score is minus the mean
    log of the error. Times matter: near the clean record everybody's error is small, far from it nobody's record is
    left, and membership shows in between.

    Source: Matsumoto, Miura and Yanai, "Membership inference attacks against diffusion models" (S&P workshops 2023);
    Carlini et al., "Extracting training data from diffusion models" (USENIX Security 2023), for fixed times.
    """

    id = "membership.denoising"
    title = "Membership by denoising"
    question = "Does the model free the people's records of noise more easily that it was trained on?"
    source = "Matsumoto et al. (S&P workshops 2023); Carlini et al. (USENIX Security 2023)"
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


@register
class Retraced(AskingAttack):
    """Does the diffusion model find back, on records it was trained on, from a step towards noise?

    A record is walked towards noise by the model's own, deterministic steps (DDIM, reversed) up to a time, then one
    step further and the same step back. A model that knows the record ends where it began. Categories of tables stay
    clean, and count by the cross-entropy of their guess, as in `membership.proximal`.

    Source: Duan, Kong, Wang, Shi and Xu, "Are diffusion models vulnerable to membership inference attacks?" (ICML
    2023), SecMI, the t-error of equation 9 as the score.
    """

    id = "membership.secmi"
    title = "Membership by a step towards noise and back"
    question = "Does the model find back from a step towards noise best on the people it was trained on?"
    source = "Duan et al., SecMI (ICML 2023)"
    modalities = DIFFUSION
    knowledge = "holds the model itself, and walks each record along its own deterministic steps"
    asks = SECMI
