from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports import Audit, DocumentError, render_html
from reports.html import html_page
from tests.reports.hostile import HOSTILE, infected
from tests.reports.outline import Page, assert_inert


def test_outline_is_the_golden_one(page: str, golden: Path) -> None:
    outline = "\n".join(Page(page).outline) + "\n"
    stored = golden / "outline.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        stored.write_text(outline, encoding="utf-8")
    assert outline == stored.read_text(encoding="utf-8")


def test_text_is_the_golden_one(page: str, golden: Path) -> None:
    without_charts = re.sub(r'<svg [^>]*class="chart".*?</svg>', "", page, flags=re.DOTALL)
    text = (
        "\n".join(line for part in re.split(r"(?<=[.:]) ", Page(without_charts).text) if (line := part.strip())) + "\n"
    )
    stored = golden / "text.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        stored.write_text(text, encoding="utf-8")
    assert text == stored.read_text(encoding="utf-8")


def test_same_audit_gives_the_same_bytes(audit: Audit, page: str) -> None:
    assert html_page(audit) == page


def test_page_is_small_and_complete_in_itself(page: str) -> None:
    assert len(page.encode()) < 300_000
    assert_inert(Page(page))
    # Anything else that a browser would fetch is written as an address.
    assert "url(http" not in page
    assert "@import" not in page


def test_policy_allows_the_one_style_sheet_and_nothing_else(page: str) -> None:
    style = re.search(r"<style>(.*)</style>", page, flags=re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(meta["content"] for meta in Page(page).named("meta") if "http-equiv" in meta)
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;")
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_structure_serves_keyboard_and_screen_reader(page: str) -> None:
    parsed = Page(page)
    ids = parsed.ids()
    assert len(ids) == len(set(ids))
    for tag, attributes in parsed.elements:
        for target in (attributes.get("aria-labelledby") or "").split():
            assert target in ids, f"<{tag} aria-labelledby={target}>"
        href = attributes.get("href") or ""
        if href.startswith("#"):
            assert href[1:] in ids, f"<{tag} href={href}>"
        if tag == "th":
            assert attributes.get("scope") in ("row", "col")
    levels = [int(line[1]) for line in parsed.outline if line[0] == "h"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(parsed.named("table")) == len(parsed.named("caption"))
    assert [attributes.get("tabindex") for attributes in parsed.named("div") if attributes.get("role") == "region"] == [
        "0"
    ] * len(parsed.named("table"))
    charts = [attributes for attributes in parsed.named("svg") if attributes.get("class") == "chart"]
    assert len(charts) == 7
    assert all(chart["role"] == "img" for chart in charts)
    assert [tag for tag, _ in parsed.elements].count("desc") == len(charts)


TEXT_ROLES = ("ink", "muted", "link", "good", "caution", "bad", "unsure", "neutral", "none")


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_stands_out_from_its_ground(page: str, scheme: int) -> None:
    blocks = [block for block in re.findall(r":root \{(.*?)\}", page, flags=re.DOTALL) if "--paper" in block]
    assert len(blocks) == 3
    colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", blocks[scheme]))
    for role in TEXT_ROLES:
        for ground in ("paper", "surface"):
            # WCAG 2.2, success criterion 1.4.3, level AA.
            assert _contrast(colours[role], colours[ground]) >= 4.5, (role, ground)
    for series in ("series-1", "series-2", "series-3", "series-4"):
        # Success criterion 1.4.11: what is not text needs less.
        assert _contrast(colours[series], colours["surface"]) >= 3, series


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_status_is_a_word_and_a_shape(page: str, audit: Audit) -> None:
    icons = set(re.findall(r'<symbol id="icon-([a-z-]+)"', page))
    assert {finding.status for finding in audit.findings} <= icons
    shapes = re.findall(r"<symbol[^>]*>(.*?)</symbol>", page)
    assert len(set(shapes)) == len(icons) == 8
    for finding in audit.findings:
        badge = f'<use href="#icon-{finding.status}"/></svg>{finding.status.replace("-", " ")}</span>'
        assert badge in page


def test_the_page_concludes_nothing_in_law(page: str) -> None:
    assert not re.search(
        r"\b(compliant|anonymous|anonymised|anonymized|safe to release)\b", Page(page).text, flags=re.I
    )
    assert "What this audit does not say." in Page(page).text


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"privacy": {"claim": None, "ledger": [], "statement": ""}}, "No differential-privacy guarantee is claimed."),
        ({"confidential": True}, "This report may hold records of individuals."),
        ({"notes": ["Only half was read."]}, "Note. Only half was read."),
        ({"gates": []}, "No gate is set"),
        ({"findings": [], "gates": [], "status": "not-run"}, "This audit holds no findings."),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_an_audit_holds_is_said(document: dict[str, Any], change: dict[str, Any], shown: str) -> None:
    parsed = Page(html_page(Audit.model_validate(document | change)))
    assert shown in parsed.text
    assert_inert(parsed)


def test_long_tables_are_cut_and_say_so(document: dict[str, Any]) -> None:
    document["findings"][1]["tables"][0]["rows"] = [[f"row {i}", i, None] for i in range(1000)]
    text = Page(html_page(Audit.model_validate(document))).text
    assert "The first 200 of 1000 rows" in text
    assert "row 199" in text
    assert "row 200" not in text


def test_findings_of_one_id_keep_distinct_anchors(document: dict[str, Any]) -> None:
    document["findings"] += [document["findings"][-1], document["findings"][-1] | {"id": "memorization exposure--9"}]
    ids = Page(html_page(Audit.model_validate(document))).ids()
    assert len(ids) == len(set(ids))


def test_unknown_figure_names_its_path_and_leaves_the_old_report(document: dict[str, Any], tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("earlier")
    document["findings"][1]["figures"][0]["kind"] = "pie"
    with pytest.raises(DocumentError, match=r"^\$\.findings\[1\]\.figures\[0\]\.kind: unknown figure kind 'pie'"):
        render_html(Audit.model_validate(document), report)
    assert report.read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(("text", "drawn"), [(text, at < 5) for at, text in enumerate(HOSTILE)])
def test_hostile_text_stays_text(text: str, drawn: bool) -> None:
    page = html_page(infected(text, drawn))  # drawing takes most of the time
    parsed = Page(page)
    assert_inert(parsed)
    assert len(page) < 2_000_000
    assert not re.search(
        "[\u202a-\u202e\u2066-\u2069\u2028\u2029\u200b\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]", page
    )
    # Names are cut where they stand; only prose may be as long as it is.
    for tag, attributes in parsed.elements:
        for value in attributes.values():
            assert len(value or "") < 60_000, tag
    if text.strip() and text.isprintable() and len(text) < 50:
        assert " ".join(text.split()) in parsed.text


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_stays_text(text: str) -> None:
    parsed = Page(html_page(infected(text, drawn=False)))
    assert_inert(parsed)
    assert len(parsed.ids()) == len(set(parsed.ids()))


def test_import_needs_neither_torch_nor_matplotlib() -> None:
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'matplotlib', 'audit', 'generators'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import reports, reports.charts, reports.html\n"
        "reports.json_schema()\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
