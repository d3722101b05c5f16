import pytest

from verifiers.base import BadInput
from verifiers.code_asserts import as_assertion, can_fail


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("f(1) == 2", "assert f(1) == 2"),
        ("f(1)", "assert f(1)"),
        ("not f(1)", "assert not f(1)"),
        ("x = f(1)\nx == 2", "x = f(1)\nassert x == 2"),
        ("assert f(1) == 2", "assert f(1) == 2"),
        ("assert f(1)\nf(2)", "assert f(1)\nf(2)"),
        ("with pytest.raises(ValueError):\n    f(1)", "with pytest.raises(ValueError):\n    f(1)"),
        ("import numpy as np\nnp.allclose(f(1), 2)", "import numpy as np\nnp.allclose(f(1), 2)"),
        ("f(1) ==", "f(1) =="),  # reported when it runs
    ],
)
def test_an_expression_becomes_an_assertion_and_the_rest_stays(text: str, made: str) -> None:
    assert as_assertion(text, "", "test_cases[0]") == made


def test_a_check_of_the_setup_may_fail_by_itself() -> None:
    setup = "def same(a, b):\n    assert a == b"
    assert as_assertion("same(f(1), 2)", setup, "here") == "same(f(1), 2)"


@pytest.mark.parametrize(
    "text",
    [
        "x = f(1)",
        "for n in range(3):\n    f(n)",
        "pass",
        'x = """\nassert f(1) == 2\n"""',
        "x = '''\n  assert f(1) == 2\n'''",
        "x = '\\\nassert f(1) == 2'",
        "x = '\\\r\nassert f(1) == 2'",
        "# assert f(1) == 2\nx = f(1)",
    ],
)
def test_what_asserts_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="asserts nothing"):
        as_assertion(text, "", "test_cases[0]")


@pytest.mark.parametrize(
    ("text", "able"),
    [
        ("def check(candidate):\n    assert candidate(1) == 2", True),
        ("def check(candidate):\n    candidate(1) == 2", False),
        ("from solution import f\ndef test_f():\n    f(1)", False),
        ("from solution import f\ndef test_f():\n    f(1).assert_called()", True),
        (
            "import unittest\nclass T(unittest.TestCase):\n  def test(self): self.assertTrue(1)",
            True,
        ),
    ],
)
def test_a_module_can_fail_or_not(text: str, able: bool) -> None:
    assert can_fail(text, "") is able
