from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generators import Column, Dataset, InputError, Schema, load_dataset, load_parts, read_like, read_table, write_table
from generators.datasets.tokens import MISSING_TOKENS

BAD_FILES = [
    ("t.csv", b"", "t.csv: is empty"),
    ("t.csv", b"\xef\xbb\xbf", "t.csv: is empty"),
    ("t.csv", b"\xef\xbb\xbf \r\n", "t.csv: is empty"),
    ("t.csv", b"a,b\n", "has a header but no data rows"),
    ("t.csv", b"a,b\n1,2\n", "has a single data row"),
    ("t.csv", b"a,a\n1,2\n3,4\n", "column name 'a' occurs twice"),
    ("t.csv", b"a,b\n1,2\n3\n", r"row 2 has 1 cells, the header has 2 \(column 'b' has none\)"),
    ("t.csv", b"a,b\n1,2\n3,4,5\n", "row 2 has 3 cells"),
    ("t.csv", b"a,b\n1,2\n\xff,4\n", "is not UTF-8: line 3 holds byte 0xff"),
    ("t.csv", b"1,x\n2,x\n1,x\n", "first row looks like data"),
    ("t.csv.gz", b"a,b\n1,2\n", "not a readable gzip file"),
    ("t.parquet", b"PAR1 and then not", "not a readable Parquet file"),
    ("t.xlsx", b"a", "not a table this tool reads"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES, ids=[message for _, _, message in BAD_FILES])
def test_bad_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_table(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.csv: no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="neither a built-in data set"):
        load_dataset("nothing")


def test_cells_stay_strings(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b'\xef\xbb\xbfa, b\r\n01, "x, y"\r\n\r\nNA, None\r\n'))
    frame = read_table(tmp_path / "t.csv.gz")
    assert frame.to_dict("list") == {"a": ["01", "NA"], "b": ["x, y", "None"]}


BAD_CELLS = [
    (Column("x", "integer"), ["1", "2.5"], "row 2 holds '2.5', expected an integer; declare it numeric"),
    (Column("x", "numeric"), ["1", "-inf"], "column 'x' is not finite: row 2 holds '-inf'"),
    (Column("x", "numeric"), ["1e999", "1"], "row 1 holds '1e999'"),
    (Column("x", "numeric"), ["1", "one"], "row 2 holds 'one', expected a number"),
    (Column("x", "boolean", levels=("no", "yes")), ["yes", "maybe"], "row 2 holds 'maybe', expected a truth value"),
    (Column("x", "datetime"), ["2020-01-01", "2020-13-01"], "row 2 holds '2020-13-01', expected an ISO date"),
    (Column("x", "datetime"), ["2020-01-01", "9999-01-01"], "row 2 holds '9999-01-01'"),
    (Column("x", "categorical"), ["", "?"], "column 'x' holds no value at all"),
]


@pytest.mark.parametrize(("column", "cells", "message"), BAD_CELLS, ids=[message for _, _, message in BAD_CELLS])
def test_bad_cells(column: Column, cells: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Schema((column,)).coerce(pd.DataFrame({"x": cells}, dtype=object), "f.csv")


def test_missing_and_unexpected_columns() -> None:
    schema = Schema((Column("x", "numeric"), Column("y", "numeric")))
    with pytest.raises(InputError, match=r"f.csv: column 'y' is missing"):
        schema.coerce(pd.DataFrame({"x": ["1"]}), "f.csv")
    with pytest.raises(InputError, match=r"f.csv: unexpected column 'z'"):
        schema.coerce(pd.DataFrame({"x": ["1"], "y": ["1"], "z": ["1"]}), "f.csv")


def test_canonical_cells() -> None:
    cells = {
        "n": ["1.5", "?", "2"],
        "b": ["True", "0", ""],
        "d": ["2020-01-01", "2020-01-01T02:00+02:00", "NA"],
        "c": ["a", "NaN", "None"],
    }
    levels = Column("b", "boolean", levels=("no", "yes"))
    schema = Schema((Column("n", "numeric"), levels, Column("d", "datetime"), Column("c", "categorical")))
    frame = schema.coerce(pd.DataFrame(cells, dtype=object), "f.csv")
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "object", "datetime64[ns]", "object"]
    assert frame["b"].tolist()[:2] == ["yes", "no"]
    assert frame["d"].iloc[0] == frame["d"].iloc[1] == pd.Timestamp("2020-01-01")
    assert frame["c"].tolist()[2] == "None"
    assert frame.isna().to_numpy().tolist() == [[False] * 4, [True, False, False, True], [False, True, True, False]]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "tsv", "parquet"])
def test_written_tables_read_back_equal(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame(
        {
            "n": [0.1, np.nan, 1e-17] * 20,
            "i": [1.0, np.nan, 4e9] * 20,
            "c": pd.Series(["=a,\t1", np.nan, 'quo"te'] * 20, dtype=object),
            "d": pd.Series(["2020-01-01", None, "2021-01-01T10:00:00.5"] * 20, dtype=object).pipe(
                pd.to_datetime, format="ISO8601"
            ),
        }
    ).astype({"d": "datetime64[ns]"})
    kinds = {"n": "numeric", "i": "integer", "c": "categorical", "d": "datetime"}
    schema = Schema(tuple(Column(name, kind) for name, kind in kinds.items()))  # type: ignore[arg-type]
    path = tmp_path / "new" / f"t.{suffix}"
    write_table(frame, path, schema)
    pd.testing.assert_frame_equal(read_like(path, schema), frame)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=6) | st.text(
    st.sampled_from('a ,"\t\r\n;\ufeff'), min_size=1, max_size=6
)


@pytest.mark.parametrize("suffix", ["csv", "tsv.gz", "parquet"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
@example(data=None)
def test_any_words_read_back_equal(suffix: str, data: st.DataObject | None) -> None:
    names, cells = [" g", "g"], [["x\ry", " a"], ["a ", "\n"]]
    if data is not None:
        names = data.draw(st.lists(WORDS, min_size=1, max_size=3, unique=True))
        values = WORDS.filter(lambda word: word not in {*MISSING_TOKENS, *names}) | st.just(np.nan)
        rows = st.lists(values, min_size=2, max_size=4).filter(lambda column: not all(map(pd.isna, column)))
        first = data.draw(rows)
        cells = [first, *([data.draw(values), *first[1:]] for _ in names[1:])]
    schema = Schema(tuple(Column(name, "categorical") for name in names))
    frame = pd.DataFrame(dict(zip(names, cells, strict=True)), dtype=object)
    with tempfile.TemporaryDirectory() as folder:
        write_table(frame, Path(folder) / f"t.{suffix}", schema)
        if frame.isna().all().any():
            return
        back = read_like(Path(folder) / f"t.{suffix}", schema)
    pd.testing.assert_frame_equal(back, frame)


def test_quotes_keep_blanks_of_names(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('\n a , "b ", " c"\n1, 2, " 3"\n4,5,6\n')
    frame = read_table(tmp_path / "t.csv")
    assert frame.to_dict("list") == {"a": ["1", "4"], "b ": ["2", "5"], " c": [" 3", "6"]}


LARGE = [
    # (cells, what they read back as when written, whether a note says that digits are lost)
    (["9007199254740991", "-12", "3"], [2.0**53 - 1, -12, 3], False),
    (["9007199254740993", "1", "2"], [2.0**53, 1, 2], True),
    (["100000000000000000000", "1", ""], [1e20, 1, np.nan], False),
    (["-123456789012345678901", "1", "2"], [-123456789012345678901.0, 1, 2], True),
]


@pytest.mark.parametrize(("cells", "expected", "lossy"), LARGE, ids=[cells[0] for cells, _, _ in LARGE])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_large_whole_numbers(tmp_path: Path, suffix: str, cells: list[str], expected: list[float], lossy: bool) -> None:
    (tmp_path / "t.csv").write_text("\n".join(["n,c", *(f"{cell},x" for cell in cells)]))
    data = load_dataset(tmp_path / "t.csv", schema={"columns": {"n": "integer"}})
    assert [("column 'n': 1 whole numbers beyond 2**53" in note) for note in data.notes] == [True] * lossy
    write_table(data.records, tmp_path / f"u.{suffix}", data.schema)
    np.testing.assert_array_equal(read_like(tmp_path / f"u.{suffix}", data.schema)["n"], expected)


def test_a_declared_level_is_never_missing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("country,c\n" + "NA,null\nDE,?\n,x\n" * 4)
    declared = {"columns": {"country": {"kind": "categorical", "levels": ["DE", "NA"]}}}
    data = load_dataset(tmp_path / "t.csv", schema=declared)
    assert data.records["country"].tolist()[:2] == ["NA", "DE"]
    assert data.records["country"].isna().tolist()[:3] == [False, False, True]
    assert data.schema["country"].missing
    assert data.records["c"].isna().tolist()[:3] == [True, True, False]
    for suffix in ("csv", "parquet"):
        write_table(data.records, tmp_path / f"u.{suffix}", data.schema)
        pd.testing.assert_frame_equal(read_like(tmp_path / f"u.{suffix}", data.schema), data.records)


def test_fingerprint_is_independent_of_the_file_format(tmp_path: Path) -> None:
    data = load_dataset("randhie")
    marks = set()
    for suffix in ("csv", "parquet"):
        write_table(data.records, tmp_path / f"t.{suffix}", data.schema)
        marks.add(load_dataset(tmp_path / f"t.{suffix}", schema=data.schema).fingerprint("records"))
    changed = data.records.copy()
    changed.loc[5, "mdvis"] += 1
    assert marks == {data.fingerprint("records")}
    assert Dataset("x", data.schema, {"records": changed}).fingerprint("records") not in marks


def test_written_types_do_not_matter_for_inference(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, None, 3.0] * 20, "b": [True, False, True] * 20, "w": np.arange(60) % 31 * 7})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    one, two = load_dataset(tmp_path / "t.csv"), load_dataset(tmp_path / "t.parquet")
    assert one.schema == two.schema
    assert one.fingerprint("records") == two.fingerprint("records")


def test_messages_name_the_right_part(tmp_path: Path) -> None:
    rows = [f"{i * 13 % 997},{'ab'[i % 2]}" for i in range(200)]
    (tmp_path / "train.csv").write_text("\n".join(["age,c", *rows[:100]]))
    (tmp_path / "holdout.csv").write_text("\n".join(["age,c", *rows[100:], "abc,a"]))
    with pytest.raises(InputError, match=r"holdout.csv: column 'age' changes type: row 101 holds 'abc'"):
        load_parts(tmp_path / "train.csv", tmp_path / "holdout.csv")


def test_synthetic_files_may_lack_identifiers_and_have_a_row_index(tmp_path: Path) -> None:
    schema = Schema((Column("id", "identifier"), Column("x", "numeric")))
    (tmp_path / "s.csv").write_text(",x\n0,1\n1,2\n")
    frame = read_like(tmp_path / "s.csv", schema)
    assert list(frame.columns) == ["id", "x"]
    assert frame["id"].isna().all()


@pytest.mark.parametrize(
    ("name", "rows"), [("affairs", 6366), ("randhie", 20190), ("breast-cancer", 569), ("digits", 1797)]
)
def test_builtin_data_lie_in_their_public_domains(name: str, rows: int) -> None:
    data = load_dataset(name)
    assert len(data.records) == rows
    assert data.schema.target in data.schema.names
    for column in data.schema.columns:
        cells = data.records[column.name]
        assert column.domain_is_known
        if column.levels is not None:
            assert set(cells) <= set(column.levels)
        else:
            assert column.low is not None
            assert column.high is not None
            slack = 0.01 * (column.high - column.low)  # published tables are rounded
            assert cells.between(column.low - slack, column.high + slack).all()


def test_builtin_schemas_can_be_overridden_in_part() -> None:
    declared = {"target": "age", "columns": {"affairs": {"kind": "numeric", "low": 0, "high": 99, "public": "me"}}}
    schema = load_dataset("affairs", schema=declared).schema
    assert (schema["affairs"].high, schema["affairs"].public, schema.target) == (99.0, "me", "age")
    assert schema["age"].public == load_dataset("affairs").schema["age"].public


def test_importing_the_package_leaves_torch_alone() -> None:
    code = (
        "import sys, generators; generators.kinds(); sys.exit('torch' in sys.modules or 'dp_accounting' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
