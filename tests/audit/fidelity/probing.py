"""One check on one sample, as tests of evaluations ask for it."""

from audit.checks import Subject, all_checks, default_policy
from audit.targets import records_target
from generators import Dataset
from reports import Finding


def probe(check, records, data: Dataset, seed: int = 0, **known) -> Finding:
    subject = Subject(records_target(records, data.modality), data, default_policy(), seed, **known)
    return all_checks()[check]().run(subject)[0]


def values(finding: Finding) -> dict[str, float]:
    return {one.name: one.value for one in finding.estimates}
