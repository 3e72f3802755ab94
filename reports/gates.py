"""Gates joined with what they speak of, put in order of urgency and on one common scale."""

from __future__ import annotations

from dataclasses import dataclass

from reports.document import Audit, Estimate, Finding, Gate
from reports.release import counts
from reports.words import SEVERITY


@dataclass(frozen=True)
class JoinedGate:
    """A gate together with its finding and its estimate; `counted` if the declared release lets its attacker in."""

    gate: Gate
    finding: Finding
    estimate: Estimate
    counted: bool

    def position(self, value: float) -> float:
        """Where a value lies between no leak (0) and the limit (1); above 1 is beyond the limit.

        Every gate has its own unit, so this is what makes them comparable. Without a usable null, 0 stands one
        limit's size away from the limit, on the good side.

        Args:
            value: a value in the estimate's unit.

        Returns:
            A number without unit; it grows towards the bad side, whichever side that is.
        """
        limit, null = self.gate.limit, self.gate.null
        good_side = 1 if self.gate.better == "higher" else -1
        if null is None or (null - limit) * good_side <= 0:
            null = limit + good_side * (abs(limit) or self.gate.high - self.gate.low or 1.0)
        return (value - null) / (limit - null)


def joined_gates(audit: Audit) -> list[JoinedGate]:
    """Every gate of the audit, the most urgent first; ties by how close the estimate comes to its limit.

    Gates on attackers whom the declared release keeps away come last, whatever their status.

    Args:
        audit: a document; its own validation makes sure that each gate has its estimate.
    """
    known = {
        (f.id, estimate.name): (f, estimate, counts(f, audit.release))
        for f in audit.findings
        for estimate in f.estimates
    }
    gates = [JoinedGate(gate, *known[gate.finding, gate.estimate]) for gate in audit.gates]
    return sorted(gates, key=_urgency)


def _urgency(joined: JoinedGate) -> tuple[bool, int, float]:
    return not joined.counted, SEVERITY.index(joined.gate.status), -joined.position(joined.estimate.value)
