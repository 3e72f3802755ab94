"""Where a person has several rows, the person is what a private run samples and clips."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from generators import PrivacyBudget, TabularVAE
from generators.datasets import Dataset
from generators.datasets.columns import Column
from generators.datasets.schema import Schema
from generators.privacy.plan import PrivatePlan
from generators.training import train_privately
from generators.training.private import poisson_batches
from generators.training.randomness import system_entropy


class Weighing(nn.Module):
    """The gradient of a row is the row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Linear(width, 1, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        losses: Tensor = self.weight(rows).squeeze(1)
        return losses


def summed(rows: Tensor, people: Tensor | None, units: int, clip: float = 1.0, rate: float = 1.0) -> Tensor:
    """Return the sum of clipped gradients of one step without noise."""
    objective, seen = Weighing(rows.shape[1]), []

    def observe(_: int) -> None:
        gradient = objective.weight.weight.grad
        assert gradient is not None
        seen.append(gradient.flatten().clone())

    plan = PrivatePlan(units, rate, 1, 0.0, clip, epsilon=1.0, delta=1e-5)
    train_privately(
        objective, rows, plan, people=people, learning_rate=1e-9, test_seed=3, observe=observe, progress=False
    )
    return seen[0] * units


def test_a_person_counts_once_however_many_records_they_have() -> None:
    rows = torch.cat([torch.tensor([[1.0, 0.0]]).repeat(40, 1), torch.tensor([[0.0, 1.0]])])
    people = torch.tensor([0] * 40 + [1])
    torch.testing.assert_close(summed(rows, people, units=2), torch.tensor([1.0, 1.0]), atol=1e-5, rtol=1e-4)
    assert summed(rows, None, units=41)[0].item() == pytest.approx(40, rel=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.floats(0.1, 50), st.integers(0, 1000))
def test_one_more_person_changes_the_sum_by_at_most_the_clip(records: int, size: float, seed: int) -> None:
    """Whatever their records are and however many: with the draws of all others as they were."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(12, 3, generator=generator)
    people = torch.tensor([0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 4, 5])
    extra = size * torch.randn(records, 3, generator=generator)
    without = summed(rows, people, units=6, clip=0.7)
    with_them = summed(torch.cat([rows, extra]), torch.cat([people, torch.full((records,), 6)]), units=6, clip=0.7)
    assert (with_them - without).norm() <= 0.7 * (1 + 1e-4)


def test_people_enter_batches_at_the_planned_rate_and_by_any_of_their_records() -> None:
    people = torch.tensor([0] * 30 + [1] * 3 + [2])
    draw = poisson_batches(len(people), people, 0.25, system_entropy(test_seed=0))
    inclusion, places = torch.zeros(3), torch.zeros(len(people))
    for _ in range(4000):
        batch = draw()
        own = people[batch]
        assert len(own.unique()) == len(own)
        inclusion[own] += 1
        places[batch] += 1
    # Four deviations of a binomial count of 4,000 draws with probability 1/4.
    assert ((inclusion - 1000).abs() < 4 * (4000 * 0.25 * 0.75) ** 0.5).all()
    assert ((places[30:33] - 1000 / 3).abs() < 4 * (1000 / 3) ** 0.5).all()


@pytest.mark.slow
def test_patients_with_many_encounters_are_protected_as_people(shared_data: Path) -> None:
    """Real hospital encounters: the ledger speaks of patients, and their number is the plan's."""
    encounters = pd.read_csv(shared_data / "diabetes130" / "diabetic_data.csv.gz", dtype=str, nrows=4000)
    frame = encounters[["patient_nbr", "gender", "time_in_hospital"]]
    public = "the hospital's codebook"
    schema = Schema(
        (
            Column("patient_nbr", "identifier", public=public),
            Column("gender", "categorical", missing=True, public=public),
            Column("time_in_hospital", "integer", low=1, high=14, public=public),
        ),
        unit="patient_nbr",
    )
    data = Dataset.from_frame("encounters", frame, schema=schema).split(seed=0)
    budget = PrivacyBudget(3, preprocessing=0.2)
    model = TabularVAE(epochs=2, hidden=16).fit(data, budget, progress=False)
    patients, records = data.train["patient_nbr"].nunique(), len(data.train)
    assert patients < records
    assert model.rows_ == patients
    claim = model.ledger_.claim
    assert claim is not None
    assert claim["unit"] == "person (patient_nbr)"
    assert claim["epsilon"] <= 3
    assert "with all of that person's records" in model.ledger_.statement()
    assert set(model.schema_["gender"].levels or ()) == {"Female", "Male"}
