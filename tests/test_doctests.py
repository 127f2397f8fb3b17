"""The examples in the docstrings are true."""

import doctest
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import pytest

PACKAGES = ("simemb", "simemb.train", "simemb.eval", "simemb.data")
NEEDS_TRITON = "simemb.transformer.triton_kernels"  # Triton comes with torch for GPUs


def modules(package: str) -> Iterator[str]:
    """The modules of a package and of the packages inside it."""
    for module in iter_modules(import_module(package).__path__):
        name = f"{package}.{module.name}"
        if module.ispkg:
            yield from modules(name)
        elif module.name != "__main__" and (name != NEEDS_TRITON or find_spec("triton")):
            yield name


MODULES = sorted({name for package in PACKAGES for name in modules(package)})


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str):
    assert doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


def test_there_are_examples():
    assert sum(len(doctest.DocTestFinder().find(import_module(name))) for name in MODULES) > len(MODULES)
