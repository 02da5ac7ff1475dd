"""What is written onto a gene to say what is done to it: "shGATA1", "dTAG-BRD4", "KEAP1KO"."""

import re

from agent.question.words import Cue

PREFIXED = re.compile(
    r"(si|sh|sg|Δ|dTAG|AID|dn|DN|ca|CA|OE|KO|KD|del)-?((?:[A-Z]|c-M)[A-Za-z0-9]*(?:-[A-Z0-9]+)*)"
)
SUFFIXED = re.compile(
    r"([A-Za-z][A-Za-z0-9-]*?[A-Z0-9])-?(KO|KD|OE|dTAG|AID|dKO|null|del)s?", re.ASCII
)

PREFIXES = {
    "si": Cue("knockdown", "verb", 3),
    "sh": Cue("knockdown", "verb", 3),
    "sg": Cue(None, "verb", 3),
    "Δ": Cue("knockout", "verb", 3),
    "del": Cue("knockout", "verb", 3),
    "dTAG": Cue("knockdown", "verb", 3, "degron"),
    "AID": Cue("knockdown", "verb", 3, "degron"),
    "dn": Cue("knockdown", "verb", 3, "dominant negative"),
    "DN": Cue("knockdown", "verb", 3, "dominant negative"),
    "ca": Cue("activation", "verb", 3, "constitutively active"),
    "CA": Cue("activation", "verb", 3, "constitutively active"),
    "OE": Cue("activation", "verb", 3, "overexpression"),
    "KO": Cue("knockout", "verb", 3),
    "KD": Cue("knockdown", "verb", 3),
}
SUFFIXES = {
    "KO": Cue("knockout", "noun", 3),
    "dKO": Cue("knockout", "noun", 3),
    "null": Cue("knockout", "mark", 3),
    "del": Cue("knockout", "noun", 3),
    "KD": Cue("knockdown", "noun", 3),
    "OE": Cue("activation", "noun", 3, "overexpression"),
    "dTAG": Cue("knockdown", "noun", 3, "degron"),
    "AID": Cue("knockdown", "noun", 3, "degron"),
}
