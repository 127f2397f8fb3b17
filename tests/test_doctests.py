"""The examples in the docstrings are true."""

import doctest
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import pytest

PACKAGES = ("simemb", "simemb.train", "simemb.eval", "simemb.data", "simemb.data.sample")
MODULES = sorted(
    f"{package}.{module.name}"
    for package in PACKAGES
    for module in iter_modules(import_module(package).__path__)
    if not module.ispkg and (module.name != "tiles" or find_spec("triton"))  # Triton comes with torch for GPUs
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str):
    assert doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


def test_there_are_examples():
    assert sum(len(doctest.DocTestFinder().find(import_module(name))) for name in MODULES) > len(MODULES)
