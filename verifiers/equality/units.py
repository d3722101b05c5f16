"""Units of measure: what they are called, their dimension, and their exact factors.

``3 km`` is 3 · 1000 of dimension {length: 1}; ``5 m/s^2`` has {length: 1, time: −2}. Words
that are no unit (``apples``, ``页``) have no dimension and make no difference.

Only exact factors are listed. Temperatures are dimensions of their own each, since
converting them is no multiplication; so are currencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

Dimension = Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Unit:
    """A factor to the base unit and a power for each base dimension."""

    factor: Fraction = Fraction(1)
    dimension: Dimension = field(default_factory=dict)

    def times(self, other: Unit, power: Fraction) -> Unit | None:
        """Return this unit times a power of another; None where the factor would be inexact."""
        if power.denominator != 1 or abs(power) > 12:
            return None
        powers = dict(self.dimension)
        for name, value in other.dimension.items():
            powers[name] = powers.get(name, Fraction(0)) + value * power
        kept = {name: value for name, value in powers.items() if value}
        return Unit(self.factor * other.factor ** int(power), kept)


def _unit(dimension: str, factor: str | int) -> Unit:
    return Unit(Fraction(factor), {dimension: Fraction(1)})


def _named(dimension: str, table: Mapping[str, str | int]) -> dict[str, Unit]:
    """Read a table whose keys are all names of one unit, separated by spaces."""
    return {
        name: _unit(dimension, factor) for names, factor in table.items() for name in names.split()
    }


UNITS: dict[str, Unit] = {
    **_named(
        "length",
        {
            "nm nanometer nanometers": "1/1000000000", "pm": "1/1000000000000",
            "μm micrometer micrometers micron microns um": "1/1000000",
            "angstrom angstroms Å": "1/10000000000",
            "AU": 149597870700, "mm millimeter millimeters 毫米": "1/1000",
            "cm centimeter centimeters centimetre centimetres 厘米": "1/100",
            "dm decimeter decimeters 分米": "1/10", "m meter meters metre metres 米": 1,
            "km kilometer kilometers kilometre kilometres 千米 公里": 1000,
            "inch inches in": "0.0254", "ft foot feet": "0.3048", "yd yard yards": "0.9144",
            "mi mile miles": "1609.344",
        },
    ),
    **_named(
        "mass",
        {
            "μg microgram micrograms": "1/1000000000", "mg milligram milligrams 毫克": "1/1000000",
            "g gram grams 克": "1/1000",
            "kg kilogram kilograms 千克 公斤": 1, "t ton tons tonne tonnes 吨": 1000,
            "lb lbs pound pounds": "0.45359237", "oz ounce ounces": "0.028349523125",
        },
    ),
    **_named(
        "time",
        {
            "ms millisecond milliseconds": "1/1000", "ns nanosecond nanoseconds": "1/1000000000",
            "microsecond microseconds μs": "1/1000000", "s sec secs second seconds 秒": 1,
            "min mins minute minutes 分钟": 60, "h hr hrs hour hours 小时": 3600,
            "day days 天": 86400, "week weeks": 604800,
        },
    ),
    **_named("months", {"month months 个月": 1, "year years yr yrs 年 岁": 12}),
    **_named("dollars", {"dollar dollars buck bucks USD 美元": 1, "cent cents ¢": "1/100"}),
    **_named("euros", {"euro euros EUR 欧元": 1}),
    **_named("pounds sterling", {"GBP 英镑": 1}),
    **_named("yuan", {"yuan yen RMB 元": 1, "角": "1/10"}),
    **_named("rupees", {"rupee rupees Rs": 1}),
    **_named("degrees", {"degree degrees deg 度": 1}),
    **_named("radians", {"rad radian radians": 1}),
    **_named("celsius", {"celsius Celsius centigrade 摄氏度": 1}),
    **_named("fahrenheit", {"fahrenheit Fahrenheit": 1}),
    **_named("percent", {"percent percentage pct": 1}),
    **_named("current", {"A amp amps ampere amperes": 1, "mA": "1/1000"}),
    **_named("amount", {"mol mole moles": 1, "mmol": "1/1000"}),
    **_named("temperature", {"K kelvin kelvins": 1}),
    **_named("information", {"bit bits": 1, "byte bytes": 8}),
}  # fmt: skip


def _derived(factor: str | int, **powers: int) -> Unit:
    return Unit(Fraction(factor), {name: Fraction(power) for name, power in powers.items()})


UNITS |= {
    name: unit
    for names, unit in {
        "L l liter liters litre litres 升": _derived("1/1000", length=3),
        "mL ml milliliter milliliters cc 毫升": _derived("1/1000000", length=3),
        "平方米": _derived(1, length=2), "平方厘米": _derived("1/10000", length=2),
        "立方米": _derived(1, length=3), "立方厘米": _derived("1/1000000", length=3),
        "平方千米": _derived(1_000_000, length=2),
        "公顷 hectare hectares": _derived(10_000, length=2),
        "mph": _derived("0.44704", length=1, time=-1), "kph": _derived("5/18", length=1, time=-1),
        "Hz hertz": _derived(1, time=-1),
        "N newton newtons": _derived(1, mass=1, length=1, time=-2),
        "J joule joules": _derived(1, mass=1, length=2, time=-2),
        "erg ergs": _derived("1/10000000", mass=1, length=2, time=-2),
        "eV": _derived("1.602176634e-19", mass=1, length=2, time=-2),
        "keV": _derived("1.602176634e-16", mass=1, length=2, time=-2),
        "MeV": _derived("1.602176634e-13", mass=1, length=2, time=-2),
        "GeV": _derived("1.602176634e-10", mass=1, length=2, time=-2),
        "cal calorie calories": _derived("4.184", mass=1, length=2, time=-2),
        "kcal": _derived(4184, mass=1, length=2, time=-2),
        "kWh": _derived(3_600_000, mass=1, length=2, time=-2),
        "MJ": _derived(1_000_000, mass=1, length=2, time=-2),
        "dyn dyne dynes": _derived("1/100000", mass=1, length=1, time=-2),
        "kN": _derived(1000, mass=1, length=1, time=-2),
        "MW": _derived(1_000_000, mass=1, length=2, time=-3),
        "mW": _derived("1/1000", mass=1, length=2, time=-3),
        "hPa": _derived(100, mass=1, length=-1, time=-2),
        "MPa": _derived(1_000_000, mass=1, length=-1, time=-2),
        "GPa": _derived(1_000_000_000, mass=1, length=-1, time=-2),
        "bar": _derived(100_000, mass=1, length=-1, time=-2),
        "atm atmosphere atmospheres": _derived(101_325, mass=1, length=-1, time=-2),
        "kHz": _derived(1000, time=-1), "MHz": _derived(1_000_000, time=-1),
        "GHz": _derived(1_000_000_000, time=-1),
        "mV": _derived("1/1000", mass=1, length=2, time=-3, current=-1),
        "kV": _derived(1000, mass=1, length=2, time=-3, current=-1),
        "ohm ohms": _derived(1, mass=1, length=2, time=-3, current=-2),
        "kohm": _derived(1000, mass=1, length=2, time=-3, current=-2),
        "Mohm": _derived(1_000_000, mass=1, length=2, time=-3, current=-2),
        "mohm": _derived("1/1000", mass=1, length=2, time=-3, current=-2),
        "acre acres": _derived("4046.8564224", length=2),
        "gallon gallons gal": _derived("0.003785411784", length=3),
        "quart quarts": _derived("0.000946352946", length=3),
        "pint pints": _derived("0.000473176473", length=3),
        "cup cups": _derived("0.0002365882365", length=3),
        "kJ": _derived(1000, mass=1, length=2, time=-2),
        "W watt watts": _derived(1, mass=1, length=2, time=-3),
        "kW": _derived(1000, mass=1, length=2, time=-3),
        "Pa pascal pascals": _derived(1, mass=1, length=-1, time=-2),
        "kPa": _derived(1000, mass=1, length=-1, time=-2),
        "C coulomb coulombs": _derived(1, current=1, time=1),
        "V volt volts": _derived(1, mass=1, length=2, time=-3, current=-1),
        "F farad farads": _derived(1, mass=-1, length=-2, time=4, current=2),
        "H henry henries": _derived(1, mass=1, length=2, time=-2, current=-2),
        "T tesla teslas": _derived(1, mass=1, time=-2, current=-1),
        "Wb weber webers": _derived(1, mass=1, length=2, time=-2, current=-1),
        "gauss": _derived("1/10000", mass=1, time=-2, current=-1),
    }.items()
    for name in names.split()
}  # fmt: skip

PREFIXES = {
    "p": Fraction(1, 10**12), "n": Fraction(1, 10**9), "μ": Fraction(1, 10**6),
    "m": Fraction(1, 1000), "k": Fraction(1000), "M": Fraction(10**6), "G": Fraction(10**9),
}  # fmt: skip
PREFIXED = (
    "m",
    "g",
    "s",
    "L",
    "N",
    "J",
    "W",
    "Pa",
    "V",
    "A",
    "C",
    "F",
    "H",
    "T",
    "Wb",
    "ohm",
    "Hz",
    "eV",
    "mol",
)
PRODUCTS = frozenset({"kT", "nT", "pV"})  # of letters, in every textbook on gases


def _with_prefixes() -> Iterator[tuple[str, Unit]]:
    """Yield what a prefix and a unit make, where the tables don't have it: 5 μC is not 5 C."""
    for prefix, factor in PREFIXES.items():
        for name in PREFIXED:
            word, unit = prefix + name, UNITS[name]
            if word not in UNITS and word not in PRODUCTS:
                yield word, Unit(factor * unit.factor, unit.dimension)


UNITS |= dict(_with_prefixes())

POWER_WORDS = {"square": 2, "squared": 2, "sq": 2, "cubic": 3, "cubed": 3, "cu": 3, "平方": 2}
UNIT_WORDS = frozenset(UNITS) | frozenset(POWER_WORDS) | {"per"}


SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "万": 10**4, "亿": 10**8,
}  # fmt: skip


def product(parts: Iterable[tuple[str, Fraction]]) -> Unit | None:
    """Return the unit that words with powers make; None where none of them is a unit."""
    unit, known, carried = Unit(), False, 1
    for word, power in parts:
        if word in POWER_WORDS:
            carried = POWER_WORDS[word]
        elif word in UNITS:
            grown = unit.times(UNITS[word], power * carried)
            if grown is None:
                return None
            unit, known, carried = grown, True, 1
    return unit if known else None
