"""The words of questions, read from the folder `phrases`: data that a biologist can add to."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import RootModel

from knowledge.schema import Frozen, Intent, Manner, PerturbationKind, Seeks
from knowledge.strict_yaml import read_yaml

PHRASES = Path(__file__).parent / "phrases"

Form = Literal["verb", "noun", "participle", "mark", "split"]


@dataclass(frozen=True)
class Cue:
    """A word that says that a gene is perturbed; `phrases/cues.yaml` explains the fields."""

    kind: PerturbationKind | None
    form: Form
    strength: int
    manner: Manner = ""


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


class CueRow(Frozen):
    """A row of `cues.yaml`; `reads` is what its example must be read as."""

    pattern: str
    kind: PerturbationKind | None = None
    form: Form
    strength: Literal[1, 2, 3]
    manner: Manner = ""
    example: str = ""
    reads: str = ""


class Example(Frozen):
    """A question and what it must be read as."""

    text: str
    reads: str


class IntentRow(Frozen):
    """A kind of question with the patterns that tell it."""

    intent: Intent
    seeks: Seeks | None = None
    patterns: tuple[str, ...]
    examples: tuple[Example, ...]


class Refusal(Frozen):
    """A kind of question that cannot be answered, and why."""

    patterns: tuple[str, ...]
    says: str
    examples: tuple[str, ...]


class Family(Frozen):
    """Several genes under one name."""

    name: str
    aliases: tuple[str, ...] = ()
    members: tuple[str, ...]


class OtherLine(Frozen):
    """Lines that no screen of ours has; `phrases/lines.yaml` explains the fields."""

    names: tuple[str, ...]
    nearest: str = ""
    likeness: float = 0.0
    context: str = ""
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()


class Stimulus(Frozen):
    """What is done to the whole cell rather than to a gene.

    `genes` and `kind` are the changes that begin its cascade; none where the built-in pathways do
    not know it.
    """

    name: str
    pattern: str
    genes: tuple[str, ...] = ()
    kind: PerturbationKind = "activation"


class _Words(Frozen):
    auxiliaries: str
    beside: str
    ahead: str
    connectors: str
    conditions: str
    readout_verbs: str
    expression: str
    english: str
    abbreviations: str
    plain: str
    asking: str
    bearing: dict[Intent, str]
    processes: str


class _Names(Frozen):
    field_names: dict[str, str]
    several_meanings: dict[str, tuple[str, ...]]
    families: tuple[Family, ...]
    readout_sets: tuple[Family, ...]
    spelt_out: tuple[tuple[str, str], ...]
    greek: dict[str, str]
    controls: str


class _Lines(Frozen):
    lines: tuple[OtherLine, ...]
    like_genes: str


class _Treatments(Frozen):
    stimuli: tuple[Stimulus, ...]
    states: tuple[Stimulus, ...]


class _Intents(Frozen):
    fragments: dict[str, str]
    intents: tuple[IntentRow, ...]


class _Languages(RootModel[dict[str, str | dict[str, str]]]):
    pass


_WORDS = read_yaml(PHRASES / "words.yaml", _Words)
AUXILIARIES = words(_WORDS.auxiliaries)
BESIDE = words(_WORDS.beside)
AHEAD = words(_WORDS.ahead)
CONNECTORS = words(_WORDS.connectors)
CONDITIONS = words(_WORDS.conditions)
READOUT_VERBS = words(_WORDS.readout_verbs)
EXPRESSION = words(_WORDS.expression)
ASKS = words("does do did will would is are was were can could should why")
ENGLISH = words(_WORDS.english)
ABBREVIATIONS = words(_WORDS.abbreviations)
PLAIN = words(_WORDS.plain) | words(_WORDS.asking)
# The kinds of question that a word may stand in.
BEARING = {
    word: frozenset(kind for kind, listed in _WORDS.bearing.items() if word in listed.split())
    for listed in _WORDS.bearing.values()
    for word in listed.split()
}
PROCESSES = words(_WORDS.processes)
KNOWN = (
    AUXILIARIES | BESIDE | AHEAD | CONNECTORS | CONDITIONS | READOUT_VERBS | EXPRESSION | ENGLISH
    | ABBREVIATIONS | PLAIN
)  # fmt: skip

_ENDINGS = ("s", "es", "ed", "d", "ing", "ly", "er", "ers", "'s", "ment")


def inflected(word: str) -> bool:
    """Return whether a word is a form of a known one: "effects", "modulating", "briefly"."""
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 3:
            continue
        doubled = stem[:-1] if stem[-1] == stem[-2] else stem
        if {stem, f"{stem}e", doubled} & KNOWN or (ending == "es" and f"{stem[:-1]}y" in KNOWN):
            return True
    return False


CUE_ROWS = read_yaml(PHRASES / "cues.yaml", RootModel[tuple[CueRow, ...]]).root
CUE_PATTERNS = tuple(
    (
        re.compile(rf"(?:{row.pattern})(?![^\W_]|-[^\W\d_]{{4,}})", re.IGNORECASE),
        Cue(row.kind, row.form, row.strength, row.manner),
    )
    for row in CUE_ROWS
)
_CUE_STARTS = re.compile("|".join(rf"(?:{row.pattern})" for row in CUE_ROWS), re.IGNORECASE)
PARTICLES: dict[str, PerturbationKind] = {
    "out": "knockout",
    "off": "knockdown",
    "down": "knockdown",
    "on": "activation",
}

_NAMES = read_yaml(PHRASES / "names.yaml", _Names)
FIELD_NAMES = _NAMES.field_names
SEVERAL_MEANINGS = _NAMES.several_meanings
FAMILIES = _NAMES.families
FAMILY_WORDS = frozenset(
    word.lower() for row in FAMILIES for name in (row.name, *row.aliases) for word in name.split()
)
READOUT_SETS = _NAMES.readout_sets
SPELT_OUT = tuple((re.compile(old, re.IGNORECASE), new) for old, new in _NAMES.spelt_out)
GREEK_WORDS = _NAMES.greek
CONTROLS = words(_NAMES.controls)

_LINES = read_yaml(PHRASES / "lines.yaml", _Lines)
OTHER_LINES = {name: line for line in _LINES.lines for name in line.names}
LINES_LIKE_GENES = words(_LINES.like_genes)

_TREATMENTS = read_yaml(PHRASES / "treatments.yaml", _Treatments)
STIMULI = _TREATMENTS.stimuli
STATES = tuple(
    (one, re.compile(rf"\b(?:{one.pattern})\b", re.IGNORECASE)) for one in _TREATMENTS.states
)

LANGUAGES = read_yaml(PHRASES / "languages.yaml", _Languages).root
INTENTS = read_yaml(PHRASES / "intents.yaml", _Intents)
REFUSALS = read_yaml(PHRASES / "refusals.yaml", RootModel[tuple[Refusal, ...]]).root


@cache
def skeleton_pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern of `intents.yaml` or `refusals.yaml` with its fragments put in."""
    while found := re.search(r"\{([a-z]+)\}", pattern):
        pattern = pattern.replace(found[0], INTENTS.fragments[found[1]])
    return re.compile(pattern, re.IGNORECASE)


def cue_at(text: str, at: int) -> tuple[re.Match[str], Cue] | None:
    """Return the perturbation word that begins at this place of a text, if one does."""
    if not _CUE_STARTS.match(text, at):
        return None
    for pattern, cue in CUE_PATTERNS:
        if match := pattern.match(text, at):
            return match, cue
    return None


# Words that close a compound: "HSPA5-depleted" is two words, "beta-catenin" is one.
COMPOUND = re.compile(
    r"(?<=[^\W_])(?<!\bnon)(?<!\bsafe)-(?=(?:null|deficient|depleted|deleted|lacking|silenced|less|mutant|ko|kd|oe|dko|"
    r"knock-?outs?|knock-?downs?|loss|deletion|depletion|silencing|overexpress\w*|activat\w*|"
    r"dependent|independent|mediated|induced|driven|regulated|responsive|target\w*|specific|"
    r"positive|negative|high|low|wild|wt|cells?|treated|stimulated|inhibit\w*|degron|positive|"
    r"haploinsufficien\w+|treatment|stimulation)\b)",
    re.IGNORECASE,
)
# "X regulates Y" asks what losing X does to Y; so does "Y is controlled by X".
BY_WORDS = re.compile(
    r"\b(?:\w+(?:ed|en)\s+by|targets?\s+of|downstream\s+of|depend(?:s|ent|ing)?\s+(?:up)?on|"
    r"because\s+of|under\s+(?:the\s+)?control\s+of|(?:connected|linked|related|due|owing)\s+to|requires?|needs?|role\s+of|function\s+of|effects?\s+of|impact\s+of|"
    r"consequences?\s+of|influence\s+of)\s+(?:the\s+)?(?:gene\s+)?$",
    re.IGNORECASE,
)

ASKS_WHY = re.compile(
    r"\bwhy\b|\bhow come\b|\bmechanis|\bexplain|"
    r"\bhow (?:do|does|is|are|did|would|can)\b(?!.*\b(?:change|respond|react|behave|look))",
    re.I,
)
ASKS_PHENOTYPE = re.compile(
    r"\b(?:pheno(?:type|typic)\w*|diseases?|symptoms?|abnormalit(?:y|ies)|malformations?)\b", re.I
)
ASKS_WHICH = re.compile(
    r"\b(?:(?:which|list|name|all|top|"
    r"what(?! (?:about|happens?|would|will|does|do|is|effects?)\b))\s+"
    r"(?:[\w-]+\s+){0,5}?"
    r"(?:genes?|transcripts?|targets?|readouts?|mrnas?)|differential\w*|degs?|"
    r"transcriptom\w*|expression\s+(?:profile|changes|signature))\b",
    re.I,
)
ASKS_HOW_MANY = re.compile(r"\b(?:how many|number of) (?:genes?|transcripts?|mrnas?|degs?)\b", re.I)
NUMBER_WORDS = dict(
    zip(
        [
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "twelve",
            "fifteen",
            "twenty",
            "thirty",
            "fifty",
            "hundred",
        ],
        (5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50, 100),
        strict=True,
    )
)
_COUNT = rf"\d{{1,3}}|{'|'.join(NUMBER_WORDS)}"
ASKS_TOP = re.compile(
    rf"\btop[ -]?(\d{{1,4}}|{'|'.join(NUMBER_WORDS)})\b|\b({_COUNT}) "
    r"(?!h\b|hours?|days?|hrs?)(?:[\w-]+ ){0,3}?"
    r"(?:genes|transcripts|mrnas)\b",
    re.I,
)
_RISING = (
    r"(?:up(?:-?regulated)?|rise|rises|rising|increase[sd]?|increasing|induced|raised|raises|raise"
    r"|elevated|activated|higher|climb)"
)
_FALLING = (
    r"(?:down(?:-?regulated)?|fall|falls|falling|drop|drops|decrease[sd]?|decreasing|repressed|"
    r"lowered|lowers|lower|reduced|silenced|lost|decline)"
)
_OF_GENES = (
    r"\b(?:genes?|transcripts?|targets?|mrnas?|which|what|ones|degs?)\b"
    r"(?:\s+(?!if|when|about|would|will|does|do|to|by|after)[\w-]+){0,4}?\s+"
)
ASKS_UP = re.compile(
    rf"{_OF_GENES}{_RISING}\b|"
    r"\b(?:up-?regulated|induced|rising|top (?:\d+ )?up)\s+(?:genes|transcripts)|"
    r"\btop[ -]?\d* up\b",
    re.I,
)
ASKS_DOWN = re.compile(
    rf"{_OF_GENES}{_FALLING}\b|\b(?:down-?regulated|repressed|falling)\s+(?:genes|transcripts)|"
    r"\btop[ -]?\d* down\b",
    re.I,
)
ASKS_DIRECTION = re.compile(
    r"\b(?:up|down|increase[sd]?|decrease[sd]?|rises?|rising|falls?|drops?|induced?|higher|lowers?|"
    r"raise[sd]?|raising|elevated?|reduced?|reduces|(?:up|down|de)-?(?:regulate[sd]?|repressed)|"
    r"repress(?:es|ed)?|direction|activate[sd]?|silenced?)\b",
    re.I,
)
PHENOTYPES = {
    "cell death": r"\b(?:cell death|die|dies|dying|undergo apoptosis)\b",
    "proliferation": r"\b(?:proliferat\w+|grow|grows|growth|fitness)\b",
    "viability": r"\b(?:viab\w+|surviv\w+|essential(?:ity)?|lethal\w*)\b",
    "cell cycle arrest": r"\barrest\w*\b",
    "differentiation": r"\b(?:differentiat(?:e|es|ion)|maturation)\b",
    "senescence": r"\bsenescen\w+\b",
}
NOT_A_GENE = re.compile(
    r"\d+(?:[.,]\d+)?(?:st|nd|rd|th|h|hr|hrs|d|x|%|kb|bp|nm|mm|um|μm|mg|ml|μl|k|m|fold)?|"
    r"h[234]k\d+(?:me\d?|ac|ub)?|day-?\d+|d\d{1,2}|log2\w*|log10|covid-?19|sars-cov-?2|grch3[78]|"
    r"hg(?:19|38)|step-?\d|fig\w*\d",
    re.IGNORECASE,
)
CELL_TYPES = re.compile(
    r"\b(?:(?:t|b|nk|stem|es|ips|cho|immune|endothelial|mast|kidney|lung|breast|liver|hela|primary|"
    r"neuronal|muscle|beta|epithelial)[ -]cells?|"
    r"neurons?|hepatocytes?|fibroblasts?|macrophages?|monocytes?|keratinocytes?|cardiomyocytes?|"
    r"myoblasts?|adipocytes?|astrocytes?|microglia|organoids?|thymocytes?|lymphocytes?|"
    r"erythroblasts?|platelets?|neutrophils?|mouse|mice|murine|rats?|zebrafish|yeast|drosophila|"
    r"flies|worms|c\. elegans|arabidopsis|e\. coli|bacteria)\b",
    re.IGNORECASE,
)
# Whose phenotypes are known and predicted; elsewhere they are no cell line that we know.
ORGANISMS = re.compile(r"mouse|mice|murine", re.IGNORECASE)

DRUG_SUFFIX = re.compile(
    r"\w{3,}(?:tinib|[aeiou]fenib|metinib|lisib|zomib|ciclib|parib|clax|limus|mycin|rubicin|platin|"
    r"taxel|vastatin|inostat|zumab|ximab|tuximab|numab|lumab|degib|glitazone|gliptin|sartan|profen|"
    r"cillin|cycline|azole|tecan|poside|stat|oxacin)s?",
    re.IGNORECASE,
)
# Guides and siRNAs are what perturbs, so "treated with siRNA against SCAP" is a knockdown.
TREATMENT = re.compile(
    r"\b(?:treat(?:ed|ing|ment)?s?\s+(?:\w+\s+){0,2}?(?:with|by)\s+(?!(?:an?\s+|the\s+)?(?:\w+\s+)?"
    r"(?:(?:si|sh|sg|g)rnas?|guides?|crispr\w*|asos?)\b)|"
    r"small[ -]molecules?|compounds?|(?<!^)dosed?|doses|dosage|chemotherap\w+|"
    r"\d\s?(?:[μun]m|mg|ng/ml)\b|(?:drug|chemical)\s+(?:treat\w*|screen|perturb\w*))",
    re.IGNORECASE,
)
DRUG_WORDS = re.compile(
    r"\b(?:drugs?|inhibitors?|antagonists?|agonists?|degraders?|protacs?)\b", re.IGNORECASE
)
