"""The options that are read from a dataclass are those that tyro shows."""

import re
from dataclasses import dataclass
from typing import Annotated

import pytest

from simemb.cli import main
from simemb.commands.options import UNPREFIXED, options_of
from simemb.commands.train import Train
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find


@pytest.mark.parametrize("name", ["simcse_mlm", "matryoshka", "moco_v1", "consert_joint", "mlm"])
def test_the_options_of_a_recipe_are_those_of_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    recipe_of_name = find(name)

    @dataclass(frozen=True)
    class Options(Train):
        recipe: Annotated[Recipe, UNPREFIXED] = recipe_of_name

    assert main(["train", name, "--help"]) == 0
    shown = set(re.findall(r"(?<=[ │])--[a-z][a-z0-9.-]*", capsys.readouterr().out))
    known = {spelling for option in options_of(Options, Options()) for spelling in option.spellings}
    assert known == shown - {"--help"}
