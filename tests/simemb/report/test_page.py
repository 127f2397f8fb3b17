"""The page: valid, self-contained, accessible, and with no number that is not in the record."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simemb.report.page import number, page
from simemb.report.report import Report

VOID = {"meta", "link", "br"}
HOSTILE = "<script>alert(\"1\")</script> & </td> 'quoted' <img src=x onerror=alert(1)>"


class Element:
    def __init__(self, tag: str, attributes: dict[str, str | None], parent: "Element | None"):
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Element] = []
        self.words: list[str] = []

    def __iter__(self) -> Any:
        for child in self.children:
            yield child
            yield from child

    def all(self, *tags: str) -> list["Element"]:
        return [element for element in self if element.tag in tags]

    @property
    def text(self) -> str:
        return "".join(self.words)

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""


class Strict(HTMLParser):
    """Reads a page and refuses what a browser would mend: tags that do not match, doubled attributes."""

    def __init__(self, content: str):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", {}, None)
        self.feed(content)
        self.close()
        assert self.at is self.root, f"<{self.at.tag}> is never closed"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.at = self.at.children[-1]

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> has an attribute twice"
        self.at.children.append(Element(tag, dict(attrs), self.at))

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}> (line {self.getpos()[0]})"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        element: Element | None = self.at
        while element is not None:
            element.words.append(data)
            element = element.parent


@pytest.fixture(scope="module")
def content(report: Report) -> str:
    return page(report)


@pytest.fixture(scope="module")
def root(content: str) -> Element:
    return Strict(content).root


@pytest.fixture(scope="module")
def record(root: Element) -> Any:
    (script,) = [script for script in root.all("script") if script.get("id") == "json"]
    return json.loads(script.text)


# ---- a valid page that needs nothing else --------------------------------------------------------


def test_tags_match_and_ids_are_unique_and_every_reference_is_met(content: str, root: Element):
    assert content.startswith('<!doctype html>\n<html lang="en">')
    ids = [element.get("id") for element in root if element.get("id")]
    assert len(set(ids)) == len(ids)
    targets = [element.get("href")[1:] for element in root.all("a", "use")]
    targets += [name for element in root for name in re.findall(r"url\(#([^)]+)\)", str(element.attributes))]
    targets += [element.get(name) for element in root for name in ("aria-labelledby", "aria-describedby")]
    assert set(filter(None, targets)) <= set(ids)


def test_it_asks_for_nothing_from_anywhere(content: str, root: Element):
    for element in root:
        assert not element.get("src"), element.tag
        assert element.get("href")[:1] in ("", "#") or element.get("href") == "data:,"
    assert "@import" not in content
    assert "url(" not in re.sub(r"url\(#", "", content)
    (policy,) = [meta for meta in root.all("meta") if meta.get("http-equiv")]
    assert "default-src 'none'" in policy.get("content")


def test_no_template_is_left_over(content: str):
    assert not re.search(r"{{|{%|%}", content.partition("<script")[0])


# ---- for everybody -------------------------------------------------------------------------------


def test_figures_have_names_descriptions_and_captions(root: Element):
    figures = root.all("figure")
    assert len(figures) >= 10
    for figure in figures:
        (svg,) = figure.all("svg")
        assert svg.get("role") == "img"
        assert all(len(element.text) > 3 for element in svg.all("title", "desc"))
        assert len(svg.all("text")) > 1
        assert len(figure.all("figcaption")[0].text) > 20
    for svg in root.all("svg"):
        assert svg.get("role") == "img" or svg.get("aria-hidden") == "true"


def test_headings_go_down_one_level_at_a_time(root: Element):
    levels = [int(element.tag[1]) for element in root.all("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_there_are_landmarks_and_a_way_past_the_contents(root: Element):
    assert [len(root.all(tag)) for tag in ("header", "nav", "main")] == [1, 1, 1]
    assert root.all("nav")[0].get("aria-label")
    assert root.all("a")[0].get("class") == "skip"
    for section in root.all("section"):
        assert section.get("aria-labelledby")


def test_tables_say_what_their_headings_are_of_and_sort_by_real_buttons(root: Element):
    for table in root.all("table"):
        for heading in table.all("th"):
            assert heading.get("scope") in ("col", "row")
        widths = {len(row.all("th", "td")) for row in table.all("tr")}
        assert len(widths) == 1, table.text
        if table.get("class").startswith("sortable"):
            for heading in table.all("thead")[0].all("th"):
                assert heading.get("aria-sort") == "none"
                assert heading.all("button")[0].get("type") == "button"
                assert heading.all("button")[0].text


def test_wide_tables_scroll_by_themselves_and_by_the_keyboard(root: Element):
    for table in root.all("table"):
        assert table.parent is not None
        assert table.parent.get("class") == "scroll"
        assert (table.parent.get("tabindex"), table.parent.get("role")) == ("0", "region")
        assert table.parent.get("aria-label")


# ---- numbers -------------------------------------------------------------------------------------


def numbers(content: Any) -> set[float]:
    """Every number in some JSON."""
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        return set().union(*map(numbers, content))
    return {float(content)} if isinstance(content, int | float) else set()


def test_every_number_is_one_of_the_record_rounded(root: Element, record: Any):
    known = numbers(record)
    shown = root.all("data")
    assert len(shown) > 100
    for element in shown:
        value = float(element.get("value"))
        assert element.get("title") == element.get("value")
        decimals = len(element.text.partition(".")[2])
        assert float(element.text) == pytest.approx(value, abs=0.5 * 10**-decimals + 1e-12)
        assert value in known or value in gains(record)


def gains(record: Any) -> set[float]:
    """Differences of averages, which are no numbers of a record themselves."""
    points = [
        each["record"]["average"]["all"]["spearman"] for suite in record["scores"].values() for each in suite.values()
    ]
    return {one - other for one in points for other in points}


def test_the_record_is_that_of_the_evaluation(report: Report, record: Any):
    (suite,) = report.suites
    for reported, scores, intervals in zip(
        report.all_models, report.scores(suite), report.intervals(suite), strict=True
    ):
        found = record["scores"]["dev"][reported.label]
        assert found["record"] == scores.to_json()
        assert found["intervals"] == {task: list(interval) for task, interval in intervals.items()}


def test_the_table_of_scores_has_the_scores(root: Element, record: Any):
    table = root.all("table")[0]
    shown = {row.all("th")[0].text: row.all("data")[0] for row in table.all("tbody")[0].all("tr")}
    for label, each in record["scores"]["dev"].items():
        value = each["record"]["tasks"]["dev"]["all"]["spearman"]
        assert (float(shown[label].get("value")), shown[label].text) == (value, f"{value:.2f}")


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "html"),
    [
        (76.21345, 2, False, '<data value="76.21345" title="76.21345">76.21</data>'),
        (4.0, 1, True, '<data value="4.0" title="4.0">+4.0</data>'),
        (-0.12345, 3, False, '<data value="-0.12345" title="-0.12345">-0.123</data>'),
        (-0.00001, 4, False, '<data value="-1e-05" title="-1e-05">0.0000</data>'),
        (-0.001, 2, True, '<data value="-0.001" title="-0.001">+0.00</data>'),
        (float("nan"), 2, False, '<span class="undefined" title="not defined">-</span>'),
        (None, 2, False, '<span class="undefined" title="not defined">-</span>'),
    ],
)
def test_a_number_shows_few_digits_and_has_them_all(value: float | None, decimals: int, signed: bool, html: str):
    assert number(value, decimals, signed=signed) == html


# ---- what is told --------------------------------------------------------------------------------


def test_what_differs_is_said_in_words(root: Element, report: Report, record: Any):
    shown = [item.text for item in root.all("li") if item.parent and item.parent.get("class") == "verdicts"]
    assert shown == record["verdicts"]["dev"] == report.verdicts(report.suites[0])
    assert len(shown) >= 1


def test_recipe_and_environment_are_there(root: Element):
    text = root.all("main")[0].text
    for expected in ("recipe.objective.temperature", "InfoNCE", "versions.torch", "run.seed", "data.digest"):
        assert expected in text


def test_the_worst_pairs_of_every_model_are_there_but_not_those_of_a_base(root: Element, report: Report):
    (section,) = [section for section in root.all("section") if section.get("id") == "worst"]
    assert [heading.text for heading in section.all("h3")] == [reported.label for reported in report.models]
    assert all(len(table.all("tr")) == 31 for table in section.all("table"))


def test_a_model_that_is_no_run_makes_a_shorter_page(tiny_base: Path, dev_file: Path):
    root = Strict(page(Report([str(tiny_base)], [str(dev_file)]))).root
    sections = [section.get("id") for section in root.all("section")]
    assert sections == ["scores", "plane", "similarities", "length", "spectrum", "map", "worst", "record"]
    assert [link.get("href")[1:] for link in root.all("nav")[0].all("a")] == sections


def test_hostile_texts_stay_texts(tiny_base: Path, tmp_path: Path):
    lines = [f"{score}\t{HOSTILE} {score}\tthe \x1b[2J\u202ered\x9b dog {score}" for score in range(5)]
    (tmp_path / "evil.tsv").write_text("score\tsentence1\tsentence2\n" + "\n".join(lines) + "\n")
    root = Strict(page(Report([str(tiny_base)], [str(tmp_path / "evil.tsv")]))).root
    assert len(root.all("script")) == 2
    assert root.all("img") == []
    assert any(HOSTILE in cell.text for cell in root.all("td"))
    (script,) = [script for script in root.all("script") if script.get("id") == "json"]
    texts = [text for pair in next(iter(json.loads(script.text)["worst"].values())) for text in pair["texts"]]
    assert any(HOSTILE in text for text in texts)
    assert any("the \x1b[2J\u202ered\x9b dog" in text for text in texts)
    assert any(r"the \x1b[2J\u202ered\u009b dog" in cell.text for cell in root.all("td"))
    assert not any(re.search("[\x1b\u202e\x9b]", cell.text) for cell in root)


def test_a_collapsed_model_has_dashes_where_nothing_is_defined(tiny_base: Path, dev_file: Path, tmp_path: Path):
    from safetensors.torch import load_file, save_file

    from simemb.encoder.encoder import Encoder

    Encoder.load(tiny_base, pooling="cls").save(tmp_path / "flat")
    weights = load_file(tmp_path / "flat" / "model.safetensors")
    save_file({name: weight * 0 for name, weight in weights.items()}, tmp_path / "flat" / "model.safetensors")
    root = Strict(page(Report([str(tmp_path / "flat")], [str(dev_file)]))).root
    (cell, *_) = root.all("table")[0].all("td")
    assert cell.text.strip() == "-"
