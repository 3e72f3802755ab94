"""What the families of tables share that read every column as a category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from generators.datasets import Schema
from generators.encoding import TabularEncoder
from generators.models.neural import NeuralGenerator
from generators.privacy import Ledger


class TabularGenerator(NeuralGenerator):
    """A neural generator of tables over the codes of `TabularEncoder`: levels, frequent values and bins.

    Attributes:
        bins: Categories of a numeric column.
        encoder_: Columns to codes and back.
    """

    bins: Annotated[int, Field(ge=2)] = 32
    encoder_: TabularEncoder = field(init=False)

    def _learn(self, frame: pd.DataFrame, schema: Schema, *, public_only: bool) -> None:
        self.encoder_ = TabularEncoder(self.bins, public_only=public_only).fit(frame, schema)

    def _rows(self, frame: pd.DataFrame) -> Tensor:
        return torch.from_numpy(self.encoder_.encode(frame))

    def _record(self, ledger: Ledger) -> None:
        self.encoder_.record(ledger)

    def _encoders(self) -> dict[str, Any]:
        return {"encoder": self.encoder_.to_dict()}

    def _restore_encoders(self, state: dict[str, Any]) -> None:
        self.encoder_ = TabularEncoder.from_dict(state["encoder"], self.schema_)

    def _decoded(self, codes: npt.NDArray[np.int64], generator: torch.Generator) -> pd.DataFrame:
        """Return the records with these codes, shape (records, columns), values drawn evenly within their bins."""
        within = torch.rand(codes.shape, generator=generator, dtype=torch.float64).numpy()
        return self.encoder_.decode(codes, within)


def drawn_codes(logits: Tensor, sizes: Sequence[int], generator: torch.Generator) -> npt.NDArray[np.int64]:
    """Draw a category in each block of logits.

    Args:
        logits: Shape (records, sum of sizes), on the CPU.
        sizes: Categories of each column.
        generator: Where the randomness comes from.

    Returns:
        Shape (records, columns).
    """
    # The largest of logits plus Gumbel noise is a draw from their softmax.
    uniform = torch.rand(logits.shape, generator=generator).clamp_min(1e-20)
    blocks = torch.split(logits - (-uniform.log()).log(), list(sizes), dim=1)
    codes: npt.NDArray[np.int64] = torch.stack([block.argmax(dim=1) for block in blocks], dim=1).numpy()
    return codes
