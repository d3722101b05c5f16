"""Notations: units with prefixes, French intervals, groups, roundings, special functions, dates."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.equality.extract import extract
from verifiers.equality.judge import judge
from verifiers.equality.numerals import Tolerance
from verifiers.equality.question import Form
from verifiers.equality.text import normalise
from verifiers.math_answer import reference_text

PREFIXES = {"n": "-9", "μ": "-6", "m": "-3", "k": "3", "M": "6", "G": "9"}


def decided(reference: str, answer: str) -> str:
    """What a worker says of a reference and an answer as they are written."""
    found = extract(answer)
    assert found is not None
    pair = (reference_text(reference), normalise(found.text), Tolerance(), Form())
    return judge(pair)[0]


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 999),
    st.sampled_from(list(PREFIXES)),
    st.sampled_from(list(PREFIXES)),
    st.sampled_from(["F", "H", "C", "V", "J", "W", "Pa", "N"]),
)
def test_a_prefix_is_its_power_of_ten_and_no_other(
    amount: int, one: str, other: str, unit: str
) -> None:
    written = rf"{amount} \text{{ {one}{unit}}}"
    power = rf"\boxed{{{amount} \times 10^{{{PREFIXES[other]}}} \text{{ {unit}}}}}"
    assert decided(written, power) == ("equal" if one == other else "different")


@pytest.mark.parametrize("micro", [r"\mu \mathrm{F}", r"\mu\text{F}", r"\mu \mathrm{~F}", "μF"])
def test_micro_is_read_however_it_is_written(micro: str) -> None:
    assert decided(f"2.0 {micro}", r"\boxed{2.0\times10^{-6}\ \text{F}}") == "equal"


def test_a_coefficient_mu_in_front_of_g_is_no_microgram() -> None:
    assert decided(r"\mu g", r"\boxed{g\mu}") == "equal"


@pytest.mark.parametrize("ohms", [r"4.7\text{ k}\Omega", r"4.7\,\mathrm{k\Omega}", "4.7 kΩ"])
def test_kiloohms_are_read_however_they_are_written(ohms: str) -> None:
    assert decided(ohms, r"\boxed{4700\,\Omega}") == "equal"
    assert decided(ohms, r"\boxed{4.7\,\Omega}") == "different"


@settings(deadline=None, max_examples=30)
@given(st.integers(-20, 20), st.integers(1, 20), st.booleans(), st.booleans())
def test_outward_brackets_are_open_bounds(low: int, width: int, left: bool, right: bool) -> None:
    high = low + width
    french = f"{']['[not left]}{low}, {high}{'[]'[not right]}"
    usual = f"{'(['[not left]}{low}, {high}{')]'[not right]}"
    flipped = f"{'(['[left]}{low}, {high}{')]'[not right]}"
    assert decided(french, rf"\boxed{{{usual}}}") == "equal"
    assert decided(french, rf"\boxed{{{flipped}}}") == "different"


def test_a_set_with_unescaped_braces_is_read() -> None:
    assert decided("{x | 1 < x < 2}", r"\boxed{(1,2)}") == "equal"
    assert decided("{x | 1 < x < 2}", r"\boxed{[1,2)}") == "different"


def test_plus_or_minus_inside_of_a_set_adds_members() -> None:
    assert decided(r"\{-1,0,1\}", r"\boxed{\{0,\pm1\}}") == "equal"
    assert decided(r"\{-1,1\}", r"\boxed{\{0,\pm1\}}") == "different"


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 6), st.integers(0, 6))
def test_a_ceiling_of_a_quotient_is_the_floor_that_it_should_be(m: int, shift: int) -> None:
    ceiling = rf"\left\lceil \frac{{n}}{{{m}}} \right\rceil"
    floor = rf"\boxed{{\left\lfloor \frac{{n+{shift}}}{{{m}}} \right\rfloor}}"
    assert decided(ceiling, floor) == ("equal" if shift == m - 1 else "different")


def test_floor_plus_one_is_no_ceiling_for_real_numbers() -> None:
    assert decided(r"\lceil x\rceil", r"\boxed{\lfloor x\rfloor+1}") == "different"


def test_gamma_and_zeta_are_functions_where_a_bracket_follows() -> None:
    assert decided(r"\sqrt{\pi}", r"\boxed{2\Gamma\left(\frac32\right)}") == "equal"
    assert decided(r"\Gamma(1/2)", r"\boxed{2\Gamma(1/4)}") == "different"
    assert decided(r"\frac{\pi^2}{6}", r"\boxed{\zeta(2)}") == "equal"


def test_cyclic_groups_are_compared_up_to_isomorphism() -> None:
    assert decided(r"\mathbb{Z}/6\mathbb{Z}", r"\boxed{\mathbb{Z}_2\times\mathbb{Z}_3}") == "equal"
    klein = r"\boxed{\mathbb{Z}_2\times\mathbb{Z}_2}"
    assert decided(r"\mathbb{Z}_4", klein) == "different"
    assert decided(r"(\mathbb{Z}/2\mathbb{Z})^2", klein) == "equal"


def test_a_plain_letter_z_is_no_group() -> None:
    assert decided("Z^2", r"\boxed{Z\cdot Z}") == "equal"


@pytest.mark.parametrize("word", ["even", "odd"])
def test_functions_by_parts_tell_odd_from_even(word: str) -> None:
    parts = r"\begin{cases} 2^n, & n \text{ %s} \\ 0, & n \text{ %s}\end{cases}"
    answer = rf"\boxed{{{parts % ('odd', 'even')}}}"
    other = "odd" if word == "even" else "even"
    assert decided(parts % (word, other), answer) == ("equal" if word == "odd" else "different")


def test_a_condition_in_words_is_part_of_a_function() -> None:
    parts = r"\begin{cases} 1, & x \text{ %s} \\ 0, & x \text{ %s}\end{cases}"
    swapped = rf"\boxed{{{parts % ('irrational', 'rational')}}}"
    assert decided(parts % ("rational", "irrational"), swapped) != "equal"


def test_a_date_is_more_than_its_number() -> None:
    assert decided("March 14", r"\boxed{\text{14 March}}") == "equal"
    assert decided("March 14", r"\boxed{\text{April 14}}") == "different"


def test_sides_are_equal_in_either_order_and_no_product() -> None:
    assert decided("12 by 9", "The room is 9 m by 12 m.") == "equal"
    assert decided("12 by 9", r"\boxed{108}") == "different"


def test_unit_vectors_are_equal_with_hats_and_without() -> None:
    assert decided(r"2\mathbf{i}-3\mathbf{j}", r"\boxed{2\hat{i}-3\hat{j}}") == "equal"
    assert decided(r"2\mathbf{i}-3\mathbf{j}", r"\boxed{3\hat{i}-2\hat{j}}") == "different"


def test_a_chain_of_numbers_is_the_list_in_that_order() -> None:
    assert decided("1/4, 0.3, 1/3", r"\boxed{\frac14<0.3<\frac13}") == "equal"
    assert decided("1/4, 0.3, 1/3", r"\boxed{\frac13>0.3>\frac14}") == "different"


def test_a_hexadecimal_number_has_base_sixteen() -> None:
    assert decided("3F_{16}", r"\boxed{\text{0x3F}}") == "equal"
    assert decided("3F_{16}", r"\boxed{\text{0x3E}}") == "different"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 4 is extraneous. The only solution is x = 3.", "x = 3"),
        ("We add. So the total is 42.", "42"),
        ("**Answer**\n\n- $x = 4$\n- $y = -1$", "x = 4, y = -1"),
        (r"The maximum is $\boxed{5}$ and the minimum is $\boxed{-3}$.", "5, -3"),
    ],
)
def test_endings_that_announce_a_result_are_answers(text: str, found: str) -> None:
    extraction = extract(text)
    assert extraction is not None
    assert extraction.text == found


def test_another_solution_in_prose_is_no_answer() -> None:
    assert extract("We have x = 3. The other solution is x = 5.") is None


def test_a_product_of_names_that_is_about_a_number_tells_that_number() -> None:
    assert decided("4.74", "pH ≈ 4.744") == "equal"
    assert decided("4.74", "pH ≈ 4.75") == "different"
    assert decided(r"2\pi", r"2\pi ≈ 6.28") == "equal"


@pytest.mark.parametrize("amount", ["4.8e-19 C", "q = 4.8e-19 C", r"q = 4.8 \times 10^{-19} C"])
def test_a_unit_in_plain_letters_is_read_behind_a_power_of_ten(amount: str) -> None:
    assert decided(r"4.8 \times 10^{-19}", amount) == "equal"
    assert decided(r"4.8 \times 10^{-19} \text{ J}", amount) == "different"
    assert decided(r"4.8 \times 10^{-18}", amount) == "different"


def test_a_letter_behind_a_name_and_a_plain_number_stays_a_name() -> None:
    assert decided("5", "F = 5 m") == "different"


def test_chinese_money_is_read_in_its_parts() -> None:
    assert decided("3.5元", "答：一支钢笔3元5角。") == "equal"
    assert decided("3.5元", "答：一支钢笔3元6角。") == "different"
    assert decided("3.52元", "3元5角2分") == "equal"
    assert decided("3.52元", "3元5角3分") == "different"


@pytest.mark.parametrize("compared", ["每支便宜3元5角", "每支少3元5角", "一支不到3元5角"])
def test_a_difference_in_price_is_no_price(compared: str) -> None:
    assert decided("3.5元", compared) == "different"


@pytest.mark.parametrize("minutes", ["30分", "30分钟"])
def test_minutes_behind_hours_are_no_points(minutes: str) -> None:
    assert decided("1.5小时", f"1小时{minutes}") == "equal"
    assert decided("1.3小时", f"1小时{minutes}") == "different"
