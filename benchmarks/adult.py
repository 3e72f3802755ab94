"""How useful are synthetic tables? Trains each kind on Adult, and a classifier on what it makes, tested on real rows.

    python -m benchmarks.adult                                    # every tabular kind
    python -m benchmarks.adult tabular-flow --set epochs=5        # one, with other hyper-parameters
    python -m benchmarks.adult tabular-marginal --epsilon 1       # under a budget, with delta 1e-5

36,631 rows train the generator; the other 12,211 real rows test scikit-learn's HistGradientBoosting, as it ships.

With --epsilon everything is paid for that the codebook does not say (adult_codebook.yaml): bounds, bins and frequent
values of the six quantities, by a tenth of the budget.
"""

from __future__ import annotations

import argparse
import gzip
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from benchmarks.shown import Bar, data_folder, header, line
from generators import Dataset, PrivacyBudget, Schema, create, kinds

NAMES = [
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
]  # fmt: skip
TARGET = "income"

CODEBOOK = Path(__file__).with_name("adult_codebook.yaml")
PREPROCESSING = 0.1

FLOOR = (0.85, 600.0)
BARS = {"tabular-vae": (0.89, 120.0), "tabular-marginal": (0.88, 600.0), "tabular-transformer": (0.91, 600.0)}
"""ROC-AUC and seconds by kind; the others are held against the floor, the transformer against the best published."""

PRIVATE_BARS = {("marginal", 3.0): 0.88, ("deep", 3.0): 0.875, ("marginal", 1.0): 0.87, ("deep", 1.0): 0.85}
"""ROC-AUC under a budget, of `tabular-marginal` and of the best of the others."""


def adult(folder: Path, schema: Schema | None = None) -> Dataset:
    """Return all of Adult, split; its schema is inferred unless given."""
    frames = []
    for name, skipped in (("adult.data.gz", 0), ("adult.test.gz", 1)):
        with gzip.open(folder / "adult" / name, "rt") as file:
            frames.append(pd.read_csv(file, names=NAMES, skiprows=skipped, skipinitialspace=True, na_values="?"))
    frame = pd.concat(frames, ignore_index=True)
    frame[TARGET] = frame[TARGET].str.rstrip(".")
    return Dataset.from_frame("adult", frame, schema=schema, target=TARGET).split(seed=0, shares=(0.75, 0.125, 0.125))


def downstream_auc(trained_on: pd.DataFrame, data: Dataset) -> float:
    """Return the ROC-AUC on real rows of a classifier trained on the given ones."""
    tested_on = pd.concat([data.holdout, data.reference], ignore_index=True)
    features, outcomes = [], []
    for frame in (trained_on, tested_on):
        columns = {}
        for column in data.schema.columns:
            cells = frame[column.name]
            levels = {level: float(code) for code, level in enumerate(column.levels or ())}
            columns[column.name] = cells if column.is_number else cells.map(levels).astype(float)
        features.append(pd.DataFrame(columns).drop(columns=TARGET).to_numpy(dtype=np.float64))
        outcomes.append(columns[TARGET].to_numpy(dtype=np.float64))
    learner = HistGradientBoostingClassifier(random_state=0).fit(features[0], outcomes[0])
    return float(roc_auc_score(outcomes[1], learner.predict_proba(features[1])[:, 1]))


def measure(kind: str, data: Dataset, parameters: dict[str, object], epsilon: float | None = None) -> Bar:
    """Train one kind and judge as many rows as it was trained on."""
    budget = None if epsilon is None else PrivacyBudget(epsilon, 1e-5, preprocessing=PREPROCESSING)
    start = time.perf_counter()
    model = create(kind, **parameters).fit(data, budget)
    seconds = time.perf_counter() - start
    value = downstream_auc(model.sample(len(data.train), seed=1), data)
    what = f"{kind}, train-synthetic-test-real ROC-AUC"
    if epsilon is None:
        bar, allowed = BARS.get(kind, FLOOR)
        return Bar(what, value, bar, True, seconds, allowed)
    family = "marginal" if kind == "tabular-marginal" else "deep"
    bar = PRIVATE_BARS.get((family, epsilon), 0.5)
    return Bar(f"{what}, epsilon {epsilon:g}", value, bar, True, seconds, FLOOR[1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="default: every tabular kind")
    parser.add_argument("--data", help="folder with the public data sets")
    parser.add_argument("--epsilon", type=float, help="privacy budget; default: none")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyper-parameter")
    arguments = parser.parse_args()
    codebook = None if arguments.epsilon is None else Schema.from_yaml(CODEBOOK)
    data = adult(data_folder(arguments.data), codebook)
    parameters = {name: yaml.safe_load(value) for name, _, value in (one.partition("=") for one in arguments.set)}
    print(header())
    print(line(Bar("real rows", downstream_auc(data.train, data), 0.92)), flush=True)
    for kind in arguments.kinds or [kind for kind in kinds() if kind.startswith("tabular-")]:
        print(line(measure(kind, data, parameters, arguments.epsilon)), flush=True)


if __name__ == "__main__":
    main()
