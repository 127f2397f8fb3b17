"""Models can be told apart, whatever a reader's eyes, screen or printer."""

import re
from importlib.resources import files

import matplotlib
import pytest

from simemb.report.figures import style

CSS = (files("simemb.report") / "style.css").read_text(encoding="utf-8")
LIGHT, DARK = (dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in CSS.split("prefers-color-scheme: dark")[:2])
DARK = {name: DARK[name] for name in style.THEME}


def contrast(one: str, other: str) -> float:
    """WCAG 2, 1.4.3."""
    first, second = sorted((luminance(one), luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_page_in_the_light_has_the_colors_of_the_figures():
    assert {name: LIGHT[name] for name in style.THEME} == style.THEME


@pytest.mark.parametrize("mode", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_drawn_stands_out_from_the_page_and_what_is_read_stands_out_more(mode: dict[str, str]):
    for name in (*style.HUES, "base"):
        assert contrast(mode[name], mode["paper"]) >= 3, name
    for name in ("ink", "muted"):
        assert contrast(mode[name], mode["paper"]) >= 4.5, name


@pytest.mark.parametrize("mode", [LIGHT, DARK], ids=["light", "dark"])
def test_no_two_models_share_a_color(mode: dict[str, str]):
    colors = [mode[name] for name in (*style.HUES, "base")]
    assert len(set(colors)) == len(colors)


def test_looks_differ_in_gray_too():
    looks = [style.look(place) for place in range(len(style.HUES))]
    assert len({look.marker for look in looks}) == len(looks)
    assert len({str(look.line) for look in looks}) >= len(looks) - 1
    many = [style.look(place) for place in range(3 * len(style.HUES))]
    assert len({(look.color, look.marker, str(look.line)) for look in many}) == len(many)


def test_what_runs_started_from_is_a_gray_open_marker():
    base = style.base_look()
    assert (base.color, base.face) == (style.BASE, style.PAPER)


def test_the_users_own_settings_neither_matter_nor_change():
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False}):
        with style.drawing():
            assert matplotlib.rcParams["font.size"] == 8
            assert matplotlib.rcParams["axes.grid"]
        assert matplotlib.rcParams["font.size"] == 30


def test_one_model_needs_no_legend():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    axes.plot([1], [1], label="first")
    style.legend(axes)
    assert axes.get_legend() is None
    axes.plot([1], [1], label="second")
    style.legend(axes)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["first", "second"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["first", "second", "mini (base)"], 3),
        (["a" * 20, "b" * 20, "c" * 20], 2),
        (["a" * 60, "b" * 60], 1),
        ([str(number) for number in range(10)], 5),
        (["one"], 1),
    ],
)
def test_names_stand_in_as_few_rows_as_fit(labels: list[str], expected: int):
    assert style.columns(labels, style.COLUMN) == expected
