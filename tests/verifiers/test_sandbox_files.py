"""Folders of programs on this machine's disk: measured and removed, whatever is in them."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from verifiers import sandbox_files
from verifiers.sandbox_files import FULL_MB, MAX_ENTRIES, Ground, Stage, remove, size_mb


def test_size_is_that_of_all_files_below(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"x" * (2 << 20))
    (tmp_path / "a" / "b" / "two").write_bytes(b"x" * (3 << 20))
    assert size_mb(tmp_path) == 5


def test_hole_in_a_file_takes_no_space(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert size_mb(tmp_path) == 0


def test_folder_with_too_many_entries_counts_as_full(tmp_path: Path) -> None:
    for place in range(MAX_ENTRIES + 1):
        (tmp_path / str(place)).touch()
    assert size_mb(tmp_path) == FULL_MB


def deep(folder: Path, levels: int) -> None:
    """Make a path that is too long for the kernel to take in one piece."""
    home = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    try:
        for _ in range(levels):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
            Path("file").touch()
    finally:
        os.fchdir(home)
        os.close(home)


def test_path_that_is_too_long_counts_as_full(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    deep(target, 30)
    assert size_mb(target) == FULL_MB
    remove(target)


def test_deepest_folder_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    deep(target, 1_500)
    remove(target)
    assert not target.exists()


def test_locked_folders_are_removed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "a" / "b").mkdir(parents=True)
    (target / "a" / "b" / "file").touch()
    (target / "a" / "b").chmod(0)
    (target / "a").chmod(0)
    remove(target)
    assert not target.exists()


def test_what_a_link_points_to_stays(tmp_path: Path) -> None:
    kept, target = tmp_path / "kept", tmp_path / "target"
    kept.mkdir()
    (kept / "file").write_text("here")
    target.mkdir()
    (target / "folder").symlink_to(kept)
    (target / "file").symlink_to(kept / "file")
    remove(target)
    assert not target.exists() and (kept / "file").read_text() == "here"


def test_stage_is_removed_with_its_last_holder() -> None:
    ground = Ground(Stage({"/sandbox/a/b": "/usr"}), None)
    folder = ground.folder()
    stage = folder.parent.parent
    assert (stage / "sandbox" / "a" / "b").resolve() == Path("/usr").resolve()
    del ground
    assert not stage.exists()


def test_stage_can_be_entered_by_others_whatever_the_umask(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0o077)
    try:
        stage = Stage({"/sandbox/a/b": "/usr"})
    finally:
        os.umask(before)
    folders = (stage.folder, stage.files, stage.folder / "sandbox", stage.folder / "sandbox" / "a")
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o755}


def test_stage_of_a_living_process_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    living = Stage({})
    dead = tmp_path / f"{sandbox_files.PREFIX}x"
    dead.mkdir()
    Stage({})
    assert living.folder.exists() and not dead.exists()


def test_link_in_place_of_a_stage_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "file").write_text("here")
    (tmp_path / f"{sandbox_files.PREFIX}x").symlink_to(tmp_path / "home")
    Stage({})
    assert (tmp_path / "home" / "file").read_text() == "here"


def test_stage_that_was_removed_before_it_was_locked_is_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lock = fcntl.flock
    made: list[int] = []

    def slow(file: int, how: int) -> None:
        lock(file, how)
        made.append(file)
        if len(made) == 1:
            (taken,) = tmp_path.iterdir()
            taken.rmdir()

    monkeypatch.setattr(fcntl, "flock", slow)
    assert Stage({}).folder.exists() and len(made) == 2
