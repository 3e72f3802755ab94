"""How intelligible are generated recordings? Trains each audio kind on spoken digits, and a classifier on what it says.

    python -m benchmarks.spoken_digits                            # every audio kind
    python -m benchmarks.spoken_digits audio-vae --set epochs=20  # one, with other hyper-parameters

Free Spoken Digit Dataset, six speakers at 8 kHz. Takes 5 to 14 of each digit and speaker, 600 recordings, train the
generator; the classifier (a support vector machine on cepstra of the waveform) hears 200 generated recordings of each
digit, by speakers as frequent as in train, and is tested on takes 0 to 4, 300 real recordings. Chance is 0.1.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml
from scipy.fft import dct
from scipy.io import wavfile
from scipy.signal import stft
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.shown import Bar, data_folder, header, line
from generators import Dataset, create, kinds
from generators.datasets.columns import Column
from generators.datasets.payload import payload_frame, payload_schema

BAR = (0.60, 600.0)
"""Accuracy and seconds."""

RATE = 8000
EACH = 200
WINDOW, HOP, BANDS, CEPSTRA, FRAMES = 256, 80, 24, 16, 24


def spoken_digits(folder: Path) -> Dataset:
    """Return takes 5 to 14 as train, and takes 0 to 4 as holdout."""
    with np.load(folder / "fsdd" / "fsdd_takes0_14.npz") as file:
        stored = {name: file[name] for name in file.files}
    audio = stored["audio"].astype(np.float32) / 2**15
    column = Column("audio", "audio", rate=int(stored["rate"]))
    digits = stored["digit"].astype(str)
    speakers = stored["speakers"][stored["speaker"]]
    parts = {}
    for name, takes in (("train", range(5, 15)), ("holdout", range(5))):
        rows = np.flatnonzero(np.isin(stored["take"], takes))
        cells = [audio[stored["offsets"][row] : stored["offsets"][row + 1]] for row in rows]
        parts[name] = payload_frame(column, cells, {"digit": digits[rows], "speaker": speakers[rows]})
    schema = payload_schema(column, {"digit": digits, "speaker": speakers})
    return Dataset("spoken digits", schema, parts, modality="audio")


def cepstra(recordings: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float64]:
    """Return loudness-free mel cepstra over 24 even moments of each recording, and its length."""
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)
    edges = 700 * np.expm1(np.linspace(0, np.log1p(RATE / 2 / 700), BANDS + 2))
    filters = np.stack([np.interp(hertz, edges[band : band + 3], [0, 1, 0]) for band in range(BANDS)])
    rows = []
    for one in recordings:
        padded = np.pad(one, (0, max(0, WINDOW - len(one))))
        power = np.abs(stft(padded, RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)[2]) ** 2
        cepstrum = dct(np.log(filters @ power + 1e-9), axis=0, norm="ortho")[:CEPSTRA]
        cepstrum[0] -= cepstrum[0].mean()
        moments = np.linspace(0, cepstrum.shape[1] - 1, FRAMES)
        steps = np.arange(cepstrum.shape[1])
        rows.append([*(value for each in cepstrum for value in np.interp(moments, steps, each)), np.log(len(one))])
    return np.array(rows)


def accuracy(trained_on: pd.DataFrame, tested_on: pd.DataFrame) -> float:
    """Return the share of digits that a classifier trained on the one hears right in the other."""
    learner = make_pipeline(StandardScaler(), SVC(C=10))
    learner.fit(cepstra(trained_on["audio"].tolist()), trained_on["digit"])
    return float(learner.score(cepstra(tested_on["audio"].tolist()), tested_on["digit"]))


def measure(kind: str, data: Dataset, parameters: dict[str, object], listen: Path | None) -> list[Bar]:
    """Train one kind; teach a classifier by what it says, and ask the classifier taught by people what it hears."""
    start = time.perf_counter()
    model = create(kind, **parameters).fit(data)
    seconds = time.perf_counter() - start
    digits = data.schema["digit"].levels or ()
    said = pd.concat(
        [model.sample(EACH, seed=number, conditions={"digit": digit}) for number, digit in enumerate(digits)],
        ignore_index=True,
    )
    if listen is not None:
        listen.mkdir(parents=True, exist_ok=True)
        for row in range(0, len(said), EACH // 4):
            name = f"{kind}_{said['digit'][row]}_{said['speaker'][row]}_{row}.wav"
            wavfile.write(listen / name, RATE, (said["audio"][row] * 32767).astype(np.int16))
    bar, allowed = BAR
    return [
        Bar(f"{kind}, train-synthetic-test-real accuracy", accuracy(said, data.holdout), bar, True, seconds, allowed),
        Bar(f"{kind}, train-real-test-synthetic accuracy", accuracy(data.train, said), bar, True, seconds, allowed),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="default: every audio kind")
    parser.add_argument("--data", help="folder with the public data sets")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyper-parameter")
    parser.add_argument("--listen", type=Path, metavar="FOLDER", help="where to write some recordings")
    arguments = parser.parse_args()
    data = spoken_digits(data_folder(arguments.data))
    parameters = {name: yaml.safe_load(value) for name, _, value in (one.partition("=") for one in arguments.set)}
    print(header())
    print(line(Bar("real recordings", accuracy(data.train, data.holdout), 0.9)), flush=True)
    for kind in arguments.kinds or [kind for kind in kinds() if kind.startswith("audio-")]:
        for bar in measure(kind, data, parameters, arguments.listen):
            print(line(bar), flush=True)


if __name__ == "__main__":
    main()
