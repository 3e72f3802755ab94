"""Texts from plain files, one a line or documents between blank lines, and from JSON lines with labels; and back."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from generators.datasets.columns import Column
from generators.datasets.files import read_text, whole_file
from generators.datasets.payload import Payload
from generators.errors import InputError

TEXT_SUFFIXES = (".txt", ".txt.gz", ".jsonl", ".jsonl.gz")
KEY = "text"
"""The key of `.jsonl` that holds the text."""
_COLUMN = Column("text", "text")
_LINE_END = re.compile(r"\r\n?")
_BLANK = " \t\v\f"
_BLANK_LINES = re.compile(rf"\n(?:[{_BLANK}]*\n)+")


def read_texts(path: Path, *, documents: bool | None = None) -> Payload:
    """Read texts.

    Args:
        path: `.txt`, or `.jsonl` with one object a line, whose key `text` holds the text and whose other keys are label
            columns; both also with `.gz`, in UTF-8.
        documents: Whether the records of a `.txt` are separated by blank lines, or else are its lines; by default they
            are separated by blank lines if there is any between two texts.

    Raises:
        InputError: The file is empty, not UTF-8, or a line of JSON is not as described; the message names the line.
    """
    text = read_text(path)
    if ".jsonl" in path.suffixes:
        return _from_json_lines(text, path)
    texts, as_documents = _parted(text, documents)
    note = f"{path.name}: read as {len(texts):,} documents between blank lines; without any, every line would be one"
    return Payload(_COLUMN, texts, notes=(note,) if as_documents and documents is None else ())


def _parted(text: str, documents: bool | None) -> tuple[list[str], bool]:
    """Return a plain text's records, and whether blank lines separate them."""
    text = _LINE_END.sub("\n", text)
    if documents is not False:
        pieces = [piece.strip("\n") for piece in _BLANK_LINES.split(f"\n{text}\n")]
        found = [piece for piece in pieces if piece.strip(_BLANK)]
        if documents or len(found) > 1:
            return found, True
    return [line for line in text.split("\n") if line.strip(_BLANK)], False


def _from_json_lines(text: str, path: Path) -> Payload:
    texts: list[str] = []
    labels: dict[str, list[str]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        record = _record(line, where)
        texts.append(record.pop(KEY))
        if len(texts) == 1:
            labels = {key: [] for key in record}
        for key in (*labels, *record):
            if key not in record or key not in labels:
                raise InputError(
                    f"{where}: key '{key}' {'is missing' if key in labels else 'is new'}; lines need equal keys"
                )
        for key, value in record.items():
            labels[key].append(value)
    return Payload(_COLUMN, texts, labels)


def _record(line: str, where: str) -> dict[str, str]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: is not valid JSON ({error})") from error
    if not isinstance(record, dict):
        raise InputError(f'{where}: is no JSON object; write {{"{KEY}": ...}}')
    if not isinstance(record.get(KEY), str):
        problem = f"'{KEY}' is no string" if KEY in record else f"has no key '{KEY}'"
        raise InputError(f"{where}: {problem}")
    plain = {key: value if key == KEY else _label(value, key, where) for key, value in record.items()}
    try:
        "".join((*plain, *plain.values())).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{where}: holds half of a surrogate pair, which is no character") from error
    return plain


def _label(value: Any, key: str, where: str) -> str:
    if isinstance(value, dict | list):
        raise InputError(f"{where}: key '{key}' holds a {'list' if isinstance(value, list) else 'mapping'}; flatten it")
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def write_texts(payload: Payload, path: Path) -> tuple[str, ...]:
    """Write texts, as `.jsonl` with their labels, or as `.txt`; both also with `.gz`.

    A `.txt` has one text a line, or, if any text has several lines, blank lines between them. `read_texts` gives the
    texts back; a single text of several lines needs its `documents=True`.

    Returns:
        Notes about what the chosen form leaves out.

    Raises:
        InputError: A `.txt` could not be read back, since a text is empty or holds a blank line.
    """
    as_json = ".jsonl" in path.suffixes
    content = (_json_lines(payload) if as_json else _plain(payload.cells, path)).encode()
    with whole_file(path) as beside:
        beside.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    lost = payload.labels and not as_json
    return (f"{path.name}: holds no {', '.join(payload.labels)}; a .jsonl file would",) if lost else ()


def _json_lines(payload: Payload) -> str:
    labels = [[value or None for value in values] for values in payload.labels.values()]
    rows = zip(payload.cells, *labels, strict=True)
    keys = (KEY, *payload.labels)
    return "".join(json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)


def _plain(texts: Sequence[str], path: Path) -> str:
    documents = any("\n" in text for text in texts)
    for number, text in enumerate(texts, start=1):
        if _parted(text.removeprefix("\ufeff"), documents)[0] != [text]:
            problem = "holds a blank line or another line end" if text.strip() else "is empty"
            raise InputError(f"{path}: text {number} {problem}, which plain text cannot keep; write .jsonl instead")
    return ("\n\n" if documents else "\n").join(texts) + "\n"
