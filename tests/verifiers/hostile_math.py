"""Answers that hang or blow up a symbolic checker: name → reference, answer, whether equal.

None as the label says that both are right: where no instrument can tell within a second
or two, `unverified` is the honest outcome.
"""

from __future__ import annotations

ENTRIES = [" & ".join(f"x_{{{7 * row + column}}}" for column in range(7)) for row in range(7)]
DETERMINANT = r"\det\begin{pmatrix}" + r"\\".join(ENTRIES) + r"\end{pmatrix}"
MATRIX = (
    r"\begin{pmatrix}" + r"\\".join(" & ".join(["1"] * 60) for _ in range(60)) + r"\end{pmatrix}"
)


def box(text: str) -> str:
    return rf"\boxed{{{text}}}"


HOSTILE: dict[str, tuple[str, str, bool]] = {
    # Numbers too large to be computed
    "tower": ("2", box("8^{8^{8^{8}}}"), False),
    "tower_equal": ("8^{8^{8^{8}}}", box("8^{8^{8^8}}"), True),
    "tower_programmers": ("7", "answer: 9**9**9**9", False),
    "tower_of_one": ("1", box("1^{9^{9^{9^{9}}}}"), True),
    "factorial": ("12", box("5000000!"), False),
    "factorials": ("12", box("9!!!!!!"), False),
    "factorial_quotient": ("2005^2 + 2005", box(r"\frac{2006!}{2004!}"), True),
    "factorial_near": (r"\frac{1}{2004!}", box(r"\frac{1}{2006!}"), False),
    "binomial": ("1", box(r"\binom{10^{30}}{10^{29}}"), False),
    "binomial_half": ("1", box(r"\binom{400000000}{200000000}"), False),
    "power_less_itself": ("1", box("7^{400000000}-7^{400000000}+1"), True),
    "small_exponent": ("1", box("10^{-10^{10^{10}}}"), False),
    "nested_powers": ("1", box("2^" * 500 + "2"), False),
    "float_exponent": ("3", box("1e999999999"), False),
    "negative_exponent": ("0", box("2^{-999999999}"), False),
    "fraction_power": ("2", box(r"\left(\frac{99999}{100000}\right)^{99999999}"), False),
    "logarithm": ("3", box(r"\log_2(2^{2^{2^{2^{2}}}})"), False),
    "sine": ("3", box(r"\sin(10^{10^{9}})"), False),
    "sum": ("3", box(r"\sum_{k=1}^{10^{12}} \frac{1}{k}"), False),
    "product": ("3", box(r"\prod_{k=1}^{10^{9}} k"), False),
    "double_sum": ("3", box(r"\sum_{i=1}^{1999}\sum_{j=1}^{1999}\frac{1}{i+j}"), False),
    "greatest_divisor": ("3", box(r"\gcd(10^{10^{8}}, 6)"), False),
    # Digits
    "digits": ("3" * 20_000, box("3" * 19_999 + "4"), False),
    "same_digits": ("7" * 20_000, box("7" * 20_000), True),
    "decimals": ("0." + "3" * 9_000, box("0." + "3" * 8_999 + "4"), False),
    "long_fraction": ("1", box(r"\frac{" + "9" * 8_000 + "}{" + "9" * 7_999 + "8}"), False),
    # Depth and length
    "brackets": ("8", box("(" * 1200 + "8" + ")" * 1200), True),
    "braces": ("8", box("{" * 5000 + "8" + "}" * 5000), True),
    "squares": ("8", box("[" * 900 + "8" + "]" * 900), False),
    "fractions": ("8", box(r"\frac{1}{" * 400 + "8" + "}" * 400), False),
    "continued": ("8", box(r"1+\frac{1}{" * 300 + "8" + "}" * 300), False),
    "roots": ("2", box(r"\sqrt{2+" * 300 + "2" + "}" * 300), False),
    "bars": ("8", box("|" * 800 + "8" + "|" * 800), False),
    "minuses": ("8", box("-" * 5000 + "8"), True),
    "ones": ("9000", box("1+" * 8999 + "1"), True),
    "products": ("1", box(r"1\cdot" * 3000 + "1"), True),
    "quotients": ("1", box("1/" * 3000 + "1"), True),
    "list": ("1", box(",".join(map(str, range(5000)))), False),
    "set": (r"\{1\}", box(r"\{" + ",".join(["x+1"] * 3000) + r"\}"), False),
    "chain": ("5", box("=".join(["2+3"] * 2000)), True),
    "inequalities": ("x<5", box("<".join(["x"] * 2000)), False),
    "union": ("(0,1)", box(r"\cup".join(f"({k},{k + 1})" for k in range(2000))), False),
    "matrix": ("5", box(MATRIX), False),
    "determinant": (DETERMINANT, box("0"), False),
    "signs": ("5", box(r"\pm 1" * 2000), False),
    "words": ("5", box(r"\text{apples }" * 1500), False),
    # Symbols
    "polynomial": ("(x+y+z)^{200}", box("(x+y+z)^{199}"), False),
    "expanded": ("(a+b)^{90}", box("+".join(f"a^{{{k}}}b^{{{90 - k}}}" for k in range(91))), False),
    "many_names": ("1", box("+".join(f"x_{{{k}}}" for k in range(2000))), False),
    "integral": ("3", box(r"\int_0^1 \sin(x^{x^{x^x}})\,dx"), False),
    "limit": ("3", box(r"\lim_{n\to\infty}\left(1+\frac{1}{n^{n^n}}\right)^{n^{n^n}}"), False),
    "derivative": ("3", box(r"\frac{d}{dx} x^{x^{x^{x^{x}}}}"), False),
}  # fmt: skip
