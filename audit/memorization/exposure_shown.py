"""How the exposure of secrets is shown: medians by number of copies, and the ranks that everything follows from."""

from __future__ import annotations

import numpy as np

from audit.checks import Measured
from audit.memorization.ranks import TOP, Memorized, Ranked
from reports import Figure, Table


def times(count: int) -> str:
    """Once, or so many times."""
    return "once" if count == 1 else f"{count} times"


def medians_figure(medians: list[Measured], absent: float, confidence: float) -> Figure:
    """Bars of the medians `exposure_1`, `exposure_4`, ... beside that of canaries never trained on."""
    intervals = [one.interval(confidence) for one in medians]
    return Figure(
        kind="bars",
        title="Median exposure by number of copies",
        description="Bits that the model gives away about a planted secret; the line is what secrets show that were "
        "never trained on.",
        data={
            "labels": [times(int(one.name.rpartition("_")[2])) for one in medians],
            "values": [round(one.value, 3) for one in medians],
            "low": [round(one.low, 3) for one in intervals],
            "high": [round(one.high, 3) for one in intervals],
            "reference": round(absent, 3),
            "reference_label": "never",
            "unit": "bits",
        },
    )


def medians_table(ranked: Ranked, medians: list[Measured], confidence: float) -> Table:
    """By number of copies, the share known by heart, the median, and its extrapolation."""
    rows: list[list[str | int | float | None]] = []
    for one in medians:
        count = int(one.name.rpartition("_")[2])
        beyond_cap = float(np.median(ranked.extrapolated[ranked.copies == count]))
        low, high = one.interval(confidence)
        heart = Memorized.of(ranked.planted(count), ranked.references)
        least, most = heart.interval(confidence)
        rows.append(
            [
                times(count),
                heart.n,
                f"{heart.share:.1%} ({least:.1%} to {most:.1%})",
                round(one.value, 2),
                f"{low:.2f} to {high:.2f}",
                round(beyond_cap, 1) if np.isfinite(beyond_cap) else None,
            ]
        )
    return Table(
        title="Exposure of planted secrets",
        description=f"Known by heart: {TOP:g} bits or more, beyond chance. Ranks among {ranked.references:,} secrets "
        f"can show {ranked.cap:.1f} bits at most; the last column goes on by a skew-normal distribution fitted to "
        f"their losses, and is an extrapolation. Intervals at {confidence:.0%}.",
        columns=["planted", "secrets", "known by heart", "median exposure", "interval", "extrapolated"],
        rows=rows,
    )


def ranks_table(ranked: Ranked) -> Table:
    """What was observed: secrets by rank, in powers of two."""
    groups = {times(int(count)): ranked.planted(int(count)) for count in np.unique(ranked.copies)}
    groups["never"] = ranked.absent
    bits = range(int(ranked.cap), -1, -1)
    return Table(
        title="Ranks of the secrets",
        description="What was observed, and what every number of this finding follows from, up to rounding of medians: "
        "the share of secrets whose rank is at most so high. Secrets are made up: they are nobody's.",
        columns=["rank at most", "chance", *(f"planted {name}" for name in groups)],
        rows=[
            [
                round(2 ** (ranked.cap - bit)),
                f"{2.0**-bit:.2%}",
                *(f"{float((values >= bit - 1e-9).mean()):.2%}" for values in groups.values()),
            ]
            for bit in bits
        ],
    )
