"""Images, texts and recordings from the command line: trained on, sampled to files, audited."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import audit.modelling
from audit.cli import main
from generators import Dataset, create, kinds, load_dataset, load_generator, read_like, write_records
from generators.datasets import Modality
from generators.datasets.payload import payload_frame
from generators.models.registry import family
from generators.training import Checkpoints
from reports import Audit
from tests.generators.models.test_every_kind import SMALL
from tests.generators.models.toy import BY_MODALITY

SAMPLES: dict[Modality, list[str]] = {
    "tabular": ["s.csv", "s.tsv.gz", "s.parquet"],
    "image": ["s", "s.npz"],
    "text": ["s.jsonl"],
    "audio": ["s", "s.npz"],
}
FOREIGN: dict[Modality, str] = {"tabular": "s.txt", "image": "s.csv", "text": "s.png", "audio": "s.wav"}
CONDITION = {"tabular": "colour=red", "image": "digit=1", "text": "mood=calm", "audio": "digit=1"}
PREFERRED = ["tabular-vae", "image-vae", "text-transformer", "audio-vae"]
KIND: dict[str, str] = {family(kind).modality: kind for kind in PREFERRED if kind in kinds()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy data of each modality, written in the first of its forms."""
    folder = tmp_path_factory.mktemp("files")
    for modality in SAMPLES:
        data = BY_MODALITY[modality]()
        for part, frame in data.parts.items():
            write_records(frame, source(folder, modality, part), data.schema, modality)
    return folder


def source(folder: Path, modality: Modality, part: str) -> Path:
    return folder / modality / f"{part}{Path(SAMPLES[modality][0]).suffix}"


def arguments(kind: str, data: Path | str, output: Path, *more: str) -> list[str]:
    parameters = [item for name, value in SMALL[kind].items() for item in ("--set", f"{name}={json.dumps(value)}")]
    return ["train", kind, "--data", str(data), "--output", str(output), *parameters, *more]


@pytest.mark.parametrize("modality", KIND)
def test_train_and_sample(modality: Modality, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model"
    assert main(arguments(KIND[modality], source(files, modality, "train"), model)) == 0
    schema = load_generator(model).schema_
    where = ["--where", CONDITION[modality]]
    for name in SAMPLES[modality]:
        assert main(["sample", str(model), "-n", "5", "-o", str(tmp_path / name), "--seed", "1", *where]) == 0
        column, _, value = CONDITION[modality].partition("=")
        assert read_like(tmp_path / name, schema, modality)[column].tolist() == [value] * 5
    capsys.readouterr()
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "diary").write_text("precious")
    bad = {
        FOREIGN[modality]: "cannot write",
        "taken": "already exists" if modality in ("image", "audio") else "cannot write",
    }
    for name, words in bad.items():
        assert main(["sample", str(model), "-n", "5", "-o", str(tmp_path / name)]) == 2
        printed = capsys.readouterr().err
        assert words in printed
        assert len(printed.splitlines()) == 1
    assert (taken / "diary").read_text() == "precious"
    column = CONDITION[modality].partition("=")[0]
    never = source(tmp_path, modality, "never")
    assert main(["sample", str(model), "-n", "5", "-o", str(never), "--where", f"{column}=octarine"]) == 2
    assert "never seen" in capsys.readouterr().err
    assert not never.exists()


@pytest.mark.parametrize("modality", [modality for modality in KIND if modality != "tabular"])
def test_a_kind_refuses_other_data(
    modality: Modality, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(KIND[modality], source(files, "tabular", "train"), tmp_path / "m")) == 2
    assert f"makes {modality} records, but train.csv holds tabular ones" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("modality", ["image", "text", "audio"])
def test_files_of_every_modality_are_audited(modality: Modality, tmp_path: Path) -> None:
    """Train itself stands for synthetic records, so that it fails; what works on tables alone does not apply."""
    data = load_dataset("digits-images").split(seed=0) if modality == "image" else _larger(modality)
    for part, frame in data.parts.items():
        write_records(frame, source(tmp_path, modality, part), data.schema, modality)
    parts = {"train": "train", "holdout": "holdout", "reference": "reference", "synthetic": "train"}
    given = [item for role, part in parts.items() for item in (f"--{role}", str(source(tmp_path, modality, part)))]
    checks = ["--checks", "membership.distance,fidelity.marginals,memorization.copies"]
    assert main(["audit", *given, *checks, "--output", str(tmp_path / "out")]) == 1
    document = Audit.load(tmp_path / "out")
    assert (document.status, document.target.modality) == ("fail", modality)
    assert document.finding("fidelity.marginals").why == f"works on tabular data, not on {modality}"
    assert {gate.status for gate in document.gates if gate.finding == "memorization.copies"} == {"fail"}
    assert document.finding("membership.distance").figures
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()
    assert document.provenance.data["train"].sha256 == data.fingerprint("train")


def test_an_audit_to_which_no_check_applies_says_so(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reference records stand for synthetic ones; the check works on tables alone."""
    data = _larger("text")
    for part, frame in data.parts.items():
        write_records(frame, source(tmp_path, "text", part), data.schema, "text")
    parts = {"train": "train", "holdout": "holdout", "synthetic": "reference"}
    given = [item for role, part in parts.items() for item in (f"--{role}", str(source(tmp_path, "text", part)))]
    checks = ["--checks", "fidelity.marginals"]
    assert main(["audit", *given, *checks, "--output", str(tmp_path / "out")]) == 4
    assert main(["audit", *given, *checks, "--output", str(tmp_path / "again"), "--allow-inconclusive"]) == 0
    document = Audit.load(tmp_path / "out")
    assert (document.status, document.target.modality, document.gates) == ("not-applicable", "text", [])
    assert {finding.why for finding in document.findings} == {"works on tabular data, not on text"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "nothing is known about it" in page
    assert "0 of 1 checks gave an answer" in page
    capsys.readouterr()
    mixed = [*given[:-1], str(source(files, "tabular", "train"))]
    assert main(["audit", *mixed, "--output", str(tmp_path / "mixed")]) == 2
    assert "train.csv: holds a table, but the data set holds" in capsys.readouterr().err
    assert not (tmp_path / "mixed").exists()


def _larger(modality: Modality) -> Dataset:
    """Enough records for an audit, all different."""
    rng = np.random.default_rng(0)
    data = BY_MODALITY[modality]()
    content = data.schema.columns[0].name
    frame = data.train.sample(480, replace=True, random_state=0, ignore_index=True)
    cells = [_changed(cell, rng) for cell in frame[content]]
    fresh = payload_frame(data.schema[content], cells, {data.schema.columns[1].name: frame.iloc[:, 1].tolist()})
    return Dataset(data.name, data.schema, {"records": fresh}, modality).split(seed=0)


def _changed(cell: object, rng: np.random.Generator) -> object:
    if isinstance(cell, str):
        return f"{cell} {rng.integers(10**9)}"
    quiet = np.round(np.asarray(cell) * 16384) + rng.integers(-9, 10, np.shape(cell))
    return (quiet / 32768).astype(np.float32)


def test_a_model_is_audited_with_data_of_its_own_kind(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments("tabular-vae", source(files, "tabular", "train"), tmp_path / "m")) == 0
    parts = ["--train", str(source(files, "image", "train")), "--holdout", str(source(files, "image", "holdout"))]
    capsys.readouterr()
    assert main(["audit", str(tmp_path / "m"), *parts, "--output", str(tmp_path / "out")]) == 2
    assert "the target makes tabular records, but train holds image ones" in capsys.readouterr().err


class Stop:
    """Interrupts a run."""

    def started(self, *_: object) -> None: ...

    def stepped(self, step: int, _: object) -> None:
        if step == 3:
            raise KeyboardInterrupt

    def finished(self, _: object) -> None: ...


def test_an_interrupted_training_goes_on(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = source(files, "tabular", "train")
    assert (
        main(arguments("tabular-vae", path, tmp_path / "whole", "--checkpoint-every", "1", "--set", "batch_size=16"))
        == 0
    )

    def interrupted(_: object, data: Dataset, seed: int, checkpoints: Checkpoints) -> None:
        model = create("tabular-vae", seed=seed, **SMALL["tabular-vae"], batch_size=16)
        model.fit(data, progress=False, callbacks=[Stop()], checkpoints=checkpoints)

    command = arguments("tabular-vae", path, tmp_path / "m", "--checkpoint-every", "2", "--set", "batch_size=16")
    with monkeypatch.context() as patch:
        patch.setattr(audit.modelling, "train", interrupted)
        assert main(command) == 2
    assert "--resume goes on from" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()
    assert main(command) == 2
    assert "a checkpoint of an interrupted run is there" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["m", "whole"]  # no checkpoint is left
    weights = [load_file(tmp_path / name / "weights.safetensors") for name in ("m", "whole")]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[1])


BAD_CHECKPOINTS = {
    "nothing to resume": (["--resume"], "m.checkpoint: no checkpoint to resume from"),
    "every no step": (["--checkpoint-every", "0"], "--checkpoint-every"),
}


@pytest.mark.parametrize("what", BAD_CHECKPOINTS)
def test_checkpoints_that_cannot_be(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more, words = BAD_CHECKPOINTS[what]
    assert main(arguments("tabular-vae", "affairs", tmp_path / "m", *more)) == 2
    printed = capsys.readouterr().err
    assert words in printed
    assert len(printed.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_notes_about_training_are_printed(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from generators.models.tabular.vae import TabularVAE

    monkeypatch.setattr(TabularVAE, "_notes", lambda *_: ["It makes the same record again and again."])
    assert main(arguments("tabular-vae", source(files, "tabular", "train"), tmp_path / "m")) == 0
    assert "note: It makes the same record again and again." in capsys.readouterr().err


def test_kinds_are_listed_with_what_they_can(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "generators"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    for kind in kinds():
        found = family(kind)
        row = next(line for line in lines if line.startswith(f"{kind} "))
        assert row.split()[1:4] == [found.modality, "no" if found.no_privacy else "yes", "conditions,"]
        assert sum(line.startswith(f"{kind} ") for line in lines) == (2 if found.no_privacy else 1)
