from __future__ import annotations

import numpy as np
import pytest
import torch

from generators.models.tabular.by_category import by_category


def test_training_by_sampling_favours_rare_categories() -> None:
    rows = torch.tensor([[0, 1]] * 990 + [[1, 0]] * 10)
    frequencies = (np.array([990, 10]), np.array([10, 990]))
    batch = by_category(rows, frequencies, 4000)(torch.Generator().manual_seed(0))
    codes, column, code = batch[:, :2], batch[:, 2], batch[:, 3]
    assert batch.shape == (4000, 4)
    assert torch.equal(codes.gather(1, column[:, None]).squeeze(1), code)  # each record has its wanted category
    expected = np.log(11) / (np.log(11) + np.log(991))
    assert (codes[:, 0] == 1).double().mean().item() == pytest.approx(expected, abs=0.03)
    assert (column == 0).double().mean().item() == pytest.approx(0.5, abs=0.03)


def test_every_record_of_a_category_is_drawn() -> None:
    rows = torch.stack([torch.arange(60) % 3, torch.arange(60)], dim=1)
    frequencies = (np.full(3, 20), np.full(60, 1))
    batch = by_category(rows, frequencies, 3000)(torch.Generator().manual_seed(0))
    assert len(batch[batch[:, 2] == 0, 1].unique()) == 60
