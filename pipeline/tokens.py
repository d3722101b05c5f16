"""Counts tokens with a model's own tokenizer, without loading the model.

Counts are those of the configured tokenizer; other models count otherwise.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.errors import Unavailable


@lru_cache(maxsize=4)
def load_tokenizer(name: str) -> Any:
    """Return the `tokenizers.Tokenizer` of a model: a package's, a folder's or the Hub's.

    Raises Unavailable where it cannot be had.
    """
    from tokenizers import Tokenizer

    folder = _package_folder(name) or Path(name)
    try:
        if (folder / "tokenizer.json").is_file():
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        else:
            tokenizer = Tokenizer.from_pretrained(name)
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception
        raise Unavailable(
            f"tokenizer {name}: neither an installed package, a folder with a tokenizer.json"
            f" nor a model of the Hub that can be reached from here ({error})"
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _package_folder(name: str) -> Path | None:
    """Return the `model` folder of an installed package that carries a model."""
    module = name.replace("-", "_")
    spec = find_spec(module) if module.isidentifier() else None
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


def count_tokens(name: str, texts: list[str]) -> list[int]:
    """Return the number of tokens of each text, special tokens not counted."""
    tokenizer = load_tokenizer(name)
    return [len(e.ids) for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
