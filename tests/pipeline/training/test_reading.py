"""Which rows a student learns from: places, selections, limits, and what is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError, SourceError, UserError
from pipeline.evaluation.export import SCHEMA
from pipeline.files import FileHashes
from pipeline.rowfile import row_writer
from pipeline.training.chat import Chat
from pipeline.training.config import Data, Rows
from pipeline.training.reading import Read, count_rows, located, selected
from pipeline.training.samples import write_samples
from tests.pipeline.training.student_support import response, row, tokenizer, turn, write_rows

LEVELS = ("easy", "hard", "hard")


def place(folder: Path, **options: Any) -> Read:
    return located(Data(**options), FileHashes(folder / "hashes.json"))


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder as publish writes it: two configs, a test split, and one that is no conversation."""
    parts = {"open_source/train-0": range(6), "distilled/train-0": range(6, 9)}
    parts |= {"distilled/test-0": range(9, 10), "rl/train-0": range(10, 11)}
    for name, numbers in parts.items():
        path = tmp_path / "published" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [row(n, difficulty=LEVELS[n % 3], round=n // 6) for n in numbers]
        pq.write_table(pa.Table.from_pylist(rows), path)
    return tmp_path / "published"


def answers(places: list[Read], rows: Rows | None = None, limit: int | None = None) -> list[str]:
    found = selected(places, rows or Rows(), limit, 0, Counter())
    return [turns[-1].content for turns in found]


def test_a_published_folder_gives_its_train_rows_in_order(published: Path) -> None:
    found = answers([place(published, path=str(published))])
    assert found == [response(number) for number in range(9)]


def test_one_config_may_be_read_alone(published: Path) -> None:
    alone = place(published, path=str(published), configs=("distilled",))
    assert answers([alone]) == [response(number) for number in (6, 7, 8)]


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ({"only": {"difficulty": ("hard",)}}, [1, 2, 4, 5, 7, 8]),
        ({"without": {"difficulty": ("hard",)}}, [0, 3, 6]),
        ({"only": {"difficulty": ("hard",)}, "without": {"round": (1,)}}, [1, 2, 4, 5]),
    ],
)
@pytest.mark.parametrize("where", ["of the place", "of the selection"])
def test_a_selection_takes_rows_by_their_columns(
    published: Path, rows: dict[str, Any], kept: list[int], where: str
) -> None:
    own = rows if where == "of the place" else {}
    found = answers([place(published, path=str(published), **own)], Rows(**rows))
    assert found == [response(number) for number in kept]


def test_a_limit_draws_from_what_is_selected_and_counts_the_rest(published: Path) -> None:
    places, counts = [place(published, path=str(published))], Counter[str]()
    hard = Rows(only={"difficulty": ("hard",)})
    found = list(selected(places, hard, 2, 0, counts))
    assert len(found) == 2
    assert counts == {"not_selected": 3, "over_limit": 4}
    assert count_rows(places, hard) == 6


def test_the_seed_decides_what_a_limit_draws(published: Path) -> None:
    places = [place(published, path=str(published))]
    drawn = [
        [turns[-1].content for turns in selected(places, Rows(), 3, seed, Counter())]
        for seed in (0, 0, 1, 2, 3)
    ]
    assert drawn[0] == drawn[1]
    assert len({tuple(one) for one in drawn}) > 1


def test_think_twice_rows_can_be_learnt_from(tmp_path: Path) -> None:
    path = tmp_path / "twice.parquet"
    with row_writer(path, SCHEMA) as write:
        filler: dict[str, Any] = {field.name: None for field in SCHEMA}
        asked = "What follows 1?\nThe assistant's previous answer is: <answer> 3 </answer>, …"
        messages = [{"role": "user", "content": asked}]
        write({**filler, "messages": [*messages, {"role": "assistant", "content": response(1)}]})
    ((question, told),) = selected([place(tmp_path, path=str(path))], Rows(), None, 0, Counter())
    assert (question.content, told.content) == (asked, response(1))


def test_a_place_is_known_by_what_its_files_hold(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "one.jsonl", [row(1)])
    two = write_rows(tmp_path / "two.jsonl", [row(1)])
    other = write_rows(tmp_path / "other.jsonl", [row(2)])
    first = place(tmp_path, path=str(one)).identity
    assert place(tmp_path, path=str(two)).identity == first
    assert place(tmp_path, path=str(other)).identity != first


def test_a_column_that_is_not_there_is_named(published: Path) -> None:
    with pytest.raises(InputError, match="'level', which is not there"):
        answers([place(published, path=str(published))], Rows(only={"level": ("hard",)}))


@pytest.mark.parametrize(
    "messages",
    [None, [], "text", [{"role": "user"}], [{"role": "tool", "content": "x"}], [turn("user", 1)]],  # type: ignore[arg-type]
)
def test_a_row_that_is_no_conversation_is_refused(tmp_path: Path, messages: Any) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [{"messages": messages}])
    with pytest.raises(InputError, match="messages: must be a list of turns"):
        answers([place(tmp_path, path=str(path))])


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"rows.parquet: is not a whole Parquet file"):
        list(
            selected(
                [place(tmp_path, path=str(tmp_path / "rows.parquet"))], Rows(), None, 0, Counter()
            )
        )


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"messages": [\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        answers([place(tmp_path, path=str(path))])


def test_a_folder_without_published_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"training\.data\.path.*open_source"):
        place(tmp_path, path=str(tmp_path))


def test_a_folder_with_the_name_of_a_repository_is_not_read_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = {"repo": "org/name", "revision": "0" * 40}
    monkeypatch.chdir(tmp_path)
    assert place(tmp_path, **hub).files == ()
    (tmp_path / "org" / "name").mkdir(parents=True)
    with pytest.raises(SourceError, match="org/name is a folder here"):
        place(tmp_path, **hub)


def test_where_no_row_is_left_it_says_what_became_of_them(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [row(1)])
    rows = selected([place(tmp_path, path=str(path))], Rows(), None, 0, Counter())
    with pytest.raises(UserError, match=r"no row is left.*too_long 1"):
        write_samples(tmp_path, rows, Chat(tokenizer("qwen"), "Think."), 10, Counter())
