"""Recordings from folders of WAV files and from `.npz` archives that hold them one after another; and back."""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from generators.datasets.arrays import label_arrays, read_arrays, write_arrays
from generators.datasets.columns import MOST_HERTZ, Column
from generators.datasets.folders import list_folder, write_folder
from generators.datasets.payload import Payload
from generators.errors import InputError

Samples = npt.NDArray[np.float32]

AUDIO_SUFFIXES = (".wav",)
_NAME = "audio"
_FULL_SCALE = 32768  # of 16 bits; other depths are brought to the same range first
AUDIO_ARRAYS = ("audio", "offsets", "rate")
"""Names that an archive keeps for recordings."""
# What SciPy raises over damaged files. Headers lie: about blocks of no bytes, and about more samples than memory holds.
_DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    EOFError,
    ArithmeticError,
    MemoryError,
    UnboundLocalError,
    struct.error,
)


def read_recordings(path: Path) -> Payload:
    """Read recordings of one rate.

    Args:
        path: A folder of WAV files (8, 16, 24 or 32 bits or floating point; see `list_folder` for labels), or a `.npz`
            archive with `audio` (all samples, one recording after another), `offsets` (where each begins, and the end
            of the last), `rate` (samples a second), and one array for each label column.

    Returns:
        Cells of float32 in [-1, 1], shape (samples,). Channels are averaged. Files of another rate than most are
        resampled to that one, and a note says so.

    Raises:
        InputError: A file is damaged or empty; the message names it.
    """
    return _read_folder(path) if path.is_dir() else _read_npz(path)


def _read_folder(folder: Path) -> Payload:
    listing = list_folder(folder, AUDIO_SUFFIXES)
    found = [_read_wav(file) for file in listing.files]
    counts = Counter(rate for rate, _ in found)
    usual = max(counts, key=lambda rate: (counts[rate], rate))
    cells = [resampled(samples, rate, usual) for rate, samples in found]
    loud = sum(bool(np.abs(samples).max() > 1) for samples in cells)
    notes = [*listing.notes]
    if len(counts) > 1:
        notes.append(
            f"{folder.name}: {len(found) - counts[usual]} recordings of another rate were resampled to {usual} Hz"
        )
    if loud:
        notes.append(f"{folder.name}: {loud} recordings went beyond full scale and were clipped to it")
    column = Column(_NAME, "audio", rate=usual)
    return Payload(column, [np.clip(samples, -1, 1) for samples in cells], listing.labels, tuple(notes))


def _read_wav(file: Path) -> tuple[int, Samples]:
    """Return a file's rate and its samples, averaged over channels, full scale being 1."""
    from scipy.io import wavfile  # SciPy takes long to import, and most data sets are no recordings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # about chunks that are no sound
            warnings.filterwarnings("error", message="Reached EOF prematurely")
            rate, values = wavfile.read(file)
    except (*_DAMAGED, wavfile.WavFileWarning) as error:
        reason = "it ends too early" if isinstance(error, wavfile.WavFileWarning | struct.error | EOFError) else error
        raise InputError(f"{file}: cannot be read as a WAV file ({' '.join(str(reason).split())[:200]})") from error
    if not len(values) or rate < 1:
        raise InputError(f"{file}: holds no sound; remove it")
    if rate > MOST_HERTZ:
        raise InputError(f"{file}: claims {rate} samples a second, which no recorder takes; it is damaged")
    samples = _scaled(values)
    if not np.isfinite(samples).all():
        raise InputError(f"{file}: holds samples that are no finite numbers")
    return int(rate), np.asarray(samples if samples.ndim == 1 else samples.mean(axis=1), dtype=np.float32)


def _scaled(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if values.dtype == np.uint8:
        return (values.astype(np.float64) - 128) / 128
    scale = -float(np.iinfo(values.dtype).min) if values.dtype.kind == "i" else 1.0
    return values.astype(np.float64) / scale


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """Return samples at another rate, low-pass filtered where it is lower."""
    if rate == wanted:
        return samples
    from scipy.signal import resample_poly

    common = math.gcd(rate, wanted)
    return np.asarray(resample_poly(samples, wanted // common, rate // common), dtype=np.float32)


def at_rate(payload: Payload, rate: int) -> Payload:
    """Return the recordings at another rate, with a note if it is another."""
    found = payload.column.rate
    if found is None or found == rate:
        return payload
    cells = [np.clip(resampled(samples, found, rate), -1, 1) for samples in payload.cells]
    note = f"recordings of {found} Hz were resampled to {rate} Hz"
    return replace(payload, column=replace(payload.column, rate=rate), cells=cells, notes=(*payload.notes, note))


def _read_npz(path: Path) -> Payload:
    arrays = read_arrays(path)
    for name in AUDIO_ARRAYS:
        if name not in arrays:
            raise InputError(f"{path}: has no array '{name}'; an archive of recordings has audio, offsets and rate")
    audio, offsets, rate = (arrays.pop(name) for name in AUDIO_ARRAYS)
    if rate.shape != () or rate.dtype.kind not in "iu" or not 1 <= rate <= MOST_HERTZ:
        raise InputError(f"{path}: 'rate' is one whole number, the samples a second, from 1 to {MOST_HERTZ:,}")
    if audio.ndim != 1 or not (audio.dtype.kind == "f" or audio.dtype in (np.uint8, np.int16, np.int32)):
        raise InputError(
            f"{path}: 'audio' is {audio.dtype} of shape {audio.shape}, expected one row of int16 or floats"
        )
    whole = offsets.ndim == 1 and offsets.dtype.kind in "iu" and len(offsets) > 1
    if not whole or offsets[0] != 0 or offsets[-1] != len(audio) or (np.diff(offsets.astype(np.int64)) < 1).any():
        raise InputError(f"{path}: 'offsets' must rise from 0 to the {len(audio)} samples of 'audio'")
    samples = _scaled(audio).astype(np.float32)
    if not np.isfinite(samples).all():
        raise InputError(f"{path}: 'audio' holds samples that are no finite numbers")
    cells = np.split(np.clip(samples, -1, 1), offsets[1:-1].astype(np.int64))
    return Payload(Column(_NAME, "audio", rate=int(rate)), cells, *label_arrays(arrays, len(cells), path))


def write_recordings(payload: Payload, path: Path) -> tuple[str, ...]:
    """Write recordings as a folder of WAV files or a `.npz` archive, both of 16 bits; `read_recordings` reads them.

    Returns:
        Notes about what the form leaves out: none.

    Raises:
        InputError: The place is taken, or a recording is empty.
    """
    rate, cells = payload.column.rate, [_to_16_bits(cell) for cell in payload.cells]
    if rate is None:
        raise InputError(f"{path}: the column '{payload.column.name}' names no rate")
    empty = next((number for number, cell in enumerate(cells, start=1) if not len(cell)), None)
    if empty is not None:
        raise InputError(f"{path}: recording {empty} holds no samples")
    if path.suffix == ".npz":
        _write_npz(cells, rate, payload, path)
    else:
        write_folder(path, (_wav(cell, rate) for cell in cells), len(cells), ".wav", payload.labels)
    return ()


def _write_npz(cells: Sequence[npt.NDArray[np.int16]], rate: int, payload: Payload, path: Path) -> None:
    offsets = np.cumsum([0, *map(len, cells)])
    labels = {name: np.array(values, dtype=str) for name, values in payload.labels.items()}
    write_arrays(path, {"audio": np.concatenate(cells), "offsets": offsets, "rate": np.int64(rate), **labels})


def _to_16_bits(samples: Samples) -> npt.NDArray[np.int16]:
    scaled = np.round(samples.astype(np.float64) * _FULL_SCALE)
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)


def _wav(samples: npt.NDArray[np.int16], rate: int) -> bytes:
    from scipy.io import wavfile

    content = io.BytesIO()
    wavfile.write(content, rate, samples)
    return content.getvalue()
