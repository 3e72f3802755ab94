from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports import Audit
from reports.html import html_page
from tests.reports.example import example_document


@pytest.fixture
def document() -> dict[str, Any]:
    return example_document()


@pytest.fixture(scope="session")
def audit() -> Audit:
    return Audit.model_validate(example_document())


@pytest.fixture(scope="session")
def page(audit: Audit) -> str:
    return html_page(audit)


@pytest.fixture(scope="session")
def golden() -> Path:
    return Path(__file__).parent / "golden" / "1.0"
