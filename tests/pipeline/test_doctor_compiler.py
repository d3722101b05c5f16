"""`doctor` says whether C++ can be compiled here."""

from __future__ import annotations

import pytest

from pipeline.commands.doctor import compiler
from verifiers import code_cpp_tools
from verifiers.code_cpp_tools import NoTools, Tools


def test_compiler_that_is_there_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = Tools("gcc version 12.2.0", (), (), ())
    monkeypatch.setattr(code_cpp_tools, "find_tools", lambda: tools)
    ((name, there, text),) = compiler()
    assert (name, there) == ("C++", True) and text.startswith("gcc version 12.2.0")


def test_compiler_that_is_missing_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Tools:
        raise NoTools("no g++ here: install g++")

    monkeypatch.setattr(code_cpp_tools, "find_tools", none)
    ((name, there, text),) = compiler()
    assert (name, there) == ("C++", False)
    assert "install g++" in text and "C++ answers stay unverified" in text
