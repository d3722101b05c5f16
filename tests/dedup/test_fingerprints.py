from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dedup.benchmarks import Benchmarks, ItemText
from dedup.contamination import Limits
from dedup.fingerprints import Fingerprints, Lookup, fingerprint

ITEM = (
    "A spherical balloon is filled with helium at 25 degrees while a second one of half its radius"
    " holds argon, and both are joined by a narrow tube; which of them grows when the valve opens?"
)
OTHER = (
    "Name the enzyme that unwinds the double helix before replication starts in bacteria, and say"
    " why."
)
SALT = b"0123456789abcdef"


def prints(*texts: str, vectors: np.ndarray | None = None) -> Fingerprints:
    items = tuple(ItemText("gpqa", f"item-{k}", k, text) for k, text in enumerate(texts))
    return fingerprint(Benchmarks(items, {}), vectors, "some-encoder", SALT)


def hits(text: str, **rest: bool) -> list[tuple[str, str, str]]:
    lookup = Lookup(prints(ITEM, OTHER), Limits(**rest))
    return [(hit.benchmark, hit.item, hit.method) for hit in lookup.find(["q"], [text])]


@pytest.mark.parametrize(
    ("text", "method"),
    [
        (ITEM, "exact"),
        (f"Question:  {ITEM.upper()}", "exact"),
        (f"Here is what my teacher asked. {ITEM} Please explain.", "ngram"),
        (ITEM.replace("second one", "third one"), "ngram"),
        (ITEM.replace("25", "twenty five").replace("narrow", "thin"), "ngram"),
    ],
)
def test_a_copy_is_found(text: str, method: str) -> None:
    assert hits(text) == [("gpqa", "item-0", method)]


def test_unlike_texts_and_other_numerals_are_no_hits() -> None:
    changed = ITEM.replace("25", "35").replace("second one", "third one").replace("valve", "tap")
    assert hits(changed) == []
    assert hits(changed, numbers_must_agree=False) == [("gpqa", "item-0", "ngram")]
    assert hits("A spherical balloon rises above the hill while two children look on.") == []


def test_vectors_find_what_words_do_not_where_numerals_agree() -> None:
    vectors = np.array([[1, 0], [0, 1]], np.float16)
    lookup = Lookup(prints(ITEM, OTHER, vectors=vectors))
    near = np.array([[1, 0], [1, 0]], np.float16)
    texts = ["Balloons at 25 degrees, joined: which one grows?", "Balloons at 30 degrees"]
    found = lookup.find(["a", "b"], texts, near)
    assert [(hit.id, hit.item, hit.method, hit.score) for hit in found] == [
        ("a", "item-0", "semantic", 1.0)
    ]


def test_a_saved_file_finds_the_same_and_holds_no_word_of_the_items(tmp_path: Path) -> None:
    path = tmp_path / "gpqa.fingerprints"
    prints(ITEM, OTHER).save(path)
    (hit,) = Lookup(Fingerprints.load(path)).find(["q"], [ITEM])
    assert (hit.item, hit.method, hit.score) == ("item-0", "exact", 1.0)
    with np.load(path) as file:
        held = b"".join(file[name].tobytes() for name in file.files)
        text = "".join(str(file[name]) for name in file.files if file[name].dtype.kind == "U")
    for word in set(f"{ITEM} {OTHER}".split()):
        if len(word) > 3:
            assert word.encode() not in held
            assert word not in text


def test_another_salt_makes_other_hashes() -> None:
    one, other = (
        prints(ITEM),
        fingerprint(Benchmarks((ItemText("gpqa", "0", 0, ITEM),), {}), None, "", b"another salt"),
    )
    assert not set(one.run.tolist()) & set(other.run.tolist())
    assert one.text.tolist() != other.text.tolist()


def test_runs_do_not_overlap_so_that_none_can_be_guessed_from_another() -> None:
    tokens = 5 * len(prints(ITEM).run)
    assert tokens <= len(ITEM.replace(",", "").replace(";", "").split())


def test_what_many_items_share_is_left_out() -> None:
    template = "Which of the following statements about the thing called {} is true in general?"
    some = prints(*(template.format(f"zq{k}") for k in range(200)))
    (only,) = {len(set(some.run.tolist()))}
    assert only <= 200


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.fingerprints"
    path.write_text("no such thing")
    with pytest.raises(ValueError, match="is no file of fingerprints"):
        Fingerprints.load(path)
