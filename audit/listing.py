"""What `genassay list` shows: the generators, checks, data sets and frameworks that there are."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from audit.checks import EVERY_MODALITY, all_checks
from generators import InputError, builtin_names, kinds, load_dataset
from generators.models.abilities import abilities_of
from generators.models.registry import family
from reports import builtin_frameworks

WIDTH = 100


def generators_listed() -> list[Table]:
    """Every kind with its modality, whether it trains under a budget, and its abilities; below, why some do not.

    A kind of another package that fails to load is named with its reason; the others are listed all the same.
    """
    table = _table("kind", "modality", "budget", "abilities", "what it is")
    reasons = _table("no budget for", "because")
    for kind in kinds():
        try:
            found = family(kind)
        except InputError as error:
            table.add_row(*map(Text, (kind, "", "", "", str(error))))
            continue
        abilities = ", ".join(("conditions", *abilities_of(found)))
        summary = (found.__doc__ or "").strip().partition("\n")[0]
        table.add_row(*map(Text, (kind, found.modality, "no" if found.no_privacy else "yes", abilities, summary)))
        if found.no_privacy:
            reasons.add_row(Text(kind), Text(found.no_privacy))
    return [table, reasons] if reasons.rows else [table]


def checks_listed() -> list[Table]:
    """Every check with the access it needs, the modalities it works on and where it was published."""
    table = _table("check", "access", "modalities", "source")
    for name, check in all_checks().items():
        table.add_row(*map(Text, (name, check.access, ", ".join(check.modalities), check.source)))
    return [table]


def coverage() -> str:
    """Every check as a Markdown table: what is asked, of which records, by whom, after which publication.

    What no check answers yet stands there too: nobody should take a list of attacks for a list of all attacks.
    """
    lines = ["| check | question | records | attacker's access | source |", "|---|---|---|---|---|"]
    for name, check in all_checks().items():
        records = "all" if set(check.modalities) == set(EVERY_MODALITY) else ", ".join(check.modalities)
        asked = f"{check.question} *Not run: {check.missing}.*" if check.missing else check.question
        lines.append(f"| `{name}` | {asked} | {records} | {check.access} | {check.source} |")
    return "\n".join(lines)


def datasets_listed() -> list[Table]:
    """Every built-in data set with its size."""
    table = _table("data set", "modality", "records", "columns", "target")
    for name in builtin_names():
        data = load_dataset(name)
        sizes = f"{len(data.records):,}", str(len(data.schema.columns))
        table.add_row(*map(Text, (name, data.modality, *sizes, data.schema.target or "")))
    return [table]


def frameworks_listed() -> list[Table]:
    """Every framework that a report is held against, with the number of its rows."""
    table = _table("framework", "rows", "title", "publisher")
    for one in builtin_frameworks():
        table.add_row(*map(Text, (one.id, str(len(one.rows)), one.title, one.publisher)))
    return [table]


LISTS = {
    "generators": generators_listed,
    "checks": checks_listed,
    "datasets": datasets_listed,
    "frameworks": frameworks_listed,
}


def _table(*headings: str) -> Table:
    """A table whose last columns wrap."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(heading, no_wrap=number < max(1, len(headings) - 2))
    return table
