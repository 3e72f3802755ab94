"""Images, texts and recordings as rows of numbers, by fixed and cited ways that need no download."""

from audit.features import audio, images, texts  # importing a module makes its embeddings known
from audit.features.embedding import EMBEDDINGS, Embedding, Rows, embed, embedder, embeddings

__all__ = ["EMBEDDINGS", "Embedding", "Rows", "audio", "embed", "embedder", "embeddings", "images", "texts"]
