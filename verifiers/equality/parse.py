"""Parses the tokens of one expression into a tree of nodes; no sympy, no evaluation.

``3\\frac{1}{4}`` is the mixed number add(3, 1/4), ``2 x/10+1`` is add(div(mul(2, x), 10),
1), ``\\sin^2 x`` is pow(sin(x), 2). Division and products bind alike, from the left.

What it does not know (sums, integrals, limits, matrices) raises ParseError, and the
caller asks sympy.
"""

from __future__ import annotations

from collections.abc import Callable

from verifiers.equality.lexer import FUNCTIONS, Token
from verifiers.equality.nodes import Node, fraction, negated, number
from verifiers.equality.vocabulary import (
    APPLIED,
    CHOICES,
    GREEK,
    INVERSES,
    SPECIAL,
    UNIT_VECTORS,
)


class ParseError(ValueError):
    """The tokens are no expression of the kind that this module knows."""


def parse_expression(tokens: list[Token]) -> Node:
    """Return the tree of tokens that are all one expression; raises ParseError."""
    parser = Parser(tokens)
    node = parser.sum()
    if parser.place < len(tokens):
        raise ParseError(f"unexpected {tokens[parser.place].text!r}")
    return node


END = Token("end", "")
BRACKETS = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}
ROUNDERS = {"\\lfloor": ("\\rfloor", "floor"), "\\lceil": ("\\rceil", "ceil")}


class Parser:
    """Reads an expression from left to right; `place` is the next token."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = list(tokens)
        self.place = 0
        self.bars = 0  # open |…|, within which a bar closes

    # Tokens

    def peek(self, ahead: int = 0) -> Token:
        """Return a token without taking it."""
        place = self.place + ahead
        return self.tokens[place] if place < len(self.tokens) else END

    def take(self) -> Token:
        """Take the next token."""
        token = self.peek()
        self.place += 1
        return token

    def accept(self, *texts: str) -> bool:
        """Take the next token if it is one of these."""
        if self.peek().kind in {"operator", "command"} and self.peek().text in texts:
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Take a token that must be there."""
        if not self.accept(text):
            raise ParseError(f"expected {text!r}, got {self.peek().text!r}")

    # Sums and products

    def sum(self) -> Node:
        """Read terms with + and − between them."""
        terms = [self.product()]
        while True:
            if self.accept("+"):
                terms.append(self.product())
            elif self.accept("-"):
                terms.append(negated(self.product()))
            else:
                return terms[0] if len(terms) == 1 else Node("add", tuple(terms))

    def product(self) -> Node:
        """Read factors with signs of multiplication, division, or nothing between them."""
        factors = [self.signed()]
        while True:
            if self.accept("*", "\\times", "\\cdot"):
                factors.append(self.signed())
            elif self.accept("/", "\\div"):
                factors = [Node("div", (_multiplied(factors), self.signed()))]
            elif self.begins_atom():
                factors.append(self.adjacent())
            else:
                return _multiplied(factors)

    def signed(self) -> Node:
        """Read a factor with any number of signs."""
        minus = False
        while self.peek().text in {"+", "-"} and self.peek().kind == "operator":
            minus ^= self.take().text == "-"
        return negated(self.power()) if minus else self.power()

    def adjacent(self) -> Node:
        """Read a factor that stands next to another one."""
        if self.peek().kind == "number" and self.peek(-1).kind == "number":
            raise ParseError("two numbers side by side")
        return self.power()

    # Factors

    def begins_atom(self) -> bool:
        """Say whether the next token begins a factor."""
        token = self.peek()
        if token.kind in {"number", "symbol"}:
            return True
        if token.kind == "operator":
            return token.text in {"(", "[", "{"} or (token.text == "|" and not self.bars)
        return token.kind == "command" and (
            token.text in GREEK or token.text in ATOMS or token.text[1:] in FUNCTIONS
        )

    def power(self) -> Node:
        """Read an atom with what follows it: factorial, exponent, percent, degrees."""
        node = self.mixed() or self.atom()
        while True:
            if self.accept("!"):
                node = Node("fact2" if self.accept("!") else "fact", (node,))
            elif self.accept("^"):
                node = Node("pow", (node, self.exponent()))
            elif self.accept("%"):
                node = Node("div", (node, number(100)))
            elif self.accept("\\degree"):
                node = Node("mul", (node, DEGREE))
            else:
                return node

    def mixed(self) -> Node | None:
        """Read a whole number and a proper fraction next to it, or nothing."""
        start = self.place
        if not self.peek().text.isdigit():
            return None
        whole = self.atom()
        if self.peek().text == "\\frac":
            part = self.atom()
        elif self.peek().kind == "number" and self.peek(1).text == "/":
            top = self.atom()
            self.expect("/")
            part = Node("div", (top, self.atom()))
        else:
            part = whole
        if _is_proper(part):
            return Node("add", (whole, part))
        self.place = start
        return None

    def exponent(self) -> Node:
        """Read an exponent; without braces a whole number counts, unlike in TeX (x^12)."""
        if self.accept("-"):
            return negated(self.exponent())
        node = self.atom()
        return Node("pow", (node, self.exponent())) if self.accept("^") else node

    def atom(self) -> Node:
        """Read a number, a name, a bracket or a command with its arguments."""
        token = self.take()
        if token.kind == "number":
            return number(fraction(token.text))
        if token.kind == "symbol":
            return self.named(token.text)
        if token.kind == "operator" and token.text in {"(", "[", "{"}:
            return self.closed(BRACKETS[token.text])
        if token.kind == "operator" and token.text == "|":
            return self.absolute()
        if token.kind == "command":
            return self.command(token.text)
        raise ParseError(f"unexpected {token.text!r}")

    def closed(self, closer: str) -> Node:
        """Read the inside of a bracket that was opened."""
        bars, self.bars = self.bars, 0
        node = self.sum()
        self.expect(closer)
        self.bars = bars
        return node

    def absolute(self) -> Node:
        """Read the inside of |…|."""
        self.bars += 1
        node = self.sum()
        self.expect("|")
        self.bars -= 1
        return Node("abs", (node,))

    def named(self, name: str) -> Node:
        """Read a constant, a symbol with its subscript and primes, or a function's value."""
        if name == "e" and self.peek().text != "_":
            return Node("e")
        if name == "i" and self.peek().text != "_":
            return Node("i")
        if name in CHOICES and (node := self.choices(name)):
            return node
        if self.accept("_"):
            name += "_" + self.subscript()
        while self.accept("'"):
            name += "'"
        if name[0] in APPLIED and self.peek().text == "(":
            name += self.raw_group()
        return Node("sym", name=name)

    def choices(self, name: str) -> Node | None:
        """Read C_n^k and A_5^2, or nothing: of letters only C counts, since A_n may be a name."""
        start = self.place
        if not self.accept("_"):
            return None
        top = self.argument()
        if self.accept("^"):
            bottom = self.argument()
            if top.op == bottom.op == "num" and top.value >= bottom.value > 0:
                return Node("binom" if name == "C" else "perm", (top, bottom))
            if name == "C" and top.op == "sym" and bottom.op in {"sym", "num"}:
                return Node("binom", (top, bottom))
        self.place = start
        return None

    def subscript(self) -> str:
        """Read a subscript as text."""
        if self.peek().text == "{":
            return self.raw_group()[1:-1]
        return self.take().text

    def raw_group(self) -> str:
        """Read a bracket as text, without looking into it."""
        depth, texts = 0, []
        while True:
            token = self.take()
            depth += (token.text in "([{") - (token.text in ")]}") if token.text else 0
            texts.append(token.text)
            if depth == 0 or token is END:
                return "".join(texts)

    # Commands

    def command(self, text: str) -> Node:
        """Read a command's arguments."""
        if text in SPECIAL and (node := self.special(SPECIAL[text])):
            return node
        if text in GREEK:
            return self.named(text)
        if text in ATOMS:
            return ATOMS[text](self)
        if text[1:] in FUNCTIONS:
            return self.function(text[1:])
        raise ParseError(f"unknown command {text}")

    def special(self, name: str) -> Node | None:
        """Read \\Gamma(x) and \\Gamma^2(x); None where no bracket follows, as behind a name."""
        start = self.place
        power = self.exponent() if self.accept("^") else None
        if self.peek().text != "(":
            self.place = start
            return None
        node = Node(name, (self.atom(),))
        return Node("pow", (node, power)) if power else node

    def argument(self) -> Node:
        """Read an argument in braces, or a single digit or atom, as TeX does."""
        token = self.peek()
        if token.kind == "number" and len(token.text) > 1 and token.text[0] != ".":
            rest = Token("number", token.text[1:])
            self.tokens[self.place : self.place + 1] = [Token("number", token.text[0]), rest]
        return self.atom()

    def fraction(self) -> Node:
        """Read \\frac{a}{b}."""
        return Node("div", (self.argument(), self.argument()))

    def accent(self) -> Node:
        """Read \\hat{t} and the like as a symbol of that name."""
        name = {"overrightarrow": "vec"}.get(self.peek(-1).text[1:], self.peek(-1).text[1:])
        inner = self.raw_group()[1:-1] if self.peek().text == "{" else self.take().text
        if name == "vec" and len(inner) == 1 and inner not in UNIT_VECTORS:
            return self.named(inner)  # as \\mathbf{a} is
        return self.named(f"{name}{{{inner}}}")

    def binomial(self) -> Node:
        """Read \\binom{n}{k}."""
        return Node("binom", (self.argument(), self.argument()))

    def total(self) -> Node:
        """Read \\sum_{k=1}^{n} or \\prod with what follows, up to the next + or −."""
        name = {"\\sum": "sum", "\\prod": "prod"}[self.peek(-1).text]
        self.expect("_")
        self.expect("{")
        index = self.take()
        if index.kind != "symbol":
            raise ParseError("a sum without an index")
        bound = Token("symbol", f"{name}{sum(token.text[:3] == name[:3] for token in self.tokens)}")
        rest = self.tokens[self.place :]
        self.tokens[self.place :] = [bound if token.text == index.text else token for token in rest]
        self.expect("=")
        low = self.closed("}")
        self.expect("^")
        high = self.argument()
        return Node(name, (low, high, self.product()), name=bound.text)

    def root(self) -> Node:
        """Read \\sqrt{a} or \\sqrt[n]{a}."""
        degree = number(2)
        if self.accept("["):
            degree = self.closed("]")
        return Node("root", (degree, self.argument()))

    def function(self, name: str) -> Node:
        """Read a function's exponent, base and argument."""
        if name == "sqrt":
            return self.root()
        if name in {"gcd", "lcm", "max", "min"}:
            return Node(name, self.arguments())
        base = self.base(name)
        power = self.exponent() if self.accept("^") else None
        if power == negated(number(1)) and name in INVERSES:
            name, power = INVERSES[name], None
        base = base or self.base(name)
        inner = self.operand()
        node = Node("log", (base, inner)) if base else Node(name, (inner,))
        return Node("pow", (node, power)) if power else node

    def base(self, name: str) -> Node | None:
        """Read a logarithm's base."""
        return self.argument() if name == "log" and self.accept("_") else None

    def arguments(self) -> tuple[Node, ...]:
        """Read (a, b, …)."""
        closer = "\\}" if self.accept("\\{") else ")"
        if closer == ")":
            self.expect("(")
        found = [self.sum()]
        while self.accept(","):
            found.append(self.sum())
        self.expect(closer)
        return tuple(found)

    def operand(self) -> Node:
        """Read a function's argument: a bracket, or factors up to a sign or a function."""
        if self.peek().text in {"(", "[", "{"}:
            return self.atom()
        factors = [self.signed()]
        while self.begins_atom() and self.peek().text[1:] not in FUNCTIONS:
            if self.peek().text in {"(", "["}:
                break
            factors.append(self.adjacent())
        if self.accept("/"):  # \\sin x/2 is read as \\sin(x/2) by most writers
            raise ParseError("a function's argument with a slash is ambiguous")
        return _multiplied(factors)

    def rounded(self) -> Node:
        """Read a floor or a ceiling."""
        closer, name = ROUNDERS[self.peek(-1).text]
        return Node(name, (self.closed(closer),))


ACCENTS = ("\\hat", "\\vec", "\\bar", "\\tilde", "\\overline", "\\overrightarrow", "\\dot")
DEGREE = Node("div", (Node("pi"), number(180)))
ATOMS: dict[str, Callable[[Parser], Node]] = {
    "\\frac": Parser.fraction,
    "\\binom": Parser.binomial,
    "\\pi": lambda _: Node("pi"),
    "\\infty": lambda _: Node("inf"),
    "\\sum": Parser.total,
    "\\prod": Parser.total,
    "\\lfloor": Parser.rounded,
    "\\lceil": Parser.rounded,
    **dict.fromkeys(ACCENTS, Parser.accent),
}


def _multiplied(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else Node("mul", tuple(factors))


def _is_proper(node: Node) -> bool:
    """Say whether a node is a fraction of whole numbers below one, as a mixed number has it."""
    if node.op != "div" or any(arg.op != "num" for arg in node.args):
        return False
    top, bottom = (arg.value for arg in node.args)
    return top.denominator == bottom.denominator == 1 and top < bottom
