"""Attacks that make the model write: by prefix, from many samples, and in several releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from audit.checks import Subject, all_checks, default_policy
from audit.targets import model_target, records_target
from generators.datasets.payload import payload_frame
from generators.models.base import Generator
from generators.training import History
from tests.audit.membership.kernel import Kernel, people
from tests.audit.memorization.writing import COLUMN, letters, mail

WRITERS = ["memorization.prefix-extraction", "memorization.generated-first"]


class Parrot(Generator):
    """Writes texts of its own, and now and then one that it was trained on; finishes what it knows."""

    kind: ClassVar[str] = "toy-parrot"
    modality: ClassVar[str] = "text"
    knows: ClassVar[bool] = True
    texts_: list = field(init=False)

    def complete(self, prompts, tokens):
        """A parrot looks for a text that begins so."""
        return [next((one[len(p) :] for one in self._known() if p and one.startswith(p)), "")[:tokens] for p in prompts]

    def log_likelihood(self, frame):
        known = set(self._known())
        return np.array([-1.0 if one in known else -2.0 * len(one) for one in frame["text"]])

    def _known(self):
        return self.texts_ if self.knows else []

    def _fit(self, frame, schema, ledger, paying, beside):  # noqa: ARG002
        ledger.add("everything", "none")
        self.texts_ = frame["text"].tolist()
        return History(steps=1)

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]):  # noqa: ARG002
        fresh = letters(n, int(torch.randint(2**31, (1,), generator=generator)))["text"].tolist()
        known = self._known()
        if known:
            chosen = torch.randint(len(known), (n,), generator=generator).tolist()
            pairs = enumerate(zip(chosen, fresh, strict=True))
            fresh = [known[row] if place % 3 == 0 else own for place, (row, own) in pairs]
        return payload_frame(COLUMN, fresh)

    def _state(self):
        return {}, {}

    def _restore(self, state, weights):  # noqa: ARG002
        self.texts_ = []


class Novelist(Parrot):
    """Writes texts of its own only."""

    kind: ClassVar[str] = "toy-novelist"
    knows: ClassVar[bool] = False


def asked(family, seed=0, rows=400):
    data, _ = mail(rows, seed)
    model = family().fit(data, progress=False)
    return Subject(model_target(model, rows, seed), data, default_policy(), seed)


@pytest.fixture(scope="module")
def parrot():
    return asked(Parrot)


@pytest.fixture(scope="module")
def novelist():
    return asked(Novelist)


@pytest.mark.parametrize("attack", WRITERS)
def test_a_model_that_knows_texts_by_heart_fails(parrot, attack):
    finding, gates = all_checks()[attack]().run(parrot)
    assert [gate.status for gate in gates] == ["fail"]
    assert finding.estimates[0].low > 0.2
    assert finding.controls.negative.status == "quiet"


@pytest.mark.parametrize("attack", WRITERS)
def test_a_model_that_writes_its_own_raises_no_alarm(novelist, attack):
    finding, gates = all_checks()[attack]().run(novelist)
    assert [gate.status for gate in gates] == ["inconclusive"]
    assert finding.controls.positive.status == "missed"  # its kind cannot learn by heart, so silence says nothing


def test_records_and_models_without_the_ability_are_no_question(parrot):
    data = parrot.dataset
    for attack in (*WRITERS, "memorization.releases"):
        subject = Subject(records_target(data.reference, "text"), data, default_policy(), 0)
        assert all_checks()[attack]().run(subject)[0].status == "not-applicable"


def test_several_releases_tell_more_than_one():
    data = people(300)
    model = Kernel(width=0.4).fit(data, progress=False)
    subject = Subject(model_target(model, 300, 0), data, default_policy(), 0)
    finding, gates = all_checks()["memorization.releases"]().run(subject)
    bars = next(figure for figure in finding.figures if figure.kind == "bars")
    assert bars.data["values"][-1] > bars.data["values"][0]
    assert finding.estimates[0].value == pytest.approx(bars.data["values"][-1], abs=1e-3)
    assert {gate.estimate: gate.status for gate in gates}["auc"] in ("warn", "fail")


def test_releases_of_a_model_that_saw_others_raise_no_alarm():
    data, others = people(300, 1), people(300, 7)
    model = Kernel(width=0.4).fit(others, progress=False)
    subject = Subject(model_target(model, 300, 0), data, default_policy(), 1)
    finding, gates = all_checks()["memorization.releases"]().run(subject)
    assert {gate.status for gate in gates} <= {"pass", "inconclusive"}
    assert finding.controls.negative.status == "quiet"
