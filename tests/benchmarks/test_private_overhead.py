from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from benchmarks import private_overhead
from generators import TabularVAE
from tests.generators.models.toy import tabular


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_bare_opacus_does_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the same seed, it ends with the weights of the loop that it is compared with."""
    monkeypatch.setattr(private_overhead, "BATCH", 20)
    data = tabular()
    torch.manual_seed(0)
    network, rows = TabularVAE(hidden=8, latent=2).training_problem(data.train, data.schema, public_only=True)
    start = torch.cat([p.detach().flatten() for p in network.parameters()])
    ends = []
    for loop in (private_overhead.with_privacy, private_overhead.bare_opacus):
        own = deepcopy(network)
        loop(own, rows, 4, 7)
        ends.append(torch.cat([p.detach().flatten() for p in own.parameters()]))
    assert (ends[0] - start).abs().max() > 1e-3
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-3, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_every_loop_is_timed() -> None:
    data = tabular()
    network, rows = TabularVAE(hidden=8, latent=2).training_problem(data.train, data.schema, public_only=True)
    before = deepcopy(network.state_dict())
    found = private_overhead.milliseconds(network, rows, steps=2, rounds=1)
    assert found.keys() == private_overhead.LOOPS.keys()
    assert min(found.values()) > 0
    torch.testing.assert_close(network.state_dict(), before)
