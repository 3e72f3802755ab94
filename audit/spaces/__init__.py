"""What near means: one space for tables, one for records with an image, a text or a recording."""

from __future__ import annotations

from audit.spaces.contents import ContentSpace
from audit.spaces.points import Content, FloatArray, Points, distinct_rows, join
from audit.spaces.tables import Space

__all__ = ["Content", "ContentSpace", "FloatArray", "Points", "Space", "distinct_rows", "join"]
