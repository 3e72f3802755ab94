"""What the families of image generators share: rows of images and labels, and sampling by labels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from generators.datasets import Schema
from generators.encoding.images import ImageEncoder
from generators.models.neural import NeuralGenerator
from generators.privacy import Ledger


class ImageGenerator(NeuralGenerator):
    """A neural generator of images, conditional on their labels where there are any.

    A subclass writes `_build` and `_images`.

    Attributes:
        encoder_: Images and labels to rows of numbers.
    """

    modality: ClassVar[str] = "image"
    draws_labels: ClassVar[bool] = True
    chunk: ClassVar[int] = 512

    encoder_: ImageEncoder = field(init=False)

    @abstractmethod
    def _images(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Draw an image for each row of labels.

        Args:
            labels: One-hot, shape (images, width of the labels), on the network's device.
            generator: On the CPU, whatever the device.

        Returns:
            Shape (images, channels, height, width), from -1 to 1.
        """

    @final
    def _learn(self, frame: pd.DataFrame, schema: Schema, *, public_only: bool) -> None:
        self.encoder_ = ImageEncoder(public_only=public_only).fit(frame, schema)

    @final
    def _rows(self, frame: pd.DataFrame) -> Tensor:
        return self.encoder_.encode(frame)

    @final
    def _record(self, ledger: Ledger) -> None:
        self.encoder_.record(ledger)

    @final
    def _encoders(self) -> dict[str, Any]:
        return {"encoder": self.encoder_.to_dict()}

    @final
    def _restore_encoders(self, state: dict[str, Any]) -> None:
        self.encoder_ = ImageEncoder.from_dict(state["encoder"], self.schema_)

    @final
    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        codes = self.encoder_.labels_.draw(n, generator, conditions)
        return self._drawn(codes, lambda labels, _: self._images(labels, generator))

    @final
    def _drawn(self, codes: npt.NDArray[np.int64], draw: Callable[[Tensor, slice], Tensor]) -> pd.DataFrame:
        """Return a frame of images that a function of one-hot labels and of their places in the call draws."""
        labels = torch.from_numpy(self.encoder_.labels_.one_hot(codes)).to(self.torch_device)
        places = [slice(start, start + self.chunk) for start in range(0, max(len(codes), 1), self.chunk)]
        with torch.no_grad():
            images = torch.cat([draw(labels[place], place).cpu() for place in places])
        return self.encoder_.decode(images, codes)
