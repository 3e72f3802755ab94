"""Legal and technical frameworks: what each clause asks for, and which findings of an audit are evidence for it."""

from reports.frameworks.mapping import Answer, MappedFramework, MappedRow, map_framework
from reports.frameworks.model import Framework, Row
from reports.frameworks.reading import builtin_frameworks, load_framework

__all__ = [
    "Answer",
    "Framework",
    "MappedFramework",
    "MappedRow",
    "Row",
    "builtin_frameworks",
    "load_framework",
    "map_framework",
]
