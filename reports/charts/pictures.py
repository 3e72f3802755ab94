"""Pictures and spectrograms: grids of small images, each row with its name."""

from __future__ import annotations

import base64
import binascii
import io
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator, model_validator

from reports.charts.canvas import Frame
from reports.charts.palette import INK
from reports.document import Part, Table
from reports.visible import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST = 256
_ACROSS = 8
_CELL = 50


class Strip(Part):
    """Pictures that belong together, as PNG in base64, at most 256 pixels a side."""

    label: str
    images: list[str] = Field(min_length=1, max_length=64)

    @field_validator("images")
    @classmethod
    def _are_small_pngs(cls, images: list[str]) -> list[str]:
        for image in images:
            width, height = _size(image)
            if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
                raise ValueError(f"an image has {width} by {height} pixels; at most {_LARGEST} a side are shown")
            _check_whole(image)
        return images


class ImagesData(Part):
    """The `data` of a figure of kind `images`."""

    strips: list[Strip] = Field(min_length=1, max_length=16)


class Spectrogram(Part):
    """Power over time (columns) and frequency (rows, the lowest first), in decibel."""

    label: str
    seconds: float = Field(gt=0)
    hertz: float = Field(gt=0)
    power: list[list[float]] = Field(min_length=1, max_length=128)

    @model_validator(mode="after")
    def _is_a_rectangle(self) -> Spectrogram:
        width = len(self.power[0])
        if not 0 < width <= _LARGEST or any(len(row) != width for row in self.power):
            raise ValueError(f"rows of power must be of one length, at most {_LARGEST}")
        return self


class SpectrogramsData(Part):
    """The `data` of a figure of kind `spectrograms`."""

    panels: list[Spectrogram] = Field(min_length=1, max_length=8)


def images_frame(data: ImagesData) -> Frame:
    """The room that the drawing needs; it grows with the number of strips."""
    return Frame(height=8 + sum(22 + _CELL * _rows(strip) for strip in data.strips), left=4, top=4, bottom=4, right=4)


def draw_images(axes: Axes, data: ImagesData) -> None:
    """Draw each strip below its name, eight pictures across."""
    from matplotlib.image import imread

    axes.axis("off")
    height = 0.0
    for strip in data.strips:
        axes.text(0, height + 14 / _CELL, short(strip.label, 56), fontsize=11, va="center", color=INK)
        height += 22 / _CELL
        for at, image in enumerate(strip.images):
            row, across = divmod(at, _ACROSS)
            pixels: Any = imread(io.BytesIO(base64.b64decode(image)), format="png")
            top, inset = height + row, 0.04
            _place(axes, pixels, (across + inset, across + 1 - inset, top + 1 - inset, top + inset))
        height += _rows(strip)
    axes.set(xlim=(0, _ACROSS), ylim=(height, 0))


def tabulate_images(data: ImagesData) -> Table:
    """What can be said of pictures in numbers: how many, and how large."""
    rows: list[list[str | int | float | None]] = []
    for strip in data.strips:
        sizes = sorted({_size(image) for image in strip.images})
        rows.append([strip.label, len(strip.images), ", ".join(f"{width} by {height}" for width, height in sizes)])
    return Table(title="The pictures in this figure", columns=["row", "pictures", "pixels"], rows=rows)


def spectrograms_frame(data: SpectrogramsData) -> Frame:
    """The room that the drawing needs; it grows with the number of panels."""
    return Frame(height=16 + 118 * len(data.panels), left=56, top=8, bottom=8)


def draw_spectrograms(axes: Axes, data: SpectrogramsData) -> None:
    """Draw the panels below each other, all on one scale of loudness."""
    axes.axis("off")
    values = [value for panel in data.panels for row in panel.power for value in row]
    share = 1 / len(data.panels)
    for at, panel in enumerate(data.panels):
        inner = axes.inset_axes((0, 1 - (at + 1) * share + 0.32 * share, 1, 0.5 * share))
        inner.set_title(short(panel.label, 48), loc="left", fontsize=11.5, pad=4)
        inner.imshow(
            panel.power, origin="lower", aspect="auto", interpolation="none", cmap="cividis", vmin=min(values),
            vmax=max(values) if max(values) > min(values) else min(values) + 1,
            extent=(0, panel.seconds, 0, panel.hertz / 1000),
        )  # fmt: skip
        inner.set(xlabel="seconds" if at == len(data.panels) - 1 else "", ylabel="kHz")
        inner.grid(visible=False)


def tabulate_spectrograms(data: SpectrogramsData) -> Table:
    """Length, range and loudness of each recording."""
    rows: list[list[str | int | float | None]] = []
    for panel in data.panels:
        flat = [value for row in panel.power for value in row]
        loudest = max(range(len(panel.power)), key=lambda at: sum(panel.power[at]))
        peak = (loudest + 0.5) * panel.hertz / len(panel.power)
        rows.append([panel.label, panel.seconds, panel.hertz, round(peak), max(flat), sum(flat) / len(flat)])
    columns = ["recording", "seconds", "up to Hz", "loudest near Hz", "loudest dB", "mean dB"]
    return Table(title="The recordings in this figure", columns=columns, rows=rows)


def _place(axes: Axes, pixels: Any, extent: tuple[float, float, float, float]) -> None:
    # Colour maps are for greys; what has colours of its own ignores them.
    axes.imshow(pixels, extent=extent, interpolation="none", aspect="auto", cmap="gray", vmin=0, vmax=1)


def _rows(strip: Strip) -> int:
    return -(-len(strip.images) // _ACROSS)


def _size(image: str) -> tuple[int, int]:
    """Width and height from the header of a PNG (its first chunk, by the standard, says so)."""
    try:
        head = base64.b64decode(image, validate=True)[:24]
    except (binascii.Error, ValueError):
        raise ValueError("an image is not base64") from None
    if len(head) < 24 or not head.startswith(_PNG) or head[12:16] != b"IHDR":
        raise ValueError("an image is not a PNG")
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def _check_whole(image: str) -> None:
    from PIL import Image

    try:
        Image.open(io.BytesIO(base64.b64decode(image)), formats=["PNG"]).load()
    except Exception as error:  # what a damaged file raises depends on where the damage is
        raise ValueError(f"an image is damaged ({type(error).__name__})") from None
