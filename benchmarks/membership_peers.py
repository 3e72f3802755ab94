"""Do our attacks find at least as much as those they come from? All attack the same overfit models, in one run.

    python -m benchmarks.membership_peers                       # about fifteen minutes on one core
    python -m benchmarks.membership_peers tabular-vae           # one target
    python -m benchmarks.membership_peers --seeds 3             # three models and draws of people for each target

Four models are trained far too long on 1,000 records, and publish 10,000. The attacker has those, 2,000 reference
records, and is asked about the 1,000 members and 2,000 others. Peers are implemented as published: their score, and
their way of turning records into numbers.

- GAN-Leaks (Chen et al. 2020): Euclidean distance to the nearest published record on one-hot categories and numbers
  scaled to [0, 1], or pixels; calibrated: minus the distance to the nearest reference record.
- Monte Carlo (Hilprecht et al. 2019): share of published records within the median distance of the asked records to
  their nearest published one, on 40 principal components; and the variant that weighs each by minus its log distance.
- LOGAN (Hayes et al. 2019): the discriminator of a network (two layers of 256) trained to tell published records from
  reference records: black box with auxiliary knowledge.
- DOMIAS (van Breugel et al. 2023): ratio of two Gaussian kernel densities, Scott's rule, on codes and numbers scaled to
  unit variance (images: on 30 principal components, as densities of pixels do not exist).

*Picked* is what a side shows when it chooses its attack by one half of the records and is judged by the other, both
ways round, on both sides alike: so neither gains by having more to choose from. The difference of the two is resampled
by record, the same records on both sides, and averaged over seeds. `membership.combined` is shown and never picked: it
is told who else was a member, which no peer is.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.stats import gaussian_kde
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPClassifier

from audit.checks import Case, Subject, all_checks, default_policy
from audit.membership import MembershipAttack
from audit.statistics import Floats, auc, auc_draws, bootstrap_interval, tpr_at_fpr, tpr_draws, unit_weights
from audit.targets import records_target
from benchmarks.adult import adult
from benchmarks.mnist import mnist
from benchmarks.shown import data_folder
from generators import Dataset, create

EPOCHS = {"tabular-vae": 1500, "tabular-gan": 2000, "tabular-diffusion": 4000, "image-vae": 400}
"""Targets, and passes over 1,000 records: many times what they would stop at."""

SIZES = {"train": 1000, "holdout": 2000, "reference": 2000}
PUBLISHED = 10_000
RATE = 0.01
DRAWS = 1000
TOLD = "membership.combined"
"""Is told who else was a member."""

Records = dict[str, Floats]
"""Numbers of the published, reference and asked records, (n, d) each; members come first among those asked."""


def gan_leaks(records: Records) -> Floats:
    """Minus the distance to the nearest published record."""
    return -_nearest(records["asked"], records["published"])


def gan_leaks_calibrated(records: Records) -> Floats:
    """The same, calibrated by the distance to the nearest reference record."""
    return gan_leaks(records) + _nearest(records["asked"], records["reference"])


def monte_carlo(records: Records) -> Floats:
    """Share of published records within the radius of the median heuristic."""
    distances = _component_distances(records)
    return np.asarray((distances <= np.median(distances.min(axis=1))).mean(axis=1))


def monte_carlo_weighted(records: Records) -> Floats:
    """The same, where each published record within the radius counts by minus its log distance."""
    distances = _component_distances(records)
    within = distances <= np.median(distances.min(axis=1))
    return np.asarray(np.where(within, -np.log(np.maximum(distances, 1e-6)), 0.0).mean(axis=1))


def logan(records: Records) -> Floats:
    """How surely a network says that a record was published and is not of the reference."""
    known = np.concatenate([records["published"], records["reference"]])
    published = np.arange(len(known)) < len(records["published"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is stopped before it has converged, on purpose
        network = MLPClassifier((256, 256), batch_size=256, max_iter=20, random_state=0).fit(known, published)
    return np.asarray(network.predict_proba(records["asked"])[:, 1])


def domias(records: Records) -> Floats:
    """Log ratio of the densities of published and of reference records."""
    spread = np.concatenate([records["published"], records["reference"]]).std(axis=0)
    kept = spread > 0
    # Codes that determine one another make a covariance singular; a little noise, as the authors add it, mends that.
    rng = np.random.default_rng(0)
    scaled = {n: v[:, kept] / spread[kept] + rng.normal(0, 1e-2, (len(v), kept.sum())) for n, v in records.items()}
    densities = (gaussian_kde(scaled[name].T).logpdf(scaled["asked"].T) for name in ("published", "reference"))
    synthetic, population = densities
    return np.asarray(synthetic - population)


PEERS: dict[str, tuple[Callable[[Records], Floats], str]] = {
    "GAN-Leaks": (gan_leaks, "one-hot"),
    "GAN-Leaks, calibrated": (gan_leaks_calibrated, "one-hot"),
    "Monte Carlo": (monte_carlo, "one-hot"),
    "Monte Carlo, weighted": (monte_carlo_weighted, "one-hot"),
    "LOGAN": (logan, "one-hot"),
    "DOMIAS": (domias, "codes"),
}


def numbers(case: Case, encoding: str) -> Records:
    """The records of a case as numbers, as peers encode them; scales are those of what the attacker can see."""
    frames = case.frames
    parts = {
        "published": frames.published,
        "reference": frames.reference,
        "asked": pd.concat([frames.members, frames.nonmembers]),
    }
    if "image" in frames.published:
        flat = {name: np.stack([np.ravel(cell) for cell in frame["image"]]) / 255.0 for name, frame in parts.items()}
        if encoding == "one-hot":
            return flat
        components = PCA(30, random_state=0).fit(np.concatenate([flat["published"], flat["reference"]]))
        return {name: np.asarray(components.transform(values)) for name, values in flat.items()}
    columns: dict[str, list[Floats]] = {name: [] for name in parts}
    for column in frames.published:
        seen = pd.concat([frames.published[column], frames.reference[column]])
        if pd.api.types.is_numeric_dtype(seen):
            low, width = seen.min(), (seen.max() - seen.min()) or 1.0
            for name, frame in parts.items():
                columns[name].append(((frame[column].fillna(seen.median()) - low) / width).to_numpy(float)[:, None])
        else:
            levels = pd.Index(seen.dropna().unique())
            for name, frame in parts.items():
                codes = levels.get_indexer(pd.Index(frame[column]))
                one_hot = (codes[:, None] == np.arange(len(levels))).astype(float)
                columns[name].append(one_hot if encoding == "one-hot" else codes[:, None].astype(float))
    return {name: np.hstack(values) for name, values in columns.items()}


def ours(subject: Subject) -> dict[str, Floats]:
    """Scores of all our attacks that need no more than records, by id."""
    found = {}
    for name, kind in all_checks().items():
        usual = issubclass(kind, MembershipAttack) and not kind.prefix and not kind.costly
        if not usual or kind.access != "synthetic-only" or not kind().fits(subject):
            continue
        attack = kind()
        assert isinstance(attack, MembershipAttack)
        scores = attack.scored(subject.scored.main, subject)
        found[name] = np.concatenate([scores.members, scores.nonmembers])
    return found


def target(kind: str, folder: Path, epochs: int, seed: int = 0) -> Subject:
    """An overfit model of this kind, and what is asked about it."""
    whole = mnist(folder) if kind.startswith("image") else adult(folder)
    order = np.random.default_rng(seed).permutation(len(whole.train))
    parts, start = {}, 0
    for part, size in SIZES.items():
        parts[part] = whole.train.iloc[order[start : start + size]].reset_index(drop=True)
        start += size
    data = Dataset(whole.name, whole.schema, parts, whole.modality)
    model = create(kind, epochs=epochs, seed=seed).fit(data, progress=False)
    records = model.sample(PUBLISHED, seed=seed + 1)
    return Subject(records_target(records, data.modality), data, default_policy(), seed)


@dataclass(frozen=True)
class Measure:
    """What attacks are compared by, and the same in resamples."""

    value: Callable[[Floats, Floats], float]
    draws: Callable[..., Floats]


MEASURES = (
    Measure(lambda m, o: tpr_at_fpr(m, o, RATE).tpr, lambda m, o, v, w: tpr_draws(m, o, v, w, RATE)),
    Measure(auc, auc_draws),
)


def attacked(subject: Subject) -> dict[str, dict[str, Floats]]:
    """Scores of members, then others, by side and attack."""
    encoded = {encoding: numbers(subject.scored.main, encoding) for encoding in ("one-hot", "codes")}
    return {
        "ours": ours(subject),
        "peers": {name: attack(encoded[encoding]) for name, (attack, encoding) in PEERS.items()},
    }


def picked(scores: dict[str, dict[str, Floats]], measure: Measure, seed: int) -> tuple[dict[str, float], Floats]:
    """What each side's attack shows on the half of the records by which it was not chosen; draws of the difference."""
    rng = np.random.default_rng(seed)
    count, total = SIZES["train"], SIZES["train"] + SIZES["holdout"]
    first = np.concatenate([rng.permutation(size) < size // 2 for size in (count, total - count)])
    found, draws = {"ours": 0.0, "peers": 0.0}, np.zeros(DRAWS)
    for judged in (first, ~first):
        members, others = (
            np.flatnonzero(judged & one) for one in (np.arange(total) < count, np.arange(total) >= count)
        )
        weights = [unit_weights(rows, DRAWS, rng) for rows in (members, others)]
        for side, sign in (("ours", 1), ("peers", -1)):
            known = {name: one for name, one in scores[side].items() if name != TOLD}
            chosen = max(
                known.values(),
                key=lambda one: measure.value(one[:count][~judged[:count]], one[count:][~judged[count:]]),
            )
            found[side] += measure.value(chosen[members], chosen[others]) / 2
            draws += sign * measure.draws(chosen[members], chosen[others], *weights) / 2
    return found, draws


def compare(kind: str, runs: list[dict[str, dict[str, Floats]]]) -> list[str]:
    """Lines of the table for one target: every attack in the mean over seeds, and each side's picked one."""
    count, lines = SIZES["train"], []
    for side, names in {side: list(found) for side, found in runs[0].items()}.items():
        for name in names:
            every = [run[side][name] for run in runs]
            values = [np.mean([measure.value(one[:count], one[count:]) for one in every]) for measure in MEASURES]
            told = "told who else was a member" if name == TOLD else ""
            lines.append(f"| {kind} | {side} | {name} | {' | '.join(f'{value:.3f}' for value in values)} | {told} |")
    both = [[picked(run, measure, seed) for seed, run in enumerate(runs)] for measure in MEASURES]
    means = {side: [float(np.mean([found[side] for found, _ in one])) for one in both] for side in runs[0]}
    more = [mine - theirs for mine, theirs in zip(means["ours"], means["peers"], strict=True)]
    drawn = [np.mean([draws for _, draws in one], axis=0) for one in both]
    intervals = [
        bootstrap_interval(value, draws, count, 0.95, bounds=(-1.0, 1.0))
        for value, draws in zip(more, drawn, strict=True)
    ]
    for side, shown in means.items():
        lines.append(f"| {kind} | {side} | **picked** | {' | '.join(f'**{value:.3f}**' for value in shown)} | |")
    cells = [f"{value:+.3f} ({low:+.3f} to {high:+.3f})" for value, (low, high) in zip(more, intervals, strict=True)]
    verdict = "higher" if min(more) > 0 else "not higher"
    lines.append(f"| {kind} | ours less peers | **picked** | {' | '.join(cells)} | **{verdict}** |")
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="targets; default: all four")
    parser.add_argument("--epochs", type=int, help="passes over the records, instead of each target's own")
    parser.add_argument("--seeds", type=int, default=1, help="models and draws of people for each target")
    parser.add_argument("--data", help="folder with the public data sets; default: GENASSAY_DATA")
    arguments = parser.parse_args()
    print("| target | side | attack | TPR at FPR 1% | AUC | |\n|---|---|---|---|---|---|")
    for kind in arguments.kinds or EPOCHS:
        start, folder = time.perf_counter(), data_folder(arguments.data)
        epochs = arguments.epochs or EPOCHS[kind]
        runs = [attacked(target(kind, folder, epochs, seed)) for seed in range(arguments.seeds)]
        print("\n".join(compare(kind, runs)))
        print(f"| {kind} | | time | | | {time.perf_counter() - start:.0f} s |", flush=True)


def _nearest(asked: Floats, known: Floats) -> Floats:
    return np.concatenate([cdist(asked[i : i + 200], known).min(axis=1) for i in range(0, len(asked), 200)])


def _component_distances(records: Records) -> Floats:
    """Distances of asked to published records on 40 principal components of what the attacker can see."""
    seen = np.concatenate([records["published"], records["reference"]])
    components = PCA(min(40, seen.shape[1]), random_state=0).fit(seen)
    return np.asarray(cdist(components.transform(records["asked"]), components.transform(records["published"])))


if __name__ == "__main__":
    main()
