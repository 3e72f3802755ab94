"""Both tools read back what the callbacks wrote, with their own readers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from generators import InputError, PrivacyBudget, TabularVAE
from generators.training import Callback, History, MLflowCallback, TensorBoardCallback
from tests.generators.models.toy import tabular


def model(**parameters: object) -> TabularVAE:
    return TabularVAE(epochs=2, hidden=8, latent=2, batch_size=32, **parameters)  # type: ignore[arg-type]


def fitted(callback: Callback, budget: PrivacyBudget | None = None) -> History:
    return (
        model(validation=0.0 if budget else 0.2).fit(tabular(), budget, callbacks=[callback], progress=False).history_
    )


def test_tensorboard_shows_every_value(tmp_path: Path) -> None:
    history = fitted(TensorBoardCallback(tmp_path / "run"))
    events = EventAccumulator(str(tmp_path / "run"))
    events.Reload()
    losses = events.Scalars("loss")
    assert [one.step for one in losses] == list(range(1, history.steps + 1))
    assert [one.value for one in losses] == pytest.approx(history.losses["loss"], rel=1e-6)
    looks = [(one.step, one.value) for one in events.Scalars("validation")]
    assert looks == [(step, pytest.approx(value, rel=1e-6)) for step, value in history.validation]
    [text] = events.Tensors("parameters/text_summary")
    assert b'"title": "tabular-vae"' in text.tensor_proto.string_val[0]


def test_mlflow_records_every_value(tmp_path: Path) -> None:
    callback = MLflowCallback(tmp_path / "runs", "toys")
    history = fitted(callback)
    client = MlflowClient(str(tmp_path / "runs"))
    run = client.get_run(callback.run)
    assert run.info.status == "FINISHED"
    assert run.data.params["steps"] == str(history.steps)
    losses = sorted(client.get_metric_history(callback.run, "loss"), key=lambda one: one.step)
    assert [one.value for one in losses] == pytest.approx(history.losses["loss"])
    assert len(client.get_metric_history(callback.run, "validation")) == len(history.validation)
    fitted(MLflowCallback(tmp_path / "runs", "toys"))
    assert len(client.search_runs([run.info.experiment_id])) == 2


def test_under_a_budget_they_get_the_steps_alone(tmp_path: Path) -> None:
    for callback in (TensorBoardCallback(tmp_path / "run"), MLflowCallback(tmp_path / "runs")):
        history = fitted(callback, PrivacyBudget(5, 1e-3))
        assert history.losses == {}
    events = EventAccumulator(str(tmp_path / "run"))
    events.Reload()
    assert events.Tags()["scalars"] == ["step"]
    assert isinstance(callback, MLflowCallback)
    assert set(MlflowClient(str(tmp_path / "runs")).get_run(callback.run).data.metrics) == {"step"}


@pytest.mark.parametrize(
    ("make", "module", "extra"),
    [(TensorBoardCallback, "torch.utils.tensorboard", "tensorboard"), (MLflowCallback, "mlflow", "mlflow")],
)
def test_without_the_package_one_line_says_what_to_install(
    make: type[TensorBoardCallback] | type[MLflowCallback],
    module: str,
    extra: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"pip install 'genassay\[{extra}\]'"):
        make(tmp_path / "new")
    assert not (tmp_path / "new").exists()
