"""Texts as the character n-grams they are made of, and as the few themes that explain which n-grams occur together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from audit.features.embedding import Cells, Embedding, Fitted, Rows, known
from generators import Column

NGRAMS = (2, 5)
"""Shortest and longest n-gram, in characters, within words."""

SKETCH = 1024
"""Numbers to which the n-grams of a text are condensed."""

THEMES = 64

_BUCKETS = 2**18
_HASHING = HashingVectorizer(
    analyzer="char_wb", ngram_range=NGRAMS, n_features=_BUCKETS, alternate_sign=False, norm=None, dtype=np.float32
)


def fit_ngrams(reference: Cells, column: Column) -> Fitted:  # noqa: ARG001
    """Character n-grams, those that are rare in the reference counting more; rows of length 1, shape (n, 1024).

    Distances between n-gram counts follow edit distance: each edit changes at most n of them (Ukkonen, "Approximate
    string matching with q-grams", Theoretical Computer Science 1992). Counts are hashed and then condensed to fewer
    numbers of random sign, which keeps distances to a few percent (Weinberger et al., ICML 2009); the hash and the
    signs are fixed by the code.
    """
    weights = _weights(reference)
    condense = _sketch()
    return lambda cells: np.asarray((weights(cells) @ condense).todense(), dtype=np.float32)


def fit_themes(reference: Cells, column: Column) -> Fitted:
    """Latent semantic analysis: `ngrams` on the leading 64 singular vectors of the reference, rows of length 1.

    Texts lie close that use n-grams which go together, whether or not they share any.

    Source: Deerwester, Dumais, Furnas, Landauer and Harshman, "Indexing by latent semantic analysis" (1990).
    """
    ngrams = fit_ngrams(reference, column)
    seen = ngrams(reference).astype(np.float64)
    _, leading = eigh(seen.T @ seen, subset_by_index=[SKETCH - THEMES, SKETCH - 1])

    def place(cells: Cells) -> Rows:
        themes = ngrams(cells) @ leading
        length = np.linalg.norm(themes, axis=1, keepdims=True)
        return np.asarray(themes / np.where(length > 0, length, 1.0), dtype=np.float32)

    return place


def _weights(reference: Cells) -> Callable[[Cells], csr_matrix]:
    """TF-IDF with the reference's frequencies: sparse rows of length 1."""
    model = TfidfTransformer(sublinear_tf=True).fit(_HASHING.transform(_texts(reference)))
    return lambda cells: csr_matrix(model.transform(_HASHING.transform(_texts(cells))))


def _texts(cells: Cells) -> list[str]:
    return [str(cell) for cell in cells]


def _sketch() -> csr_matrix:
    rng = np.random.default_rng(1024)
    signs = rng.choice(np.array([-1, 1], dtype=np.float32), _BUCKETS)
    return csr_matrix((signs, (np.arange(_BUCKETS), rng.integers(SKETCH, size=_BUCKETS))), shape=(_BUCKETS, SKETCH))


known(
    Embedding(
        "ngrams",
        "text",
        f"character n-grams of {NGRAMS[0]} to {NGRAMS[1]} letters, weighted by rarity in the reference",
        "Ukkonen (1992), q-grams; Weinberger et al. (ICML 2009), hashing",
        fit_ngrams,
    )
)
known(
    Embedding(
        "themes",
        "text",
        f"n-grams along the {THEMES} directions in which the reference varies most",
        "Deerwester et al. (1990), latent semantic analysis",
        fit_themes,
    )
)
