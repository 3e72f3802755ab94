from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generators import InputError
from generators.training import Checkpoints, Course, History, Phase, Watch, train
from tests.generators.training.test_loop import Line, rows, weights

COURSE = Course(steps=20, batch_size=8, learning_rate=0.05, ema=0.5, warmup=0.2)


class Interrupt:
    """Stops a run as Ctrl-C would."""

    def __init__(self, at: int) -> None:
        self.at = at

    def started(self, *_: object) -> None: ...

    def stepped(self, step: int, _: object) -> None:
        if step == self.at:
            raise KeyboardInterrupt

    def finished(self, _: object) -> None: ...


def run(
    checkpoints: Checkpoints | None, stop: int | None = None, course: Course = COURSE, **identity: Any
) -> tuple[torch.Tensor, History]:
    torch.manual_seed(0)
    line = Line(noisy=True)
    watch = Watch(
        progress=False,
        checkpoints=checkpoints,
        identity=identity,
        callbacks=[Interrupt(stop)] if stop is not None else [],
    )
    phases = [Phase(line.first, [line.first_weight], "first"), Phase(line.second, [line.second_weight], "second")]
    order = torch.Generator().manual_seed(1)
    history = train(line, rows(), phases, course, order=order, validation=rows(10, seed=9), watch=watch)
    return weights(line), history


@pytest.mark.parametrize("stop", [5, 6, 13, 20])
def test_a_resumed_run_ends_as_an_uninterrupted_one(tmp_path: Path, stop: int) -> None:
    path = tmp_path / "deep" / "state.safetensors"
    whole, course = run(None)
    with pytest.raises(KeyboardInterrupt):
        run(Checkpoints(path, every=3), stop=stop)
    torch.rand(5)
    resumed, again = run(Checkpoints(path, every=3, resume=True))
    assert torch.equal(whole, resumed)
    assert course == again


def test_a_finished_runs_checkpoint_gives_its_model(tmp_path: Path) -> None:
    path = tmp_path / "state"
    whole, course = run(Checkpoints(path, every=COURSE.steps))
    resumed, again = run(Checkpoints(path, every=COURSE.steps, resume=True))
    assert torch.equal(whole, resumed)
    assert course == again


def interrupted(path: Path, **identity: Any) -> Path:
    with pytest.raises(KeyboardInterrupt):
        run(Checkpoints(path, every=2), stop=5, **identity)
    return path


def test_another_runs_checkpoint_is_refused(tmp_path: Path) -> None:
    path = interrupted(tmp_path / "state", records=50)
    with pytest.raises(InputError, match=r"state: is of another run: its records is 50, this one's 60"):
        run(Checkpoints(path, resume=True), records=60)


def test_tuples_among_the_parameters_do_not_make_another_run(tmp_path: Path) -> None:
    path = interrupted(tmp_path / "state", parameters={"hidden": (8, 8)})
    run(Checkpoints(path, resume=True), parameters={"hidden": (8, 8)})


def test_another_course_is_refused(tmp_path: Path) -> None:
    """Whoever trains without a family, and so without an identity of its own."""
    path = interrupted(tmp_path / "state")
    with pytest.raises(InputError, match="is of another run: its course"):
        run(Checkpoints(path, resume=True), course=Course(steps=30, batch_size=8, ema=0.5))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def nonsense(path: Path) -> None:
    path.write_text("nonsense")


def weights_file(path: Path) -> None:
    save_file({"a": torch.ones(2)}, path)


def without_facts(path: Path) -> None:
    save_file({"a": torch.ones(2)}, path, metadata={"facts": "{}"})


def facts_of_the_wrong_form(path: Path) -> None:
    save_file({"a": torch.ones(2)}, path, metadata={"facts": "[1, 2]"})


@pytest.mark.parametrize("damage", [cut, nonsense, weights_file, without_facts, facts_of_the_wrong_form])
def test_a_damaged_file_is_one_line(tmp_path: Path, damage: Any) -> None:
    path = interrupted(tmp_path / "state")
    damage(path)
    with pytest.raises(InputError, match=r"state: is damaged") as caught:
        run(Checkpoints(path, resume=True))
    assert "\n" not in str(caught.value)


def test_an_existing_file_is_never_lost(tmp_path: Path) -> None:
    path = interrupted(tmp_path / "state")
    before = path.read_bytes()
    with pytest.raises(InputError, match="a checkpoint of an interrupted run is there; resume it, or remove it"):
        Checkpoints(path)
    assert path.read_bytes() == before
    Checkpoints(path, resume=True).done()
    assert not path.exists()


def test_what_cannot_be_resumed_or_kept(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        Checkpoints(tmp_path / "state", resume=True)
    with pytest.raises(InputError, match="expected at least 1"):
        Checkpoints(tmp_path / "state", every=0)


def test_saving_replaces_the_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(tmp_path / "state")
    checkpoints.save({"a": torch.ones(2)}, {"n": 1})

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("generators.training.checkpoints.save_file", full)
    with pytest.raises(OSError, match="no space"):
        checkpoints.save({"a": torch.zeros(2)}, {"n": 2})
    tensors, facts = checkpoints.load()
    assert tensors["a"].tolist() == [1, 1]
    assert facts == {"n": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["state"]
