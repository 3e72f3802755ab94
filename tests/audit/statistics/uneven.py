"""Audits of made-up worlds in which chance hits some records far more often than others, and leaks are uneven."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audit.statistics import Floats, Strata

RARE, COARSE, POLAR = (0.002, 0.005, 0.01, 0.02), (0.05, 0.2, 0.4, 0.7), (0.01, 0.1, 0.35, 0.6, 0.85, 0.985)


class World(NamedTuple):
    """By stratum, all of them alike in size: how often chance hits, and the share of members that leaks on top."""

    chance: tuple[float, ...]
    leaked: tuple[float, ...]

    def risk(self, members: Floats) -> Floats:
        """The true risk over members, given how many of them each stratum holds, shape (..., strata)."""
        left = members * (1 - np.array(self.chance))
        return np.asarray((left * np.array(self.leaked)).sum(axis=-1) / left.sum(axis=-1))


WORLDS = {
    "few hits, nothing leaks": World(RARE, (0, 0, 0, 0)),
    "few hits, the rarest leak": World(RARE, (0.08, 0, 0, 0)),
    "nothing leaks": World(COARSE, (0, 0, 0, 0)),
    "the hardest leak": World(COARSE, (0.15, 0, 0, 0)),
    "the easiest leak": World(COARSE, (0, 0, 0, 0.4)),
    "all leak alike": World(POLAR, (0.05,) * 6),
    "the extremes leak": World(POLAR, (0.3, 0, 0, 0, 0, 0.9)),
    "half of all leak": World(POLAR, (0.5,) * 6),
    "hopeless and certain, the hopeless leak": World((0.001, 0.999), (0.05, 0)),
}


def counted(
    world: World, members: int, others: int, audits: int, rng: np.random.Generator
) -> tuple[list[Strata], Floats]:
    """The counts of many audits, and their true risks."""
    strata = len(world.chance)
    chance, leaked = np.array(world.chance), np.array(world.leaked)
    sizes = [np.maximum(1, rng.multinomial(size, np.full(strata, 1 / strata), audits)) for size in (members, others)]
    hits = rng.binomial(sizes[0], chance + leaked * (1 - chance)), rng.binomial(sizes[1], chance)
    columns = [part.astype(np.float64) for part in (hits[0], sizes[0], hits[1], sizes[1])]
    return [Strata(*row) for row in zip(*columns, strict=True)], world.risk(columns[1])


def of_people(world: World, people: int, records: int, rng: np.random.Generator) -> tuple[Strata, float]:
    """The counts of one audit of people with so many records each, all hit or none, half of them members."""
    chance, leaked = np.array(world.chance), np.array(world.leaked)
    member, stratum = np.arange(people) < people // 2, rng.integers(0, len(chance), people)
    hit = rng.random(people) < chance[stratum] + np.where(member, leaked[stratum] * (1 - chance[stratum]), 0.0)
    person = np.repeat(np.arange(people), records)
    held = np.bincount(stratum[member], minlength=len(chance)).astype(np.float64)
    return Strata.count(hit[person], member[person], stratum[person], person), float(world.risk(held))
