"""A figure inside a page."""

import re
from functools import partial
from xml.etree import ElementTree

import numpy as np
import pytest

from simemb.report.figures import curves
from simemb.report.figures import map as sentences
from simemb.report.figures.inline import inline
from simemb.report.figures.panel import Panel
from simemb.report.figures.style import THEME, look

STEPS = np.arange(5.0)
HOSTILE = '</svg><script>alert("1")</script> & "first"'


def panel(key: str = "loss", name: str = "first") -> Panel:
    lines = [curves.Curve(name, look(0), STEPS, STEPS, kept=2), curves.Curve("second", look(1), STEPS, STEPS * 2)]
    draw = partial(curves.draw, curves=lines, ylabel="loss")
    return Panel(key, f"Loss of {name}", "A caption.", f"A line of {name}.", draw)


@pytest.fixture(scope="module")
def svg() -> str:
    return inline(panel())


def test_it_has_a_role_a_name_and_a_description(svg: str):
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in root.iter() if element.tag in ("title", "desc")}
    assert named[root.get("aria-labelledby")] == "Loss of first"
    assert named[root.get("aria-describedby")] == "A line of first."


def test_colors_are_variables_of_the_page(svg: str):
    assert not re.search(r"#[0-9a-f]{6}", svg)
    assert set(re.findall(r"var\(--(\w+)\)", svg)) <= set(THEME)
    assert {"blue", "vermilion", "ink"} <= set(re.findall(r"var\(--(\w+)\)", svg))


def test_type_is_that_of_the_page(svg: str):
    root = ElementTree.fromstring(svg)
    assert {"step", "loss", "first", "second"} <= {text.text for text in root.iter("text")}
    assert "font-family" not in svg
    assert "Sans" not in svg
    assert "font-size: 8" in svg


def test_ids_are_its_own_and_every_reference_is_met(svg: str):
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("loss-") for name in ids)
    assert {*re.findall(r"url\(#([^)]+)\)", svg), *re.findall(r'href="#([^"]+)"', svg)} <= set(ids)
    other = re.findall(r'\bid="([^"]+)"', inline(panel("dev")))
    assert not set(ids) & set(other)


def test_it_reaches_for_nothing_and_leaves_the_rest_of_the_page_alone(svg: str):
    assert "http" not in svg
    assert "<style" not in svg
    assert "<metadata" not in svg


def test_the_size_is_left_to_the_page(svg: str):
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox") == "0 0 237.6 165.6"
    assert root.get("width") is None


def test_the_same_figure_gives_the_same_text(svg: str):
    assert inline(panel()) == svg


def test_names_cannot_break_out_of_it():
    svg = inline(panel(name=HOSTILE))
    assert "<script" not in svg
    root = ElementTree.fromstring(svg)
    assert HOSTILE in {text.text for text in root.iter("text")}


def test_points_stay_where_they_are_and_many_of_them_are_small():
    places = np.random.default_rng(0).normal(size=(2000, 2))
    groups = [sentences.Group("all", look(0), places)]
    svg = inline(Panel("map", "Map", "", "", partial(sentences.draw, groups=groups, explained=(0.5, 0.25))))
    points = [use for use in ElementTree.fromstring(svg).iter("use") if "style" not in use.attrib]
    drawn = np.array([[float(use.get("x", "")), float(use.get("y", ""))] for use in points])
    assert np.corrcoef(drawn[:, 0], places[:, 0])[0, 1] == pytest.approx(1, abs=1e-5)
    assert np.corrcoef(drawn[:, 1], places[:, 1])[0, 1] == pytest.approx(-1, abs=1e-5)
    assert len(svg) < 60 * len(places)
