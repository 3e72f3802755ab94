"""The risk of each training record, for whoever holds the data and for nobody else."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from audit.checks import Subject, all_checks
from audit.membership.attack import MembershipAttack, scores_of
from audit.statistics import Floats
from generators import InputError

FILE = "record_risk.parquet"


def record_risk(subject: Subject) -> pd.DataFrame:
    """How easily is each training record told from records that were not trained on?

    Args:
        subject: an audit whose membership checks have run.

    Returns:
        One row for each training record that was asked about: `row`, its number in train from 0, and for each attack
        that scored it the share of non-members that score lower (ties count half), 0 to 1: .5 is what chance gives,
        .99 means that one non-member in a hundred looks as much like a member. The column `membership.combined` is the
        one to sort by where it is present: the others pay nothing for being many.

    Raises:
        InputError: no membership check has scored these records.
    """
    members = subject.scored.main.members
    rows = np.arange(len(members)) if members.origin is None else members.origin[1]
    columns: dict[str, Floats] = {}
    for name, kind in all_checks().items():
        found = subject.found(*scores_of(name, "main"))
        if found is None or found.member_rows is not None or not issubclass(kind, MembershipAttack):
            continue
        if kind().cases(subject).asks_the_same(subject.scored):
            columns[name] = _share_below(found.members, found.nonmembers)
    if not columns:
        raise InputError("the risk of each record needs a membership check: add one to --checks, or leave --checks out")
    return pd.DataFrame({"row": rows, **columns})


def write_record_risk(subject: Subject, folder: Path, keys: Path | None = None) -> None:
    """Write `record_risk.parquet` under salted ids, and on request the file that says which record an id names.

    An id is an HMAC-SHA256 of the row number under a salt that comes from the operating system, follows from no seed
    and is stored nowhere; rows are ordered by id. So the file tells how risk is spread, and not whose it is, unless
    somebody also holds the keys, which are written to a place of the holder's choice and never into the results.

    Args:
        subject: an audit whose membership checks have run.
        folder: where results stand.
        keys: a `.parquet` file for the columns `id` and `row` (number in train, from 0); None writes no keys.

    Raises:
        InputError: no membership check has scored records.
    """
    salt = secrets.token_bytes(32)
    risk = record_risk(subject)
    named = risk.assign(
        row=[hmac.new(salt, str(row).encode(), hashlib.sha256).hexdigest()[:32] for row in risk["row"]]
    ).rename(columns={"row": "id"})
    named.sort_values("id", ignore_index=True).to_parquet(folder / FILE, index=False)
    if keys is not None:
        pd.DataFrame({"id": named["id"], "row": risk["row"]}).to_parquet(keys, index=False)


def check_keys(keys: Path | None) -> None:
    """Refuse a place for the keys that is taken or of another type, before an audit has taken its time."""
    if keys is None:
        return
    if keys.suffix != ".parquet":
        raise InputError(f"{keys}: keys are written as .parquet; give such a name")
    if keys.exists():
        raise InputError(f"{keys}: already exists; choose another name, or remove it first")
    if not keys.absolute().parent.is_dir():
        raise InputError(f"{keys}: the folder {keys.parent} does not exist")


def _share_below(members: Floats, others: Floats) -> Floats:
    """For each member the share of non-members below it, ties half."""
    together = rankdata(np.concatenate([members, others]))[: len(members)]
    return np.asarray((together - rankdata(members)) / len(others))
