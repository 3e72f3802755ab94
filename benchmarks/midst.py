"""Who was in a diffusion model's training data? The published MIDST challenge rows against TabDDPM-like models.

    python -m benchmarks.midst                         # both challenges at three training lengths: hours on one core
    python -m benchmarks.midst --lengths 1 --keep DIR  # a first look; trained models are kept and used again

Each challenge holds 100 rows of a model's 20,000 training rows and 100 others (Berka bank transactions, as carried by
midst-toolkit). The attacker holds the challenge's population table; it has nearly all other training rows of the first
model, so the attacker there is one who knows all members but those asked about. No challenge row is in it.

Models are trained until their validation loss is best, three times and ten times as long. `distance` is the distance to
the nearest of 20,000 samples, the baseline; `density` looks at the three nearest, the others look into the model.
`denoising, calibrated` takes off what the same signal is under models trained as long on random 20,000 rows of the
attacker's table; it was named the attack to judge by before any result was seen. Whether it beats the baseline is said
in a line of its own, with the interval of the difference, the same rows resampled for both. Marks on the curve are what
the challenge's winners reached, on their longer-trained models: .46 with the model, .25 with its samples.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.checks import Part
from audit.membership.kept import kept
from audit.membership.signals import DENOISING, LOSS, PROXIMAL, SAMPLES, SECMI, Signal
from audit.neighbours import Space
from audit.statistics import Floats, auc, bootstrap_interval, tpr_at_fpr, tpr_draws, unit_weights
from benchmarks.shown import data_folder
from generators import Column, Dataset, Generator, Schema, create
from generators.models.ensemble import fit_many

KIND = "tabular-diffusion"
ROWS = 20_000
RATE, DRAWS = 0.1, 4000
JUDGED = "denoising, calibrated"
COLUMNS = {
    "trans_date": "integer", "trans_type": "categorical", "operation": "categorical", "amount": "numeric",
    "balance": "numeric", "k_symbol": "categorical", "bank": "categorical", "account": "integer",
}  # fmt: skip
SCHEMA = Schema(tuple(Column(name, kind) for name, kind in COLUMNS.items()))  # type: ignore[arg-type]


def table(folder: Path, name: str) -> pd.DataFrame:
    """Return one of the challenge's tables, without the numbers of transactions and accounts."""
    frame = pd.read_csv(folder / "midst_berka" / f"{name}.csv.gz")[list(COLUMNS)]
    return SCHEMA.coerce(frame.astype(str), name)


def best_epochs(data: Dataset) -> int:
    """Return after how many passes the validation loss is best, a tenth of train set aside."""
    model = create(KIND, epochs=400, validation=0.1, patience=5).fit(data, progress=False)
    best, _ = min(model.history_.validation, key=lambda look: look[1])
    return max(1, round(best * model.get_params()["batch_size"] / (0.9 * len(data.train))))


def share_found(members: Floats, others: Floats) -> str:
    """TPR at 10% FPR with its 95% interval, and the AUC."""
    rng = np.random.default_rng(0)
    weights = [unit_weights(np.arange(len(scores)), DRAWS, rng) for scores in (members, others)]
    value = tpr_at_fpr(members, others, RATE).tpr
    low, high = bootstrap_interval(value, tpr_draws(members, others, *weights, RATE), len(others), 0.95)
    return f"{value:.2f} ({low:.2f} to {high:.2f}); {auc(members, others):.3f}"


def excess(one: Floats, other: Floats, member: NDArray[np.bool_]) -> tuple[float, float, float]:
    """How much higher the first TPR at 10% FPR lies, with a 95% interval that resamples the same rows for both."""
    rng = np.random.default_rng(0)
    weights = [unit_weights(np.arange(group.sum()), DRAWS, rng) for group in (member, ~member)]
    pairs = [(scores[member], scores[~member]) for scores in (one, other)]
    value = tpr_at_fpr(*pairs[0], RATE).tpr - tpr_at_fpr(*pairs[1], RATE).tpr
    draws = tpr_draws(*pairs[0], *weights, RATE) - tpr_draws(*pairs[1], *weights, RATE)
    low, high = bootstrap_interval(value, draws, int(min(member.sum(), (~member).sum())), 0.95, bounds=(-1.0, 1.0))
    return value, low, high


def attacks(target: Generator, outside: list[Generator], asked: Part, space: Space) -> dict[str, Floats]:
    """Scores of the asked rows by each attack, higher for members."""

    def raw(signal: Signal, model: Generator) -> Floats:
        return signal.values(model, asked, space)

    def calibrated(signal: Signal) -> Floats:
        return raw(signal, target) - np.mean([raw(signal, model) for model in outside], axis=0)

    drawn = target.sample(ROWS, seed=2)
    return {
        "distance": -space.nearest(asked.points, space.place(drawn), 1)[:, 0],
        "density": raw(SAMPLES, target),
        "density, calibrated": calibrated(SAMPLES),
        "loss": raw(LOSS, target),
        "denoising": raw(DENOISING, target),
        "proximal": raw(PROXIMAL, target),
        "secmi": raw(SECMI, target),
        "loss, calibrated": calibrated(LOSS),
        "proximal, calibrated": calibrated(PROXIMAL),
        "secmi, calibrated": calibrated(SECMI),
        JUDGED: calibrated(DENOISING),
    }


def main(say: Callable[[str], None] = print) -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, nargs="+", default=[1, 5], choices=[1, 5])
    parser.add_argument("--lengths", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--outside", type=int, default=2, help="models of the attacker's own, for calibration")
    parser.add_argument("--epochs", type=int, help="passes of the shortest run; by default, where validation is best")
    parser.add_argument("--data", help="folder with the public data; GENASSAY_DATA by default")
    parser.add_argument("--keep", type=Path, help="folder for trained models")
    arguments = parser.parse_args()
    folder = data_folder(arguments.data)
    population = Dataset("population", SCHEMA, {"train": table(folder, "population_train")})
    data = {k: Dataset(f"model{k}", SCHEMA, {"train": table(folder, f"model{k}_train_with_id")}) for k in (1, 5)}
    epochs = arguments.epochs or best_epochs(data[1])
    say(f"Validation loss is best after {epochs} passes.\n")
    say("| model | length | passes | seconds | attack | TPR at 10% FPR (95%); AUC |")
    say("|---|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    known = [np.sort(rng.permutation(len(population.train))[:ROWS]) for _ in range(arguments.outside)]
    for length in arguments.lengths:
        template = create(KIND, epochs=epochs * length)

        def trained(
            pool: Dataset, members: list[np.ndarray], seed: int, template: Generator = template
        ) -> list[Generator]:
            identity = {"pool": pool.fingerprint("train"), "seed": seed, "epochs": template.get_params()["epochs"]}
            return kept(
                arguments.keep,
                type(template),
                len(members),
                identity,
                lambda numbers: fit_many(template, pool, [members[i] for i in numbers], [seed + i for i in numbers]),
            )

        outside = trained(population, known, 100)
        for k in arguments.models:
            start = time.perf_counter()
            target = trained(data[k], [np.arange(ROWS)], 0)[0]
            seconds = time.perf_counter() - start
            rows = table(folder, f"model{k}_challenge_with_id")
            labels = pd.read_csv(folder / "midst_berka" / f"model{k}_challenge_label.csv.gz")["is_train"] == 1
            space = Space(SCHEMA, target.sample(ROWS, seed=1), population.train, [data[k].train, rows])
            asked = Part(space.place(rows), np.arange(len(rows)), rows)
            every = attacks(target, outside, asked, space)
            for name, scores in every.items():
                found = share_found(scores[labels], scores[~labels])
                say(f"| {k} | {length}x | {epochs * length} | {seconds:.0f} | {name} | {found} |")
            more, low, high = excess(every[JUDGED], every["distance"], labels.to_numpy())
            verdict = "yes" if more > 0 else "no"
            say(
                f"| {k} | {length}x | | | does `{JUDGED}` beat `distance`? **{verdict}** | "
                f"{more:+.2f} ({low:+.2f} to {high:+.2f}) |"
            )


if __name__ == "__main__":
    main()
