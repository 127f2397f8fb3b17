"""Figures as files: sizes in inches, formats, and the same bytes every time."""

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from simemb.errors import DataError
from simemb.report.figures import curves
from simemb.report.figures.panel import Panel, compose, save
from simemb.report.figures.style import COLUMN, PAGE, drawing, look

STEPS = np.arange(5.0)


def panel(key: str = "loss", *names: str) -> Panel:
    lines = [curves.Curve(name, look(place), STEPS, STEPS * place) for place, name in enumerate(names or ("first",))]
    return Panel(key, key.title(), "A caption.", "A line.", partial(curves.draw, curves=lines, ylabel="loss"))


def test_one_panel_fills_a_column_and_several_a_page():
    with drawing():
        assert tuple(compose([panel()]).get_size_inches()) == (COLUMN, 2.3)
        assert tuple(compose([panel(), panel("dev")]).get_size_inches()) == (PAGE, 2.3)
        assert tuple(compose([panel()] * 4).get_size_inches()) == (PAGE, 4.6)


def test_sizes_in_inches_are_kept_to(tmp_path: Path):
    save([panel()], tmp_path / "a.png", width=4, height=1.5, dpi=100)
    assert imread(tmp_path / "a.png").shape[:2] == (150, 400)
    save([panel()], tmp_path / "a.svg", width=4, height=1.5)
    assert 'width="288pt" height="108pt"' in (tmp_path / "a.svg").read_text()


def test_several_panels_have_titles_and_each_model_is_named_once():
    with drawing():
        figure = compose([panel("loss", "first", "second"), panel("dev", "first", "second")])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Loss", "Dev"]
    assert [axes.get_legend() for axes in figure.axes] == [None, None]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["first", "second"]


def test_one_panel_has_no_title_as_a_paper_has_captions():
    with drawing():
        (axes,) = compose([panel("loss", "first", "second")]).axes
    assert axes.get_title(loc="left") == ""
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["first", "second"]


def test_type_stays_type_in_an_svg(tmp_path: Path):
    save([panel("loss", "first", "second")], tmp_path / "a.svg")
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", (tmp_path / "a.svg").read_text())
    assert {"step", "loss", "first", "second"} <= set(texts)


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_the_same_figure_gives_the_same_bytes(kind: str, tmp_path: Path):
    for name in ("a", "b"):
        save([panel("loss", "first", "second")], tmp_path / f"{name}.{kind}")
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_a_name_with_a_dollar_sign_or_of_another_script_is_a_name(tmp_path: Path):
    save([panel("loss", "$x_2$", "模型", "a_b^c")], tmp_path / "a.svg")
    assert all(name in (tmp_path / "a.svg").read_text() for name in ("$x_2$", "模型", "a_b^c"))
    save([panel("loss", "$x_2$", "模型")], tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.html"])
def test_another_format_is_refused(name: str, tmp_path: Path):
    with pytest.raises(DataError, match=r"figures are written as \.png, \.svg, \.pdf"):
        save([panel()], tmp_path / name)


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        save([panel()], tmp_path / "file" / "a.png")
