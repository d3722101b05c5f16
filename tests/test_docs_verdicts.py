"""docs/verdicts.md and the drop table of docs/design.md say what the code can say.

The reasons are read from the code: every place that makes a `Result` or a `Drop` is looked
at, and one whose reason is no constant must be explained in `COMPUTED`, or a test fails.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from dedup import contamination, semantic
from pipeline import (
    acceptance,
    choose,
    collect,
    question_rules,
    removals,
    select_phrases,
    selection,
    verify,
)
from pipeline.__main__ import main
from pipeline.ledger import STAGE_OF_TABLE
from pipeline.recipe import Select
from verifiers import (
    available,
    code_calls,
    code_cpp_open,
    code_evidence,
    code_inputs,
    code_runners,
    code_settings,
    code_watch,
    instructions,
    math_answer,
    perplexity,
    quality_judge,
    reference_judge,
    reward_model,
    rules,
    sandbox_probe,
    short_answer,
)
from verifiers.base import Outcome
from verifiers.code_tests import UNTOLD
from verifiers.equality import judge as equality_judge
from verifiers.inside import exceeded, holder, link
from verifiers.pool_dispatch import Failure

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
CASES = ROOT / "tests" / "verifiers" / "cases"
# What a test's outcome may be without ever being a reason: it counts neither way, or it stands
# behind the outcome of the limit that kept it from running.
NEVER_A_REASON = {*UNTOLD, "skipped", "gone", "not_run", ""}
SETTINGS = {
    "rules": rules.Settings,
    "math": math_answer.Settings,
    "code": code_settings.CodeSettings,
    "judge": reference_judge.Settings,
    "instruction": instructions.Settings,
    "short_answer": short_answer.Settings,
    "reward": reward_model.Settings,
    "quality": quality_judge.Settings,
    "perplexity": perplexity.Settings,
}
NAMES = [*available(), acceptance.NOTHING]


def tree_of(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def texts(node: ast.AST) -> set[str]:
    """Return the strings that an expression may be: a constant, or one of two."""
    if isinstance(node, ast.IfExp):
        return texts(node.body) | texts(node.orelse)
    if isinstance(node, ast.Tuple):
        return texts(node.elts[0])
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return {node.value} if constant else set()  # type: ignore[attr-defined]


def returned(module: ModuleType, *functions: str) -> set[str]:
    """Return the strings, alone or first of a tuple, that functions of a module return."""
    chosen = [f for f in ast.walk(tree_of(module)) if getattr(f, "name", "") in functions]
    assert len(chosen) == len(functions), f"{module.__name__}: expected {functions}"
    inner = (node for function in chosen for node in ast.walk(function))
    returns = (node for node in inner if isinstance(node, ast.Return) and node.value)
    return {text for node in returns for text in texts(node.value)}  # type: ignore[arg-type]


def passed_to(module: ModuleType, function: str, place: int) -> set[str]:
    """Return the strings that a module's calls of a function pass at a place."""
    calls = (node for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call))
    named = (call for call in calls if getattr(call.func, "id", "") == function)
    return {text for call in named if len(call.args) > place for text in texts(call.args[place])}


def assigned(module: ModuleType, *names: str) -> set[str]:
    """Return the strings that a module assigns to names, those in dictionaries included."""
    found: set[str] = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in names:
            value = node.value
            for part in value.values if isinstance(value, ast.Dict) else [value]:
                found |= texts(part)
    return found


def code_outcomes() -> set[str]:
    """Return how a test of the code verifier may end and be the reason of its verdict."""
    found = returned(code_inputs, "_outcome", "_judged") | returned(holder, "_outcome", "_judge")
    found |= returned(holder, "_kind_of_error") | passed_to(link, "SolutionLost", 0)
    found |= assigned(code_inputs, "special") | assigned(link, "outcome") | set(exceeded.EXITS)
    found |= assigned(code_calls, "outcome")
    found |= passed_to(code_watch, "Halt", 0)
    return found - NEVER_A_REASON


def math_words() -> set[str]:
    words = set(equality_judge.WORDS.values())
    return words | returned(equality_judge, "judge", "_judge", "_ask_sympy")


# (module, expression) → what it may be, for reasons that are not constants.
COMPUTED = {
    ("verifiers.rules", "name"): set(rules.RULES),
    ("verifiers.math_answer", "reason"): math_words(),
    ("verifiers.parallel", "reason"): {*get_args(Failure)} - {"error", "lost"},
    ("verifiers.code_tests", "failed[0]"): code_outcomes(),
    ("verifiers.code_tests", "error.reason"): passed_to(code_runners, "NoRunner", 0)
    | passed_to(code_cpp_open, "NoCpp", 0),
    ("pipeline.verify", "reason"): assigned(verify, "reason"),
}
PASSED_ON = {("verifiers.code_tests", "reason")}  # `_refused` and `_unverified`, looked at by call


def calls(module: ModuleType) -> Iterator[tuple[str, ast.expr]]:
    """Yield the outcome and the reason of every result that a module makes."""
    for node in ast.walk(tree_of(module)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called == "Result":
            yield ast.unparse(node.args[0]), node.args[1]
        elif called in ("self._refused", "self._unverified"):
            wrong = called.endswith("_refused")
            yield "Outcome.INCORRECT" if wrong else "Outcome.UNVERIFIED", node.args[0]


def reasons_of(module: ModuleType, expression: ast.expr) -> set[str]:
    place = (module.__name__, ast.unparse(expression))
    if place in PASSED_ON:
        return set()
    if place in COMPUTED:
        return COMPUTED[place]
    if isinstance(expression, ast.Name) and isinstance(getattr(module, expression.id, 0), str):
        return {getattr(module, expression.id)}
    found = texts(expression)
    assert found, f"{place}: where does this reason come from? say it in COMPUTED"
    return found


def outcomes_of(outcome: str, reason: str) -> Outcome:
    member = getattr(Outcome, outcome.removeprefix("Outcome."), None)
    if member is not None:
        return Outcome(member)
    return math_answer.OUTCOMES.get(reason, Outcome.UNVERIFIED)  # as `found` does


def modules_below(module: ModuleType) -> set[ModuleType]:
    """Return a verifier's module and those of the package that it imports, at any depth."""
    found, waiting = {module}, [module]
    while waiting:
        for node in ast.walk(tree_of(waiting.pop())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("verifiers."):
                one = importlib.import_module(node.module or "")
                waiting += [] if one in found else [one]
                found.add(one)
    return found


@cache
def code_reasons(name: str) -> set[tuple[str, str]]:
    """Return every (reason, outcome) that a verifier can give."""
    if name == acceptance.NOTHING:
        modules = {verify}
    else:
        modules = modules_below(importlib.import_module(available()[name].__module__))
    return {
        (reason, outcomes_of(outcome, reason).value)
        for module in modules
        for outcome, expression in calls(module)
        for reason in reasons_of(module, expression)
    }


def section(name: str) -> str:
    parts = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    found = [part for part in parts if part.startswith(f"`{name}`\n")]
    assert len(found) == 1, f"docs/verdicts.md: wants one section ## `{name}`"
    return found[0]


def table(text: str, head: str) -> list[list[str]]:
    """Return the cells of all tables whose first column has a title, code marks removed."""
    rows = re.findall(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text + "\n", re.MULTILINE)
    lines = [line for part in rows for line in part.splitlines()]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    return [[cell.strip().strip("`") for cell in row] for row in cells]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_exactly_the_reasons_that_a_verifier_can_give(name: str) -> None:
    assert {(row[0], row[1]) for row in table(section(name), "reason")} == code_reasons(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_reason_is_explained_once(name: str) -> None:
    rows = table(section(name), "reason")
    assert len({row[0] for row in rows}) == len(rows)
    assert all(row[2] for row in rows)


def labelled(name: str) -> set[tuple[str, str]]:
    cases = [json.loads(line) for line in (CASES / f"{name}.jsonl").read_text().splitlines()]
    found = ((case.get("reason"), case.get("outcome", case.get("expected"))) for case in cases)
    return {(reason, outcome) for reason, outcome in found if reason}


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.jsonl")))
def test_labelled_cases_have_reasons_of_the_page(name: str) -> None:
    cases = labelled(name)
    assert cases
    assert cases <= {(row[0], row[1]) for row in table(section(name), "reason")}


def test_every_end_of_a_program_that_is_a_reason_has_a_labelled_case() -> None:
    incorrect = {reason for reason, outcome in labelled("code") if outcome == "incorrect"}
    # CPU time runs out before wall time on several processors only (`test_sandbox_limits.py`).
    assert incorrect == code_outcomes() - {"cpu_limit"} | {"no_code", "not_closed"}


def setting_rows(settings: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            yield from setting_rows(value, f"{field.name}.")
        else:
            plain = list(value) if isinstance(value, tuple) else value
            yield prefix + field.name, json.dumps(plain)


@pytest.mark.parametrize("name", available())
def test_the_page_has_every_setting_with_its_default(name: str) -> None:
    rows = [(row[0], row[1]) for row in table(section(name), "setting")]
    assert rows == list(setting_rows(SETTINGS[name]()))


def test_the_page_has_every_reason_why_there_is_no_sandbox() -> None:
    whys = passed_to(sandbox_probe, "Probe", 1)
    assert {row[0] for row in table(section("code"), "why")} == whys != set()


def test_the_page_has_every_policy_for_unverified_responses() -> None:
    policies = get_args(get_args(Select.model_fields["unverified"].annotation)[1])
    assert [row[0] for row in table(PAGE, "policy")] == list(policies)


DROPS = {
    "refused": returned(collect, "_not_a_question") | {"reference_conflict"},
    "duplicates": passed_to(semantic, "Dropped", 3),
    "contaminated": set(contamination.METHODS),
    "left_out": passed_to(choose, "_drop", 1)
    | returned(choose, "named", "reason_against")
    | returned(question_rules, "broken_rule")
    | {reason for reason, _ in question_rules.PATTERNS},
    "unselected": returned(selection, "_reason")
    | passed_to(selection, "Drop", 2)
    | {select_phrases.PHRASE}
    | set(acceptance.DISQUALIFIES),
    "removed": passed_to(removals, "Drop", 2),
}


def design_drops() -> dict[str, set[str]]:
    """Return the reasons that the table in docs/design.md has for each table of drops."""
    rows = re.findall(r"^\| `(\w+)` \| \w+ \| (.+) \|$", DESIGN, re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", text)) for name, text in rows}


def test_every_table_of_drops_is_looked_at() -> None:
    assert set(DROPS) == set(STAGE_OF_TABLE)
    assert all(DROPS.values())
    assert "reference_conflict" in inspect.getsource(collect.Merged)


@pytest.mark.parametrize("name", DROPS)
def test_the_design_names_exactly_the_reasons_for_which_a_stage_drops(name: str) -> None:
    assert design_drops()[name] == DROPS[name]


def test_the_drops_on_the_page_are_drops_of_their_stage() -> None:
    known = {(reason, STAGE_OF_TABLE[name]) for name in DROPS for reason in DROPS[name]}
    listed = {(row[0], row[1]) for row in table(PAGE, "drop")}
    assert listed <= known
    assert {pair for pair in known if pair[1] == "select"} <= listed


def test_the_example_gives_the_output_that_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given, printed = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (command, said) = re.findall(r"```\n\$ build-dataset (.*)\n(.*)\n```", PAGE)[0]
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text(given, encoding="utf-8")
    assert main(command.split()) == 0
    assert capsys.readouterr().out.strip() == said
    found = Path("out.jsonl").read_text(encoding="utf-8")
    pairs = zip(printed.splitlines(), found.splitlines(), strict=True)
    for wanted, got in pairs:
        assert json.loads(got) | {"seconds": 0} == json.loads(wanted) | {"seconds": 0}


def test_the_page_says_how_many_tests_the_evidence_holds() -> None:
    assert f"at most {code_evidence.MAX_EVIDENCE} entries" in PAGE
