"""The language of prose; code, formulas, links and choices are none."""

import pytest

from pipeline.labelling.language import language

LANGUAGES = ("en", "zh", "de", "fr", "es", "ru", "ja", "ko")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("How many apples does she have left after lunch?", "en"),
        ("小明有五个苹果，吃了两个，还剩几个？", "zh"),
        ("Wie viele Äpfel bleiben nach dem Mittagessen übrig?", "de"),
        ("Solve $x^2 + \\frac{1}{2} = 3$ for the positive value of $x$.", "en"),
        ("计算 $\\int_0^1 x^2 dx$ 的值。", "zh"),
        ("```python\nfor value in values:\n    print(value)\n```\n这段代码输出什么？", "zh"),
        ("$$\\sum_{n=1}^\\infty \\frac{1}{n^2}$$", "und"),
        ("12 + 7 =", "und"),
        ("Compute $\\sqrt{(31)(30)(29)(28)+1}$.", "en"),
        ("$(81)^{\\frac12}=3^m$. Find $m$.", "en"),
        ("Construct a HTML form to accept user information.", "en"),
        ("Calcula $\\int_0^1 x dx$.", "es"),
        ("Berechne $2^{10}$.", "de"),
        ("Soit $f$. Montrer que $f(0)=1$.", "fr"),
        ("Докажите, что $x>0$.", "ru"),
        ("下列函数中，是奇函数的是 (A) $y=x^2$ (B) $y=\\sin x$", "zh"),
        ("def f(x): return x", "en"),
        ("", "und"),
        ("What is 68 degrees Fahrenheit in Celsius?", "en"),
        ("Convert 77 Fahrenheit to Celsius.", "en"),
        ("25 celsius in fahrenheit", "en"),
        ("def celsius_to_fahrenheit(celsius): from Celsius >>> celsius_to_fahrenheit(0)", "en"),
        ("Who was Johann Wolfgang von Goethe?", "en"),
        ("Where is Buenos Aires?", "en"),
        ("Hans has 3 apples, Fritz has 4. Total?", "en"),
        ("How many volts is 3 ampere times 4 ohm?", "en"),
        ("求f(x) = x^2 - 4x + 6的导数。", "zh"),
        ("Wie viel Grad Celsius sind 68 Grad Fahrenheit?", "de"),
        ("Was ist die Hauptstadt von Frankreich?", "de"),
        ("Wer war Angela Merkel?", "de"),
        ("Convertis 20 degrés Celsius en Fahrenheit.", "fr"),
        ("Qui était Victor Hugo ?", "fr"),
        ("Convierte 20 grados Celsius a Fahrenheit.", "es"),
        ("¿Quién fue Simón Bolívar?", "es"),
        ("Сколько будет 68 градусов по Фаренгейту в Цельсиях?", "ru"),
        ("華氏68度は摂氏何度ですか。", "ja"),
        ("What Is The Capital Of Peru", "en"),
    ],
)
def test_the_language_is_that_of_the_prose(text: str, code: str) -> None:
    assert language(text, LANGUAGES) == code


def test_the_first_language_is_the_one_that_little_prose_falls_to() -> None:
    assert language("Find $m$.", LANGUAGES) == "en"
    assert language("Find $m$.", ("de", "en", *LANGUAGES[3:], "zh")) == "de"
