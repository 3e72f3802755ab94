"""What all text families share: records as token sequences, exact likelihoods, and writing token by token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from generators.datasets import Schema
from generators.datasets.payload import payload_column, payload_frame
from generators.encoding.labels import LabelEncoder
from generators.encoding.text import END, UNKNOWN, TextEncoder, Vocabulary
from generators.encoding.windows import one_row_each, windows
from generators.errors import InputError
from generators.models.conditions import Conditions
from generators.models.neural import NeuralGenerator
from generators.models.parameters import PositiveFloat, PositiveInt, Share
from generators.models.text.network import State, token_losses
from generators.privacy import Ledger

_SCORED = 64
"""Records scored at once."""

_WRITTEN = 256
"""Records written at once."""

Floats = npt.NDArray[np.float64]
Tokens = npt.NDArray[np.int64]


class TextGenerator(NeuralGenerator):
    """A generator of texts that predicts each token from those before it.

    A record is a start token, a token for each label, the text, and an end token; only the text and its end are
    predicted. Without a budget, the records of train are read end to end in their order, so that a model of documents
    in a sensible order also learns how one follows another, and cut into windows. Under a budget a row is one record,
    cut after `context` tokens, and tokens are the bytes of UTF-8.

    A subclass writes `_build`, which returns a `LanguageModel`.

    Attributes:
        vocabulary: What a token is: `characters`, or `bpe` for pieces of words found by byte-pair encoding.
        vocabulary_size: Tokens of a byte-pair vocabulary at most.
        context: Tokens read at once.
        max_length: Tokens after which a sampled record is cut.
        temperature: Divides the logits when sampling; below 1 for likelier, above 1 for more varied texts.
        dropout: Share of activations set to zero while training; more than 0 pays where many passes are made.
        column_: The column that holds the texts.
        texts_: Between texts and tokens.
        labels_: The label columns.
        may_be_empty_: Whether a text without any token may be written: if train holds one. Never under a budget, where
            train is not asked.
    """

    modality: ClassVar[str] = "text"
    draws_labels: ClassVar[bool] = True
    default_epochs: ClassVar[int] = 2
    least_steps: ClassVar[int] = 500

    batch_size: PositiveInt = 16
    learning_rate: PositiveFloat = 2e-3
    warmup: Share = 0.05
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    gradient_norm: PositiveFloat | None = 1.0
    private_batch_size: PositiveInt = 256
    private_learning_rate: PositiveFloat = 2e-3
    vocabulary: Vocabulary = "characters"
    vocabulary_size: Annotated[int, Field(ge=4)] = 1024
    context: Annotated[int, Field(ge=2)] = 128
    max_length: PositiveInt = 1000
    temperature: PositiveFloat = 1.0
    dropout: Share = 0.0
    column_: str = field(init=False)
    texts_: TextEncoder = field(init=False)
    labels_: LabelEncoder = field(init=False)
    may_be_empty_: bool = field(init=False)

    def token_log_likelihoods(
        self, frame: pd.DataFrame, *, continued: bool = False, standardised: bool = False
    ) -> list[Floats]:
        """Return the log-probability of every token of every record, in nats.

        Args:
            frame: Canonical frame. A character that the vocabulary lacks counts as one unknown token, at the price that
                the model gives it, and is read as such. A label never seen is read as none.
            continued: Whether each record is read after those before it, as in training, with at least half of
                `context` tokens in view; else each stands alone.
            standardised: Whether to say instead how each compares with what else could stand there: less its mean under
                the prediction, over its deviation.

        Returns:
            For each record an array of its text's tokens and the end.
        """
        self._require_fitted()
        sequences = self._sequences(frame)
        if not continued:
            return self._scored(sequences, standardised)
        if not sequences:
            return []
        stream = self._scored([np.concatenate(sequences)], standardised)[0]
        return np.split(stream, np.cumsum([self._predicted(one) for one in sequences])[:-1])

    def log_likelihood(self, frame: pd.DataFrame) -> Floats:
        """Return each record's exact log-likelihood in nats, given its labels, shape (records,).

        It is that of the text's tokens and the end, each record by itself; see `token_log_likelihoods` for unknown
        characters. It is the network's: `sample` never writes an unknown character, nor, unless `may_be_empty_`, an
        empty text, and draws from what then remains, scaled up at that token. With `bpe` other tokens may spell the
        same text, so that it bounds the text's own from below.
        """
        return np.array([float(one.sum()) for one in self.token_log_likelihoods(frame)], dtype=np.float64)

    def record_loss(self, frame: pd.DataFrame) -> Floats:
        """Return each record's loss in nats per token, the end included, shape (records,).

        That is minus the log-likelihood divided by the number of tokens, so that short and long records compare.
        """
        return np.array([-float(one.mean()) for one in self.token_log_likelihoods(frame)], dtype=np.float64)

    def next_token_logits(self, prompts: Sequence[str], conditions: Mapping[str, Any] | None = None) -> Floats:
        """Return the logits of the token after each prompt.

        Args:
            prompts: Beginnings of records; may be empty.
            conditions: Labels of the records; those not given are as they occur most often together with them.

        Returns:
            Shape (prompts, vocabulary). Column 0 is the end of the record, column 1 an unknown character, the others
            the pieces of `texts_`.

        Raises:
            InputError: A prompt has a character that the vocabulary lacks.
        """
        self._require_fitted()
        for number, prompt in enumerate(prompts, start=1):
            self.texts_.require_known(prompt, f"prompt {number}")
        wanted = Conditions(self.schema_, conditions or {}).values
        prefix = self._prefix(_likeliest(self.labels_, wanted))
        found = []
        with torch.no_grad():
            for prompt in prompts:
                tokens = np.concatenate([prefix[0], self.texts_.encode(prompt)])
                logits, _ = self.network_.advance(torch.from_numpy(tokens)[None].to(self.torch_device), None)
                found.append(logits[0, -1])
        if not found:
            return np.zeros((0, self.texts_.size))
        return torch.stack(found).double().cpu().numpy()

    def complete(
        self, prompts: Sequence[str], tokens: int, *, conditions: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Return how each text most likely goes on: the likeliest token after each, until the end.

        Args:
            prompts: Beginnings of records; may be empty. A character that the vocabulary lacks is read as unknown.
            tokens: At most so many are written.
            conditions: Labels of the records; those not given are as they occur most often together with them.

        Returns:
            What follows each prompt, without it.
        """
        self._require_fitted()
        wanted = Conditions(self.schema_, conditions or {}).values
        given = self._prefix(_likeliest(self.labels_, wanted))[0]
        begun = [np.concatenate([given, one]) for one in self.texts_.encode_all(prompts)]
        lengths = np.array([len(one) for one in begun], dtype=np.int64)
        completed = [""] * len(begun)
        for length in np.unique(lengths):  # texts of one length are read together
            alike = np.flatnonzero(lengths == length)
            for first in range(0, len(alike), _WRITTEN):
                rows = alike[first : first + _WRITTEN]
                beginnings = torch.from_numpy(np.stack([begun[row] for row in rows]))
                for row, written in zip(rows, self._written(beginnings, None, tokens), strict=True):
                    completed[row] = self.texts_.decode(written)
        return completed

    @property
    def row_length(self) -> int:
        """Tokens that a training row predicts."""
        return self.context

    @property
    def inputs(self) -> int:
        """Number of tokens that can be read: those predicted, the start token, and one for each value of a label."""
        return self.texts_.size + 1 + self.labels_.width

    def _learn(self, frame: pd.DataFrame, schema: Schema, *, public_only: bool) -> None:
        self.column_ = payload_column(schema).name
        self.labels_ = LabelEncoder(public_only=public_only).fit(frame, schema)
        self.texts_ = TextEncoder(self.vocabulary, self.vocabulary_size, public_only=public_only)
        texts = self._texts(frame)
        self.texts_.fit(texts)
        self.may_be_empty_ = not public_only and "" in texts

    def _rows(self, frame: pd.DataFrame) -> Tensor:
        make = one_row_each if self.labels_.public_only else windows
        return torch.from_numpy(make(self._sequences(frame), self.row_length + 1))

    def _record(self, ledger: Ledger) -> None:
        self.texts_.record(ledger)
        if not self.texts_.public_only:
            ledger.add("whether any text is empty", "none")
        self.labels_.record(ledger)

    def _encoders(self) -> dict[str, Any]:
        encoders = {"texts": self.texts_.to_dict(), "labels": self.labels_.to_dict()}
        return {**encoders, "may_be_empty": self.may_be_empty_}

    def _restore_encoders(self, state: dict[str, Any]) -> None:
        self.column_ = payload_column(self.schema_).name
        self.texts_ = TextEncoder.from_dict(state["texts"])
        self.labels_ = LabelEncoder.from_dict(state["labels"])
        self.may_be_empty_ = bool(state["may_be_empty"])

    def _sample(self, n: int, generator: torch.Generator, conditions: Mapping[str, Any]) -> pd.DataFrame:
        codes = self.labels_.draw(n, generator, conditions)
        prefixes = torch.from_numpy(self._prefix(codes))
        texts = [
            self.texts_.decode(tokens)
            for chunk in torch.split(prefixes, _WRITTEN)
            for tokens in self._written(chunk, generator)
        ]
        cells = payload_frame(self.schema_[self.column_], texts).assign(**self.labels_.decode(codes))
        return cells.reindex(columns=list(self.schema_.names))

    def _written(self, prefixes: Tensor, generator: torch.Generator | None, most: int | None = None) -> Tokens:
        """Continue prefixes of shape (records, tokens) until each ends; shape (records, at most max_length).

        The tokens are drawn from the generator, or without one the likeliest; `most` limits them instead of max_length.
        """
        device = self.torch_device
        most = self.max_length if most is None else most
        written = torch.full((len(prefixes), most), END)
        going = torch.arange(len(prefixes))
        state: State | None = None
        tokens = prefixes
        with torch.no_grad():
            for place in range(most):
                logits, state = self.network_.advance(tokens.to(device), state)
                wishes = logits[:, -1].cpu() / self.temperature
                wishes[:, UNKNOWN] = -torch.inf
                if place == 0 and generator is not None and not self.may_be_empty_:
                    wishes[:, END] = -torch.inf
                if generator is None:
                    tokens = wishes.argmax(dim=1, keepdim=True)
                else:
                    tokens = torch.multinomial(wishes.softmax(dim=1), 1, generator=generator)
                written[going, place] = tokens[:, 0]
                unfinished = tokens[:, 0] != END
                if not unfinished.all():
                    going, tokens = going[unfinished], tokens[unfinished]
                    state = [one[unfinished.to(device)] for one in state]
                if len(going) == 0:
                    break
        return written.numpy()

    def _scored(self, sequences: list[Tokens], standardised: bool = False) -> list[Floats]:
        """Return the log-probability of every predicted token of each sequence; see `token_log_likelihoods`."""
        scores: list[Floats] = [np.zeros(0)] * len(sequences)
        by_length = sorted(range(len(sequences)), key=lambda number: len(sequences[number]))
        for first in range(0, len(by_length), _SCORED):
            chosen = by_length[first : first + _SCORED]
            longest = max(len(sequences[number]) for number in chosen)
            rows = torch.from_numpy(one_row_each([sequences[number] for number in chosen], longest))
            for number, row, values in zip(chosen, rows, self._row_scores(rows, standardised), strict=True):
                scores[number] = values[(row[1:] >= 0) & (row[1:] < self.texts_.size)].numpy()
        return scores

    def _row_scores(self, rows: Tensor, standardised: bool) -> Tensor:
        """Return the log-probability of every token but the first, shape (rows, tokens - 1); what is given has any."""
        state: State | None = None
        parts = []
        with torch.no_grad():
            for start in range(0, rows.shape[1] - 1, self.context):
                tokens = rows[:, start : min(start + self.context, rows.shape[1] - 1)].clamp_min(0)
                targets = rows[:, start + 1 : start + 1 + tokens.shape[1]]
                given = (targets < 0) | (targets >= self.texts_.size)
                logits, state = self.network_.advance(tokens.to(self.torch_device), state)
                logits = logits.double()
                scores = -token_losses(logits, targets.masked_fill(given, 0).to(logits.device))
                parts.append((_standardised(scores, logits) if standardised else scores).cpu())
        return torch.cat(parts, dim=1)

    def _sequences(self, frame: pd.DataFrame) -> list[Tokens]:
        prefixes = self._prefix(self.labels_.encode(frame))
        end = np.array([END], dtype=np.int64)
        encoded = self.texts_.encode_all(self._texts(frame))
        return [np.concatenate([prefix, text, end]) for prefix, text in zip(prefixes, encoded, strict=True)]

    def _prefix(self, codes: npt.NDArray[np.int64]) -> Tokens:
        """Return what is given of a record, shape (records, 1 + label columns): a start token, and its labels' tokens.

        In the place of a label never seen stands another start token.
        """
        start = self.texts_.size
        offsets = start + 1 + np.cumsum([0, *self.labels_.sizes])[:-1]
        labels = np.where(codes < 0, start, codes + offsets)
        return np.concatenate([np.full((len(codes), 1), start, dtype=np.int64), labels], axis=1)

    def _predicted(self, sequence: Tokens) -> int:
        """Return how many tokens of a sequence are predicted: all but the start and the labels."""
        return len(sequence) - 1 - len(self.labels_.sizes)

    def _texts(self, frame: pd.DataFrame) -> list[str]:
        texts: list[str] = frame[self.column_].tolist()
        for row, text in enumerate(texts, start=1):
            if not isinstance(text, str):
                raise InputError(f"column '{self.column_}': row {row} holds no text")
        return texts


def _standardised(scores: Tensor, logits: Tensor) -> Tensor:
    """Return log-probabilities less their mean under the prediction, over their deviation."""
    every = logits.log_softmax(dim=-1)
    chance = every.exp()
    mean = (chance * every).sum(dim=-1)
    variance = (chance * every.square()).sum(dim=-1) - mean.square()
    return (scores - mean) / variance.clamp_min(1e-6).sqrt()


def _likeliest(labels: LabelEncoder, conditions: Mapping[str, Any]) -> npt.NDArray[np.int64]:
    """Return the codes of the labels that occur most often with the given ones, shape (1, label columns)."""
    fixed = {
        place: int(block.encode(pd.Series([conditions[block.name]], dtype=object))[0])
        for place, block in enumerate(labels.blocks_)
        if block.name in conditions
    }
    agreeing = sum((labels.combinations_[:, place] == code).astype(np.int64) for place, code in fixed.items())
    best = int(np.argmax(agreeing + labels.weights_))
    codes: npt.NDArray[np.int64] = labels.combinations_[[best]].copy()
    for place, code in fixed.items():
        codes[:, place] = code
    return codes
