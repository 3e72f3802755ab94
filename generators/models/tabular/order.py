"""In which order autoregressive models of tables take the columns."""

from __future__ import annotations

from generators.datasets import Schema


def target_last(schema: Schema) -> tuple[int, ...]:
    """Return the places of the modelled columns in the table's order, but the target last.

    A model that gives each column a distribution given those before it then learns to predict the target from all
    others, which is what users of the synthetic table do.

    Example:
        >>> from generators.datasets import Column
        >>> columns = (Column("sick", "boolean"), Column("name", "identifier"), Column("age", "integer"))
        >>> target_last(Schema(columns, target="sick"))
        (1, 0)
    """
    names = [column.name for column in schema.modelled]
    return tuple(sorted(range(len(names)), key=lambda place: names[place] == schema.target))
