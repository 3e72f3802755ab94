"""Images from folders, `.npz` archives and MNIST's idx files, and back to folders, archives and one grid to look at."""

from __future__ import annotations

import io
import math
import re
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

from generators.datasets.arrays import label_arrays, read_arrays, write_arrays
from generators.datasets.columns import Column
from generators.datasets.files import read_bytes, whole_file
from generators.datasets.folders import LABEL, list_folder, write_folder
from generators.datasets.payload import Payload
from generators.errors import InputError

Pixels = npt.NDArray[np.uint8]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
MOST_IN_A_GRID = 1024
_NAME = "image"
IMAGE_ARRAYS = ("x", "y")
"""Names that an archive keeps for images and for the column `label`."""
_MODES = {"1": "L", "L": "L", "RGB": "RGB", "P": "RGB"}
"""Pillow's modes that lose nothing as grey or colour of 8 bits, by what they become."""
_DAMAGED = (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error, Image.DecompressionBombError)
_IDX = re.compile(r"images[-.]idx3-ubyte(\.gz)?$")
_GAP = 2
_GAP_GREY = 128


def is_idx(path: Path) -> bool:
    """Tell whether a file has the name of MNIST's images."""
    return _IDX.search(path.name) is not None


def read_images(path: Path) -> Payload:
    """Read images of one size, all grey or all in colour.

    Args:
        path: A folder of PNG or JPEG files (see `list_folder` for labels); a `.npz` archive with `x`, uint8 of shape
            (images, height, width) or (images, height, width, channels), and one array for each label column, where
            `y` is the column `label`; or a file `*-images-idx3-ubyte`, also with `.gz`, whose labels stand beside it.

    Returns:
        Cells of uint8, shape (height, width, channels), with 1 or 3 channels, upright as a camera's file says.

    Raises:
        InputError: A file is damaged, has transparent pixels or more than 8 bits a channel, or is of another size or
            mode than most; the message names it.
    """
    if path.is_dir():
        return _read_folder(path)
    return _read_idx(path) if is_idx(path) else _read_npz(path)


def _read_folder(folder: Path) -> Payload:
    listing = list_folder(folder, IMAGE_SUFFIXES)
    cells = [_read_image(file) for file in listing.files]
    usual = Counter(cell.shape for cell in cells).most_common(1)[0][0]
    for file, cell in zip(listing.files, cells, strict=True):
        if cell.shape != usual:
            mixed = "grey and colour images are mixed" if cell.shape[2] != usual[2] else "sizes are mixed"
            raise InputError(f"{file}: {mixed}: it is {_form(cell.shape)}, most others are {_form(usual)}")
    return Payload(_column(usual), cells, listing.labels, listing.notes)


def _read_image(file: Path) -> Pixels:
    try:
        with Image.open(file, formats=("PNG", "JPEG")) as image:
            lost = _lost(image)
            upright = image if lost else ImageOps.exif_transpose(image)
            pixels = None if lost else np.asarray(upright.convert(_MODES[image.mode]))
    except _DAMAGED as error:
        raise InputError(f"{file}: cannot be read as a PNG or JPEG image ({_said(error)})") from error
    if pixels is None:
        raise InputError(f"{file}: has {lost}; save it as grey or RGB with 8 bits a channel and no transparency")
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def _lost(image: ImageFile) -> str:
    """Say what an image has that grey or colour of 8 bits cannot keep; '' if nothing."""
    if image.mode not in _MODES:
        return f"mode {image.mode}"
    if "transparency" in image.info:
        return "transparent pixels"
    # Pillow cuts colours of 16 bits to 8 and says so only in the instructions to its decoder, such as "RGB;16B".
    return "16 bits a channel" if any(";16" in str(tile[3]) for tile in image.tile) else ""


def _read_npz(path: Path) -> Payload:
    arrays = read_arrays(path)
    if "x" not in arrays:
        raise InputError(f"{path}: has no array 'x' of images; it has {', '.join(arrays) or 'none'}")
    pixels = arrays.pop("x")
    if pixels.dtype != np.uint8:
        raise InputError(f"{path}: 'x' is {pixels.dtype}, expected uint8 from 0 to 255")
    if pixels.ndim == 3:
        pixels = pixels[:, :, :, None]
    if pixels.ndim != 4 or pixels.shape[3] not in (1, 3) or 0 in pixels.shape:
        raise InputError(
            f"{path}: 'x' has shape {arrays.get('x', pixels).shape}, expected (images, height, width) or (images, "
            "height, width, channels) with 1 or 3 channels"
        )
    if "y" in arrays and arrays["y"].shape != pixels.shape[:1]:
        raise InputError(
            f"{path}: 'y' has shape {arrays['y'].shape}, expected one label for each of {len(pixels)} images"
        )
    if "y" in arrays and LABEL in arrays:
        raise InputError(f"{path}: 'y' and '{LABEL}' would be the same column; rename one of these arrays")
    named = {LABEL if name == "y" else name: one for name, one in arrays.items()}
    return Payload(_column(pixels.shape[1:]), [*pixels], *label_arrays(named, len(pixels), path))


def _read_idx(path: Path) -> Payload:
    pixels = _idx(path, dimensions=3)
    plain = path.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    beside = next((file for name in (plain, f"{plain}.gz") if (file := path.with_name(name)).is_file()), None)
    column, cells = _column((*pixels.shape[1:], 1)), [*pixels[:, :, :, None]]
    if beside is None:
        return Payload(column, cells, notes=(f"{path.name}: no labels, since no {plain} lies beside it",))
    labels = _idx(beside, dimensions=1)
    if len(labels) != len(pixels):
        raise InputError(f"{beside}: holds {len(labels)} labels for {len(pixels)} images of {path.name}")
    return Payload(column, cells, {LABEL: [str(label) for label in labels]})


def _idx(path: Path, dimensions: int) -> Pixels:
    """Read an idx file of bytes: two zeros, type 8, the number of dimensions, their sizes (big-endian), the values."""
    content = read_bytes(path)
    head = 4 + 4 * dimensions
    if len(content) < head or content[:4] != bytes((0, 0, 8, dimensions)):
        raise InputError(f"{path}: is no idx file of bytes in {dimensions} dimensions")
    shape = struct.unpack(f">{dimensions}I", content[4:head])
    if len(content) - head != math.prod(shape) or 0 in shape:
        raise InputError(f"{path}: is damaged: {len(content) - head} bytes follow the header, which says {shape}")
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(shape)


def write_images(payload: Payload, path: Path) -> tuple[str, ...]:
    """Write images as a folder of PNG files, a `.npz` archive, or one `.png`: a grid of all of them, to look at.

    Returns:
        Notes about what the chosen form leaves out; `read_images` gives the records of the two others back.

    Raises:
        InputError: The place is taken, or there are too many images for a grid.
    """
    if path.suffix == ".npz":
        _write_npz(payload, path)
    elif path.suffix == ".png":
        require_grid(path, len(payload.cells))
        with whole_file(path) as beside:
            beside.write_bytes(_png(grid(payload.cells)))
        return (f"{path.name}: a grid to look at; it holds no labels, and is not read back",)
    else:
        write_folder(path, map(_png, payload.cells), len(payload.cells), ".png", payload.labels)
    return ()


def require_grid(path: Path, images: int) -> None:
    """Refuse a grid that nobody could look at.

    Raises:
        InputError: There are more than 1,024 images.
    """
    if images > MOST_IN_A_GRID:
        raise InputError(
            f"{path}: a grid shows at most {MOST_IN_A_GRID:,} images, not {images:,}; name a folder or .npz"
        )


def grid(cells: Sequence[Pixels]) -> Pixels:
    """Lay images of one size out in rows, as near to a square as can be, with grey gaps between them.

    Args:
        cells: At least one image, shape (height, width, channels).
    """
    height, width, channels = cells[0].shape
    across = math.ceil(math.sqrt(len(cells) * height / width))
    across = min(max(across, 1), len(cells))
    down = math.ceil(len(cells) / across)
    sheet = np.full(
        (down * (height + _GAP) + _GAP, across * (width + _GAP) + _GAP, channels), _GAP_GREY, dtype=np.uint8
    )
    for number, cell in enumerate(cells):
        top, left = _GAP + number // across * (height + _GAP), _GAP + number % across * (width + _GAP)
        sheet[top : top + height, left : left + width] = cell
    return sheet


def _write_npz(payload: Payload, path: Path) -> None:
    pixels = np.stack(list(payload.cells))
    labels = {"y" if name == LABEL else name: np.array(values, dtype=str) for name, values in payload.labels.items()}
    write_arrays(path, {"x": pixels[:, :, :, 0] if pixels.shape[3] == 1 else pixels, **labels})


def _png(pixels: Pixels) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(content, "PNG")
    return content.getvalue()


def _column(shape: tuple[int, ...]) -> Column:
    height, width, channels = shape
    return Column(_NAME, "image", shape=(height, width, channels))


def _form(shape: Sequence[int]) -> str:
    return f"{shape[0]}x{shape[1]} {'grey' if shape[2] == 1 else 'colour'}"


def _said(error: Any) -> str:
    return " ".join(str(error).split())[:200]
