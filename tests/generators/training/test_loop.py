from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from generators import Column, Dataset, InputError, Schema
from generators.models import create
from generators.training import Course, History, Phase, Watch, train
from generators.training.averaging import WeightAverage
from tests.generators.models.toy import tabular


class Line(nn.Module):
    """Two weights, each with a loss of its own."""

    def __init__(self, noisy: bool = False) -> None:
        super().__init__()
        self.first_weight = nn.Parameter(torch.tensor([1.0, -1.0]))
        self.second_weight = nn.Parameter(torch.tensor([2.0]))
        self.noisy = noisy
        self.seen: list[tuple[str, Tensor]] = []

    def first(self, batch: Tensor) -> Tensor:
        self.seen.append(("first", batch.clone()))
        noise = 0.1 * torch.randn(len(batch)) if self.noisy else 0.0
        return (batch[:, 0] * self.first_weight[0] + self.first_weight[1] - batch[:, 1] + noise).square()

    def second(self, batch: Tensor) -> Tensor:
        self.seen.append(("second", batch.clone()))
        return (self.second_weight - self.first_weight[0]).square().expand(len(batch))


def rows(count: int = 50, seed: int = 0) -> Tensor:
    x = torch.randn(count, generator=torch.Generator().manual_seed(seed))
    return torch.stack([x, 3 * x + 1], dim=1)


def weights(line: Line) -> Tensor:
    return torch.cat([line.first_weight, line.second_weight]).detach().clone()


def fit(line: Line, course: Course, watch: Watch | None = None, validation: Tensor | None = None) -> History:
    phases = [Phase(line.first, [line.first_weight], "first"), Phase(line.second, [line.second_weight], "second")]
    order = torch.Generator().manual_seed(1)
    watch = watch or Watch(progress=False)
    return train(line, rows(), phases, course, order=order, validation=validation, watch=watch)


def test_phases_take_turns_on_the_same_batch_and_move_their_own_parameters() -> None:
    line = Line()
    history = fit(line, Course(steps=4, batch_size=10))
    assert [name for name, _ in line.seen] == ["first", "second"] * 4
    for (_, one), (_, other) in zip(line.seen[::2], line.seen[1::2], strict=True):
        assert torch.equal(one, other)
    assert set(history.losses) == {"first", "second"}
    assert all(len(values) == 4 for values in history.losses.values())

    alone = Line()
    train(
        alone, rows(), [Phase(alone.first, [alone.first_weight])], Course(4, 10),
        order=torch.Generator().manual_seed(1), watch=Watch(progress=False),
    )  # fmt: skip
    assert torch.equal(alone.first_weight, line.first_weight)
    assert alone.second_weight.item() == 2.0


def test_losses_fall_to_the_solution() -> None:
    line = Line()
    history = fit(line, Course(steps=400, batch_size=25, learning_rate=0.1))
    torch.testing.assert_close(weights(line), torch.tensor([3.0, 1.0, 3.0]), atol=0.05, rtol=0)
    assert history.losses["first"][-1] < 0.01 * history.losses["first"][0]
    assert not line.training


def test_every_record_is_used_once_a_pass() -> None:
    line = Line()
    fit(line, Course(steps=10, batch_size=10))
    for start in (0, 5):
        batches = [batch for name, batch in line.seen if name == "first"][start : start + 5]
        used = torch.cat(batches)[:, 0].sort().values
        assert torch.equal(used, rows()[:, 0].sort().values)


@pytest.mark.parametrize("limit", [None, 0.01])
def test_the_gradient_is_scaled_down_to_its_norm(limit: float | None) -> None:
    norms: list[float] = []

    class Look:
        def __init__(self, line: Line) -> None:
            self.line = line

        def started(self, *_: object) -> None: ...

        def stepped(self, *_: object) -> None:
            assert self.line.second_weight.grad is not None
            norms.append(self.line.second_weight.grad.norm().item())

        def finished(self, _: object) -> None: ...

    line = Line()
    fit(line, Course(steps=3, gradient_norm=limit), Watch(progress=False, callbacks=[Look(line)]))
    if limit is None:
        assert norms[0] > 1
    else:
        assert norms == pytest.approx([limit] * 3, rel=1e-3)


def test_the_average_of_what_the_last_phase_moves_replaces_it() -> None:
    plain, averaged, shadow = Line(), Line(), Line()
    kept = WeightAverage(shadow, 0.8, [shadow.second_weight])

    class Follow:
        def __init__(self, line: Line) -> None:
            self.line = line

        def started(self, *_: object) -> None: ...

        def stepped(self, *_: object) -> None:
            shadow.load_state_dict(self.line.state_dict())
            kept.update()

        def finished(self, _: object) -> None: ...

    course = {"steps": 12, "batch_size": 8, "learning_rate": 0.05}
    fit(plain, Course(**course), Watch(progress=False, callbacks=[Follow(plain)]))  # type: ignore[arg-type]
    fit(averaged, Course(**course, ema=0.8))  # type: ignore[arg-type]
    kept.swap()
    assert torch.equal(plain.first_weight, averaged.first_weight)
    assert not torch.allclose(plain.second_weight, averaged.second_weight)
    torch.testing.assert_close(weights(averaged), weights(shadow))


def test_early_stopping_keeps_the_best_weights_and_stops() -> None:
    """The validation records lie near where the weights start, so that every step leads away from them."""
    line = Line()
    x = torch.randn(20, generator=torch.Generator().manual_seed(5))
    near = torch.stack([x, 1.3 * x - 0.7], dim=1)
    course = Course(steps=500, batch_size=10, learning_rate=0.02, schedule="constant", patience=3)
    history = fit(line, course, validation=near)
    best = min(value for _, value in history.validation)
    assert history.stopped_early
    assert history.steps < 500
    assert [value for _, value in history.validation[-3:]] > [best] * 3
    assert history.validation[-4][1] == best
    assert line.first(near).mean().item() == pytest.approx(best)


def test_without_improvement_to_wait_for_a_run_goes_to_its_end() -> None:
    history = fit(Line(), Course(steps=100, learning_rate=0.01), validation=rows(20, seed=3))
    assert not history.stopped_early
    assert history.steps == 100
    assert len(history.validation) == 50


@pytest.mark.parametrize("unit", [None, "person"])
def test_records_are_set_aside_by_person_before_anything_is_learnt(
    unit: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Tensor] = {}

    def spy(_: object, training: Tensor, *__: object, validation: Tensor, **___: object) -> History:
        seen.update(training=training, validation=validation)
        return History()

    monkeypatch.setattr("generators.models.neural.train", spy)
    numbers = [float(number) for number in range(120)]
    frame = pd.DataFrame({"number": numbers, "person": [str(int(number) // 3) for number in numbers]}).astype(
        {"person": object}
    )
    columns = (Column("number", "ordinal"), Column("person", "identifier"))
    model = create("tabular-vae", validation=0.25)
    model.fit(Dataset("d", Schema(columns, unit=unit), {"train": frame}), progress=False)
    levels = model.encoder_.blocks_[0].levels  # type: ignore[attr-defined]
    kept = [levels[code] for code in seen["training"].flatten()]
    assert kept == list(levels), "what is set aside was not learnt from either"
    aside = set(numbers) - set(kept)
    assert seen["validation"].flatten().tolist() == [-1] * len(aside)
    assert len(aside) == 30
    if unit is not None:
        assert not {int(number) // 3 for number in aside} & {int(number) // 3 for number in kept}


@pytest.mark.parametrize("what", ["inf", "nan"])
def test_divergence_is_one_line(what: str) -> None:
    class Exploding(Line):
        def second(self, batch: Tensor) -> Tensor:
            loss = super().second(batch)
            return loss * float(what) if sum(name == "second" for name, _ in self.seen) == 3 else loss

    line = Exploding()
    with pytest.raises(InputError, match=r"training diverged at step 3; lower learning_rate \(now 0\.001\)") as caught:
        fit(line, Course(steps=10))
    assert "\n" not in str(caught.value)
    assert torch.isfinite(weights(line)).all()


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_look_does_not_disturb_the_run(ema: float) -> None:
    """Neither its random draws, nor its modes, nor what it does to gradients."""
    modes: list[bool] = []

    def run(look: bool) -> tuple[Tensor, History]:
        torch.manual_seed(0)
        line = Line(noisy=True)

        def measure() -> Mapping[str, float]:
            modes.append(line.training)
            assert not torch.is_grad_enabled()
            return {"seen": torch.rand(7).sum().item()}

        watch = Watch(progress=False, look=measure if look else None)
        history = fit(line, Course(steps=60, ema=ema), watch)
        return weights(line), history

    (plain, without), (watched, looked) = run(False), run(True)
    assert torch.equal(plain, watched)
    assert without.losses == looked.losses
    assert modes
    assert not any(modes)
    assert len(looked.watched) == 60
    assert all(math.isfinite(values["seen"]) for _, values in looked.watched)


def test_a_look_that_fails_leaves_the_network_in_training_mode_with_its_own_weights() -> None:
    line = Line()

    def broken() -> Mapping[str, float]:
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        fit(line, Course(steps=5, ema=0.9), Watch(progress=False, look=broken))
    assert line.training


def test_validation_sees_the_averaged_weights() -> None:
    line = Line()
    held = rows(20, seed=3)
    history = fit(line, Course(steps=7, ema=0.9, learning_rate=0.05), validation=held)
    assert history.validation[-1][1] == pytest.approx(line.first(held).mean().item())


def test_callbacks_are_told_in_order() -> None:
    told: list[Any] = []

    class Listener:
        def __init__(self, name: str) -> None:
            self.name = name

        def started(self, title: str, parameters: Mapping[str, Any], steps: int) -> None:
            told.append((self.name, "started", title, parameters["records"], steps))

        def stepped(self, step: int, values: Mapping[str, float]) -> None:
            told.append((self.name, step, set(values)))

        def finished(self, notes: list[str]) -> None:
            told.append((self.name, "finished", notes))

    watch = Watch("a title", progress=False, callbacks=[Listener("a"), Listener("b")], look=lambda: {"variety": 1.0})
    fit(Line(), Course(steps=2), watch, validation=rows(5))
    values = {"first", "second", "validation", "variety"}
    expected = [
        (name, *what)
        for what in [("started", "a title", 50, 2), (1, values), (2, values), ("finished", [])]
        for name in ("a", "b")
    ]
    assert told == expected


def test_what_is_learnt_about_a_run_reaches_the_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes of the family are written after training, and before the callbacks hear that it is over."""
    from generators.models.tabular.vae import TabularVAE

    heard: list[list[str]] = []

    class Listener:
        def started(self, *_: object) -> None: ...

        def stepped(self, *_: object) -> None: ...

        def finished(self, notes: list[str]) -> None:
            heard.append(list(notes))

    monkeypatch.setattr(TabularVAE, "_notes", lambda *_: ["Look here."])
    create("tabular-vae", epochs=1, hidden=4, latent=2).fit(tabular(), callbacks=[Listener()], progress=False)
    assert heard == [["Look here."]]
