"""Other people's trainers, audited through two functions."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audit.dp import audit_trainer, nearness
from generators import InputError

ORDINARY, CANARIES = np.zeros((5, 1)), np.arange(1.0, 2001.0)[:, None]


class Sums:
    """Adds normal noise to a one-hot sum of canaries: the Gaussian mechanism, one release."""

    def __init__(self, sigma: float) -> None:
        self.sigma = sigma

    def train(self, records: np.ndarray, seed: int) -> np.ndarray:
        sums = np.zeros(len(CANARIES) + 1)
        sums[records[:, 0].astype(int)] += 1
        return sums + self.sigma * np.random.default_rng(seed).standard_normal(len(sums))

    def score(self, model: np.ndarray, records: np.ndarray) -> np.ndarray:
        return model[records[:, 0].astype(int)]


def audited(trainer: Any, **changes: Any):
    claim = {"epsilon": 1.0, "delta": 1e-5, **changes}
    return audit_trainer(trainer, ORDINARY, claim.pop("canaries", CANARIES), **claim)


def test_a_sound_trainer_is_not_accused() -> None:
    for seed in range(10):
        audit = audited(Sums(sigma=3.8), seed=seed)
        assert audit.status != "fail"
        assert all(one.value < 1.0 for one in audit.findings[0].estimates)


def test_a_sound_trainer_is_consistent_where_twice_the_claim_would_show() -> None:
    audit = audited(Sums(sigma=0.9), epsilon=6.0, canaries=CANARIES)  # sigma .9 has epsilon 5.6
    assert audit.gates[1].status in ("pass", "inconclusive")
    assert audit.findings[0].estimates[1].kind == "family"


def test_too_little_noise_is_violated() -> None:
    audit = audited(Sums(sigma=0.5))
    assert audit.status == "fail"
    assert "Violated: epsilon is at least" in audit.findings[0].why


def test_a_score_that_tells_nothing_passes_nothing() -> None:
    class Blind(Sums):
        def score(self, model: np.ndarray, records: np.ndarray) -> np.ndarray:
            return np.random.default_rng(int(abs(model[0]) * 1e6)).standard_normal(len(records))

    audit = audited(Blind(sigma=3.8))
    assert audit.status == "inconclusive"


class Alike(Sums):
    def train(self, records: np.ndarray, seed: int) -> np.ndarray:
        return super().train(records, 0 * seed)


class Broken(Sums):
    def score(self, model: np.ndarray, records: np.ndarray) -> np.ndarray:
        return np.where(np.arange(len(records)) == 6, np.nan, super().score(model, records))


class Short(Sums):
    def score(self, model: np.ndarray, records: np.ndarray) -> np.ndarray:
        return super().score(model, records)[:3]


@pytest.mark.parametrize(
    ("trainer", "changes", "said"),
    [
        (Alike(1.0), {}, "two runs with different seeds gave the same scores"),
        (Broken(1.0), {}, "record 7 got nan"),
        (Short(1.0), {}, r"shape \(3,\)"),
        (Sums(1.0), {"delta": None}, "delta is None"),
        (Sums(1.0), {"delta": 0.0}, "delta is 0"),
        (Sums(1.0), {"epsilon": float("inf")}, "epsilon is inf"),
        (Sums(1.0), {"canaries": CANARIES[:20]}, "20 canaries decide nothing"),
    ],
)
def test_what_says_nothing_is_refused(trainer: Any, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        audited(trainer, **changes)


def test_samples_alone_score_by_nearness() -> None:
    scores = nearness(np.array([[0.0, 0.0], [5.0, 5.0]]), np.array([[5.0, 5.0], [0.0, 3.0]]))
    assert scores.tolist() == [0.0, -3.0]


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "code"), [([], 0), (["--no-noise"], 1)])
def test_the_example_clears_a_sound_loop_and_accuses_one_without_noise(
    asked: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.html"
    monkeypatch.setattr(sys, "argv", ["plain_opacus.py", "--canaries", "400", "--output", str(report), *asked])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(Path(__file__).parents[3] / "examples" / "plain_opacus.py"), run_name="__main__")
    assert stop.value.code == code
    assert report.is_file()
    assert ("Violated" in capsys.readouterr().out) == bool(code)
