"""A text as constraints see it: its words, its tokens, its sentences.

``Passage("Dr. Li left. He ran.")`` has 5 words and 2 sentences, as IFEval counts them: words
are NLTK's runs of letters, marks and digits, sentences are Punkt's, with the English model.
NLTK before 3.10 cut words of Indian scripts at their vowel signs.

A passage that is mostly Chinese or Japanese has no spaces, so that IFEval counts a clause as
one word and sees no sentence at all. With `unspaced` each character of it is a word, runs of
other letters are one too, and 。！？ end sentences. Thai, Lao and Khmer are not split.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import cache

from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
from nltk.tokenize.regexp import RegexpTokenizer

WORDS = RegexpTokenizer(r"\w+")
UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
UNSPACED_SIGN = re.compile(f"[{UNSPACED}]")
UNSPACED_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
UNSPACED_SENTENCE = re.compile(r"[^。！？!?…\n]*\w[^。！？!?…\n]*(?:[。！？!?…]+[”’」』）)]*|\n|$)")
UNSPACED_SHARE = 0.5  # of the letters: a guess; a name or a quotation in a text stays below it
PUNCTUATION = str.maketrans("", "", string.punctuation)
EDGES = string.punctuation + " "

# Sentences by fixed rules, in their order: (pattern, replacement). Dots that end nothing become
# KEPT, ends become STOP. The list and its order are IFEval's `split_into_sentences`, with what
# is odd about it: no word has to begin before "St.", and "Co. He" loses its dot.
KEPT, STOP = "\ue000", "\ue001"
STARTER = (
    r"(Mr|Mrs|Ms|Dr|Prof|Capt|Cpt|Lt|He\s|She\s|It\s|They\s|Their\s|Our\s|We\s|But\s|However\s"
    r"|That\s|This\s|Wherever)"
)
SUFFIX = r" (Inc|Ltd|Jr|Sr|Co)\."
BEFORE_ENDS = tuple(
    (re.compile(found), put)
    for found, put in (
        (r"(Mr|St|Mrs|Ms|Dr)\.", rf"\1{KEPT}"),
        (r"\.(com|net|org|io|gov|edu|me)", rf"{KEPT}\1"),
        (r"([0-9])\.([0-9])", rf"\1{KEPT}\2"),
    )
)
DOTS = re.compile(r"\.{2,}")
AFTER_DOTS = tuple(
    (re.compile(found), put)
    for found, put in (
        (r"Ph\.D\.", f"Ph{KEPT}D{KEPT}"),
        (r"\s([A-Za-z])\. ", rf" \1{KEPT} "),
        (rf"([A-Z]\.[A-Z]\.(?:[A-Z]\.)?) {STARTER}", rf"\1{STOP} \2"),
        (r"([A-Za-z])\.([A-Za-z])\.([A-Za-z])\.", rf"\1{KEPT}\2{KEPT}\3{KEPT}"),
        (r"([A-Za-z])\.([A-Za-z])\.", rf"\1{KEPT}\2{KEPT}"),
        (rf"{SUFFIX} {STARTER}", rf" \1{STOP} \2"),
        (SUFFIX, rf" \1{KEPT}"),
        (r" ([A-Za-z])\.", rf" \1{KEPT}"),
        (r"\.”", "”."),
        (r'\."', '".'),
        (r'!"', '"!'),
        (r'\?"', '"?'),
        (r"([.!?])", rf"\1{STOP}"),
    )
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A text, and whether its words are counted as those of a script without spaces."""

    text: str
    unspaced: bool = False

    @property
    def words(self) -> int:
        """How many words there are."""
        if self.unspaced:
            return len(UNSPACED_WORD.findall(self.text))
        return len(WORDS.tokenize(self.text))

    @property
    def sentences(self) -> int:
        """How many sentences there are."""
        if self.unspaced:
            return len(UNSPACED_SENTENCE.findall(self.text))
        return sum(1 for _ in punkt().span_tokenize(self.text))


def passage(text: str, multilingual: bool) -> Passage:
    """Return a text as a passage, looking at its script if `multilingual`."""
    return Passage(text, multilingual and mostly_unspaced(text))


def mostly_unspaced(text: str) -> bool:
    """Say whether most of a text's letters are Chinese or Japanese."""
    signs = len(UNSPACED_SIGN.findall(text))
    return signs > 0 and signs > UNSPACED_SHARE * sum(map(str.isalpha, text))


@cache
def punkt() -> PunktSentenceTokenizer:
    """Return NLTK's sentence tokenizer with the English model."""
    from punkt import load_model

    model, parameters = load_model("english"), PunktParameters()
    parameters.abbrev_types = set(model.abbrev_types)
    parameters.collocations = set(model.collocations)
    parameters.sent_starters = set(model.sent_starters)
    parameters.ortho_context.update(model.ortho_context)
    return PunktSentenceTokenizer(parameters)


@cache
def _tokenizer() -> NLTKWordTokenizer:
    return NLTKWordTokenizer()


def tokens(text: str) -> list[str]:
    """Return the tokens of NLTK's `word_tokenize`, punctuation included."""
    return [token for part in punkt().tokenize(text) for token in _tokenizer().tokenize(part)]


def ruled_sentences(text: str) -> list[str]:
    """Return a text's sentences by IFEval's fixed rules, which IFBench counts by."""
    text = f" {text}  ".replace("\n", " ")
    for found, put in BEFORE_ENDS:
        text = found.sub(put, text)
    text = DOTS.sub(lambda dots: KEPT * len(dots[0]) + STOP, text)
    for found, put in AFTER_DOTS:
        text = found.sub(put, text)
    parts = [part.strip() for part in text.replace(KEPT, ".").split(STOP)]
    return parts if parts[-1] else parts[:-1]


def bare_words(text: str) -> list[str]:
    """Return a text's words between spaces, after all ASCII punctuation is removed."""
    return text.translate(PUNCTUATION).split()
