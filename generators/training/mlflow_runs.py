"""Record training in MLflow, on a server or in a local folder: the extra `mlflow`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generators.errors import InputError

_TOGETHER = 500
"""Values sent at once; MLflow takes at most 1000."""

_LONGEST = 500
"""Characters of a parameter that MLflow keeps."""


class MLflowCallback:
    """Records parameters, each step's values and the notes as one MLflow run.

    Under a privacy budget there are no values to record but the number of the step. A run that is interrupted stays
    marked as running.

    Args:
        tracking: A folder, or the address of a tracking server; versions from 3 on take no folder.
        experiment: Name of the experiment that the run belongs to; made if there is none.

    Attributes:
        run: MLflow's id of the run, once it has started.

    Raises:
        InputError: MLflow is not installed.
    """

    def __init__(self, tracking: str | Path = "mlruns", experiment: str = "genassay") -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing leaves this machine unasked
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise InputError(f"MLflowCallback needs mlflow ({error}): pip install 'genassay[mlflow]'") from error
        remote = "://" in str(tracking)
        self._client: Any = MlflowClient(str(tracking) if remote else str(Path(tracking).absolute()))
        self._experiment = experiment
        self.run = ""
        self._waiting: list[Any] = []

    def started(self, title: str, parameters: Mapping[str, Any], steps: int) -> None:
        """Start the run and write down how it is done."""
        from mlflow.entities import Param

        known = self._client.get_experiment_by_name(self._experiment)
        experiment = known.experiment_id if known is not None else self._client.create_experiment(self._experiment)
        self.run = self._client.create_run(experiment, run_name=title).info.run_id
        facts = {"steps": steps, **parameters}
        self._client.log_batch(self.run, params=[Param(key, str(value)[:_LONGEST]) for key, value in facts.items()])

    def stepped(self, step: int, values: Mapping[str, float]) -> None:
        """Record the step's values."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._waiting += [Metric(name, value, now, step) for name, value in (values or {"step": float(step)}).items()]
        if len(self._waiting) >= _TOGETHER:
            self._send()

    def finished(self, notes: list[str]) -> None:
        """Record the notes and end the run."""
        self._send()
        if notes:
            self._client.set_tag(self.run, "notes", "\n".join(notes))
        self._client.set_terminated(self.run)

    def _send(self) -> None:
        self._client.log_batch(self.run, metrics=self._waiting)
        self._waiting = []
