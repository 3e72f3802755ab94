"""What the families of audio generators share: rows of frames and labels, and the way back to recordings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, final

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from generators.datasets import Schema
from generators.datasets.payload import payload_column
from generators.encoding import LabelEncoder, MelCepstrum
from generators.errors import InputError
from generators.models.neural import NeuralGenerator
from generators.models.parameters import NonNegativeFloat, PositiveFloat, PositiveInt
from generators.privacy import Ledger
from generators.training import History

RARE = 4.0
"""Taken off every logit that a recording ends here, so that a network begins with recordings of about a second."""


@dataclass(frozen=True)
class RowShape:
    """Where things stand in a row: one-hot labels, the number of frames, then the frames, padded with zeros.

    Attributes:
        labels: Width of the one-hot labels; 0 without labels.
        frames: Frames of the longest recording.
        width: Coefficients of a frame.
    """

    labels: int
    frames: int
    width: int

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return labels, shape (rows, labels); numbers of frames, (rows, 1); and frames, (rows, frames, width)."""
        labels, lengths, frames = torch.split(rows, [self.labels, 1, self.frames * self.width], dim=1)
        return labels, lengths, frames.reshape(len(rows), self.frames, self.width)


class AudioGenerator(NeuralGenerator):
    """A neural generator of recordings as frames of log-mel cepstra, conditional on their labels where there are any.

    A subclass writes `_build` and `_frames`. Under a budget it trains by DP-SGD; labels need public levels, and nothing
    else is learnt from the data: the frames' constants are fixed and the longest recording is a hyper-parameter.

    Attributes:
        bands: Mel bands of a frame.
        seconds: Length of the longest recording; longer ones are cut to it, and none longer is made. Time and memory
            grow with it.
        temperature: Spread of the frames drawn, as a multiple of the model's own; 1 draws from the model, less draws
            cleaner and less varied recordings.
        cepstrum_: How recordings become frames, and frames recordings.
        labels_: The label columns.
        column_: The column that holds the recordings.
        cut_: How many training recordings were longer than `seconds`; 0 under a budget, where that is not looked at.
    """

    modality: ClassVar[str] = "audio"
    draws_labels: ClassVar[bool] = True
    chunk: ClassVar[int] = 256

    batch_size: PositiveInt = 32
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    private_batch_size: PositiveInt = 256
    bands: Annotated[int, Field(ge=4, le=256)] = 40
    seconds: PositiveFloat = 1.5
    temperature: NonNegativeFloat = 1.0
    cepstrum_: MelCepstrum = field(init=False)
    labels_: LabelEncoder = field(init=False)
    column_: str = field(init=False)
    cut_: int = field(init=False)

    @abstractmethod
    def _frames(self, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw the frames of a recording for each row of labels.

        Args:
            labels: One-hot, shape (recordings, width of the labels), on the network's device.
            generator: On the CPU, whatever the device.

        Returns:
            Frames, shape (recordings, frames, width), and their numbers, shape (recordings,), at least 2.
        """

    @property
    def row_shape(self) -> RowShape:
        """Where things stand in the rows that the network reads."""
        return RowShape(self.labels_.width, self.cepstrum_.frames, self.cepstrum_.width)

    @final
    def _learn(self, frame: pd.DataFrame, schema: Schema, *, public_only: bool) -> None:
        self._take_rate(schema)
        self.labels_ = LabelEncoder(public_only=public_only).fit(frame, schema)
        samples = [len(one) for one in frame[self.column_]]
        # Only ever told without a budget, under which even this count would have to be paid for.
        self.cut_ = 0 if public_only else sum(number > self.cepstrum_.most_samples for number in samples)

    @final
    def _record(self, ledger: Ledger) -> None:
        self.labels_.record(ledger)
        ledger.add(
            "how recordings become frames",
            "public",
            parameters={"rate": self.cepstrum_.rate, "bands": self.bands, "seconds": self.seconds},
            public="the hyper-parameters, and the sample rate in the schema",
        )

    @final
    def _encoders(self) -> dict[str, Any]:
        return {"labels": self.labels_.to_dict()}

    @final
    def _restore_encoders(self, state: dict[str, Any]) -> None:
        self._take_rate(self.schema_)
        self.labels_ = LabelEncoder.from_dict(state["labels"])

    @final
    def _notes(self, history: History) -> list[str]:
        del history
        if not self.cut_:
            return []
        return [f"{self.cut_} recordings last longer than {self.seconds:g} s and were cut; raise seconds to keep them"]

    @final
    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        codes = self.labels_.draw(n, generator, conditions)
        return self._drawn(codes, lambda labels, _: self._frames(labels, generator), generator)

    @final
    def _drawn(
        self,
        codes: npt.NDArray[np.int64],
        draw: Callable[[Tensor, slice], tuple[Tensor, Tensor]],
        generator: torch.Generator,
    ) -> pd.DataFrame:
        """Return a frame of recordings.

        Args:
            codes: Of the labels, shape (recordings, label columns).
            draw: Makes frames and their numbers from one-hot labels and their places in the call.
            generator: Draws phases, and where within its last hop a recording ends.
        """
        labels = torch.from_numpy(self.labels_.one_hot(codes)).to(self.torch_device)
        waves: list[npt.NDArray[np.float32]] = []
        for start in range(0, len(codes), self.chunk):
            place = slice(start, start + self.chunk)
            with torch.no_grad():
                frames, lengths = (part.cpu().numpy() for part in draw(labels[place], place))
            spare = torch.randint(self.cepstrum_.hop, (len(lengths),), generator=generator).tolist()
            whole = self.cepstrum_.decode(frames, lengths, generator)
            waves += [wave[: len(wave) - less] for wave, less in zip(whole, spare, strict=True)]
        cells: dict[str, pd.Series[Any]] = self.labels_.decode(codes)
        cells[self.column_] = pd.Series(waves, dtype=object)
        serial = pd.Series([str(number) for number in range(1, len(waves) + 1)], dtype=object)
        return pd.DataFrame({name: cells.get(name, serial) for name in self.schema_.names})

    def _take_rate(self, schema: Schema) -> None:
        column = payload_column(schema)
        if column.rate is None:
            raise InputError(f"column '{column.name}' has no sample rate; declare rate for it in the schema")
        self.column_ = column.name
        self.cepstrum_ = MelCepstrum(column.rate, self.bands, self.seconds)

    @final
    def _rows(self, frame: pd.DataFrame) -> Tensor:
        features, lengths = self.cepstrum_.encode(frame[self.column_].tolist())
        parts = [self.labels_.one_hot(frame), lengths[:, None].astype(np.float32), features.reshape(len(features), -1)]
        return torch.from_numpy(np.concatenate(parts, axis=1))
