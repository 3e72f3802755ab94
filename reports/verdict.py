"""The verdict: one sentence that is understood in five seconds, the tally behind it and the numbers to remember."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from reports.document import Audit, Estimate, Finding, Gate, Status
from reports.gates import joined_gates
from reports.release import PROFILES, counts, judge
from reports.visible import short
from reports.words import HEADLINES, SEVERITY, UNANSWERED

LIMITS_OF_AN_AUDIT = (
    "Only the checks listed under Coverage were run, against the attacker described in each of them. Other or "
    "stronger attacks may learn more. The results are evidence for people to weigh; they are not a legal conclusion."
)


@dataclass(frozen=True)
class KeyNumber:
    """A number worth remembering; `gate` is None where no limit was set on it."""

    finding: Finding
    estimate: Estimate
    gate: Gate | None

    @property
    def status(self) -> Status:
        """The gate's status, or the finding's where there is no gate."""
        return self.gate.status if self.gate else self.finding.status


@dataclass(frozen=True)
class Verdict:
    """What the top of every report says.

    `headline` answers in a few words whether the target may be released, `sentence` says why, and `release` whose
    release that is about and whose not; `gates` counts by status the gates that count, the most urgent first, without
    zeros.
    """

    status: Status
    headline: str
    sentence: str
    release: str
    gates: dict[Status, int]
    key_numbers: list[KeyNumber]


def verdict(audit: Audit) -> Verdict:
    """Sum up an audit in one sentence, a tally of its gates and at most three numbers.

    The sentence follows `audit.status`; it never says more than that the checks which ran found, or did not find,
    something.

    Args:
        audit: the document.

    Example:
        >>> verdict(audit).sentence  # doctest: +SKIP
        'All 7 limits held in the checks that were run.'
    """
    tally = Counter(gate.status for gate in judge(audit).gates)
    return Verdict(
        status=audit.status,
        # What broke does not excuse what failed.
        headline=HEADLINES["fail" if audit.status == "error" and tally["fail"] else audit.status],
        sentence=_sentence(audit),
        release=_release(audit),
        gates={status: tally[status] for status in SEVERITY if tally[status]},
        key_numbers=_key_numbers(audit, at_most=3),
    )


def _release(audit: Audit) -> str:
    if audit.release is None:
        return (
            "No way of release was declared, so every attacker that was tried counts. What suffices for one way of "
            "release may not for another."
        )
    profile, judgement = PROFILES[audit.release], judge(audit)
    left_out = len(judgement.left_out)
    sentence = f"This is about {profile.title} ({profile.meaning}) and about no other way of release."
    if judgement.wanting:
        sentence += f" Wanting: {'; '.join(judgement.wanting)}."
    if left_out:
        sentence += (
            f" {left_out} {'limits' if left_out > 1 else 'limit'} on attackers whom it keeps away "
            f"{'are' if left_out > 1 else 'is'} shown, but not counted."
        )
    return sentence


def _sentence(audit: Audit) -> str:
    gates = judge(audit).gates
    total = len(gates)
    reached = sum(gate.status == audit.status for gate in gates)
    share = f"{reached} of {total} limits" if total > 1 else "the only limit"
    match audit.status:
        case "pass" if total:
            held = f"All {total} limits" if total > 1 else "The only limit"
            return f"{held} held in the checks that were run."
        case "pass":
            return "The checks that were run found nothing against this target."
        case "warn" if reached:
            undecided = sum(gate.status == "inconclusive" for gate in gates)
            open_ones = f", and {undecided} of {total} limits could not be decided" if undecided else ""
            verb = "does" if len(_reached(audit)) == 1 else "do"
            return f"No limit is shown to be broken, but {_titles(audit)} {verb} worse than no leak at all{open_ones}."
        case "warn":
            return "No limit is shown to be broken, but the checks point to a leak."
        case "fail" if reached:
            return f"The target breaks {share}: {_titles(audit)}."
        case "fail":
            return "The target fails this audit."
        case "inconclusive" if reached:
            return f"No limit is shown to be broken, but the evidence could not decide {share}."
        case "inconclusive":
            return "The evidence does not suffice to decide."
        case "error":
            broken = sum(finding.status == "error" for finding in audit.findings)
            who = f"{broken} checks" if broken > 1 else "A check"
            incomplete = f"{who} broke before giving an answer, so this audit is incomplete"
            failed = sum(gate.status == "fail" for gate in gates)
            if not failed:
                return f"{incomplete}."
            return (
                f"{incomplete}; even so, the target breaks {f'{failed} of {total} limits' if total > 1 else 'a limit'}."
            )
        case "manual":
            return "Nothing here has a limit: the measurements are for a person to judge."
        case "not-applicable":
            return "None of the checks applies to this target, so nothing is known about it."
        case "not-run":
            return "No check was run, so nothing is known about this target."


def _reached(audit: Audit) -> list[str]:
    gates = joined_gates(audit)
    names = (joined.finding.title for joined in gates if joined.gate.status == audit.status and joined.counted)
    return list(dict.fromkeys(names))


def _titles(audit: Audit) -> str:
    names = _reached(audit)
    shown = [f"“{short(name, 48)}”" for name in names[:2]]
    if len(names) > 2:
        shown.append(f"{len(names) - 2} more")
    return " and ".join(shown) if len(shown) < 3 else f"{shown[0]}, {shown[1]} and {shown[2]}"


def _key_numbers(audit: Audit, at_most: int) -> list[KeyNumber]:
    chosen: dict[str, KeyNumber] = {}
    for joined in joined_gates(audit):
        if not joined.counted:
            break
        chosen.setdefault(joined.finding.id, KeyNumber(joined.finding, joined.estimate, joined.gate))
    for finding in audit.findings:
        if finding.estimates and finding.status not in UNANSWERED and counts(finding, audit.release):
            chosen.setdefault(finding.id, KeyNumber(finding, finding.estimates[0], None))
    return list(chosen.values())[:at_most]
