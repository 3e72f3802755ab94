"""Files of every form, as users have them."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import wavfile

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (12, 9, 3), dtype=np.uint8)
TONE = np.round(20000 * np.sin(np.arange(800) / 5)).astype(np.int16)


def png(path: Path, pixels: Any = NOISE, mode: str | None = None, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels))
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


def png16(path: Path) -> Path:
    """One red pixel of 16 bits a channel, which Pillow reads but does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header, pixels = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0), b"\0" + struct.pack(">HHH", 65535, 1, 2)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


def wav(path: Path, samples: Any = TONE, rate: int = 8000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, samples)
    return path


def wav24(path: Path, samples: Any, channels: int = 1, rate: int = 8000) -> Path:
    """24 bits, which SciPy reads but does not write."""
    data = b"".join(int(one).to_bytes(3, "little", signed=True) for one in np.asarray(samples).reshape(-1))
    layout = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 3, channels * 3, 24)
    body = b"WAVE" + b"fmt " + struct.pack("<I", 16) + layout + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def idx(path: Path, values: Any) -> Path:
    values = np.asarray(values, dtype=np.uint8)
    content = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def truncated(path: Path, less: int) -> Path:
    path.write_bytes(path.read_bytes()[:-less])
    return path


def changed(path: Path, position: int, value: int) -> Path:
    content = bytearray(path.read_bytes())
    content[position] = value
    path.write_bytes(content)
    return path
