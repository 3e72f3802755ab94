"""Extraction of training texts: passages that the published texts, or the model, give back word for word."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import pandas as pd

from audit.checks import Case, Cases, Subject, register
from audit.memorization.read_off import Found, ReadOff, recognised, texts_of
from generators.models.abilities import Completes, HasLogLikelihood
from reports.document import Access

SPAN = 10
"""Words and signs in a row that count as a passage: half of a usual text message, seldom shared by chance."""

BEGUN = 0.5
"""Share of a text that is given as its beginning."""

FINISHED = 20
"""Characters that the model must add as the author did."""

GENERATED = 20_000
"""Texts drawn from a model at most."""

SELECTED = 0.2
"""Share of them that the attacker takes for memorised."""

_WORD = re.compile(r"\w+|[^\w\s]")
_RETRAINS = "trains four more models like this one, for its controls"


@register
class Extraction(ReadOff):
    """Do passages of training texts stand word for word among the published texts?

    A text is extracted when ten of its words and signs in a row stand in a published text, and in no text of the
    reference: what everybody writes is nobody's. The same is counted for texts that were never trained on.

    Estimate (lower is better, range -1 to 1): `excess_extracted`, the share of training texts extracted beyond chance;
    per published text where fewer of those than of training texts exist.

    Source: Carlini et al., "Extracting training data from large language models" (USENIX Security 2021), section 3,
    whose manual search for the source is a search in train here, with a holdout as its control.
    """

    id = "memorization.extraction"
    title = "Extraction of training texts"
    question = "Do passages of training texts stand word for word among the published ones?"
    source = "after Carlini et al., Extracting training data from large language models (USENIX Security 2021)"
    estimate = "excess_extracted"
    what = "repeated word for word in a passage"
    measures = ("excess_extracted",)
    knowledge = "reads the published texts and a reference sample; the audit compares training texts with others"

    def found(self, texts: list[str], case: Case, subject: Subject) -> Found:
        """Whether a passage stands in a published text and not in the reference."""
        return repeated(texts, texts_of(case.frames.published, subject), texts_of(case.frames.reference, subject))


class AskedForTexts(ReadOff):
    """An attack that makes the model write; every control has a model of its own, trained for it."""

    access: ClassVar[Access] = "query"
    costly: ClassVar[str] = _RETRAINS
    reads_published: ClassVar[bool] = False
    needs: ClassVar[type]
    lacks: ClassVar[str]

    def unfit(self, subject: Subject) -> str | None:
        """A model is needed, and one that can do what is asked."""
        model = subject.target.model
        if model is None:
            return "the target is a set of records: there is no model to ask"
        return super().unfit(subject) if isinstance(model, self.needs) else f"{model.kind} {self.lacks}"

    def cases(self, subject: Subject) -> Cases:
        """Every case has a model behind it."""
        return subject.retrained


@register
class PrefixExtraction(AskedForTexts):
    """Given the first half of a training text, does the model go on as its author did?

    The model writes the likeliest continuation. A text is extracted when the next twenty characters are the author's
    own. The same is asked about texts that were never trained on: how often a text can simply be guessed.

    Estimate (lower is better, range -1 to 1): `excess_extracted`, the share of training texts finished beyond chance.

    Source: Carlini et al., "Quantifying memorization across neural language models" (ICLR 2023), definition 3.1.
    """

    id = "memorization.prefix-extraction"
    title = "Extraction by prefix"
    question = "Given the beginning of a training text, does the model write its end?"
    source = "Carlini et al., Quantifying memorization across neural language models (ICLR 2023), definition 3.1"
    estimate = "excess_extracted"
    what = "finished word for word once begun"
    measures = ("excess_extracted",)
    knowledge = "knows the beginnings of texts, and lets the model finish them; the audit compares with other texts"
    needs = Completes
    lacks = "cannot go on with a text"

    def found(self, texts: list[str], case: Case, subject: Subject) -> Found:  # noqa: ARG002
        """Whether the model finishes a text as its author did."""
        model = case.model
        if model is None or not isinstance(model, Completes):
            raise TypeError(f"the case {case.name} has no model that goes on with texts")
        cuts = [int(len(text) * BEGUN) for text in texts]
        asked = np.array([len(text) - cut >= FINISHED for text, cut in zip(texts, cuts, strict=True)], dtype=bool)
        rows = np.flatnonzero(asked)
        # A token is at most one character's bytes longer than a character: four times as many are always enough.
        written = model.complete([texts[row][: cuts[row]] for row in rows], 4 * FINISHED)
        hit = np.zeros(len(texts), dtype=bool)
        for row, end in zip(rows, written, strict=True):
            hit[row] = end[:FINISHED] == texts[row][cuts[row] :][:FINISHED]
        return Found(asked, hit, np.zeros(len(texts), dtype=np.int64))


@register
class GeneratedFirst(AskedForTexts):
    """Does the model write training texts of its own accord, and can an attacker tell which they are?

    The attacker draws as many texts as the model was trained on several times over, ranks them by how much likelier the
    model finds them than a compressor does, and keeps the first fifth: what is hard to compress and yet likely was
    probably learnt by heart. Training texts are extracted when a passage of ten words and signs stands there, and in
    no text of the reference.

    Estimate (lower is better, range -1 to 1): `excess_extracted`, the share of training texts extracted beyond chance.

    Source: Carlini et al., "Extracting training data from large language models" (USENIX Security 2021), section 5.2,
    ratio to zlib entropy.
    """

    id = "memorization.generated-first"
    title = "Extraction from many samples"
    question = "Does the model write training texts of its own accord, and does their likelihood give them away?"
    source = "Carlini et al., Extracting training data from large language models (USENIX Security 2021), section 5.2"
    access = "white-box"
    estimate = "excess_extracted"
    what = "repeated word for word in a text that the attacker picked"
    measures = ("excess_extracted",)
    knowledge = "draws any number of texts and has the model's likelihoods, and a reference sample"
    needs = HasLogLikelihood
    lacks = "does not know how likely a text is"

    def __init__(self) -> None:
        super().__init__()
        self._picked: dict[str, list[str]] = {}

    def found(self, texts: list[str], case: Case, subject: Subject) -> Found:
        """Whether a passage stands in a text that the attacker picked, and not in the reference."""
        if case.name not in self._picked:
            self._picked[case.name] = self._pick(case, subject)
        return repeated(texts, self._picked[case.name], texts_of(case.frames.reference, subject))

    def _pick(self, case: Case, subject: Subject) -> list[str]:
        """Draw texts from the case's model, and keep those that it finds likelier than a compressor does."""
        model = case.model
        if model is None or not isinstance(model, HasLogLikelihood):
            raise TypeError(f"the case {case.name} has no model that knows likelihoods")
        count = min(GENERATED, 4 * len(subject.dataset.train))
        drawn: pd.DataFrame = model.sample(count, seed=int(self.rng(subject, f"{case.name}/draw").integers(2**31)))
        texts = texts_of(drawn, subject)
        entropy = np.array([len(zlib.compress(text.encode())) for text in texts], dtype=np.float64)
        likelier = entropy / np.maximum(-model.log_likelihood(drawn), 1e-9)
        chosen = np.argsort(-likelier, kind="stable")[: max(1, int(SELECTED * count))]
        return [texts[row] for row in chosen]


def repeated(texts: list[str], published: Iterable[str], known: Iterable[str]) -> Found:
    """Which texts have a passage that stands in a published text and in none that is known?

    Args:
        texts: what is asked about; those shorter than a passage are not.
        published: where passages are looked for.
        known: whose passages say nothing about anybody.

    Example:
        >>> text = "one two three four five six seven eight nine ten eleven"
        >>> repeated([text, "too short"], ["zero " + text], []).hit.tolist()
        [True, False]
        >>> repeated([text], [text], [text]).hit.tolist()
        [False]
    """
    said, public = (set[tuple[str, ...]]().union(*map(passages, part)) for part in (published, known))
    return recognised([passages(text) for text in texts], said, public)


def passages(text: str) -> set[tuple[str, ...]]:
    """Every run of `SPAN` words and signs; upper case, spaces and line breaks make no difference.

    Example:
        >>> len(passages("a b c d e f g h i j k"))
        2
    """
    words = _WORD.findall(text.lower())
    return {tuple(words[start : start + SPAN]) for start in range(len(words) - SPAN + 1)}
