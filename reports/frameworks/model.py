"""What a framework file may say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reports.document import Part

Section = Literal["claim", "ledger", "statement", "randomness", "threat-models", "coverage", "provenance", "release"]
Wording = Literal["quoted", "found", "recalled"]


class Row(Part):
    """One demand of a framework and where an audit may hold evidence for it.

    Attributes:
        clause: where the demand stands, as a reader would cite it.
        asks: what it asks for, in plain words.
        findings: ids of checks, or patterns such as `membership.*`.
        sections: parts of the document itself, for what must be stated and not measured.
        judgement: what a person has to add, whatever the evidence says.
        wording: how sure the row is of its source: `quoted` from it, `found` in a text of it or about it, or
            `recalled`, so that clause and wording must be looked up before anyone cites them.

    A row without findings and sections is for a person alone.
    """

    clause: str = Field(min_length=1)
    asks: str = Field(min_length=1)
    findings: list[str] = Field(default=[])
    sections: list[Section] = Field(default=[])
    judgement: str = Field(min_length=1)
    wording: Wording

    @model_validator(mode="after")
    def _one_kind_of_evidence(self) -> Row:
        if self.findings and self.sections:
            raise ValueError("give findings or sections, not both: what is measured and what is stated differ")
        return self


class Framework(Part):
    """A framework as a table of demands.

    Attributes:
        id: short name, lower case with hyphens.
        title: its full name.
        publisher: whose it is.
        about: what it is for, and what this table can and cannot show.
        rows: the demands, in the framework's own order.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str = Field(min_length=1)
    publisher: str = Field(min_length=1)
    about: str = Field(min_length=1)
    rows: list[Row] = Field(min_length=1)
