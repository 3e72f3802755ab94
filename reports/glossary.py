"""The terms that a report uses, each in a sentence or two."""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "AUC": (
        "How often an attack ranks a random member above a random non-member. 0.5 is guessing, 1 is certainty. It "
        "is an average: a leak of a few records can hide behind an AUC near 0.5."
    ),
    "Control": (
        "A case whose answer is known, run through the same check: a planted leak that must be found, a clean target "
        "that must stay quiet, and a measure of how far the parts of the data differ by themselves."
    ),
    "Delta": "The small probability with which the bound that epsilon states may fail.",
    "Differential privacy": (
        "A property of a procedure: adding or removing one unit of data changes the chance of any output by at most "
        "a factor of e to the epsilon, up to delta. It is claimed by whoever trained the model; an audit can "
        "contradict the claim but never prove it."
    ),
    "Epsilon": "How much one unit of data may influence the output; smaller is more private.",
    "Gate": "A limit set on an estimate beforehand. Its status is decided on the wider verdict interval.",
    "Interval": (
        "The values that the data leave plausible. Estimates are shown with 95% intervals; verdicts use wider ones, so "
        "that an audit with many gates rarely errs in any of them."
    ),
    "Ledger": "The list of every touch of private data by the generator, with what each cost.",
    "Member": "A record that the generator was trained on. A non-member is one that it has never seen.",
    "Null": "The value that an estimate would have without any leak.",
    "Power": "The chance that a check would have found a leak of a stated size, had there been one.",
    "Threat model": "What an attacker is taken to see and to know. A result speaks of that attacker only.",
    "True positives at a false-alarm rate": (
        "The share of members that an attack recognises while accusing wrongly only the stated share of non-members. "
        "The measure to watch where the harm falls on a few people."
    ),
    "Unit of privacy": "What one individual's data is taken to be: one record, or all records of one person.",
}
