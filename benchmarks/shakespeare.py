"""How well do text models predict Shakespeare? Nats per character on the last tenth of Tiny Shakespeare.

    python -m benchmarks.shakespeare                                 # every text kind
    python -m benchmarks.shakespeare text-recurrent --set cell=lstm  # one, with other hyper-parameters

The first nine tenths of the characters train the model; records are speeches, which blank lines separate. Every
character of the last tenth is paid for exactly once: the sum is over the characters of each speech and its end token,
which stands for the two newlines after it, and is divided by the number of characters of the raw text, newlines
included. Speeches are read one after the other, as in training, so that models see what was said before.
"""

from __future__ import annotations

import argparse
import gzip
import time
from pathlib import Path

import yaml

from benchmarks.shown import Bar, data_folder, header, line
from generators import Column, Dataset, create, kinds
from generators.datasets.payload import payload_frame, payload_schema

SPEECH = Column("speech", "text")
BARS = {"text-recurrent": 2.0, "text-transformer": 1.85, "text-transformer-xl": 1.85}
"""Nats per character; the transformer with memory is also held against the one without, if that was measured too."""

ALLOWED = 600.0
"""Seconds of training."""


def shakespeare(folder: Path) -> tuple[Dataset, str]:
    """Return the speeches of the first nine tenths and of the last, and the last tenth as it stands."""
    with gzip.open(folder / "tinyshakespeare" / "input.txt.gz", "rt", encoding="utf-8", newline="") as file:
        text = file.read()
    cut = len(text) * 9 // 10
    train, test = (payload_frame(SPEECH, part.split("\n\n")) for part in (text[:cut], text[cut:]))
    data = Dataset("tiny shakespeare", payload_schema(SPEECH), {"train": train, "holdout": test}, modality="text")
    return data, text[cut:]


def measure(kind: str, data: Dataset, test: str, parameters: dict[str, object], bar: float) -> Bar:
    """Train one kind and let it predict the last tenth."""
    start = time.perf_counter()
    model = create(kind, **parameters).fit(data)
    seconds = time.perf_counter() - start
    scores = model.token_log_likelihoods(data.holdout, continued=True)  # type: ignore[attr-defined]
    value = -sum(float(one.sum()) for one in scores) / len(test)
    return Bar(f"{kind}, nats per character", value, bar, False, seconds, ALLOWED)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="default: every text kind")
    parser.add_argument("--data", help="folder with the public data sets")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyper-parameter")
    arguments = parser.parse_args()
    data, test = shakespeare(data_folder(arguments.data))
    parameters = {name: yaml.safe_load(value) for name, _, value in (one.partition("=") for one in arguments.set)}
    print(header())
    bars = dict(BARS)
    for kind in arguments.kinds or [kind for kind in kinds() if kind.startswith("text-")]:
        measured = measure(kind, data, test, parameters, bars[kind])
        if kind == "text-transformer":
            bars["text-transformer-xl"] = min(bars["text-transformer-xl"], measured.value)
        print(line(measured), flush=True)


if __name__ == "__main__":
    main()
