"""What users do wrong, and what disks do: a clear error or a counted Drop, never a traceback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.config import load_config
from pipeline.ledger import read_ledger
from pipeline.stages import open_store

CONFIG = """
name = "set"
version = "1"
[recipe]
shards = 2
[recipe.distill]
rounds = 0
[recipe.decontaminate]
semantic = false
[[recipe.sources]]
source = "local_files"
name = "mine"
licence = "MIT"
revision = "1"
path = "{path}"
kind = "chat"
teacher = "me"
columns = {{ prompt = "question", response = "answer" }}
[runtime]
data = "{folder}/data"
published = "{folder}/published"
workers = 1
"""
ASKED = (
    "Why does bread rise in the oven?",
    "Name a river that flows through Vienna.",
    "How does a bicycle stay upright?",
    "What should I pack for a week in Norway?",
)
GOOD = [{"question": text, "answer": f"<think>{text}</think>Because."} for text in ASKED]
bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is missing")


def write(folder: Path, lines: list[str], name: str = "q.jsonl", config: str = CONFIG) -> str:
    """Write a source and its configuration, and return the configuration's path."""
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    file = folder / "set.toml"
    file.write_text(config.format(path=path, folder=folder), encoding="utf-8")
    return str(file)


def good_lines() -> list[str]:
    return [json.dumps(row) for row in GOOD]


def drops(config: str) -> dict[tuple[str, str], int]:
    ledger = read_ledger(open_store(load_config(config)))
    assert ledger.balanced
    assert ledger.pending == 0
    return dict(ledger.dropped)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must be refused as the user's fault, and return what it says."""
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


def test_a_good_file_is_published(tmp_path: Path) -> None:
    config = write(tmp_path, good_lines())
    assert main(["run", config]) == 0
    assert drops(config) == {}


def test_a_broken_line_in_the_middle_is_a_drop_and_the_rest_goes_on(tmp_path: Path) -> None:
    lines = good_lines()
    lines[2:2] = ['{"question": "half a li', "[1, 2]", '{"question": ""}', '{"question": 7}']
    config = write(tmp_path, lines)
    assert main(["run", config]) == 0
    assert sum(drops(config).values()) == 4
    assert {stage for stage, _ in drops(config)} == {"collect"}


def test_an_enormous_prompt_is_a_drop(tmp_path: Path) -> None:
    huge = json.dumps({"question": "x" * 10_000_000, "answer": "<think>a</think>b"})
    config = write(tmp_path, [*good_lines(), huge])
    assert main(["run", config]) == 0
    ((stage, _),) = drops(config)
    assert stage == "collect"


@pytest.mark.parametrize("text", ["lone \ud800", "nul \x00 inside", "ok \u202e bidi", "🦊" * 50])
def test_odd_text_ends_in_a_row_or_in_a_drop(tmp_path: Path, text: str) -> None:
    odd = json.dumps({"question": text, "answer": "<think>a</think>b"})
    config = write(tmp_path, [*good_lines(), odd])
    assert main(["run", config]) == 0
    assert sum(drops(config).values()) <= 1


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write(tmp_path, good_lines())
    (tmp_path / "q.jsonl").unlink()
    assert "q.jsonl" in refused(capsys, "run", config)


def test_a_wrong_column_is_named_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(tmp_path, good_lines(), config=CONFIG.replace('"question"', '"frage"'))
    error = refused(capsys, "run", config)
    assert "frage" in error
    assert "question" in error


def test_an_empty_source_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "mine" in refused(capsys, "run", write(tmp_path, []))


def test_an_unset_variable_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write(tmp_path, [], config=CONFIG.replace("{path}", "$NO_SUCH_VARIABLE/q.jsonl"))
    assert "NO_SUCH_VARIABLE" in refused(capsys, "run", config)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("shards = 2", "shard = 2", "recipe.shard"),
        ("shards = 2", 'shards = "two"', "recipe.shards"),
        ("shards = 2", "shards = 0", "recipe.shards"),
        ('source = "local_files"', 'source = "nowhere"', "sources[0].source"),
        ('kind = "chat"', 'kind = "poetry"', "sources[0].kind"),
        ('name = "set"', 'name = "../etc"', "name"),
        ("rounds = 0", "rounds = 1", "teacher"),
        ("rounds = 0", 'rounds = 0\n[recipe.verify]\nby_kind = {{ chat = "rules" }}', "by_kind"),
        (
            "rounds = 0",
            "rounds = 0\n[recipe.verify.settings.rules]\noff = ['no_thinking']",
            "rules.off",
        ),
        ("[recipe]", "[recipe", "TOML"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    config = write(tmp_path, good_lines(), config=CONFIG.replace(before, after, 1))
    assert said in refused(capsys, "run", config)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "no-such-config"], "quickstart"),
        (["show", "{config}", "xyz"], "hexadecimal"),
        (["show", "{config}", "0" * 32], "no question"),
        (["run", "{config}", "--rebuild", "nothing"], "--rebuild: must be one of"),
        (["run", "{config}", "--only", "dance"], "--only: must be one of"),
        (["run", "{config}", "--only", "select"], "needs table"),
        (["publish", "{config}"], "run it first"),
        (["report", "{config}"], "run it first"),
    ],
)
def test_a_wrong_command_says_what_it_wants(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    config = write(tmp_path, good_lines())
    assert said in refused(capsys, *(argument.format(config=config) for argument in arguments))


def test_a_second_run_on_one_version_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(tmp_path, good_lines())
    with open_store(load_config(config)).locked():
        assert str(os.getpid()) in refused(capsys, "run", config)


def test_another_recipe_is_refused_and_another_version_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(tmp_path, good_lines())
    assert main(["run", config]) == 0
    text = Path(config).read_text(encoding="utf-8")
    Path(config).write_text(text.replace("[recipe]\n", "[recipe]\nseed = 5\n"), encoding="utf-8")
    assert "choose.seed was 0, is 5" in refused(capsys, "run", config)
    assert main(["run", config, "--rebuild", "chosen"]) == 0
    assert main(["run", config, "--version", "2"]) == 0


def confined(config: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run with the data folder mounted otherwise."""
    command = ["bwrap", "--dev-bind", "/", "/", *options, sys.executable, "-m", "pipeline"]
    return subprocess.run([*command, "run", config], capture_output=True, text=True, check=False)


@bubblewrap
@pytest.mark.parametrize("kind", ["read-only", "full"])
def test_a_disk_that_cannot_be_written_loses_nothing(tmp_path: Path, kind: str) -> None:
    config = write(tmp_path, good_lines())
    data = tmp_path / "data"
    data.mkdir()
    options = ["--ro-bind", str(data), str(data)]
    if kind == "full":
        options = ["--size", "8192", "--tmpfs", str(data)]
    done = confined(config, *options)
    assert done.returncode == (1 if kind == "full" else 2), done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert main(["run", config]) == 0  # and with a disk that can be written, it goes on


def test_the_whole_run_needs_no_prefect(tmp_path: Path) -> None:
    config = write(tmp_path, good_lines())
    program = (
        "import sys; from pipeline.__main__ import main; code = main(['run', sys.argv[1]]);"
        "print('prefect' in sys.modules, code)"
    )
    command = [sys.executable, "-c", program, config]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False 0"
