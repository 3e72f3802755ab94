"""A recurrent network for texts (LSTM: Hochreiter and Schmidhuber 1997; GRU: Cho et al. 2014)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor, nn

from generators.models.parameters import PositiveInt
from generators.models.text.language import TextGenerator
from generators.models.text.network import LanguageModel, State

Cell = Literal["gru", "lstm"]


class TextRecurrent(TextGenerator):
    """Makes texts with a GRU or LSTM, whose state carries all that it has read.

    Attributes:
        cell: `gru` or `lstm`.
        embedding: Width of a token's embedding.
        hidden: Width of the state.
        layers: Cells on top of each other.

    Example:
        >>> from generators.datasets.payload import payload_frame, payload_schema
        >>> from generators import Column, Dataset
        >>> column = Column("text", "text")
        >>> frame = payload_frame(column, ["to be", "or not", "that is"] * 20)
        >>> data = Dataset("hamlet", payload_schema(column), {"records": frame}, modality="text").split()
        >>> model = TextRecurrent(epochs=1, hidden=8, context=16).fit(data, progress=False)
        >>> len(model.sample(2))
        2
    """

    kind: ClassVar[str] = "text-recurrent"
    no_privacy: ClassVar[str] = (
        "a GRU or LSTM uses its weights anew at every token, so that a record's gradient is a sum over tokens that "
        "ghost clipping cannot measure, and forming it record by record costs a weight matrix a token; "
        "text-transformer and text-transformer-xl can be trained under a budget"
    )

    cell: Cell = "gru"
    embedding: PositiveInt = 128
    hidden: PositiveInt = 384
    layers: PositiveInt = 1

    def _build(self) -> Recurrent:
        return Recurrent(
            self.inputs, self.texts_.size, self.cell, self.embedding, self.hidden, self.layers, self.dropout
        )


class Recurrent(LanguageModel):
    """Embedding, recurrent layers, logits.

    Args:
        inputs: Number of tokens that can be read.
        vocabulary: Number of tokens that are predicted, the first ones.
        cell: `gru` or `lstm`.
        embedding: Width of a token's embedding.
        hidden: Width of the state.
        layers: Cells on top of each other.
        dropout: Share of activations set to zero before the logits and between layers.
    """

    def __init__(
        self, inputs: int, vocabulary: int, cell: Cell, embedding: int, hidden: int, layers: int, dropout: float
    ) -> None:
        super().__init__(vocabulary)
        self.embedding = nn.Embedding(inputs, embedding)
        kinds: dict[Cell, type[nn.GRU | nn.LSTM]] = {"gru": nn.GRU, "lstm": nn.LSTM}
        self.cells = kinds[cell](embedding, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, vocabulary))

    def logits(self, tokens: Tensor) -> Tensor:
        """Return the logits after each token of a row, which starts from nothing."""
        return self.advance(tokens, None)[0]

    def advance(self, tokens: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Read on; the state is that of the cells, each of shape (batch, layers, hidden)."""
        before = None if state is None else [one.transpose(0, 1).contiguous() for one in state]
        if isinstance(self.cells, nn.LSTM):
            outputs, after = self.cells(self.embedding(tokens), None if before is None else (before[0], before[1]))
        else:
            outputs, last = self.cells(self.embedding(tokens), None if before is None else before[0])
            after = (last,)
        logits: Tensor = self.head(outputs)
        return logits, [one.transpose(0, 1) for one in after]
