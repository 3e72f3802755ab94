"""Takes the pictures of the report that the documentation shows: `make screenshots`, or `AUDIT=DIR make screenshots`.

First screen, a check's card and the table of a framework, each in light and in dark, of the audit in a folder or, by
default, of the example that the tests use.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from reports import Audit, render_html

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
EXAMPLE = Path(__file__).parent / "golden" / "1.0"
SIZE = {"width": 1280, "height": 760}


def main() -> None:
    """Render the page and photograph its parts."""
    from playwright.sync_api import sync_playwright

    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = render_html(Audit.load(os.environ.get("AUDIT") or EXAMPLE), Path(folder) / "report.html")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport=SIZE, color_scheme=scheme)
            page.goto(report.as_uri())
            _save(page, f"first-screen-{scheme}")
            page.locator(".framework summary").first.click()
            _save(page.locator(".card").first, f"card-{scheme}")
            _save(page.locator(".framework").first, f"framework-{scheme}")
            page.close()
        browser.close()


def _save(shown: Any, name: str) -> None:
    path = FOLDER / f"{name}.png"
    # A page has few colours; in a palette of them its picture is a third as large.
    Image.open(io.BytesIO(shown.screenshot())).convert("RGB").quantize(96).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(FOLDER.parents[1])}\n")


if __name__ == "__main__":
    main()
