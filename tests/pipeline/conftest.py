"""A small version of a dataset, made by hand: every kind of drop, three rounds, two configs.

    def test_it(small_config, small_store): ...           a balanced version "1"
    def test_it(make_small_store, tmp_path): ...          make_small_store(tmp_path, "2", …)

`SmallData` names each question by what becomes of it (`by_source`, `second_round`, …).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Config, Runtime
from pipeline.recipe import Decontaminate, Distill, Recipe, Sampling, Teacher
from pipeline.records import (
    Drop,
    Example,
    Label,
    Message,
    Phrase,
    Question,
    Record,
    Response,
    Suspect,
    Verdict,
    shard_of,
)
from pipeline.sources.base import Refused, Source, SourceRow
from pipeline.store import Origin, Store
from verifiers.response import final_answer

SHARDS = 3
HOSTILE = (
    "</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }} [a](javascript:alert(1)) $\\frac{1}{2}$"
)
TEACHER = "small-teacher"


class Handmade(Source):
    """A source that is never read: its rows are in the store already."""

    def rows(self) -> Iterator[SourceRow | Refused]:
        raise AssertionError("publishing and reporting must not read a source")


def question(source: str, name: str, *turns: str, **rest: Any) -> Question:
    """Return a question; turns alternate between user and assistant."""
    texts = turns or (f"What is {name}?",)
    roles = ("user", "assistant")
    prompt = [Message(roles[place % 2], text) for place, text in enumerate(texts)]
    licence = "MIT" if source == "alpha" else "CC-BY-4.0"
    values = {"kind": "math", "reference_answer": "4", "origins": (f"{source}#{name}",), **rest}
    return Question.new(source, prompt, source_revision="r1", licence=licence, **values)


def response(of: Question, round: int, text: str, attempt: int = 0) -> Response:
    """Return a response of the source (round 0) or of the teacher."""
    return Response.parse(
        text,
        id=of.id,
        teacher=TEACHER if round else "source-teacher",
        round=round,
        attempt=attempt,
        finish_reason="stop",
        prompt_tokens=20,
        response_tokens=40 * (round + 1),
    )


def verdict(of: Response, verifier: str, outcome: str, reason: str, **evidence: Any) -> Verdict:
    """Return a verdict."""
    score = {"correct": 1.0, "incorrect": 0.0}.get(outcome)
    text = json.dumps(evidence, ensure_ascii=False)
    return Verdict(*of.key, verifier, outcome, score, reason, text, 0.25)


def example(of: Question, best: Response, found: Verdict, label: Label) -> Example:
    """Return a published row as DESIGN section 9 has it."""
    nothing = dict.fromkeys(("reference_answer", "test_case", "think_content", "answer_content"))
    think, answer = best.think or "", final_answer(best.answer or "")
    asked = {"source": of.source, **nothing, "reference_answer": of.reference_answer}
    asked["test_case"] = of.test_cases
    told = {"source": best.teacher, **nothing, "think_content": think, "answer_content": answer}
    turns = [
        {
            "role": turn.role,
            "content": turn.content,
            "info": asked if turn.role == "user" else {"source": None, **nothing},
        }
        for turn in of.prompt
    ]
    content = f"<think>{think}</think>\n<answer>{answer}</answer>"
    fields = ("verifier", "outcome", "score", "reason")
    return Example(
        messages=[*turns, {"role": "assistant", "content": content, "info": told}],
        id=of.id,
        source=of.source,
        source_revision=of.source_revision,
        licence=of.licence,
        category=label.category,
        difficulty=label.difficulty,
        language=label.language,
        prompt_tokens=label.prompt_tokens,
        response_tokens=best.response_tokens,
        teacher=best.teacher,
        round=best.round,
        attempt=best.attempt,
        outcome=found.outcome,
        score=found.score,
        verifier=found.verifier,
        verdicts=json.dumps([{name: getattr(found, name) for name in fields}]),
        pass_rate=0.5,
    )


@dataclass
class SmallData:
    """The rows of a version by table, to be changed before they are written."""

    questions: dict[str, Question] = field(default_factory=dict)
    tables: dict[str, list[Any]] = field(default_factory=dict)  # of records

    def add(self, table: str, *records: Record) -> None:
        self.tables.setdefault(table, []).extend(records)

    def ask(self, name: str, of: Question, **label: Any) -> Question:
        """Add a question and its label."""
        self.questions[name] = of
        values = {"category": "math", "difficulty": "medium", "language": "en", **label}
        self.add("questions", of)
        self.add("labels", Label(of.id, prompt_tokens=12, labeller="heuristic-1", **values))
        return of

    def try_(self, name: str, round: int, text: str, outcome: str, reason: str, **rest: Any) -> Any:
        """Add a response with its verdicts; a rule that refuses is the only one to speak."""
        of = self.questions[name]
        reply = response(of, round, text)
        verifier = rest.pop("verifier", "math")
        found = [verdict(reply, verifier, outcome, reason, **rest)]
        if verifier != "rules":
            found.append(verdict(reply, "rules", "correct", "no_rule_broken"))
        self.add(f"responses/round={round:02d}", reply)
        self.add(f"verdicts/round={round:02d}", *found)
        return reply, found[0]

    def publish(self, name: str, tried: tuple[Response, Verdict]) -> None:
        label = next(row for row in self.tables["labels"] if row.id == self.questions[name].id)
        self.add("examples", example(self.questions[name], *tried, label))

    def drop(self, table: str, name: str, reason: str, **rest: Any) -> None:
        of = self.questions[name]
        evidence = json.dumps(rest.pop("evidence", {}), ensure_ascii=False)
        self.add(table, Drop(of.id, rest.pop("stage", table), reason, evidence=evidence, **rest))

    def remove(self, table: str, name: str) -> None:
        """Take a question's rows out of a table."""
        id = self.questions[name].id
        self.tables[table] = [row for row in self.tables[table] if row.id != id]


GOOD = "<think>2 and 2 make 4.</think>\n<answer>4</answer>"
BAD = "<think>2 and 2 make 5.</think>\n<answer>5</answer>"


def small_data() -> SmallData:
    """Return the rows of the whole version."""
    data = SmallData({}, {f"responses/round={n:02d}": [] for n in range(3)})
    _published_by_sources(data)
    _published_by_the_teacher(data)
    _dropped_before_the_teacher(data)
    _dropped_after_the_teacher(data)
    return data


def _published_by_sources(data: SmallData) -> None:
    data.ask("by_source", question("alpha", "two and two"), difficulty="easy")
    data.publish("by_source", data.try_("by_source", 0, GOOD, "correct", "equal"))
    tests = json.dumps([{"input": "1\n", "output": "2\n"}])
    code = question("beta", "a program", kind="code", reference_answer=None, test_cases=tests)
    data.ask("code", code, category="coding", difficulty="hard")
    passed = data.try_("code", 0, GOOD, "correct", "all_passed", verifier="code", passed=1)
    data.publish("code", passed)
    talk = question("beta", "a poem", kind="instruction", reference_answer=None)
    data.ask("unverified", talk, category="creative_writing", difficulty="very_easy")
    told = data.try_("unverified", 0, GOOD, "unverified", "nothing_to_check", verifier="none")
    data.publish("unverified", told)


def _published_by_the_teacher(data: SmallData) -> None:
    data.ask("first_round", question("alpha", "five times five"))
    data.publish("first_round", data.try_("first_round", 1, GOOD, "correct", "equal"))
    data.ask("second_round", question("alpha", "six times six"))
    data.try_("second_round", 1, BAD, "incorrect", "not_equal", extracted="5")
    data.publish("second_round", data.try_("second_round", 2, GOOD, "correct", "equal"))
    turns = ("二加二是多少？", "四。", "为什么？")
    data.ask("several_turns", question("beta", "turns", *turns), language="zh")
    data.publish("several_turns", data.try_("several_turns", 1, GOOD, "correct", "equal"))
    data.ask("hostile", question("beta", "hostile", HOSTILE, reference_answer=HOSTILE))
    evil = f"<think>{HOSTILE}</think><answer>{HOSTILE}</answer>"
    data.publish("hostile", data.try_("hostile", 1, evil, "correct", "equal", extracted=HOSTILE))


def _dropped_before_the_teacher(data: SmallData) -> None:
    for number, reason in enumerate(("empty_prompt", "invalid_unicode")):
        evidence = json.dumps({"origin": f"alpha#{number}", "excerpt": HOSTILE})
        id = f"{number + 1:x}" * 32
        data.add("refused", Drop(id, "collect", reason, "alpha", evidence=evidence))
    data.ask("repeated", question("beta", "two and two again"))
    kept = data.questions["by_source"].id
    data.drop("duplicates", "repeated", "exact", of=kept, score=1.0, stage="deduplicate")
    data.ask("similar", question("beta", "two plus two"))
    data.drop("duplicates", "similar", "semantic", of=kept, score=0.93, stage="deduplicate")
    data.ask("in_benchmark", question("alpha", "an olympiad item"), difficulty="very_hard")
    hit = {"benchmark": "aime_2024", "item": "7", "method": "ngram", "matched": HOSTILE}
    data.drop(
        "contaminated",
        "in_benchmark",
        "ngram",
        of="aime_2024#7",
        score=0.8,
        evidence=hit,
        stage="decontaminate",
    )
    data.ask("left_out", question("alpha", "one and one"), difficulty="very_easy")
    data.drop("left_out", "left_out", "downsampled", score=0.7, stage="choose")


def _dropped_after_the_teacher(data: SmallData) -> None:
    data.ask("never_right", question("alpha", "seven times seven"))
    data.try_("never_right", 1, BAD, "incorrect", "not_equal", extracted="5")
    data.try_("never_right", 2, BAD, "incorrect", "not_equal", extracted="5")
    data.drop("unselected", "never_right", "no_correct_response", stage="select")
    data.ask("bad_reference", question("beta", "a broken key", reference_answer="\\frac{"))
    data.try_("bad_reference", 1, GOOD, "unverified", "reference_unusable")
    data.drop("unselected", "bad_reference", "reference_unusable", stage="select")
    data.ask("no_thinking", question("beta", "quickly"))
    data.try_("no_thinking", 1, "4", "incorrect", "no_thinking", verifier="rules")
    data.drop("unselected", "no_thinking", "no_thinking", stage="select")


def write_data(data: SmallData, store: Store) -> Store:
    """Write all tables, each shard sorted by id, with the counts that collect gives."""
    types: dict[str, type[Record]] = {
        "questions": Question,
        "labels": Label,
        "examples": Example,
        "verdicts": Verdict,
        "responses": Response,
        "suspects": Suspect,
        "phrases": Phrase,
    }
    for table in ("contaminated", "duplicates", "examples", "left_out", "refused", "unselected"):
        data.tables.setdefault(table, [])
    for table, records in data.tables.items():
        of = types.get(table.partition("/")[0], Drop)
        for shard in range(store.shards):
            mine = [row for row in records if shard_of(row.id, store.shards) == shard]
            mine.sort(key=lambda row: row.id)
            counts: dict[str, int] = {}
            if table == "questions":
                counts = read_counts(data, store, shard)
            store.write(table, shard, of.to_table(mine), Origin({}, {}), counts, 1.5)
    return store


def read_counts(data: SmallData, store: Store, shard: int) -> dict[str, int]:
    """Return what collect counts: rows by source; in shard 0 one row of alpha came twice."""
    questions = [(row.id, row.source) for row in data.tables["questions"]]
    refused = [(row.id, row.of) for row in data.tables["refused"]]
    reads = [s for id, s in [*questions, *refused] if shard_of(id, store.shards) == shard]
    reads += ["alpha"] * (shard == 0)
    counts = {f"read/{name}": reads.count(name) for name in set(reads)}
    return {**counts, "rows_read": len(reads), "repeated": int(shard == 0)}


@pytest.fixture
def small_config(tmp_path: Path) -> Config:
    """The configuration of the small version: two sources, a teacher, one benchmark."""
    return make_config(tmp_path)


def make_config(root: Path) -> Config:
    """Return the configuration with its folders below `root`."""
    sources = tuple(
        Handmade(source="handmade", name=name, licence=licence, revision="r1")
        for name, licence in (("alpha", "MIT"), ("beta", "CC-BY-4.0"))
    )
    teacher = Teacher(
        name=TEACHER, model="small", revision="1", engine="transformers", sampling=Sampling()
    )
    recipe = Recipe(
        shards=SHARDS,
        sources=sources,
        teacher=teacher,
        distill=Distill(rounds=2),
        decontaminate=Decontaminate(benchmarks=("$DATA/benchmarks/aime_2024.parquet",)),
    )
    runtime = Runtime(data=str(root / "data"), published=str(root / "published"))
    return Config(name="small", version="1", recipe=recipe, runtime=runtime)


MakeStore = Callable[..., Store]


def make_store(
    root: Path,
    version: str = "1",
    change: Callable[[SmallData], None] | None = None,
    shards: int = SHARDS,
) -> Store:
    """Write the version below `root`, changed by `change(data)` where it is given."""
    data = small_data()
    if change is not None:
        change(data)
    return write_data(data, Store(root, "small", version, shards))


@pytest.fixture
def make_small_store() -> MakeStore:
    """Return `make_store`."""

    return make_store


@pytest.fixture(scope="session")
def small_template(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The small version, written once; tests work on copies of it."""
    return make_store(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def small_session_config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The configuration for tests that only read `small_template`."""
    return make_config(tmp_path_factory.mktemp("config"))


@pytest.fixture
def small_store(small_template: Store, tmp_path: Path) -> Store:
    """The small version as it is: balanced, with seven published rows."""
    shutil.copytree(small_template.root, tmp_path / "data")
    return replace(small_template, root=tmp_path / "data")


@pytest.fixture(scope="session")
def published_small(small_template: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small version published, for tests that only read it."""
    from pipeline.publish import publish_folder

    root = tmp_path_factory.mktemp("small")
    publish_folder(make_config(root), small_template, root / "published")
    return root / "published"


@pytest.fixture
def change_answer() -> Callable[[SmallData, str, str], None]:
    """Return a function that gives a published row another answer."""

    def change(data: SmallData, name: str, answer: str) -> None:
        id = data.questions[name].id
        for place, row in enumerate(data.tables["examples"]):
            if isinstance(row, Example) and row.id == id:
                data.tables["examples"][place] = replace(row, pass_rate=1.0, teacher=answer)

    return change
