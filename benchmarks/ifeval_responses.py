"""Made-up responses to IFEval's 25 types: for each constraint six that follow it, six that do not.

``made("punctuation:no_comma", {})`` gives pairs such as ("Dr. Lee paid $3.50 …", True) and
("Dr. Lee paid, $3.50 …", False). Half of them stand exactly on the border (3 bullets
of 3, 2 of 3), and they are written around fillers with what makes counting hard: abbreviations,
decimals, ellipses, quotations, lists, emoji, accents. Labels are what the prompt of the type says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Kwargs = Mapping[str, Any]
Pair = tuple[str, bool]
VARIANTS = 6
FILLERS = (
    "Dr. Lee paid $3.50 at 9 a.m. and left for the U.S. embassy in Washington.",
    "Well... nobody knew why it rained! Did you see it? They went home anyway.",
    'She said "it is late." Then Mr. Brown (an old friend) closed the shop at noon.',
    "The café on 5th Ave. sells e.g. crêpes 🥐 and tea; its web site is example.org today.",
    "First we measure twice.\nThen we cut once.\n\nNobody hurries in this workshop at all.",
    "A state-of-the-art well-being plan costs 1.5 million in St. Louis vs. 2.25 in Paris.",
)
LANGUAGES = {
    "en": "The weather is very nice today and we are going to the park with our children.",
    "hi": "आज मौसम बहुत अच्छा है और हम अपने बच्चों के साथ पार्क में जा रहे हैं।",
    "kn": "ಇಂದು ಹವಾಮಾನ ತುಂಬಾ ಚೆನ್ನಾಗಿದೆ ಮತ್ತು ನಾವು ಮಕ್ಕಳೊಂದಿಗೆ ಉದ್ಯಾನವನಕ್ಕೆ ಹೋಗುತ್ತಿದ್ದೇವೆ.",
    "mr": "आज हवामान खूप छान आहे आणि आम्ही आमच्या मुलांसोबत बागेत जात आहोत.",
    "vi": "Hôm nay thời tiết rất đẹp và chúng tôi đang đi công viên cùng với các con.",
    "ko": "오늘은 날씨가 아주 좋아서 우리는 아이들과 함께 공원에 가고 있습니다.",
    "sw": "Hali ya hewa ni nzuri sana leo na tunakwenda kwenye bustani pamoja na watoto wetu.",
    "de": "Das Wetter ist heute sehr schön und wir gehen mit unseren Kindern in den Park.",
    "pa": "ਅੱਜ ਮੌਸਮ ਬਹੁਤ ਵਧੀਆ ਹੈ ਅਤੇ ਅਸੀਂ ਆਪਣੇ ਬੱਚਿਆਂ ਨਾਲ ਪਾਰਕ ਵਿੱਚ ਜਾ ਰਹੇ ਹਾਂ।",
    "fa": "امروز هوا بسیار خوب است و ما با بچه‌هایمان به پارک می‌رویم.",
    "ru": "Сегодня очень хорошая погода, и мы идём в парк вместе с нашими детьми.",
    "bg": "Днес времето е много хубаво и ние отиваме в парка заедно с нашите деца.",
    "pt": "Hoje o tempo está muito bom e nós vamos ao parque com os nossos filhos.",
    "gu": "આજે હવામાન ખૂબ સરસ છે અને અમે અમારા બાળકો સાથે બગીચામાં જઈ રહ્યા છીએ.",
    "te": "ఈ రోజు వాతావరణం చాలా బాగుంది మరియు మేము మా పిల్లలతో పార్కుకు వెళ్తున్నాము.",
    "it": "Oggi il tempo è molto bello e noi andiamo al parco con i nostri bambini.",
    "ar": "الطقس جميل جدا اليوم ونحن ذاهبون إلى الحديقة مع أطفالنا.",
    "ta": "இன்று வானிலை மிகவும் நன்றாக உள்ளது, நாங்கள் குழந்தைகளுடன் பூங்காவிற்கு செல்கிறோம்.",
    "fi": "Sää on tänään erittäin kaunis ja menemme puistoon lastemme kanssa.",
    "ur": "آج موسم بہت اچھا ہے اور ہم اپنے بچوں کے ساتھ پارک جا رہے ہیں۔",
    "th": "วันนี้อากาศดีมากและเรากำลังไปสวนสาธารณะกับลูกๆ ของเรา",
    "ne": "आज मौसम धेरै राम्रो छ र हामी हाम्रा छोराछोरीसँग पार्क जाँदैछौं।",
    "bn": "আজ আবহাওয়া খুব সুন্দর এবং আমরা আমাদের সন্তানদের সাথে পার্কে যাচ্ছি।",
}
# Enough letters for a detector: of a lone word in capitals it would not be sure.
CAPITALS = (
    "THE COMMITTEE AGREED THAT A NEW BRIDGE WILL BE BUILT OVER THE RIVER NEXT YEAR. "
    "I THINK IT IS A GOOD IDEA, AND IT WOULD BE A HELP TO ALL OF US IN THE TOWN."
)


def plain(n: int) -> str:
    """Return words, n different in length, without commas, brackets, stars or capitals."""
    return " ".join(
        f"the {word} river runs" for word in ("old", "long", "wide", "calm")[: 1 + n % 4]
    )


def at(bound: int, relation: str, n: int) -> tuple[int, int]:
    """Return how often something is there when it follows and when it does not."""
    slack = 0 if n % 2 else n
    if relation == "at least":
        return bound + slack, max(0, bound - 1 - slack)
    return max(0, bound - 1 - slack), bound + slack


def following(id: str, kwargs: Kwargs, n: int) -> Iterator[Pair]:
    """Yield a response that follows a constraint and one that does not, the n-th of each."""
    yield from MAKERS[id](kwargs, n)


def made(id: str, kwargs: Kwargs) -> list[Pair]:
    """Return all responses for a constraint, with their labels."""
    given = {name: value for name, value in kwargs.items() if value is not None}
    return [pair for n in range(VARIANTS) for pair in following(id, given, n)]


def existence(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    words = kwargs["keywords"]
    shown = [word.upper() if n % 2 else word for word in words]
    yield f"{FILLERS[n]} " + f" {plain(n)} ".join(shown) + ".", True
    yield without(f"{FILLERS[n]} {' '.join(words[1:])}", words[0]), False


def without(text: str, word: str) -> str:
    """Return a text in which a word is spelled so that it is not found."""
    return re.sub(word, "zz", text, flags=re.IGNORECASE)


def frequency(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    word, filler = kwargs["keyword"], without(FILLERS[n], kwargs["keyword"])
    for count, label in zip(
        at(kwargs["frequency"], kwargs["relation"], n), (True, False), strict=True
    ):
        yield filler + f" {word}, {word.upper()}" * (count // 2) + f" {word}" * (count % 2), label


def forbidden(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    words, text = kwargs["forbidden_words"], FILLERS[n]
    for word in words:
        text = without(text, word)
    yield f"{text} {words[0]}zz", True  # a part of a longer word is allowed
    yield f"{text} {words[n % len(words)].title()}, of course.", False


def letters(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    letter, relation = kwargs["letter"], kwargs["let_relation"]
    text = without(FILLERS[n], re.escape(letter)).replace("zz", "")
    for count, label in zip(at(kwargs["let_frequency"], relation, n), (True, False), strict=True):
        yield f"{text} " + letter.upper() * (count // 2) + letter * (count - count // 2), label


def words(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    filler = FILLERS[n] if kwargs["num_words"] > 60 else ""
    there = len(re.findall(r"\w+", filler))
    for count, label in zip(
        at(kwargs["num_words"], kwargs["relation"], n), (True, False), strict=True
    ):
        yield f"{filler} " + "word, " * (count - there), label


def sentences(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    """Sentences end beyond doubt here: it is the border that matters."""
    bound = kwargs["num_sentences"]
    for count, label in zip(at(bound, kwargs["relation"], n), (True, False), strict=True):
        ends = (". ", "! ", "? ", ".\n", ".\n\n", '." ')
        if count == 0:  # nothing but an empty answer breaks "at least 1"
            continue
        yield (
            "".join(
                f"This is the line of {chr(97 + k % 26)}x{ends[(k + n) % 6]}" for k in range(count)
            ),
            label,
        )


def paragraphs(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    number = kwargs["num_paragraphs"]
    parts = [f"{FILLERS[(n + k) % 6]}" for k in range(number + 1)]
    joiner = ("\n\n***\n\n", "\n***\n", " *** ")[n % 3]
    yield joiner.join(parts[:number]) + (joiner if n == 5 else ""), True
    wrong = parts if n % 2 else parts[: number - 1]
    yield joiner.join(wrong) if wrong else "***", False


def first_word(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    number, place, word = kwargs["num_paragraphs"], kwargs["nth_paragraph"], kwargs["first_word"]
    parts = [FILLERS[(n + k) % 4] for k in range(number)]
    good, other = list(parts), list(parts)
    good[place - 1] = f"{(word, word.title() + ',', chr(34) + word)[n % 3]} {parts[place - 1]}"
    other[place - 1] = f"So {word} {parts[place - 1]}"
    yield "\n\n".join(good), True
    yield "\n\n".join([*good, "One more."] if n % 2 else other), False


def placeholders(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    for count, label in zip(
        at(kwargs["num_placeholders"], "at least", n), (True, False), strict=True
    ):
        yield f"{FILLERS[n]} " + " ".join(f"[name {k}]" for k in range(count)), label


def postscript(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    marker = kwargs["postscript_marker"]
    shown = (marker, marker.lower(), marker.replace(".", ". ", 1))[n % 3]
    yield f"{FILLERS[n]}\n\n{shown} I will be back.", True
    yield f"{FILLERS[n]}\n\n{marker.replace('.', '')} I will be back. PS", False


def end(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    phrase = kwargs["end_phrase"]
    yield f"{FILLERS[n]} {(phrase, phrase.upper(), phrase + chr(34), phrase + '  ')[n % 4]}", True
    yield f"{phrase} {FILLERS[n]}", False


def quotation(_: Kwargs, n: int) -> Iterator[Pair]:
    yield f'{" " * n}"{FILLERS[n]}"', True
    yield (f'"{FILLERS[n]}', f'{FILLERS[n]}"', f"“{FILLERS[n]}”")[n % 3], False


def repeat(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    request = kwargs["prompt_to_repeat"]
    yield f"{' ' * n}{request.upper() if n % 2 else request}\n{FILLERS[n]}", True
    yield f"Sure! {request}" if n % 2 else f"{request[:-5]} {FILLERS[n]}", False


def two(_: Kwargs, n: int) -> Iterator[Pair]:
    one, other = FILLERS[n], FILLERS[(n + 1) % 6]
    yield f"{one}\n******\n{other}" + ("\n******" if n % 2 else ""), True
    yield (
        (f"{one}******{one}", f"{one}\n***\n{other}", f"{one}******{other}******{one}")[n % 3],
        False,
    )


def comma(_: Kwargs, n: int) -> Iterator[Pair]:
    yield FILLERS[n].replace(",", ""), True
    yield f"{FILLERS[n]} Yes, 1,000.", False


def language(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    wanted = kwargs["language"]
    yield " ".join([LANGUAGES[wanted]] * (1 + n)), True
    others = [code for code in LANGUAGES if code != wanted and {code, wanted} != {"hi", "ne"}]
    yield " ".join([LANGUAGES[others[n * 3]]] * 2), False


def bullets(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    number = kwargs["num_bullets"]
    sign = ("* ", "- ", "  * ", "*\t")[n % 4]
    for count, label in ((number, True), (number + 1 if n % 2 else max(0, number - 1), False)):
        items = "".join(f"\n{sign}the point {k} *with stress*" for k in range(count))
        yield f"{FILLERS[n]}\n{items}\n\nThat is all.", label


def constrained(_: Kwargs, n: int) -> Iterator[Pair]:
    answer = ("My answer is yes.", "My answer is no.", "My answer is maybe.")[n % 3]
    yield f"{FILLERS[n] if n > 2 else ''} {answer}", True
    yield (answer.lower(), answer.replace(".", "!"), FILLERS[n])[n % 3], False


def highlights(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    mark = ("*", "**")[n % 2]
    for count, label in zip(
        at(kwargs["num_highlights"], "at least", n), (True, False), strict=True
    ):
        yield (
            f"{FILLERS[n]} " + "\n".join(f"{mark}part {k}{mark} and more" for k in range(count)),
            label,
        )


def sections(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    word = kwargs["section_spliter"]
    for count, label in zip(at(kwargs["num_sections"], "at least", n), (True, False), strict=True):
        yield (
            f"{FILLERS[n]}\n"
            + "\n".join(f"{word} {k + 1}\n{FILLERS[k % 6]}" for k in range(count)),
            label,
        )


def as_json(_: Kwargs, n: int) -> Iterator[Pair]:
    text = json.dumps({"text": FILLERS[n], "list": [1, None, True]}, indent=n or None)
    yield (text, f"```json\n{text}\n```", f"```\n{text}```", f"```JSON\n{text}\n```")[n % 4], True
    yield (text[:-1], f"Here it is:\n{text}", f"{text}\nDone.")[n % 3], False


def title(_: Kwargs, n: int) -> Iterator[Pair]:
    yield f"<<{'poem of joy ' * (1 + n)}>>\n{FILLERS[n]}", True
    yield (
        (f"<poem>\n{FILLERS[n]}", f"<<  >> {FILLERS[n]}", f"<<poem\nof joy>> {FILLERS[n]}")[n % 3],
        False,
    )


def capital_words(kwargs: Kwargs, n: int) -> Iterator[Pair]:
    bound, relation = kwargs["capital_frequency"], kwargs["capital_relation"]
    for count, label in zip(at(bound, relation, n), (True, False), strict=True):
        yield plain(n) + "." + " WELL-BEING, U.S." * (count // 2) + " NASA" * (count % 2), label


def capital(_: Kwargs, n: int) -> Iterator[Pair]:
    yield f"{CAPITALS} " * (1 + n), True
    yield (
        (CAPITALS.title(), f"{CAPITALS} ok", LANGUAGES["ru"].upper(), LANGUAGES["th"])[n % 4],
        False,
    )


def lowercase(_: Kwargs, n: int) -> Iterator[Pair]:
    yield f"{LANGUAGES['en']} {FILLERS[n]}".lower(), True
    yield (FILLERS[n], LANGUAGES["fi"].lower(), f"{FILLERS[n].lower()} I")[n % 3], False


MAKERS: dict[str, Callable[[Kwargs, int], Iterator[Pair]]] = {
    "keywords:existence": existence,
    "keywords:frequency": frequency,
    "keywords:forbidden_words": forbidden,
    "keywords:letter_frequency": letters,
    "length_constraints:number_words": words,
    "length_constraints:number_sentences": sentences,
    "length_constraints:number_paragraphs": paragraphs,
    "length_constraints:nth_paragraph_first_word": first_word,
    "detectable_content:number_placeholders": placeholders,
    "detectable_content:postscript": postscript,
    "startend:end_checker": end,
    "startend:quotation": quotation,
    "combination:repeat_prompt": repeat,
    "combination:two_responses": two,
    "punctuation:no_comma": comma,
    "language:response_language": language,
    "detectable_format:number_bullet_lists": bullets,
    "detectable_format:constrained_response": constrained,
    "detectable_format:number_highlighted_sections": highlights,
    "detectable_format:multiple_sections": sections,
    "detectable_format:json_format": as_json,
    "detectable_format:title": title,
    "change_case:capital_word_frequency": capital_words,
    "change_case:english_capital": capital,
    "change_case:english_lowercase": lowercase,
}
