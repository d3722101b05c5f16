"""Who may import whom, how long a file may be, and that Prefect stays in its shell."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("pipeline", "flows", "verifiers", "dedup")
FILES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
MAX_LINES = 400
FORBIDDEN_FOLDERS = ("utils", "common", "core", "scripts", "helpers")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def stage_modules() -> set[str]:
    names = set()
    for path in (ROOT / "pipeline").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bases = {
            base.id
            for node in tree.body
            if isinstance(node, ast.ClassDef)
            for base in node.bases
            if isinstance(base, ast.Name)
        }
        if bases & {"Stage", "ShardStage"} and path.stem != "stage":
            names.add(f"pipeline.{path.stem}")
    return names


@pytest.mark.parametrize("name", NAMES)
def test_leaf_libraries_do_not_know_the_pipeline(name: str) -> None:
    package = name.partition("/")[0]
    if package in ("verifiers", "dedup"):
        known = {module.partition(".")[0] for module in imports(ROOT / name)}
        assert not known & ({"pipeline", "flows", "verifiers", "dedup"} - {package})


@pytest.mark.parametrize("name", NAMES)
def test_prefect_is_imported_in_flows_alone(name: str) -> None:
    if not name.startswith("flows/"):
        assert not [m for m in imports(ROOT / name) if m.partition(".")[0] in ("prefect", "flows")]


def test_there_are_as_many_stages_as_the_design_names() -> None:
    assert len(stage_modules()) == 10


def test_the_names_of_stages_are_those_that_run() -> None:
    from pipeline.config import load_config
    from pipeline.stages import STAGES, stages_of

    names = {stage.name for stage in stages_of(load_config("quickstart"))}
    # propose is a stage only where the recipe names a model.
    assert names | {"propose", "publish"} == set(STAGES)


@pytest.mark.parametrize("module", sorted(stage_modules()))
def test_stages_never_import_each_other(module: str) -> None:
    path = ROOT / (module.replace(".", "/") + ".py")
    assert not set(imports(path)) & (stage_modules() - {module})


@pytest.mark.parametrize("low", ["records", "errors", "config", "recipe", "store", "stage"])
def test_the_spine_imports_no_stage_and_no_command(low: str) -> None:
    above = {*stage_modules(), "pipeline.stages", "pipeline.commands"}
    assert not set(imports(ROOT / "pipeline" / f"{low}.py")) & above


TESTS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("name", [*NAMES, *TESTS])
def test_a_file_has_at_most_400_lines(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_no_folder_is_a_drawer_for_everything() -> None:
    folders = {part for path in FILES for part in path.relative_to(ROOT).parts[:-1]}
    assert not folders & set(FORBIDDEN_FOLDERS)


def test_no_top_level_module_is_named_after_the_standard_library() -> None:
    names = {path.stem for path in FILES} - {"__init__", "__main__", "sandbox"}
    assert not names & set(sys.stdlib_module_names)


def test_the_command_line_starts_without_heavy_packages() -> None:
    heavy = ("torch", "transformers", "prefect", "sympy", "faiss", "datasets", "plotly")
    program = (
        "import sys, pipeline.__main__ as m; m.parser();"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
