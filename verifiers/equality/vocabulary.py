"""What single letters and commands mean to the parser of expressions.

``\\tan^{-1}`` is the arc tangent, ``C_n^k`` a binomial, ``\\Gamma(3/2)`` a value of the gamma
function and ``\\Gamma`` alone a name.
"""

from __future__ import annotations

from verifiers.equality.lexer import words

CHOICES = frozenset("CAP")  # C_n^k, and of numbers A_5^2, P_5^2
UNIT_VECTORS = frozenset("ijke")
SPECIAL = {"\\Gamma": "gamma", "\\zeta": "zeta"}  # functions where a bracket follows
APPLIED = frozenset("fghFGH")  # f(2) is a function's value, x(2) a product
INVERSES = {
    "sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot", "sinh": "arsinh",
    "cosh": "arcosh", "tanh": "artanh",
}  # fmt: skip
GREEK = frozenset(
    "\\" + name
    for name in words(
        "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi "
        "rho varrho sigma tau phi varphi chi psi omega Gamma Delta Theta Lambda Pi Sigma Phi Psi "
        "Omega ell hbar imath jmath varsigma upsilon"
    )
)
