"""Builds one dataset in several ways, and compares with the local run: seconds, and every byte.

    python benchmarks/many_machines.py                      the quickstart, with its small teacher
    python benchmarks/many_machines.py --ways s3 --config my.toml
    python benchmarks/many_machines.py --ways ray --folder F    one way after the other: F keeps the
                                                            local run, which is not made again

Ways: `share` (two workers on one folder), `s3` (tables in moto's server on loopback, which does
one request at a time in Python: its seconds say nothing of S3's), `ray` (embed by Ray Data's
actors on this machine). Other work on the machine is in the seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WAYS = ("share", "s3", "ray")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "quickstart.toml")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--folder", type=Path, help="where it is built; temporary if not given")
    given = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        base = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return compared(given.config, given.ways, base)


def compared(config: Path, ways: Sequence[str], base: Path) -> int:
    """Build in each way and compare with the local run; returns the exit code."""
    seconds = local_seconds(config, base / "local")
    expected = digests(base / "local")
    print(f"local: {seconds:.1f} s, {len(expected)} files", flush=True)
    for way in ways:
        took = by(way, config, base / way)
        same = "equal" if digests(base / way) == expected else "DIFFERENT"
        print(f"{way}: {took:.1f} s, {took / seconds:.2f} times local, {same}", flush=True)
        if same != "equal":
            return 1
    return 0


def local_seconds(config: Path, folder: Path) -> float:
    """Build the local run, or say how long it took when it was built before."""
    told = folder / "seconds"
    if not told.exists():
        took = built(config, folder, "", 1, {})
        told.write_text(f"{took:.1f}")
    return float(told.read_text())


def by(way: str, config: Path, folder: Path) -> float:
    if way == "share":
        return built(config, folder, "", 2, {})
    if way == "ray":
        return built(config, folder, '\n[runtime.embed]\nengine = "ray"\n', 1, {})
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it tells of every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    env = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
        "NO_PROXY": "127.0.0.1",
    }
    try:
        os.environ.update(env)
        import fsspec  # type: ignore[import-untyped]

        fsspec.filesystem("s3").mkdir("bucket")
        return built(config, folder, "", 1, env, data="s3://bucket/data")
    finally:
        server.stop()


def built(
    config: Path, folder: Path, more: str, workers: int, env: Mapping[str, str], data: str = ""
) -> float:
    """Build in a new folder, and return how long it took."""
    folder.mkdir(parents=True)
    runtime = {"data": data or str(folder / "data"), "published": str(folder / "published")}
    runtime["scratch"] = str(folder / "scratch")
    own = folder / config.name
    own.write_text(with_runtime(config.read_text(encoding="utf-8"), runtime) + more)
    teachers = config.parent / "teachers"
    if teachers.is_dir():
        (folder / "teachers").symlink_to(teachers)
    share = ["--share"] if workers > 1 else []
    command = [sys.executable, "-m", "pipeline", "run", str(own), *share]
    start = time.monotonic()
    with (folder / "log").open("w") as log:
        running = [
            subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env={**os.environ, **env})
            for _ in range(workers)
        ]
        codes = [process.wait() for process in running]
    if any(codes):
        sys.exit(f"{' '.join(command)} ended with {codes}:\n{(folder / 'log').read_text()}")
    return time.monotonic() - start


def with_runtime(text: str, values: Mapping[str, str]) -> str:
    """Return a configuration with other places in its `[runtime]`."""
    lines = "".join(f'{name} = "{value}"\n' for name, value in values.items())
    before, head, after = text.partition("[runtime]\n")
    own, table, rest = after.partition("\n[")
    kept = re.sub(rf"(?m)^({'|'.join(values)}) *=.*\n", "", own)
    return f"{before}\n{head or '[runtime]'}\n{lines}{kept}{table}{rest}"


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of what is published, of the card without what differs each time."""
    found = {}
    for path in sorted(p for p in (folder / "published").rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.name == "README.md":
            data = data.partition(b"\n## Run\n")[0]
        found[str(path.relative_to(folder / "published"))] = sha256(data).hexdigest()
    return found


if __name__ == "__main__":
    sys.exit(main())
