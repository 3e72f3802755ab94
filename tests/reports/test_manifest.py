from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports import DocumentError, verify_manifest, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "audit.json").write_text("{}")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "synthetic.csv").write_text("age\n40\n")
    write_manifest(tmp_path)
    return tmp_path


def test_an_untouched_folder_agrees(folder: Path) -> None:
    assert verify_manifest(folder) == []
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    assert list(manifest["files"]) == ["audit.json", "records/synthetic.csv"]
    assert manifest["files"]["audit.json"] == {
        "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "bytes": 2,
    }


def test_writing_again_gives_the_same_bytes(folder: Path) -> None:
    before = (folder / "MANIFEST.json").read_bytes()
    write_manifest(folder)
    assert (folder / "MANIFEST.json").read_bytes() == before


def test_every_difference_is_named(folder: Path) -> None:
    (folder / "audit.json").write_text("[]")
    (folder / "records" / "synthetic.csv").unlink()
    (folder / "extra.txt").write_text("x")
    assert verify_manifest(folder) == [
        "audit.json: changed since the manifest was written",
        "extra.txt: added after the manifest was written",
        "records/synthetic.csv: missing, but listed in the manifest",
    ]


def test_a_changed_size_is_told(folder: Path) -> None:
    (folder / "audit.json").write_text("{ }")
    assert verify_manifest(folder) == ["audit.json: changed since the manifest was written (2 bytes then, 3 now)"]


def test_a_manifest_elsewhere_in_the_folder_is_a_file_like_any_other(folder: Path) -> None:
    (folder / "records" / "MANIFEST.json").write_text("{}")
    assert verify_manifest(folder) == ["records/MANIFEST.json: added after the manifest was written"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"version": "1.0", "fi', "not valid JSON"),
        ('{"version": "2.0", "files": {}}', r"\$\.version is not '1\.0'"),
        ('{"version": "1.0", "files": {"a.txt": {"sha256": "x", "bytes": 1}}}', r"\$\.files\['a\.txt'\]\.sha256: "),
        ('{"version": "1.0", "files": {}, "files": {}}', "'files' is listed twice"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", r"\$\.version is not"),
    ],
)
def test_a_damaged_manifest_is_named(folder: Path, text: str, message: str) -> None:
    (folder / "MANIFEST.json").write_text(text)
    with pytest.raises(DocumentError, match=message):
        verify_manifest(folder)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no such folder"):
        write_manifest(tmp_path / "nowhere")
    with pytest.raises(DocumentError, match="holds a MANIFEST"):
        verify_manifest(tmp_path)


def test_links_are_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "file"
    outside.write_text("x")
    (folder / "link").symlink_to(outside)
    with pytest.raises(DocumentError, match="symbolic link"):
        verify_manifest(folder)
