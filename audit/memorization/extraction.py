"""Extraction of training texts: passages that the published texts, or the model, give back word for word."""

from __future__ import annotations

import zlib
from typing import ClassVar

import numpy as np
import pandas as pd

from audit.checks import Case, Cases, Measured, Subject, register
from audit.memorization.passages import repeated, thinned
from audit.memorization.read_off import ReadOff, texts_of
from audit.memorization.recognition import Found
from generators.models.abilities import Completes, HasLogLikelihood
from reports.document import Access

BEGUN = 0.5
"""Share of a text that is given as its beginning."""

FINISHED = 20
"""Characters that the model must add as the author did."""

GENERATED = 20_000
"""Texts drawn from a model at most."""

SELECTED = 0.2
"""Share of them that the attacker takes for memorised."""

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
    findings = {"excess_extracted": "extracted texts"}  # noqa: RUF012
    what = "repeated word for word in a passage"
    measures = tuple(findings)
    knowledge = "reads the published texts and a reference sample; the audit compares training texts with others"

    def __init__(self) -> None:
        super().__init__()
        self._thinned: int | None = None

    def found(self, texts: list[str], case: Case, subject: Subject) -> Found:
        """Whether a passage stands in a published text and not in the reference."""
        published, known = texts_of(case.frames.published, subject), texts_of(case.frames.reference, subject)
        return repeated(texts, published, known, self._one_in(subject))

    def answer(self, measured: list[Measured], subject: Subject) -> str:
        """How many texts were found, in words, and whether all their passages were looked at."""
        one_in = self._one_in(subject)
        thin = f" The texts are so long that one passage in {one_in} was looked at." if one_in > 1 else ""
        return super().answer(measured, subject) + thin

    def _one_in(self, subject: Subject) -> int:
        """Which part of all passages is looked at: the same in every case, so that they can be compared."""
        if self._thinned is None:
            main = self.cases(subject).main
            self._thinned = thinned(
                [*texts_of(main.frames.members, subject), *texts_of(main.frames.nonmembers, subject)]
            )
        return self._thinned


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
    findings = {"excess_extracted": "extracted texts"}  # noqa: RUF012
    what = "finished word for word once begun"
    measures = tuple(findings)
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
    findings = {"excess_extracted": "extracted texts"}  # noqa: RUF012
    what = "repeated word for word in a text that the attacker picked"
    measures = tuple(findings)
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
