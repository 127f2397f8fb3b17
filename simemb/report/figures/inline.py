"""A figure as SVG inside a page: its colors are the page's, its type is the page's, and it can be read aloud.

matplotlib writes an SVG file; here it becomes a part of an HTML document: colors become CSS variables, so that light
and dark mode are one file; ids become unique in the page; and what no reader sees or hears is left out.
"""

import re
from io import BytesIO
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from simemb.report.figures.panel import METADATA, Panel, compose
from simemb.report.figures.style import THEME, drawing

_NAMES = {color: f"var(--{name})" for name, color in THEME.items()}
_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_COLOR = re.compile(r"#[0-9a-f]{6}\b")
# Releases of matplotlib before 3.11 write all of a font's properties as one.
_FONT = re.compile(r"font: (?:\S+ )*?(\d\S*) [^;]*")
_FAMILY = re.compile(r"font-family: [^;]*;? ?")


def inline(panel: Panel, *, width: float | None = None) -> str:
    """The `<svg>` of a panel, `width` inches wide (one column by default) and in a page as wide as there is room."""
    with drawing():
        content = BytesIO()
        figure = compose([panel], width)
        figure.savefig(content, format="svg", transparent=True, metadata=METADATA["svg"])
    root = ElementTree.fromstring(content.getvalue())
    for element in root.iter():
        _strip(element)
    used = _referenced(root)
    for element in root.iter():
        _rename(element, panel.key, used)
        _restyle(element)
    for element in reversed(list(root.iter())):
        _prune(element)
        _share_style(element)
    _describe(root, panel)
    return ElementTree.tostring(root, encoding="unicode")


def _strip(element: Element) -> None:
    """Names without namespaces, which inside HTML go without saying, and no space between elements."""
    element.tag = _local(element.tag)
    element.attrib = {_local(name): value for name, value in element.attrib.items()}
    element.tail = None
    if element.tag not in ("text", "tspan"):
        element.text = None


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _prune(element: Element) -> None:
    """Leave out metadata, a style sheet that would reach the whole page, shapes without a trace, needless groups."""
    kept: list[Element] = []
    for child in element:
        style = child.get("style", "")
        invisible = child.tag == "path" and "fill: none" in style and "stroke" not in style
        empty = child.tag in ("g", "defs") and not len(child)
        if invisible or empty or child.tag in ("metadata", "style"):
            continue
        kept += list(child) if child.tag == "g" and not child.attrib else [child]
    element[:] = kept


def _referenced(root: Element) -> set[str]:
    """The ids that something in the figure points at."""
    names: set[str] = set()
    for element in root.iter():
        names |= {name for value in element.attrib.values() for name in _REFERENCE.findall(value)}
        if element.get("href", "").startswith("#"):
            names.add(element.attrib["href"][1:])
    return names


def _rename(element: Element, key: str, used: set[str]) -> None:
    """Only what is pointed at has an id, and it begins with the figure's own."""
    name = element.attrib.pop("id", "")
    if name in used:
        element.attrib["id"] = f"{key}-{name}"
    for name, value in element.attrib.items():
        element.attrib[name] = _REFERENCE.sub(rf"url(#{key}-\1)", value)
    if "href" in element.attrib:
        element.attrib["href"] = f"#{key}-{element.attrib['href'][1:]}"


def _restyle(element: Element) -> None:
    """Colors by name, the page's type, and two decimals."""
    for name, value in element.attrib.items():
        if name in ("d", "transform", "x", "y", "style", "width", "height"):
            element.attrib[name] = _NUMBER.sub(_round, value)
    if "style" in element.attrib:
        style = _COLOR.sub(lambda match: _NAMES[match[0]], element.attrib["style"])
        element.attrib["style"] = _FAMILY.sub("", _FONT.sub(r"font-size: \1", style))
    if "d" in element.attrib:
        element.attrib["d"] = re.sub(r"\s*([A-Za-z])\s*", r"\1", element.attrib["d"]).strip()
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]


def _round(match: re.Match[str]) -> str:
    shorter = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if shorter == "-0" else shorter


def _share_style(element: Element) -> None:
    """Say once what all children say."""
    styles = {child.get("style") for child in element if child.tag == "use"}
    if len(element) > 1 and len(styles) == 1 and all(child.tag == "use" for child in element):
        style = next(iter(styles))
        if style and "style" not in element.attrib:
            element.attrib["style"] = style
            for child in element:
                del child.attrib["style"]


def _describe(root: Element, panel: Panel) -> None:
    """Name and description for who listens; the size is left to the page."""
    box: Any = root.get("viewBox")
    root.attrib = {
        "viewBox": box,
        "role": "img",
        "aria-labelledby": f"{panel.key}-title",
        "aria-describedby": f"{panel.key}-desc",
    }
    for place, (tag, text) in enumerate((("title", panel.title), ("desc", panel.description))):
        described = Element(tag, {"id": f"{panel.key}-{tag}"})
        described.text = text
        root.insert(place, described)
