from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from generators import Column, InputError, Schema, load_dataset


def frame_of(*cells: str, name: str = "x") -> pd.DataFrame:
    return pd.DataFrame({name: list(cells)}, dtype=object)


WIDE = [str(1000 + 7 * (i * 37 % 50)) for i in range(50)]  # 50 distinct integers, not monotone

KINDS = [
    ("income", [*WIDE, *WIDE], "integer"),
    ("income", [f"{cell}.0" for cell in [*WIDE, *WIDE]], "integer"),
    ("height", [f"{cell}.5" for cell in [*WIDE, *WIDE]], "numeric"),
    ("stage", ["1", "2", "3", "4"] * 10, "ordinal"),
    ("dose", ["0.5", "1", "2"] * 10, "ordinal"),
    ("small", ["3", "1", "2"], "integer"),
    ("flag", ["0", "1"] * 10, "boolean"),
    ("flag", ["Yes", "No"] * 10, "boolean"),
    ("flag", ["true", "false", ""] * 10, "boolean"),
    ("sex", ["1", "2"] * 10, "ordinal"),
    ("sex", ["f", "m", "?"] * 10, "categorical"),
    ("result", ["None", "Norm", ">7"] * 10, "categorical"),
    ("day", ["2020-01-31", "2021-02-28", "NA"] * 10, "datetime"),
    ("when", ["2020-01-31T10:20:30Z", "2021-02-28 11:00"] * 10, "datetime"),
    ("row", [str(i) for i in range(30)], "identifier"),
    ("", [*WIDE], "identifier"),
    ("encounter_id", [*WIDE], "identifier"),
    ("fnlwgt", [*WIDE], "integer"),
    ("code", [f"a{i}" for i in range(30)], "identifier"),
    ("zip", ["02139", "02140"] * 10, "categorical"),
    ("diag", ["V57", "E11", "E12", *WIDE], "identifier"),
    ("diag", ["250.83", "V57", *WIDE] * 3, "categorical"),
    ("note", [f"patient number {i} was seen and sent home" for i in range(30)], "text"),
]


@pytest.mark.parametrize(("name", "cells", "kind"), KINDS, ids=lambda value: value if isinstance(value, str) else "")
def test_kind_is_inferred(name: str, cells: list[str], kind: str) -> None:
    assert Schema.infer(frame_of(*cells, name=name))[name].kind == kind


def test_recurring_token_among_numbers_is_a_missing_code_and_a_stray_one_is_not() -> None:
    sentinel = Schema.infer(frame_of(*WIDE, *WIDE, "N", "N"))["x"]
    assert (sentinel.kind, sentinel.missing_codes, sentinel.missing) == ("integer", ("N",), True)
    stray = frame_of(*WIDE[:16], "abc", *WIDE)
    with pytest.raises(InputError, match=r"f.csv: column 'x' changes type: row 17 holds 'abc', expected an integer"):
        Schema.infer(stray).coerce(stray, "f.csv")


def test_domains_are_learnt() -> None:
    frame = pd.DataFrame({"n": [*WIDE, *WIDE[:-1], ""], "c": ["b", "a"] * 50, "o": ["2", "1.5"] * 50}, dtype=object)
    schema = Schema.infer(frame)
    assert (schema["n"].low, schema["n"].high, schema["n"].missing) == (1000, 1343, True)
    assert schema["c"].levels == ("a", "b")
    assert schema["o"].levels == (1.5, 2.0)
    assert all(column.public is None for column in schema.columns)


def test_unit_becomes_an_identifier() -> None:
    schema = Schema.infer(frame_of(*WIDE, *WIDE), unit="x")
    assert (schema["x"].kind, schema.unit) == ("identifier", "x")


def test_declaration_overrides_some_columns(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text("columns:\n  a: {kind: integer, low: 0, high: 9, public: codebook}\ntarget: b\n")
    frame = pd.DataFrame({"a": ["1", "2"] * 10, "b": ["x", "y"] * 10}, dtype=object)
    schema = Schema.from_yaml(path, frame=frame)
    assert schema["a"] == Column("a", "integer", low=0, high=9, missing=True, public="codebook")
    assert schema["b"].levels == ("x", "y")
    assert schema.target == "b"


def test_yaml_and_dict_round_trip(tmp_path: Path) -> None:
    schema = load_dataset("affairs").schema
    schema.to_yaml(tmp_path / "s.yaml")
    assert Schema.from_yaml(tmp_path / "s.yaml") == schema
    assert Schema.from_dict(schema.to_dict()) == schema


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("columns: {x: {kind: colour}}", "unknown kind 'colour'"),
        ("columns: {x: {kind: integer, lowest: 3}}", "unknown field 'lowest'"),
        ("columns: {x: {kind: integer, low: 3, high: 1}}", "low 3 is above high 1"),
        ("columns: {x: {kind: integer, low: many}}", "expected a number or an ISO date"),
        ("columns: {x: {kind: categorical, levels: [yes, no]}}", "in quotes"),
        ("columns: {x: {low: 1, high: 2, public: me}}", "public needs the kind beside it"),
        ("columns: {x: {low: 3}}", "has no kind"),
        ("columns: {x: integer}\nunit: y", "unit column 'y' is not in the table"),
        ("rows: {}", "unknown key 'rows'"),
        ("- 1", "a schema file is a mapping"),
        ("columns: [", "cannot be read as a YAML schema"),
    ],
)
def test_bad_schema_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        Schema.from_yaml(path)
    assert "\n" not in str(caught.value)


def test_declaring_an_absent_column_is_an_error() -> None:
    with pytest.raises(InputError, match="column 'z' is not in the table"):
        Schema.infer(frame_of("1", "2"), declared={"columns": {"z": "integer"}})


def test_a_generator_keeps_only_what_train_shows() -> None:
    schema = Schema.infer(pd.DataFrame({"c": ["a", "b", "c"] * 5, "n": WIDE[:15]}, dtype=object))
    part = pd.DataFrame({"c": ["a", "b"], "n": [3.0, 5.0]}).astype({"c": object})
    learnt = schema.learnt_from(part)
    assert learnt["c"].levels == ("a", "b")
    assert (learnt["n"].low, learnt["n"].high) == (3.0, 5.0)


def test_schema_prints_as_a_table() -> None:
    shown = str(load_dataset("affairs").schema).splitlines()
    assert shown[0].split() == ["column", "kind", "domain", "missing", "domain", "public", "by"]
    assert shown[-1] == "target: yrs_married"


REAL = [
    ("anonymeter_adults/adults_train_reconstructed.csv.gz", {"fnlwgt": "integer", "education_num": "ordinal"}),
    ("nist_acs_excerpts/ma2019.csv.gz", {"INDP": "integer", "POVPIP": "integer", "DREM": "categorical"}),
    ("nist_deid_national2019/smote_target_marital_na.csv.gz", {"": "identifier", "PUMA": "categorical"}),
    ("sdmetrics_demo/single_table_student_placements_real.csv.gz", {"start_date": "datetime", "placed": "boolean"}),
]


@pytest.mark.parametrize(("file", "kinds"), REAL, ids=lambda value: value if isinstance(value, str) else "")
def test_real_files(shared_data: Path, file: str, kinds: dict[str, str]) -> None:
    schema = load_dataset(shared_data / file).schema
    assert {name: schema[name].kind for name in kinds} == kinds


@pytest.mark.slow
def test_real_diabetes_file(shared_data: Path) -> None:
    data = load_dataset(shared_data / "diabetes130" / "diabetic_data.csv.gz", unit="patient_nbr")
    kinds = {
        "encounter_id": "identifier",
        "patient_nbr": "identifier",
        "diag_1": "categorical",
        "A1Cresult": "categorical",
    }
    assert {name: data.schema[name].kind for name in kinds} == kinds
    assert "None" in np.asarray(data.schema["A1Cresult"].levels)
