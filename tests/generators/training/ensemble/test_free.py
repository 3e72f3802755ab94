"""Networks trained together learn what each learns alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from generators.errors import InputError
from generators.training import Course, Phase, train
from generators.training.ensemble import Run, train_many
from tests.generators.training.ensemble.networks import KINDS, built

PLAIN = Course(steps=12, batch_size=8, learning_rate=1e-3)
COURSES = {
    "plain": PLAIN,
    "everything": Course(12, 8, 1e-3, "linear", warmup=0.3, weight_decay=0.1, gradient_norm=0.5, ema=0.9),
}


def alone(kind: str, seed: int, rows: Tensor, course: Course) -> tuple[list[Tensor], list[float]]:
    """Train one network as `Generator.fit` does; return its weights and losses."""
    network, stream = built(kind, seed)
    with torch.random.fork_rng():
        torch.set_rng_state(stream.get_state())
        phase = Phase(network, list(network.parameters()))
        history = train(network, rows, [phase], course, order=torch.Generator().manual_seed(seed))
    return [one.detach() for one in network.parameters()], history.losses["loss"]


def together(
    kind: str, seeds: list[int], rows: list[Tensor], courses: list[Course]
) -> list[tuple[list[Tensor], list[float]]]:
    """Train several networks at once; return their weights and losses."""
    runs = []
    for seed, own, course in zip(seeds, rows, courses, strict=True):
        network, stream = built(kind, seed)
        runs.append(Run(network, own, course, torch.Generator().manual_seed(seed), stream))
    histories = train_many(runs)
    weights = [[one.detach() for one in run.network.parameters()] for run in runs]
    return list(zip(weights, [history.losses["loss"] for history in histories], strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_together_equals_alone(kind: str, course: Course) -> None:
    seeds, rows = [3, 1, 2], [KINDS[kind][1](30, seed=seed) for seed in (3, 1, 2)]
    for seed, own, (weights, losses) in zip(seeds, rows, together(kind, seeds, rows, [course] * 3), strict=True):
        true_weights, true_losses = alone(kind, seed, own, course)
        torch.testing.assert_close(losses, true_losses, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(weights, true_weights, rtol=1e-5, atol=1e-5)


def test_runs_of_unequal_size_and_length_equal_theirs_alone() -> None:
    seeds, sizes, steps = [1, 2, 3], [30, 5, 20], [12, 4, 9]
    rows = [KINDS["vae"][1](size, seed=size) for size in sizes]
    courses = [Course(own, 8, 1e-3, ema=0.9) for own in steps]
    for seed, own, course, (weights, losses) in zip(
        seeds, rows, courses, together("vae", seeds, rows, courses), strict=True
    ):
        true_weights, true_losses = alone("vae", seed, own, course)
        assert len(losses) == course.steps
        torch.testing.assert_close(losses, true_losses, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(weights, true_weights, rtol=1e-5, atol=1e-5)


def test_results_do_not_depend_on_who_is_trained_together() -> None:
    rows = [KINDS["vae"][1](30, seed=seed) for seed in range(4)]
    whole = together("vae", [0, 1, 2, 3], rows, [PLAIN] * 4)
    parts = together("vae", [0, 1], rows[:2], [PLAIN] * 2) + together("vae", [2, 3], rows[2:], [PLAIN] * 2)
    torch.testing.assert_close(whole, parts, rtol=1e-5, atol=1e-6)


def test_a_run_that_diverges_is_said_to() -> None:
    course = Course(200, 8, learning_rate=1e9)
    with pytest.raises(InputError, match=r"training diverged at step \d+; lower learning_rate \(now 1e\+09\)"):
        together("vae", [1, 2], [KINDS["vae"][1](30)] * 2, [course] * 2)
