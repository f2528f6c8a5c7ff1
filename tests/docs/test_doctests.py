"""The examples in docstrings do what they say."""

import doctest
import importlib
import pkgutil

import pytest

import emissary_emulator
import emissary_transport
import langchain_emissary
import llamaindex_emissary

PACKAGES = (emissary_transport, emissary_emulator, langchain_emissary, llamaindex_emissary)
MODULES = [
    module.name
    for package in PACKAGES
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples(name):
    assert not doctest.testmod(importlib.import_module(name)).failed
