from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dedup.contamination import (
    Benchmarks,
    Contamination,
    Hit,
    ItemText,
    Limits,
)

ITEMS = {
    "word": "Janet's ducks lay 16 eggs per day. She eats three for breakfast and bakes "
    "4 muffins. How many eggs does she sell at the market every day for $2 each?",
    "latex": r"Let $f(x) = \dfrac{x^2 - 5}{\sqrt{3}}$ for all real numbers $x \le 7$. "
    r"Find the smallest integer $n$ such that $f(n) \times 2 > 1{,}000$.",
    "code": "Write a python function to remove the first and last occurrence of a given "
    "character from the string.\nassert remove_Occ(\"hello\", 'l') == 'heo'",
    "chinese": r"设集合 $A=\{x \mid x \geq 1\}$，集合 $B=\{x \mid -1<x<2\}$，"
    r"则 $A \cap B$ 等于什么？",
    "short": "What is the capital city of New Zealand?",
}


def benchmarks(**items: str) -> Benchmarks:
    texts = [ItemText("bench", name, row, text) for row, (name, text) in enumerate(items.items())]
    return Benchmarks(tuple(texts), {})


CHECK = Contamination(benchmarks(**ITEMS))


def hits(text: str, check: Contamination = CHECK) -> list[Hit]:
    return check.find(["q"], [text])


def one(text: str, check: Contamination = CHECK) -> Hit:
    (hit,) = hits(text, check)
    return hit


DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": lambda t: t,
    "upper case": str.upper,
    "more spaces": lambda t: t.replace(" ", "  ").replace("=", " = ") + "\n",
    "new lines": lambda t: t.replace(" ", "\n"),
    "LaTeX style": lambda t: (
        t.replace(r"\dfrac", r"\frac")
        .replace("$", "$$")
        .replace(r"\le ", r"\leq ")
        .replace("(", r"\left(")
        .replace(")", r"\right)")
        .replace("{,}", ",")
    ),
    "full width": lambda t: "".join(
        chr(ord(c) + 0xFEE0) if c.isalnum() and c.isascii() and "\\" not in t else c for c in t
    ),
    "curly quotes": lambda t: t.replace("'", "’"),
    "boilerplate": lambda t: f"Solve the following problem: {t} Let's think step by step.",
}
WRAPPINGS: dict[str, Callable[[str], str]] = {
    "prompt": lambda t: f"You are a patient teacher.\n\nHere it comes.\n{t}\n\nThink, then answer.",
    "chat template": lambda t: f"<|user|>{t}\n<|assistant|>",
}


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copy_in_another_spelling_is_exact(item: str, disguise: str) -> None:
    hit = one(DISGUISES[disguise](ITEMS[item]))
    assert (hit.benchmark, hit.item, hit.method, hit.score) == ("bench", item, "exact", 1.0)
    assert hit.matched == ITEMS[item]


@pytest.mark.parametrize("item", [name for name in ITEMS if name != "short"])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_copy_wrapped_in_a_prompt_is_found(item: str, wrapping: str) -> None:
    hit = one(WRAPPINGS[wrapping](ITEMS[item].upper()))
    assert (hit.item, hit.score) == (item, 1.0)


def test_a_copy_wrapped_in_a_prompt_is_exact_where_it_stands_whole() -> None:
    assert one(f"Read this.\n{ITEMS['word']} Explain.").method == "exact"


def test_a_short_item_wrapped_in_a_prompt_is_found() -> None:
    check = Contamination(benchmarks(tiny="How does the greenhouse effect work?"))
    hit = one("Please tell me! How does the greenhouse effect work? In one line.", check)
    assert (hit.item, hit.method) == ("tiny", "exact")
    assert hits("How does the nitrogen cycle work?", check) == []


def test_punctuation_and_operators_left_out_are_found_by_words() -> None:
    bare = ITEMS["latex"].replace("$", "").replace("=", " ").replace(".", "")
    assert (one(bare).item, one(bare).method) == ("latex", "ngram")


def test_a_copy_without_its_first_sentence_is_found() -> None:
    assert one(ITEMS["word"].partition(". ")[2]).item == "word"


def test_a_copy_with_another_name_is_found() -> None:
    assert one(ITEMS["word"].replace("Janet", "Rosa")).item == "word"


def test_the_match_by_ngrams_is_the_longest_shared_run() -> None:
    hit = one("Rosa's hens " + ITEMS["word"].partition("ducks ")[2] + " Why?")
    assert hit.method == "ngram"
    assert hit.matched.startswith("lay 16 eggs per day she eats three for breakfast")
    assert 0.9 < hit.score < 1


def words(count: int, first: int = 0) -> str:
    return " ".join(f"word{chr(97 + k // 9)}{chr(97 + k % 9)}" for k in range(first, first + count))


def test_half_of_both_texts_is_enough_and_a_third_is_not() -> None:
    check = Contamination(benchmarks(item=words(24)))
    assert one(f"{words(12)} {words(1, 24)} is the rest", check).score == pytest.approx(0.75)
    other = " ".join("abcdefghijklmnopqrst")
    assert hits(f"{words(8)} {other}", check) == []


def test_the_share_that_both_must_cover_is_a_parameter() -> None:
    strict = Limits(coverage=0.9, contained=1.0)
    check = Contamination(benchmarks(item=words(30)), limits=strict)
    assert hits(f"{words(20)} and so on", check) == []
    assert one(f"{words(29)} and so on", check).method == "ngram"


def test_the_share_of_one_text_that_stands_in_the_other_is_a_parameter() -> None:
    text = f"{words(27)} and then very many words of a long text follow {words(40, 100)}"
    loose = Contamination(benchmarks(item=words(30)), limits=Limits(coverage=0.9, contained=0.8))
    strict = Contamination(benchmarks(item=words(30)), limits=Limits(coverage=0.9, contained=1.0))
    assert (one(text, loose).item, hits(text, strict)) == ("item", [])


def test_a_part_that_says_little_is_no_hit() -> None:
    rest = "please tell me about it"
    texts = {f"x{k}": f"which of the following is a {words(3, k)}?" for k in range(20)}
    check = Contamination(benchmarks(**texts))
    assert hits(f"{rest}: which of the following is a thing? {rest}", check) == []
    eager = Contamination(benchmarks(tiny="which of these is it then"), limits=Limits(said=1))
    assert one(f"{rest}: which of these is it then? {rest}", eager).item == "tiny"


def test_what_fills_a_template_counts_more_than_the_template() -> None:
    template = "write a python function to find the {} of a given list of numbers in one line now"
    fillers = [f"{words(3, 10 * k)}" for k in range(60)]
    check = Contamination(benchmarks(**{word: template.format(word) for word in fillers}))
    assert hits(template.format("longest sorted run"), check) == []
    assert one(template.format(fillers[7]) + " please", check).item == fillers[7]


def test_a_shared_text_with_other_signs_is_no_hit() -> None:
    item = r"Let $a$ and $b$ be positive real numbers. Find the least value of $a + b \sqrt{c}$"
    check = Contamination(benchmarks(item=item))
    assert one(item + " now", check).item == "item"
    other = item.replace(r"a + b \sqrt{c}", r"\sin c - \log d = \frac{a}{x}")
    assert hits(other, check) == []


def test_other_number_words_are_other_numbers() -> None:
    item = "Five packages come to five houses. How many ways are there to give them out wrongly?"
    check = Contamination(benchmarks(item=item))
    assert hits(item.replace("Five", "Four").replace("five", "four"), check) == []
    assert one(item.replace("Five", "5").replace("five", "5"), check).item == "item"


def test_of_a_short_item_nearly_all_must_be_there() -> None:
    assert hits("What is the capital city of South Wales?") == []
    loose = Contamination(benchmarks(**ITEMS), limits=Limits(short_coverage=0.7))
    assert one("What is the capital city of South Wales?", loose).item == "short"


def test_the_same_template_with_other_numbers_is_no_hit() -> None:
    other = ITEMS["word"].replace("16", "25").replace("4 muffins", "9 muffins")
    assert hits(other) == []
    check = Contamination(benchmarks(**ITEMS), limits=Limits(numbers_must_agree=False))
    assert one(other, check).method == "ngram"


def test_other_operators_are_not_exact() -> None:
    check = Contamination(benchmarks(sum="What do you get when you compute 12 + 7 - 3 here?"))
    assert one("What do you get when you compute 12 + 7 - 3 here?", check).method == "exact"
    other = one("What do you get when you compute 12 - 7 + 3 here?", check)
    assert other.method == "ngram"


def test_an_item_that_goes_on_in_the_question_is_not_exact() -> None:
    check = Contamination(benchmarks(sum="Tell me please what is the value of 2+2"))
    assert one("So tell me please what is the value of 2+2? Yes.", check).method == "exact"
    goes_on = hits("So tell me please what is the value of 2+2*5? Yes.", check)
    assert [hit.method for hit in goes_on] == ["ngram"]


def test_numerals_alone_are_no_shared_words() -> None:
    check = Contamination(benchmarks(row="1 2 3 4 5 6 7 8 9 10 11 12 13 14"))
    assert hits("Arrange 1 2 3 4 5 6 7 8 9 10 in a circle.", check) == []


def test_boilerplate_shared_by_all_questions_is_no_hit() -> None:
    assert hits("Write a python function to reverse the order of a list of numbers.") == []


def test_an_unrelated_or_empty_question_is_clean() -> None:
    texts = ["Prove that the square root of two is irrational.", "", "$$", "猫", "7"]
    assert CHECK.find(["1", "2", "3", "4", "5"], texts) == []
    assert CHECK.find([], []) == []


def test_one_item_in_two_benchmarks_gives_two_hits() -> None:
    texts = (ItemText("a", "1", 0, "Find the mean."), ItemText("b", "9", 0, "find the  mean"))
    found = hits("Find the mean", Contamination(Benchmarks(texts, {})))
    assert [(hit.benchmark, hit.item) for hit in found] == [("a", "1"), ("b", "9")]


def test_two_turns_of_one_item_give_one_hit() -> None:
    texts = (ItemText("a", "1", 0, "Find the mean."), ItemText("a", "1", 0, "find the  mean"))
    assert len(hits("Find the mean", Contamination(Benchmarks(texts, {})))) == 1


def test_of_two_turns_the_one_with_more_in_common_is_reported() -> None:
    turns = [f"{start} {ITEMS['word']}" for start in ("Now tell me at once again please", "Hm")]
    texts = tuple(ItemText("a", "1", 0, turn) for turn in turns)
    hit = one(f"Hm {ITEMS['word']}", Contamination(Benchmarks(texts, {})))
    assert (hit.method, hit.matched) == ("exact", turns[1])


def test_items_of_one_name_in_two_rows_give_two_hits() -> None:
    texts = (ItemText("a", "1", 0, "Find the mean."), ItemText("a", "1", 1, "find the  mean"))
    assert len(hits("Find the mean", Contamination(Benchmarks(texts, {})))) == 2


def angle(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_a_near_vector_is_a_semantic_hit_with_its_cosine() -> None:
    check = Contamination(benchmarks(**ITEMS), angle(0, 90, 180, 270, 45))
    (hit,) = check.find(["q"], ["Which town governs New Zealand?"], angle(50))
    assert (hit.item, hit.method, hit.matched) == ("short", "semantic", ITEMS["short"])
    assert hit.score == pytest.approx(np.cos(np.radians(5)), abs=1e-6)


def test_the_cosine_is_a_parameter() -> None:
    check = Contamination(benchmarks(short=ITEMS["short"]), angle(0), Limits(cosine=0.999))
    assert check.find(["q"], ["Which town governs New Zealand?"], angle(5)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Add sixteen... no: 16 eggs, 4 cakes, 2 dollars, three", True),
        ("16 eggs, 4 cakes, 2 dollars and 3 more", True),
        ("17 eggs, 4 cakes, 2 dollars", False),
        ("16 eggs, 4 cakes", False),
        ("no numerals", False),
    ],
)
def test_a_semantic_hit_holds_the_numerals_of_the_item(text: str, found: bool) -> None:
    check = Contamination(benchmarks(word=ITEMS["word"]), angle(0))
    assert bool(check.find(["q"], [text], angle(1))) is found
    free = Contamination(benchmarks(word=ITEMS["word"]), angle(0), Limits(numbers_must_agree=False))
    assert len(free.find(["q"], [text], angle(1))) == 1


def test_the_strongest_method_is_reported_and_comes_first() -> None:
    texts = [
        ItemText("other", "near", 0, "Words that are other ones altogether"),
        *benchmarks(**ITEMS).texts,
    ]
    check = Contamination(Benchmarks(tuple(texts), {}), angle(0, 0, 90, 90, 90, 90))
    found = check.find(["q"], [ITEMS["word"]], angle(1))
    assert [(hit.item, hit.method) for hit in found] == [("word", "exact"), ("near", "semantic")]


def test_what_is_one_item_of_a_benchmark_is_no_near_copy_of_another() -> None:
    items = benchmarks(one=words(30), other=f"{words(29)} end")
    assert [(hit.item, hit.method) for hit in hits(words(30), Contamination(items))] == [
        ("one", "exact")
    ]
    assert len(hits(f"{words(28)} so on", Contamination(items))) == 2


def test_what_asks_for_something_else_of_the_same_is_no_hit() -> None:
    text = f"{words(30)}, find $p$."
    check = Contamination(benchmarks(item=f"{words(30)}, find $q$."), angle(0))
    assert check.find(["q"], [text], angle(1)) == []
    loose = Limits(numbers_must_agree=False)
    free = Contamination(benchmarks(item=f"{words(30)}, find $q$."), angle(0), loose)
    assert [hit.method for hit in free.find(["q"], [text], angle(1))] == ["ngram"]


def test_a_near_vector_is_no_hit_where_the_formulas_have_another_order() -> None:
    item = "The graphs of $x+2y+3=0$ and $ax+2y+3=0$ meet. Where?"
    check = Contamination(benchmarks(item=item), angle(0))
    assert check.find(["q"], ["When do $2y+x+3=0$ and $3y+ax+2=0$ cross?"], angle(1)) == []
    assert len(check.find(["q"], ["When do $x+2y+3=0$ and $ax+2y+3=0$ cross?"], angle(1))) == 1


def test_other_numerals_around_most_of_an_item_are_other_givens() -> None:
    check = Contamination(benchmarks(item=f"{words(30)}, find the speed of the ball."))
    within = f"{words(30)}, find the angle of the ball"
    assert [hit.method for hit in hits(f"{within}.", check)] == ["ngram"]
    assert hits(f"With a drag of 0.25, {within}.", check) == []
    assert len(hits(f"Answer in 2 lines. {words(30)}, find the speed of the ball.", check)) == 1


def test_a_program_may_come_with_more_examples_than_the_item() -> None:
    more = ITEMS["code"] + "\nassert remove_Occ(\"abcda\", 'a') == 'bcd7'"
    assert [hit.item for hit in hits(more.replace("remove the first", "delete the first"))] == [
        "code"
    ]


def test_hits_come_in_the_order_of_the_questions() -> None:
    found = CHECK.find(["z", "y", "x"], [ITEMS["code"], "clean", ITEMS["word"]])
    assert [(hit.id, hit.item) for hit in found] == [("z", "code"), ("x", "word")]


def test_wrong_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="vectors: expected 5, one for each text, got 1"):
        Contamination(benchmarks(**ITEMS), angle(0))
    with pytest.raises(ValueError, match="coverage: expected above 0 and at most 1, got 0"):
        Contamination(benchmarks(**ITEMS), limits=Limits(coverage=0))
    with pytest.raises(ValueError, match="texts: expected 2"):
        CHECK.find(["a", "b"], ["x"])
    with pytest.raises(ValueError, match="or for neither"):
        CHECK.find(["a"], ["x"], angle(0))
