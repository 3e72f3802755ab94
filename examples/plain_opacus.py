"""Audit a plain Opacus training loop: is its claim of (epsilon, delta) consistent with what one run shows?

    python examples/plain_opacus.py              # the loop as it should be
    python examples/plain_opacus.py --no-noise   # the same loop with its noise left out

The loop in `train_with_opacus` is what many scripts look like, and knows nothing of audits. `Adapter` is all that an
audit needs: canaries are records of the run whose gradient lies on one weight of their own, in an extra layer without a
bias (`WithCanaries`), and that weight is their score.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import torch
from opacus import PrivacyEngine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from audit.dp import audit_trainer
from generators.training import WithCanaries
from reports import render_html

DELTA, STEPS, BATCH = 1e-5, 60, 100


def train_with_opacus(model: nn.Module, records: torch.Tensor, noise: float) -> nn.Module:
    """DP-SGD as in Opacus' own tutorials; the model maps a batch to one loss per record."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(TensorDataset(records), batch_size=BATCH)
    private, optimizer, loader = PrivacyEngine().make_private(
        module=model, optimizer=optimizer, data_loader=loader, noise_multiplier=noise, max_grad_norm=1.0
    )
    step = 0
    while step < STEPS:
        for (batch,) in loader:
            optimizer.zero_grad()
            private(batch).mean().backward()
            optimizer.step()
            step += 1
            if step == STEPS:
                break
    return model


class Regression(nn.Module):
    """Squared error of a linear regression; the last column is the target."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(5, 1)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Return one loss per record."""
        return (self.linear(batch[:, :-1]).squeeze(1) - batch[:, -1]) ** 2


class Adapter:
    """The two functions that an audit asks for."""

    def __init__(self, canaries: int, noise: float) -> None:
        self.canaries, self.noise = canaries, noise

    def model(self) -> WithCanaries:
        """Return a fresh model with a weight for each canary."""
        return WithCanaries(Regression(), self.canaries, scale=100.0)

    def train(self, records: np.ndarray, seed: int) -> nn.Module:
        """Train on these records."""
        torch.manual_seed(seed)
        return train_with_opacus(self.model(), torch.from_numpy(records), self.noise)

    def score(self, model: nn.Module, records: np.ndarray) -> np.ndarray:
        """Return how far the model moved against each canary's own weight."""
        moved = -model.probe.weight.detach().flatten().numpy()  # a canary in the run pushes its weight down
        return moved[records[:, -1].astype(int)]


def main() -> int:
    """Train, audit, write a report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epsilon", type=float, default=4.0)
    parser.add_argument("--canaries", type=int, default=2000)
    parser.add_argument("--no-noise", action="store_true")
    parser.add_argument("--output", default="plain-opacus.html")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)

    ordinary = np.random.default_rng(0).standard_normal((400, 6)).astype(np.float32)
    adapter = Adapter(arguments.canaries, 0.0)
    rows = adapter.model().rows(torch.from_numpy(ordinary)).numpy()
    size = len(ordinary) + arguments.canaries // 2
    from opacus.accountants.utils import get_noise_multiplier

    adapter.noise = (
        0.0
        if arguments.no_noise
        else get_noise_multiplier(
            target_epsilon=arguments.epsilon, target_delta=DELTA, sample_rate=BATCH / size, steps=STEPS
        )
    )
    audit = audit_trainer(
        adapter,
        rows[: len(ordinary)],
        rows[len(ordinary) :],
        epsilon=arguments.epsilon,
        delta=DELTA,
        name="a plain Opacus loop",
    )
    finding = audit.finding("dp.one-run")
    print(f"{finding.status}: {finding.why}")
    for estimate in finding.estimates:
        print(f"{estimate.name} ({estimate.kind}): {estimate.value:.2f}, at most {estimate.ceiling:.2f}")
    render_html(audit, arguments.output)
    print(f"report: {arguments.output}")
    return 1 if finding.status == "fail" else 0


if __name__ == "__main__":
    raise SystemExit(main())
