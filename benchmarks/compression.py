"""What does compression cost? Size and usefulness of a VAE on Adult, whole and compressed.

    python -m benchmarks.compression

Usefulness is measured as in `benchmarks.adult`: the ROC-AUC, on real rows, of a classifier trained on synthetic ones.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.adult import adult, downstream_auc
from benchmarks.shown import data_folder
from generators import Dataset, Generator, compress, create

METHODS = ("prune:0.5", "prune:0.8", "prune:0.9", "int8")


def folder_size(model: Generator) -> int:
    """Return the bytes of a saved model's folder."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        return sum(file.stat().st_size for file in (Path(folder) / "model").iterdir())


def shown(name: str, model: Generator, whole: int, data: Dataset) -> str:
    """Return one line of the table."""
    size = folder_size(model)
    value = downstream_auc(model.sample(len(data.train), seed=1), data)
    return f"| {name} | {size / 1e6:.2f} MB | {size / whole:.0%} | {value:.4f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with the public data sets")
    data = adult(data_folder(parser.parse_args().data))
    model = create("tabular-vae").fit(data)
    whole = folder_size(model)
    print("| tabular-vae | folder | of the whole | train-synthetic-test-real ROC-AUC |\n|---|---|---|---|")
    print(shown("whole", model, whole, data), flush=True)
    for method in METHODS:
        print(shown(method, compress(model, method), whole, data), flush=True)


if __name__ == "__main__":
    main()
