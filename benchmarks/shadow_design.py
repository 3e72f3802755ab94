"""What in the making of shadows matters to LiRA? Deviations and encoders, on an overfit tabular VAE.

    python -m benchmarks.shadow_design                               # 64 shadows and 16 targets; half an hour, one core
    python -m benchmarks.shadow_design --shadows 16 --encoders pool  # a first look

Every model is trained on half of the same 2,000 Adult rows, by chance. Some are the targets, others their shadows, and
the attacker asks which rows each target saw; tables show means over targets.

- *Deviations* of a record's signal: its own, one pooled over all records, or its own shrunken towards the common one
  (`lira.shrunken`), which is what ships. The first two are in the ratio as published, held where it would fall again.
- *Encoders* (levels, bins): targets have learnt them from their own rows. Shadows share those of all rows (`pool`),
  which lets them be trained together, or have their `own`, as a target has.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import norm

from audit.membership.lira import online
from audit.membership.shadows import Shadowed, within_range
from audit.statistics import Floats, auc, tpr_at_fpr
from benchmarks.adult import adult
from benchmarks.shown import data_folder
from generators import Dataset, create
from generators.models.ensemble import fit_many

ROWS = 2000


def as_published(asked: Shadowed, *, pooled: bool) -> Floats:
    """Return LiRA's ratio with each record's own deviations, or pooled ones, held where it would fall again."""
    means, deviations = [], []
    for which in (asked.inside, ~asked.inside):
        chosen = np.where(which, asked.shadows, np.nan)
        variance = np.nanvar(chosen, axis=0, ddof=1)
        means.append(np.nanmean(chosen, axis=0))
        deviations.append(np.sqrt(np.full_like(variance, variance.mean()) if pooled else variance))
    mean_in, mean_out = np.maximum(*means), means[1]
    bend = deviations[1] ** -2 - deviations[0] ** -2
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = (mean_out * deviations[1] ** -2 - mean_in * deviations[0] ** -2) / bend
    signal = np.where(bend < 0, np.minimum(asked.target, turn), asked.target)
    signal = np.where(bend > 0, np.maximum(signal, turn), signal)
    return np.asarray(norm.logpdf(signal, mean_in, deviations[0]) - norm.logpdf(signal, mean_out, deviations[1]))


DEVIATIONS: dict[str, Callable[[Shadowed], Floats]] = {
    "own": lambda asked: as_published(asked, pooled=False),
    "pooled": lambda asked: as_published(asked, pooled=True),
    "shrunken": online,
}


def main(say: Callable[[str], None] = print) -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shadows", type=int, default=64)
    parser.add_argument("--targets", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--encoders", nargs="+", default=["pool", "own"], choices=["pool", "own"])
    parser.add_argument("--data", help="folder with the public data; GENASSAY_DATA by default")
    arguments = parser.parse_args()
    whole = adult(data_folder(arguments.data))
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.permutation(len(whole.train))[:ROWS])
    pool = Dataset(whole.name, whole.schema, {"train": whole.train.iloc[chosen].reset_index(drop=True)})
    template = create("tabular-vae", epochs=arguments.epochs, batch_size=64)

    def signals(count: int, first: int, encoders: Any) -> tuple[Floats, Any]:
        """Who is in each of so many models, and what each says of every row."""
        inside = rng.random((count, ROWS)).argsort(axis=1) < ROWS // 2
        members = [np.flatnonzero(one) for one in inside]
        models = fit_many(template, pool, members, list(range(first, first + count)), encoders=encoders)
        return np.stack([-model.record_loss(pool.train) for model in models]), inside  # type: ignore[attr-defined]

    say("| encoders | shadows | deviations | AUC | TPR at FPR 10% | TPR at FPR 1% | seconds |")
    say("|---|---|---|---|---|---|---|")
    asked, member = signals(arguments.targets, 1000, "own")
    for encoders in arguments.encoders:
        start = time.perf_counter()
        shadows, inside = signals(arguments.shadows, 0, encoders)
        seconds = time.perf_counter() - start
        for count in [2**power for power in range(4, 10) if 2**power <= arguments.shadows]:
            for name, score in DEVIATIONS.items():
                found = []
                for target, saw in zip(asked, member, strict=True):
                    # Few of the first shadows may all have seen a record, or none of them.
                    often = inside[:count].sum(axis=0)
                    kept = (often >= 3) & (often <= count - 3)
                    told = Shadowed(*within_range(target[kept], shadows[:count, kept]), inside[:count, kept])
                    pair = score(told)[saw[kept]], score(told)[~saw[kept]]
                    rate = max(0.01, 10.5 / len(pair[1]))
                    found.append([auc(*pair), tpr_at_fpr(*pair, 0.1).tpr, tpr_at_fpr(*pair, rate).tpr])
                cells = " | ".join(f"{value:.3f}" for value in np.mean(found, axis=0))
                say(f"| {encoders} | {count} | {name} | {cells} | {seconds:.0f} |")


if __name__ == "__main__":
    main()
