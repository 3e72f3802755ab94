"""matplotlib's SVG file made fit to stand inside a page: no style attributes, no foreign ids, no fixed colours."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from reports.charts.palette import INK, ROLES
from reports.visible import visible

_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DECIMALS = re.compile(r"-?\d+\.\d{2,}")
_FONT_SIZE = re.compile(r"([\d.]+)px")
_XLINK = "{http://www.w3.org/1999/xlink}href"


def inline_svg(svg: bytes, *, name: str, title: str, description: str) -> str:
    """Turn a file written by matplotlib into an element for an HTML page.

    Style attributes become presentation attributes, which a Content-Security-Policy without 'unsafe-inline' lets
    through; stand-in colours become classes (see `reports.charts.palette`); ids get a prefix, and those that nothing
    refers to go; coordinates are cut to two decimals, a fiftieth of what an eye resolves.

    Args:
        svg: the file as matplotlib wrote it.
        name: the prefix, unique on the page.
        title: becomes `<title>`.
        description: becomes `<desc>`.
    """
    root = ElementTree.fromstring(svg)  # noqa: S314 - written by matplotlib a moment ago, never read from outside
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("style", "metadata"):
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        _unstyle(element)
        _shorten(element)
    _prefix_ids(root, name)
    _drop_empty(root)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"class": "chart", "role": "img", "aria-labelledby": f"{name}-title {name}-desc"}
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(tag, {"id": f"{name}-{tag}"})
        element.text = visible(text)
        root.insert(position, element)
    # Indentation between shapes draws nothing; inside a text it would.
    for element in root.iter():
        element.tail = None
        if element.tag in ("g", "svg", "defs", "clipPath"):
            element.text = None
    return ElementTree.tostring(root, encoding="unicode")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _unstyle(element: ElementTree.Element) -> None:
    declarations = [part.split(":", 1) for part in element.attrib.pop("style", "").split(";") if ":" in part]
    # The ground of a hatch is the one thing that matplotlib colours by attribute.
    declarations += [[key, element.attrib.pop(key)] for key in ("fill", "stroke") if element.get(key) in ROLES]
    if href := element.attrib.pop(_XLINK, None):
        element.set("href", href)
    classes: list[str] = []
    for key, value in ((key.strip(), value.strip()) for key, value in declarations):
        if key in ("fill", "stroke") and value in ROLES:
            classes.append(f"{key}-{ROLES[value]}")
        elif key == "font":
            if size := _FONT_SIZE.search(value):
                element.set("font-size", size[1])
        elif key not in ("font-family", "-inkscape-stroke"):
            element.set(key, value)
    if element.tag == "text" and not any(name.startswith("fill-") for name in classes):
        classes.append(f"fill-{ROLES[INK]}")
    if classes:
        element.set("class", " ".join(classes))


def _shorten(element: ElementTree.Element) -> None:
    for key in ("d", "x", "y", "transform", "width", "height", "points"):
        if value := element.get(key):
            short = _DECIMALS.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
            element.set(key, " ".join(short.split()))
    # matplotlib turns every text by nought degrees.
    if (element.get("transform") or "").startswith(("rotate(-0 ", "rotate(0 ")):
        del element.attrib["transform"]


def _prefix_ids(root: ElementTree.Element, name: str) -> None:
    used = {value[1:] for element in root.iter() if (value := element.get("href", "")).startswith("#")}
    for element in root.iter():
        for value in element.attrib.values():
            used.update(_REFERENCE.findall(value))
    numbers = {identifier: f"{name}-{number}" for number, identifier in enumerate(sorted(used), start=1)}
    for element in root.iter():
        identifier = element.attrib.pop("id", None)
        if identifier in numbers:
            element.set("id", numbers[identifier])
        if (href := element.get("href", "")).startswith("#"):
            element.set("href", f"#{numbers[href[1:]]}")
        for key, value in element.attrib.items():
            element.set(key, _REFERENCE.sub(lambda match: f"url(#{numbers[match[1]]})", value))


def _drop_empty(element: ElementTree.Element) -> None:
    for child in list(element):
        _drop_empty(child)
        if child.tag in ("g", "defs") and not len(child):
            element.remove(child)
