"""What a list says of the cookbook, read from docstrings that nothing imports."""

import re
import sys
from pathlib import Path

import pytest

from simemb import cookbook
from simemb.cookbook import (
    RECIPES,
    Card,
    card,
    names,
    read_card,
    summary,
)

REFERENCES = {
    "Gao et al., 2021, https://arxiv.org/abs/2104.08821, section 3": "Gao et al.",
    "Chen & He, 2021, https://arxiv.org/abs/2011.10566.": "Chen & He",
    "Su, 2022, https://kexue.fm/archives/8847; no paper.": "Su",
    "van den Oord et al., 2018, https://arxiv.org/abs/1807.03748, eq. 4": "van den Oord et al.",
    "Roy, Vetterli and O'Neill, 2007, https://eurasip.org/a_(b)/c.pdf).": "Roy, Vetterli and O'Neill",
    "Bardes, Ponce &\nLeCun,\n2022, https://arxiv.org/abs/2105.04906": "Bardes, Ponce & LeCun",
}


@pytest.mark.parametrize(("reference", "authors"), REFERENCES.items())
def test_a_card_has_authors_year_and_address_of_its_reference(reference: str, authors: str) -> None:
    found = read_card("mine", f"One line of mine.\n\n{reference}\n\nWhen to use it: now.")
    assert (found.name, found.summary, found.paper) == ("mine", "One line of mine.", authors)
    assert f", {found.year}, {found.url}" in " ".join(reference.split())
    assert re.fullmatch(r"https://\S+[\w/]", found.url)


def test_the_first_of_several_references_counts() -> None:
    first, second = "Wu et al., 2022, https://a.org/1", "Gao et al., 2021, https://a.org/2"
    assert read_card("mine", f"A line.\n\n{first}, after {second}.").paper == "Wu et al."
    assert read_card("mine", f"A line.\n\nAs in {second} (and {first}).").paper == "Gao et al."


@pytest.mark.parametrize("docstring", ["", "A line.", "A line.\n\nGao et al., 2021, no address.", "See https://a.org"])
def test_a_recipe_without_a_reference_has_blanks(docstring: str) -> None:
    assert read_card("mine", docstring) == Card("mine", docstring.partition("\n")[0], "", "", "")


@pytest.mark.parametrize("name", names(RECIPES))
def test_every_recipe_says_in_a_line_what_it_is(name: str) -> None:
    found = card(name)
    assert found.name == name
    assert found.summary == summary(RECIPES, name)
    assert found.summary.endswith(".")


def test_a_card_is_read_without_importing_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cookery").mkdir()
    (tmp_path / "cookery" / "__init__.py").touch()
    (tmp_path / "cookery" / "mine.py").write_text('"""Mine.\n\nGao et al., 2021, https://a.org/1"""\n1 / 0\n')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cookbook, "RECIPES", "cookery")
    assert card("mine") == Card("mine", "Mine.", "Gao et al.", "2021", "https://a.org/1")
    assert "cookery.mine" not in sys.modules
