"""A run under a budget that is killed, again and again, never spends more than its ledger says."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from generators import InputError, PrivacyBudget, TabularVAE
from generators.models.private_run import PrivateRun, identity_of
from generators.privacy import composed_epsilon
from generators.training import Checkpoints
from generators.training.private_checkpoints import begun_file, steps_begun
from tests.generators.models.toy import tabular

BUDGET = PrivacyBudget(3, 1e-4)
SMALL = {"epochs": 100, "hidden": 16, "latent": 4, "private_batch_size": 24}
KILLS = 20


def train(path: Path, counted: Path | None = None, resume: bool = False, every: int = 7) -> TabularVAE:
    """Train; each step leaves a byte in a file before it looks at a record."""
    if counted is not None:
        from generators.training import private

        honest = private.poisson_batches

        def noted(*arguments: object) -> Callable[[], Tensor]:
            draw = honest(*arguments)  # type: ignore[arg-type]

            def drawn() -> Tensor:
                with counted.open("ab", buffering=0) as file:
                    file.write(b".")
                return draw()

            return drawn

        private.poisson_batches = noted
        torch.set_num_threads(1)
    checkpoints = Checkpoints(path, every, resume)
    return TabularVAE(**SMALL).fit(tabular(), BUDGET, progress=False, checkpoints=checkpoints)  # type: ignore[arg-type]


def taken(counted: Path) -> int:
    """Return how many steps were begun in truth."""
    return counted.stat().st_size if counted.exists() else 0


def charged(path: Path) -> PrivateRun:
    return PrivateRun.read(
        Checkpoints(path, resume=True), identity_of("tabular-vae", TabularVAE(**SMALL).get_params(), BUDGET)
    )  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_run_killed_twenty_times_never_undercounts(tmp_path: Path) -> None:
    path, counted, chance = tmp_path / "state", tmp_path / "steps", random.Random(1)
    context = multiprocessing.get_context("fork")
    model = TabularVAE(**SMALL)  # type: ignore[arg-type]
    steps = model.plan(BUDGET, len(tabular().train)).steps
    assert steps > 300
    killed = 0
    while killed < KILLS:
        process = context.Process(target=train, args=(path, counted, path.exists()))
        process.start()
        goal = taken(counted) + chance.randrange(1, 14)
        while taken(counted) < goal and process.is_alive():
            time.sleep(0.001)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        killed += 1
        assert taken(counted) <= steps_begun(path) <= steps
        assert charged(path).ledger.events[-1].times == steps  # all of it, from the start
    model = train(path, counted, resume=True)
    assert taken(counted) <= steps
    assert taken(counted) > steps - KILLS * 2 * 7
    claim = model.ledger_.claim
    assert claim is not None
    plan = charged(path).plan
    event = plan.event.to_dict() | {"times": taken(counted)}
    assert composed_epsilon([type(plan.event)("dp-sgd", **event)], BUDGET.known_delta) <= claim["epsilon"] <= 3
    assert len(model.sample(5)) == 5


class Stop:
    """Interrupts after some steps."""

    def __init__(self, after: int) -> None:
        self.after = after

    def started(self, *_: object) -> None: ...

    def stepped(self, step: int, _: object) -> None:
        if step >= self.after:
            raise KeyboardInterrupt

    def finished(self, _: object) -> None: ...


def interrupted(path: Path) -> Path:
    with pytest.raises(KeyboardInterrupt):
        TabularVAE(**SMALL).fit(  # type: ignore[arg-type]
            tabular(), BUDGET, progress=False, callbacks=[Stop(20)], checkpoints=Checkpoints(path, 7)
        )
    return path


def test_a_resumed_run_keeps_the_charge_and_takes_only_steps_never_begun(tmp_path: Path) -> None:
    path, counted = interrupted(tmp_path / "state"), tmp_path / "steps"
    assert steps_begun(path) == 21
    before = charged(path)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=train, args=(path, counted, True))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert taken(counted) == before.plan.steps - 21


def test_noise_is_not_repeated_by_a_resumed_run(tmp_path: Path) -> None:
    path = interrupted(tmp_path / "state")
    kept = path.read_bytes(), begun_file(path).read_bytes()
    models = []
    for _ in range(2):
        path.write_bytes(kept[0])
        begun_file(path).write_bytes(kept[1])
        models.append(train(path, resume=True))
    assert models[0].ledger_.head == models[1].ledger_.head
    weights = [next(iter(model.network_.parameters())) for model in models]
    assert not torch.equal(*weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: begun_file(path).unlink(), "nobody knows what the run has spent"),
        (lambda path: begun_file(path).write_text("many"), "nobody knows what the run has spent"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "is damaged"),
    ],
)
def test_damaged_state_is_not_resumed(tmp_path: Path, change: Callable[[Path], object], message: str) -> None:
    path = interrupted(tmp_path / "state")
    change(path)
    with pytest.raises(InputError, match=message):
        train(path, resume=True)


def test_another_budget_or_model_cannot_resume_a_run(tmp_path: Path) -> None:
    path = interrupted(tmp_path / "state")
    resumed = Checkpoints(path, resume=True)
    with pytest.raises(InputError, match="is of another run: not the same budget"):
        TabularVAE(**SMALL).fit(tabular(), PrivacyBudget(4, 1e-4), progress=False, checkpoints=resumed)  # type: ignore[arg-type]
    other = TabularVAE(**(SMALL | {"hidden": 17}))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="is of another run: not the same parameters"):
        other.fit(tabular(), BUDGET, progress=False, checkpoints=resumed)
    with pytest.raises(InputError, match="learns from 120 records or people, but there are 150 now"):
        TabularVAE(**SMALL).fit(tabular(300), BUDGET, progress=False, checkpoints=resumed)  # type: ignore[arg-type]


def test_a_checkpoint_without_a_budget_is_not_resumed_under_one(tmp_path: Path) -> None:
    path = tmp_path / "state"
    TabularVAE(epochs=1, hidden=16).fit(tabular(), progress=False, checkpoints=Checkpoints(path, 1))
    with pytest.raises(InputError, match="is of a run without a budget"):
        train(path, resume=True)
