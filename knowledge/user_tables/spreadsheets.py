"""What spreadsheets make of symbols: dates of several languages, days counted, powers of ten."""

import re
from datetime import date, timedelta

from knowledge.symbols import SymbolTable

# The months whose families of genes are read as dates, as spreadsheets of several languages
# write them, and what HGNC calls the families now or called them before.
_MONTHS = {
    "mar": 3, "march": 3, "mrz": 3, "mär": 3, "mrt": 3, "mars": 3, "märz": 3, "maart": 3,
    "sep": 9, "sept": 9, "september": 9, "set": 9, "dec": 12, "december": 12, "dez": 12, "dic": 12,
    "déc": 12, "oct": 10, "okt": 10, "ott": 10, "out": 10, "october": 10, "jan": 1, "ene": 1,
    "gen": 1, "janv": 1, "feb": 2, "fev": 2, "févr": 2, "apr": 4, "abr": 4, "avr": 4, "may": 5,
    "mai": 5, "mag": 5, "mei": 5, "jun": 6, "giu": 6, "juin": 6, "jul": 7, "lug": 7, "juil": 7,
    "aug": 8, "ago": 8, "août": 8, "nov": 11,
}  # fmt: skip
_FAMILIES = {
    3: ("MARCHF{}", "MTARC{}"),
    9: ("SEPTIN{}",),
    12: ("DELEC{}", "DEC{}"),
    10: ("OCT{}",),
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
# After the month no other language: `set 1` and `gen-2` are labels more often than dates.
_FIRST = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec|mrz|mär|okt|dez)"
_YEAR = r"(?:(?:19|20)?\d\d)"
_TIME = r"(?:[ T]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)?"
_DATE = re.compile(
    rf"(?P<day>\d{{1,2}})(?:[-/]|\.? ?)(?P<month>{_MONTH})\.?(?:[-/ ]{_YEAR})?"
    rf"|(?P<month2>{_FIRST})[a-z]*\.?[-/ ](?P<day2>\d{{1,2}})(?:[-/ ,]+{_YEAR})?"
    rf"|(?P<month4>{_FIRST})[a-z]*\.?[-/ ](?:19|20)\d\d"
    rf"|(?P<year>(?:19|20)\d\d)[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_TIME}"
    rf"|(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.]{_YEAR}{_TIME}",
    re.IGNORECASE,
)
_DAY_NULL, _SERIAL = date(1899, 12, 30), re.compile(r"\d{5}")
_SCIENTIFIC = re.compile(r"\d+([.,]\d+)?E[+]?\d+", re.IGNORECASE)


def is_scientific(word: str) -> bool:
    """Return whether a word is a number with a power of ten, as `2.31E+13`."""
    return bool(_SCIENTIFIC.fullmatch(word))


def excel_date(word: str, symbols: SymbolTable) -> str:
    """Return a clause if a word is a date that Excel made of a symbol; "" if it is none."""
    match = _DATE.fullmatch(word.strip())
    if match is None:
        return ""
    if month := match["month"] or match["month2"]:
        days = [(_MONTHS[_known(month)], int(match["day"] or match["day2"]))]
    elif match["year"]:
        days = [(int(match["m"]), int(match["d"]))]
    elif match["a"]:
        first, second = int(match["a"]), int(match["b"])
        days = list(dict.fromkeys([(second, first), (first, second)]))
    else:
        days = []
    real: dict[str, None] = {}
    guessed: list[str] = []
    for number, day in days:
        for form in _FAMILIES.get(number, ()):
            gene = symbols.ground(form.format(day), suggest=False).gene
            guessed.append(form.format(day))
            if gene is not None:
                real[gene.symbol] = None
    meant = list(real) or guessed[:1]
    guess = f": {' or '.join(meant)}?" if meant else ""
    return f"{word!r} is a date made by Excel{guess}"


def number_words(word: str, symbols: SymbolTable) -> str:
    """Return why a bare number is no gene; a spreadsheet keeps a date as a count of days."""
    whole = re.sub(r"\.0+$", "", word)
    if _SERIAL.fullmatch(whole):
        day = _DAY_NULL + timedelta(days=int(whole))
        if day.month in _FAMILIES:
            return excel_date(day.isoformat(), symbols).replace(day.isoformat(), word)
    return f"{word!r} is a number; write entrez:{whole} if it is a gene's id"


def _known(month: str) -> str:
    folded = month.casefold()
    return folded if folded in _MONTHS else folded[:3]
