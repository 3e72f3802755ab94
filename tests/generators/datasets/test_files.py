"""Places are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from generators import InputError
from generators.datasets.files import whole_file, whole_folder


def test_a_folder_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    place = tmp_path / "f"
    with whole_folder(place) as beside:
        (beside / "a").write_text("1")
    with pytest.raises(InputError, match="f: already exists and is not empty"), whole_folder(place):
        pass
    with pytest.raises(FileNotFoundError), whole_folder(place, replace=True) as beside:
        (beside / "no" / "b").write_text("2")
    assert [path.name for path in place.iterdir()] == ["a"]
    with whole_folder(place, replace=True) as beside:
        (beside / "b").write_text("2")
    assert [path.name for path in place.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [place]


def test_the_earlier_folder_comes_back_if_the_new_one_cannot_take_its_place(tmp_path: Path) -> None:
    place = tmp_path / "f"
    place.mkdir()
    (place / "a").write_text("1")
    with pytest.raises(OSError, match="new"), whole_folder(place, replace=True) as beside:
        beside.rmdir()
    assert (place / "a").read_text() == "1"
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("private", [False, True])
def test_who_may_read_a_file(tmp_path: Path, private: bool) -> None:
    with whole_file(tmp_path / "f", private=private) as beside:
        beside.write_text("1")
    assert bool((tmp_path / "f").stat().st_mode & 0o077) is not private
