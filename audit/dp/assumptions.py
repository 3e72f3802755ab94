"""Everything that a bound on a DP-SGD run takes for granted, tested on what the run showed."""

from __future__ import annotations

from audit.dp.clipping import clipping_tests
from audit.dp.noise import noise_tests
from audit.dp.sampling import sampling_tests
from audit.dp.tested import Tested, failed
from audit.dp.watching import Watched
from reports import Table


def assumption_tests(seen: Watched) -> list[Tested]:
    """Test sampling, clipping and noise of a run, in the order in which one fault makes later tests fail too."""
    return [*sampling_tests(seen), *clipping_tests(seen), *noise_tests(seen)]


def assumptions_table(tests: list[Tested], level: float) -> Table:
    """Claimed and measured side by side."""
    broken = failed(tests, level)
    return Table(
        title="What the bound takes for granted, tested",
        description=f"A trainer that does as it claims fails any of these with probability {level:g} at most; each "
        f"is held against {level / len(tests):.2g}.",
        columns=["what", "claimed", "measured", "p", ""],
        rows=[
            [one.what, one.claimed, one.seen, float(f"{one.p:.2g}"), "fails" if one in broken else "holds"]
            for one in tests
        ],
    )
