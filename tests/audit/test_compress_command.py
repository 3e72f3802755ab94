from __future__ import annotations

from pathlib import Path

import pytest

from audit.cli import main
from generators import load_generator
from tests.generators.models.test_every_kind import fitted


def test_compress_makes_a_model_beside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fitted("tabular-vae").save(tmp_path / "m")
    assert main(["compress", str(tmp_path / "m"), "--method", "int8", "-o", str(tmp_path / "small")]) == 0
    assert "MB instead of" in capsys.readouterr().out
    assert len(load_generator(tmp_path / "small").sample(3)) == 3
    assert load_generator(tmp_path / "small").get_params() == load_generator(tmp_path / "m").get_params()


def test_compress_says_in_one_line_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fitted("tabular-vae").save(tmp_path / "m")
    for arguments, words in (
        (["m", "--method", "zip", "-o", "new"], "no compression method 'zip'"),
        (["m", "--method", "int8", "-o", "m"], "m"),
        (["nothing", "--method", "int8", "-o", "new"], "not a saved generator"),
    ):
        places = [str(tmp_path / one) if one in ("m", "new", "nothing") else one for one in arguments]
        assert main(["compress", *places]) == 2
        message = capsys.readouterr().err.strip()
        assert words in message
        assert len(message.splitlines()) == 1
        assert not (tmp_path / "new").exists()
