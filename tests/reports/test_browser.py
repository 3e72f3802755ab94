"""The page in a real browser: headless Chromium, without network, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.comparison import compare
from reports import Audit, render_html
from reports.formats import write_whole
from reports.html import comparison_page, html_page
from tests.reports.gallery import gallery_document
from tests.reports.hostile import infected

CHROMIUM = shutil.which("chromium")
if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("chromium is not installed; CI has it", allow_module_level=True)

NASTY = "\"'><img src=x onerror=alert(1)><script>alert(1)</script> " + "z" * 3000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "CI promises a chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def pages(audit: Audit, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    everything = Audit.model_validate(gallery_document())
    return {
        "report": render_html(audit, folder / "report.html"),
        "gallery": render_html(everything, folder / "gallery.html"),
        "hostile": write_whole(html_page(infected(NASTY)), folder / "hostile.html"),
        "comparison": write_whole(comparison_page(compare(audit, everything)), folder / "comparison.html"),
    }


def opened(browser: Any, path: Path, **options: Any) -> tuple[Any, list[str]]:
    """The page in a fresh context that is offline, with whatever the browser has to say about it."""
    context = browser.new_context(offline=True, **options)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(f"failed: {request.url}"))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    page.goto(path.as_uri())
    return page, said


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["report", "gallery", "hostile", "comparison"])
def test_nothing_is_complained_of_and_nothing_sticks_out(
    browser: Any, pages: dict[str, Path], name: str, width: int
) -> None:
    page, said = opened(browser, pages[name], viewport={"width": width, "height": 900})
    closed = page.evaluate("document.documentElement.scrollWidth")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.context.close()
    assert said == []
    assert max(closed, wide) <= width


def test_the_page_needs_no_scripts(browser: Any, pages: dict[str, Path]) -> None:
    page, said = opened(browser, pages["gallery"], java_script_enabled=False)
    assert page.locator(".headline").inner_text() == "Not as it is"
    assert page.locator("svg.chart").count() >= 12
    first = page.locator(".card > details").first
    assert not first.locator(".controls").is_visible()
    first.locator("summary").click()
    assert first.locator(".controls").is_visible()
    page.context.close()
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_colour_schemes_reach_the_charts(browser: Any, pages: dict[str, Path], scheme: str) -> None:
    page, _ = opened(browser, pages["gallery"], color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    line = page.evaluate("getComputedStyle(document.querySelector('svg.chart .stroke-series-1')).stroke")
    page.context.close()
    assert (ground, line) == {
        "light": ("rgb(251, 250, 247)", "rgb(15, 101, 120)"),
        "dark": ("rgb(20, 24, 27)", "rgb(108, 195, 216)"),
    }[scheme]


def test_pictures_are_shown(browser: Any, pages: dict[str, Path]) -> None:
    """The page's policy lets in pictures that the page itself holds."""
    page, said = opened(browser, pages["gallery"])
    boxes = page.evaluate("[...document.querySelectorAll('svg image')].map(one => one.getBoundingClientRect().width)")
    page.context.close()
    assert len(boxes) == 19
    assert min(boxes) > 20
    assert said == []


def test_print_is_a_whole_document(browser: Any, pages: dict[str, Path]) -> None:
    page, said = opened(browser, pages["report"], color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    # What is folded on a screen must be on paper, where nobody can unfold it.
    assert page.locator(".controls").first.is_visible()
    assert page.locator(".clauses").first.is_visible()
    assert page.locator(".framework-name").first.is_visible()
    assert not page.locator("nav.contents").is_visible()
    pdf = page.pdf(format="A4")
    page.context.close()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 20_000
    assert said == []


# Only colours differ between the schemes.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scheme", "rules"),
    [("gallery", "light", None), ("report", "dark", ["color-contrast"]), ("comparison", "dark", None)],
)
def test_axe_finds_no_serious_violation(
    browser: Any, pages: dict[str, Path], name: str, scheme: str, rules: list[str] | None
) -> None:
    import axe_playwright_python

    axe = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    # The page's policy forbids scripts, this one too: only here may it be bypassed.
    page, _ = opened(browser, pages[name], color_scheme=scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.evaluate(axe)
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    found = page.evaluate("options => axe.run(document, options)", options)
    page.context.close()
    assert len(found["passes"]) >= (1 if rules else 20), "axe looked at the page"
    serious = [
        f"{one['id']}: {one['nodes'][0]['html'][:120]} ({one['nodes'][0]['failureSummary'][:200]})"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
