"""Ways of releasing a model or its records: which attackers each lets in, and whether the evidence speaks of them.

A result speaks of the attacker who was tried. Published records meet attackers who have those records alone; an open
interface meets attackers who ask; open weights meet attackers who compute gradients. So the same evidence may suffice
for one way of release and say nothing about another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from reports.document import Access, Audit, Finding, Gate, Release, Status
from reports.words import ACCESS_MEANINGS, SEVERITY, STATUS_LABELS

# Whoever can do more can also do less, so each way of release meets all attackers up to its own.
_STRENGTH: tuple[Access, ...] = get_args(Access)
_DECIDED: frozenset[Status] = frozenset({"pass", "warn", "fail"})
_ON_PEOPLE = ("membership", "anonymity", "memorization")
# What these ask is not how much an attacker learns but whether a statement about the target is true.
_WHOEVER_ATTACKS = ("dp",)


@dataclass(frozen=True)
class Profile:
    """A way of release.

    Attributes:
        title: its name for people.
        meaning: who gets what.
        attackers: what the attackers to reckon with can reach.
        families: families of which at least one check must have decided a limit.
    """

    title: str
    meaning: str
    attackers: tuple[Access, ...]
    families: tuple[str, ...]


PROFILES: dict[Release, Profile] = {
    "internal": Profile(
        "internal use",
        "colleagues see the synthetic records and may ask the model for more; its weights stay with those who may see "
        "the training data anyway",
        _STRENGTH[:2],
        ("membership",),
    ),
    "synthetic-only": Profile(
        "synthetic records only",
        "anyone may have the synthetic records; nobody outside can ask the model",
        _STRENGTH[:1],
        _ON_PEOPLE,
    ),
    "public-api": Profile(
        "public interface",
        "anyone may ask the model as often as they like",
        _STRENGTH[:2],
        _ON_PEOPLE,
    ),
    "open-weights": Profile(
        "open weights",
        "anyone may have the model itself",
        _STRENGTH,
        _ON_PEOPLE,
    ),
}


@dataclass(frozen=True)
class Judgement:
    """What an audit's evidence says of one way of release.

    Attributes:
        status: the worst of what counts; `inconclusive` at best while something is wanting.
        gates: the gates that count.
        left_out: the gates on attackers that this way of release keeps away.
        wanting: what is not known although it would have to be, in words.
    """

    status: Status
    gates: tuple[Gate, ...]
    left_out: tuple[Gate, ...]
    wanting: tuple[str, ...]


def judge(audit: Audit, release: Release | None = None) -> Judgement:
    """What does the evidence say, if the target is released this way?

    Args:
        audit: the document.
        release: the way of release; by default the one that the audit declares. If that is none, every attacker
            counts and nothing is taken to be wanting.

    Example:
        >>> judge(audit, "open-weights").wanting  # doctest: +SKIP
        ("no limit on an attacker with the generator's weights and code was decided",)
    """
    release = release or audit.release
    if release is None:
        return Judgement(_worst(finding.status for finding in audit.findings), tuple(audit.gates), (), ())
    profile = PROFILES[release]
    counted = {finding.id: finding for finding in audit.findings if counts(finding, release)}
    gates = tuple(gate for gate in audit.gates if gate.finding in counted)
    left_out = tuple(gate for gate in audit.gates if gate.finding not in counted)
    wanting = (*_attackers_untried(profile, counted, gates), *_families_untried(profile, audit, gates))
    statuses: list[Status] = [finding.status for finding in counted.values()]
    if wanting:
        statuses.append("inconclusive")
    return Judgement(_worst(statuses), gates, left_out, wanting)


def counts(finding: Finding, release: Release | None) -> bool:
    """Whether the attacker of this finding is one that the way of release lets in."""
    if release is None or finding.family in _WHOEVER_ATTACKS:
        return True
    return finding.threat_model.access in PROFILES[release].attackers


def in_words(judgement: Judgement) -> str:
    """The tally of the gates that count, and what is wanting.

    Example:
        >>> in_words(Judgement("not-run", (), (), ("nothing was asked",)))
        'no limit counts here; nothing was asked'
    """
    tally = [
        f"{number} {STATUS_LABELS[status]}"
        for status in SEVERITY
        if (number := sum(gate.status == status for gate in judgement.gates))
    ]
    several = "s" if len(judgement.gates) != 1 else ""
    limits = f"{len(judgement.gates)} limit{several}: {', '.join(tally)}" if tally else "no limit counts here"
    return "; ".join([limits, *judgement.wanting])


def _attackers_untried(profile: Profile, counted: dict[str, Finding], gates: tuple[Gate, ...]) -> list[str]:
    """The strongest attackers let in must have been tried: what weaker ones fail at says nothing of them."""
    strongest = profile.attackers[-1]
    decided = (counted[gate.finding] for gate in gates if gate.status in _DECIDED)
    if any(one.threat_model.access == strongest and one.family in _ON_PEOPLE for one in decided):
        return []
    return [f"no limit was decided against attackers with {ACCESS_MEANINGS[strongest]}"]


def _families_untried(profile: Profile, audit: Audit, gates: tuple[Gate, ...]) -> list[str]:
    decided = {gate.finding.partition(".")[0] for gate in gates if gate.status in _DECIDED}
    wanting = []
    for family in profile.families:
        known = [finding.status for finding in audit.findings if finding.family == family]
        senseless = bool(known) and all(status == "not-applicable" for status in known)
        if family not in decided and not senseless:
            wanting.append(f"no limit on {family} was decided")
    return wanting


def _worst(statuses: Iterable[Status]) -> Status:
    return min(statuses, key=SEVERITY.index, default="not-run")
