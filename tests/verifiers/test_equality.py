"""Properties of the comparison: what stays equal under rewriting and what never becomes so."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.equality.extract import extract
from verifiers.equality.judge import judge
from verifiers.equality.numerals import Tolerance, decimal, equal, fraction
from verifiers.equality.question import Form
from verifiers.equality.text import balanced, key, normalise
from verifiers.math_answer import Examiner, Settings

DEFAULT = Tolerance()
examiner = Examiner(Settings())

integers = st.integers(-(10**30), 10**30)
fractions = st.builds(Fraction, st.integers(-(10**6), 10**6), st.integers(1, 10**6))
decimals = st.builds(
    lambda sign, whole, places: f"{sign}{whole}.{places}",
    st.sampled_from(["", "-"]),
    st.integers(0, 10**12),
    st.text("0123456789", min_size=1, max_size=12),
)


def same(reference: str, answer: str) -> bool | None:
    """What the fast path says of two spellings."""
    return examiner.quickly(normalise(reference), normalise(answer))


def decided(reference: str, answer: str) -> str:
    """What a worker says of two spellings."""
    return judge((normalise(reference), normalise(answer), DEFAULT, Form()))[0]


def latex(value: Fraction) -> str:
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


# The fast path


@given(st.one_of(integers.map(str), decimals, fractions.map(latex)))
def test_every_numeral_equals_itself(text: str) -> None:
    assert same(text, text) is True


@given(integers, integers)
def test_integers_are_equal_only_if_they_are_one_number(first: int, second: int) -> None:
    assert same(str(first), str(second)) is (first == second)


@given(fractions, fractions)
def test_fractions_are_equal_only_if_their_values_are(first: Fraction, second: Fraction) -> None:
    assert same(latex(first), latex(second)) is (first == second)


@given(fractions, st.integers(1, 1000))
def test_an_expanded_fraction_stays_equal(value: Fraction, factor: int) -> None:
    top, bottom = abs(value.numerator) * factor, value.denominator * factor
    sign = "-" if value < 0 else ""
    assert same(latex(value), f"{sign}{top}/{bottom}") is True
    assert same(rf"{sign}\dfrac{{{top}}}{{{bottom}}}", latex(value)) is True


@given(integers)
def test_separators_zeros_and_delimiters_change_no_integer(number: int) -> None:
    sign = "-" if number < 0 else ""
    spellings = [
        f"{number:,}",
        f"${number}$",
        rf"\[ {number} \]",
        f"{number}.0",
        f"{sign}000{abs(number)}",
        f"{number:,}".replace(",", "{,}"),
        f"{number:,}".replace(",", r",\!"),
        f"{number:,}".replace(",", r"\,"),
        f"{number}".replace("-", "−"),
        f"{number}".translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    ]
    assert all(same(str(number), spelling) for spelling in spellings)


@given(decimals, st.text("0", max_size=5))
def test_zeros_behind_a_decimal_change_nothing(text: str, zeros: str) -> None:
    assert same(text, text + zeros) is True


@given(st.one_of(integers.map(str), decimals), st.data())
def test_a_changed_digit_is_never_equal(text: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([k for k, sign in enumerate(text) if sign.isdigit()]))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != text[place]]))
    assert same(text, text[:place] + digit + text[place + 1 :]) is False


@given(st.one_of(integers.map(str), decimals, fractions.map(latex)))
def test_a_changed_sign_is_equal_only_for_zero(text: str) -> None:
    other = text[1:] if text.startswith("-") else "-" + text
    zero = not any(digit in text.split("}{", maxsplit=1)[0] for digit in "123456789")
    assert same(text, other) is zero


@given(st.one_of(integers.map(str), fractions.map(latex)), st.one_of(integers.map(str), decimals))
def test_equality_with_an_exact_numeral_is_symmetric(first: str, second: str) -> None:
    if "." not in second or Fraction(second) == (fraction(first) or Fraction(0)):
        assert same(first, second) == same(second, first)


@given(st.integers(10, 10**9), st.integers(1, 6), st.data())
def test_a_decimal_reference_accepts_what_rounds_to_it(
    scaled: int, places: int, data: st.DataObject
) -> None:
    value = Fraction(scaled, 10**places)
    reference = f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"
    shift = data.draw(st.integers(-400, 400))
    answer = value + Fraction(shift, 1000 * 10**places)
    digits = len(str(scaled))
    close = digits > 1 or abs(answer - value) <= abs(value) / 100
    assert equal(reference, f"{answer.numerator}/{answer.denominator}", DEFAULT) is close


@pytest.mark.parametrize(
    "text", ["", "-", ".", "1 1/2", "1,23", "1/0", "1e5", "x", "12cm", "1.2.3"]
)
def test_what_is_no_strict_numeral_is_left_to_the_full_comparison(text: str) -> None:
    assert decimal(text) is None
    assert fraction(text) is None


# The full comparison


@settings(deadline=None)
@given(fractions, fractions)
def test_arithmetic_is_exact(first: Fraction, second: Fraction) -> None:
    total = latex(first + second)
    assert decided(total, f"{latex(first)} + {latex(second).join('()')}") == "equal"
    wrong = latex(first + second + Fraction(1, 10**40))
    assert decided(wrong, f"{latex(first)} + {latex(second).join('()')}") == "different"


names = st.sampled_from("abcxyzmn")


@settings(deadline=None, max_examples=40)
@given(names, names, st.integers(1, 50), st.integers(1, 50))
def test_an_expanded_product_stays_equal_and_a_changed_one_does_not(
    x: str, y: str, a: int, b: int
) -> None:
    product = f"({a}{x}+{b})({y}-{b})"
    expanded = f"{a}{x}{y} - {a * b}{x} + {b}{y} - {b * b}"
    assert decided(product, expanded) == "equal"
    assert decided(product, expanded + " + 1") == "different"


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(-99, 99), min_size=2, max_size=6, unique=True), st.randoms())
def test_order_matters_in_brackets_and_nowhere_else(
    items: list[int], random: st.DataObject
) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    before, after = (", ".join(map(str, row)) for row in (items, shuffled))
    assert decided(before, after) == "equal"
    assert decided(rf"\{{{before}\}}", rf"\{{{after}\}}") == "equal"
    assert decided(f"({before})", f"({after})") == ("equal" if items == shuffled else "different")


@settings(deadline=None, max_examples=40)
@given(st.integers(-99, 99), st.integers(1, 99), st.sampled_from(["[]", "()", "[)", "(]"]),
       st.sampled_from(["[]", "()", "[)", "(]"]))  # fmt: skip
def test_a_changed_bound_is_never_equal(low: int, width: int, first: str, second: str) -> None:
    high = low + width
    one, other = (f"{b[0]}{low},{high}{b[1]}" for b in (first, second))
    assert decided(one, other) == ("equal" if first == second else "different")
    assert decided(one, f"{first[0]}{low},{high + 1}{first[1]}") == "different"


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 10**6), st.sampled_from(["mm", "cm", "m", "km", "g", "kg", "s", "min"]),
       st.sampled_from(["mm", "cm", "m", "km", "g", "kg", "s", "min"]))  # fmt: skip
def test_a_changed_unit_is_never_equal(amount: int, first: str, second: str) -> None:
    one, other = (rf"{amount} \text{{ {unit}}}" for unit in (first, second))
    assert decided(one, other) == ("equal" if first == second else "different")
    assert decided(one, str(amount)) == "equal"


# Text and extraction


@given(st.text(max_size=200))
def test_any_text_can_be_normalised_and_the_result_stays(text: str) -> None:
    once = normalise(text)
    assert key(normalise(once)) == key(once) or not balanced(text)


@settings(deadline=None)
@given(st.text(alphabet=r"\{}[]()$^_,.;:=<>|0123456789abxy +-*/!%√½π无解", max_size=60))
def test_any_text_is_judged_without_an_exception(text: str) -> None:
    reference, answer = normalise(text), normalise(text[::-1])
    assert judge((reference, answer, DEFAULT, Form()))[0] in {
        "equal", "different", "undecided", "too_complex", "reference_unusable",
    }  # fmt: skip


@given(st.text(alphabet="ab {}12\\$", max_size=40), st.text(alphabet="abc .\n$", max_size=80))
def test_the_content_of_a_last_box_is_found_whatever_surrounds_it(inner: str, around: str) -> None:
    content = f"x{inner}y"
    if not balanced(content) or content.endswith("\\"):
        return
    found = extract(rf"{around} \boxed{{1}} because {around} \boxed{{{content}}} {around}")
    assert found is not None
    assert found.text == content.strip()


@pytest.mark.parametrize(
    "prose",
    [
        "There are 12 of them in the box and 5 on the table.",
        "We get x = 12, and since y is 5, nothing else remains to be shown.",
        "In 1998 the town had 1,200 people.",
        "苹果一共有十二个，其中三个是红色的，剩下九个是绿色的。",
        "Let me think about 12 again.",
    ],
)
def test_a_number_in_prose_is_never_an_answer(prose: str) -> None:
    assert extract(prose) is None
