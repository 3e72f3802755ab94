"""How much does a text model give away about secrets that it was trained on 1, 4, 16 and 64 times?

    python -m benchmarks.exposure                 # without privacy, and at epsilon 3
    python -m benchmarks.exposure --epsilon 1     # without privacy, and at epsilon 1
    python -m benchmarks.exposure --design        # no training: what so many secrets can decide

`text-transformer` is trained on SMS messages among which canaries, sentences with nine random digits, stand 1, 4, 16
and 64 times. Exposures are ranks among 2,047 sentences that were not planted, so 11 bits are the cap. Under a budget
all copies of a canary are one person's, so that the promise covers them together. Medians stand beside those of
canaries that were never trained on, each with its 95% interval by canary, beside the share known by heart: in the
first 64th of all ranks, beyond chance. To have 24 canaries of each count they make up three quarters of the messages'
number, far more than the fifth that the check allows itself.

With --design the table of docs/memorization.md is made of the binomial distribution: how often a trainer that learns
a share of the secrets by heart passes, warns or fails.
"""

from __future__ import annotations

import argparse
import gzip
import time
from pathlib import Path

import numpy as np
from scipy.stats import binom

from audit.memorization.canaries import make_canaries, with_canaries
from audit.memorization.ranks import CHANCE, Memorized, Ranked, median_interval
from benchmarks.shown import data_folder
from generators import Column, Dataset, PrivacyBudget, create
from generators.datasets.payload import payload_frame, payload_schema

COUNTS = {1: 24, 4: 24, 16: 24, 64: 24}
ABSENT = 200
MESSAGE = Column("message", "text")


def messages(folder: Path) -> Dataset:
    """The SMS messages, split; without the column that says which are spam."""
    with gzip.open(folder / "sms_spam" / "SMSSpamCollection.tsv.gz", "rt", encoding="utf-8") as file:
        texts = [line.rstrip("\n").partition("\t")[2] for line in file]
    frame = payload_frame(MESSAGE, texts)
    return Dataset("SMS messages", payload_schema(MESSAGE), {"records": frame}, modality="text").split(seed=0)


def measure(
    data: Dataset, budget: PrivacyBudget | None, parameters: dict[str, object], seed: int
) -> tuple[Ranked, float]:
    """Plant, train, rank; and the seconds of training."""
    rng = np.random.default_rng(seed)
    canaries = make_canaries(data, COUNTS, ABSENT, 2047, rng)
    planted = with_canaries(data, canaries, rng, one_unit=budget is not None)
    start = time.perf_counter()
    model = create("text-transformer", seed=seed, **parameters).fit(planted, budget)
    return Ranked.by(model, canaries, rng), time.perf_counter() - start


def row(name: str, values: np.ndarray, cap: float) -> tuple[str, float, tuple[float, float]]:
    """A line of the table, the median, and its interval."""
    low, high = median_interval(values, 0.95, (0.0, cap))
    heart = Memorized.of(values, round(2**cap) - 1)
    least, most = heart.interval(0.95)
    median = float(np.median(values))
    known = f"{heart.share:.0%} ({least:.0%} to {most:.0%})"
    return f"| {name} | {len(values)} | {median:.2f} | {low:.2f} to {high:.2f} | {known} |", median, (low, high)


def design() -> None:
    """Print how often `memorized_1` decides, by the number of secrets and the share that is learnt."""
    limit, confidence, references = 0.05, 0.999, 2047
    print(
        "| secrets planted once | learns none: passes | warns | a twentieth: warns | a tenth: fails | a fifth: fails |"
    )
    print("|---" * 6 + "|")
    for n in (100, 200, 300, 400, 500):
        intervals = [Memorized(top, n, references).interval(confidence) for top in range(n + 1)]
        passes, warns, fails = (
            np.array([condition(*one) for one in intervals])
            for condition in (lambda _, high: high < limit, lambda low, _: low > 0, lambda low, _: low > limit)
        )

        def chance(share: float, decided: np.ndarray, n: int = n) -> float:
            return float(binom.pmf(np.arange(n + 1), n, CHANCE + share * (1 - CHANCE))[decided].sum())

        cells = [(0.0, passes), (0.0, warns), (0.05, warns), (0.1, fails), (0.2, fails)]
        print(f"| {n} | " + " | ".join(f"{chance(share, decided):.2%}" for share, decided in cells) + " |")


def main() -> None:
    """Print one table for each way of training, and whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with the public data sets")
    parser.add_argument("--epsilon", type=float, default=3.0)
    parser.add_argument("--epochs", type=int, help="passes over the messages; default: the kind's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--design", action="store_true", help="only print what so many secrets can decide")
    arguments = parser.parse_args()
    if arguments.design:
        design()
        return
    data = messages(data_folder(arguments.data))
    parameters: dict[str, object] = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    for budget in (None, PrivacyBudget(epsilon=arguments.epsilon, unit="person")):
        name = "without privacy" if budget is None else f"epsilon {budget.epsilon:g}"
        ranked, seconds = measure(data, budget, parameters, arguments.seed)
        planted = sum(count * canaries for count, canaries in COUNTS.items()) / len(data.train)
        print(f"\n{name}, {len(data.train)} messages and {planted:.0%} canaries, {seconds:.0f} s, ", end="")
        print(f"cap {ranked.cap:.2f} bits\n")
        print("| planted | canaries | median exposure, bits | 95% interval | known by heart |\n|---|---|---|---|---|")
        text, _, null = row("never", ranked.absent, ranked.cap)
        print(text)
        medians = []
        for count in COUNTS:
            text, median, _ = row(str(count), ranked.exposures[ranked.copies == count], ranked.cap)
            medians.append(median)
            print(text)
        if budget is None:
            steps = zip([float(np.median(ranked.absent)), *medians], medians, strict=False)
            grows = all(more > fewer or fewer >= ranked.cap - 1e-9 for fewer, more in steps)
            print(f"\ngrows with the count, up to the cap: {'yes' if grows else '**no**'}; ", end="")
            print(f"cap reached at {max(COUNTS)}: {'yes' if medians[-1] >= ranked.cap - 1e-9 else '**no**'}")
        else:
            # The null's interval for a median of as many canaries, not for that of all absent ones.
            rng = np.random.default_rng(arguments.seed)
            drawn = np.median(rng.choice(ranked.absent, size=(20_000, next(iter(COUNTS.values())))), axis=1)
            low, high = np.quantile(drawn, [0.025 / len(COUNTS), 1 - 0.025 / len(COUNTS)])
            within = all(low <= median <= high for median in medians)
            print(
                f"\nthe null's interval for a median of {COUNTS[1]} (95% for all counts together): {low:.2f} to ",
                end="",
            )
            print(f"{high:.2f}, medians within it: {'yes' if within else '**no**'}; of all absent: {null}")


if __name__ == "__main__":
    main()
