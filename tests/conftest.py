from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of public data sets outside the repository: GENASSAY_DATA, or `shared/data` beside the checkout."""
    folder = Path(os.environ.get("GENASSAY_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if folder.is_dir():
        return folder
    if os.environ.get("GENASSAY_DATA") or os.environ.get("CI") == "true":
        pytest.fail(f"no public data at {folder}, where GENASSAY_DATA or CI=true promise them")
    pytest.skip(f"no public data at {folder}; set GENASSAY_DATA to run these tests")
