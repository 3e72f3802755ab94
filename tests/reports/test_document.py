from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reports import Audit, DocumentError, json_schema


def test_golden_document_is_the_example(audit: Audit, golden: Path) -> None:
    stored = golden / "audit.json"
    assert Audit.load(stored) == audit
    assert stored.read_text(encoding="utf-8") == audit.to_json()
    assert Audit.load(golden) == audit


def test_golden_document_fits_the_published_schema(golden: Path) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads((golden / "audit.json").read_text(encoding="utf-8")), schema)


def put(document: dict[str, Any], path: tuple[str | int, ...], value: Any) -> str:
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema_version",), "9.0", r"schema_version is '9\.0'"),
        (("status",), "green", r"\$\.status: "),
        (("findings", 1, "status"), "ok", r"\$\.findings\[1\]\.status: "),
        (("findings", 2, "estimates", 0, "colour"), "red", r"\$\.findings\[2\]\.estimates\[0\]\.colour: Extra"),
        (("findings", 2, "estimates", 0, "low"), 99, r"\$\.findings\[2\]\.estimates\[0\]: estimate 'epsilon_lower'"),
        (("findings", 2, "power", "x"), float("inf"), r"not valid JSON"),
        (("gates", 0, "estimate"), "nothing", r"\$: gate on membership\.distance/nothing"),
        (("provenance", "data", "train", "sha256"), "short", r"\$\.provenance\.data\.train\.sha256: "),
        (("findings", 1, "tables", 0, "rows", 0), ["one"], r"\$\.findings\[1\]\.tables\[0\]: table 'Copies by group'"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(
    document: dict[str, Any], path: tuple[str | int, ...], value: Any, message: str
) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        Audit.from_json(put(document, path, value), source="x.json")
    assert str(caught.value).startswith("x.json: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"schema_version": "1.0", "name": "a', "[" * 100_000, '{"a": NaN}', '{"a": "\\ud800"}', "1" * 5000],
    ids=["empty", "open", "cut", "deep", "nan", "surrogate", "digits"],
)
def test_broken_text_is_one_line(text: str) -> None:
    with pytest.raises(DocumentError, match=r"not valid JSON|schema_version is") as caught:
        Audit.from_json(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), 1e999, {"deep": [float("-inf")]}, object(), "\ud800"])
def test_free_form_fields_hold_json_only(document: dict[str, Any], value: Any) -> None:
    document["target"]["parameters"]["x"] = value
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        Audit.model_validate(document)


def test_missing_and_undecodable_files(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no such file"):
        Audit.load(tmp_path)
    (tmp_path / "audit.json").write_bytes(b"\xff\xfe")
    with pytest.raises(DocumentError, match="not UTF-8"):
        Audit.load(tmp_path)


def test_finding_by_id(audit: Audit) -> None:
    assert audit.finding("dp.one-run").family == "dp"
    with pytest.raises(KeyError, match="there are"):
        audit.finding("nope")


def test_saved_and_loaded_it_is_the_same(audit: Audit, tmp_path: Path) -> None:
    assert Audit.load(audit.save(tmp_path / "audit.json")) == audit
