"""How useful are synthetic images? Trains each kind on MNIST, and a classifier on what it draws, tested on real digits.

    python -m benchmarks.mnist                                    # every image kind
    python -m benchmarks.mnist image-vae --set epochs=5           # one, with other hyper-parameters
    python -m benchmarks.mnist image-gaussian --epsilon 10        # under a budget, with delta 1e-5

20,000 images train the generator, which draws as many, labels as they occur; 10,000 other real images test a small
convolutional classifier.

With --epsilon it is public that an image has 28 x 28 pixels and shows one of ten digits. How often each digit occurs,
and all else, is paid for; 5% of the budget are set aside for what has to be known before training.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as functional
import yaml
from PIL import Image
from torch import Tensor, nn

from benchmarks.shown import Bar, data_folder, header, line
from generators import Column, Dataset, PrivacyBudget, create, kinds
from generators.datasets.payload import payload_frame, payload_schema
from generators.encoding.images import to_tensor

SHAPE = (28, 28, 1)
EPOCHS = 5
"""Passes of the classifier over what it is trained on."""

FLOOR = (0.90, 1200.0)
BARS = {"image-diffusion": (0.95, 1200.0)}
"""Accuracy and seconds by kind; the others are held against the floor."""

PRIVATE_BAR = (0.85, 1800.0)
"""Accuracy and seconds of the best kind at epsilon 10."""


def mnist(folder: Path, rows: int = 20_000) -> Dataset:
    """Return MNIST's first training images as train, its test images as holdout."""
    frames = {}
    for part, name in (("train", "mnist_train_first20000.npz"), ("holdout", "mnist_test10000.npz")):
        with np.load(folder / "mnist" / name) as arrays:
            images, digits = arrays["x"][..., None], arrays["y"]
        column, labels = Column("image", "image", shape=SHAPE), {"digit": [str(digit) for digit in digits]}
        learnt = payload_schema(column, labels)
        schema = replace(learnt, columns=tuple(replace(one, public="this benchmark") for one in learnt.columns))
        frames[part] = payload_frame(column, images, labels)
    frames["train"] = frames["train"].head(rows)
    return Dataset("mnist", schema, frames, modality="image")


def downstream_accuracy(trained_on: pd.DataFrame, tested_on: pd.DataFrame, seed: int = 0) -> float:
    """Return the accuracy on real images of a small CNN trained on the given ones."""
    (images, digits), (real, truth) = _numbers(trained_on), _numbers(tested_on)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(16, 32, 5, stride=2, padding=2), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10),
        )  # fmt: skip
        steps = EPOCHS * -(-len(images) // 128)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
        for _ in range(EPOCHS):
            for chosen in torch.split(torch.randperm(len(images)), 128):
                optimizer.zero_grad()
                functional.cross_entropy(net(images[chosen]), digits[chosen]).backward()
                optimizer.step()
                rate.step()
        net.eval()
        with torch.no_grad():
            return float((net(real).argmax(dim=1) == truth).double().mean())


def _numbers(frame: pd.DataFrame) -> tuple[Tensor, Tensor]:
    return to_tensor(frame["image"], SHAPE), torch.from_numpy(frame["digit"].astype(int).to_numpy())


def save_grid(frame: pd.DataFrame, path: Path) -> None:
    """Save ten images of each digit as a PNG, a row a digit."""
    rows = [np.concatenate([*frame.loc[frame["digit"] == str(digit), "image"][:10]], axis=1) for digit in range(10)]
    Image.fromarray(np.concatenate(rows, axis=0)[..., 0]).resize((560, 560)).save(path)


def measure(
    kind: str, data: Dataset, parameters: dict[str, object], pictures: Path | None, epsilon: float | None = None
) -> Bar:
    """Train one kind and judge as many images as it was trained on."""
    start = time.perf_counter()
    budget = PrivacyBudget(epsilon, 1e-5, preprocessing=0.05) if epsilon is not None else None
    model = create(kind, **parameters).fit(data, budget)
    seconds = time.perf_counter() - start
    frame = model.sample(len(data.train), seed=1)
    print(f"{kind}: {time.perf_counter() - start - seconds:.0f} s to draw {len(frame)} images", flush=True)
    for note in model.history_.notes:
        print(f"{kind}: {note}", flush=True)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        save_grid(frame, pictures / f"{kind}{f'-{epsilon:g}' if epsilon is not None else ''}.png")
    value = downstream_accuracy(frame, data.holdout)
    bar, allowed = BARS.get(kind, FLOOR) if epsilon is None else PRIVATE_BAR
    private = f", epsilon {epsilon:g}" if epsilon is not None else ""
    what = f"{kind}{private}, accuracy on real digits of a CNN trained on its own"
    return Bar(what, value, bar, True, seconds, allowed)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="default: every image kind")
    parser.add_argument("--data", help="folder with the public data sets")
    parser.add_argument("--epsilon", type=float, help="privacy budget; default: none")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyper-parameter")
    parser.add_argument("--rows", type=int, default=20_000, help="training images, for a quick look")
    parser.add_argument("--pictures", type=Path, help="folder for a PNG of what each kind draws")
    arguments = parser.parse_args()
    data = mnist(data_folder(arguments.data), arguments.rows)
    parameters = {name: yaml.safe_load(value) for name, _, value in (one.partition("=") for one in arguments.set)}
    print(header())
    print(line(Bar("real images", downstream_accuracy(data.train, data.holdout), 0.98)), flush=True)
    for kind in arguments.kinds or [kind for kind in kinds() if kind.startswith("image-")]:
        print(line(measure(kind, data, parameters, arguments.pictures, arguments.epsilon)), flush=True)


if __name__ == "__main__":
    main()
