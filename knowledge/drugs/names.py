"""How names of drugs are compared: without case, blanks, hyphens, salts and stereochemistry."""

import re

# What follows the name of a compound that is sold as a salt, ester, solvate or racemate.
_SALTS = (
    "hydrochloride dihydrochloride monohydrochloride hcl mesylate dimesylate mesilate phosphate "
    "diphosphate sulfate sulphate hemisulfate sodium disodium potassium calcium magnesium acetate "
    "citrate tartrate ditartrate bitartrate hemitartrate maleate dimaleate fumarate hemifumarate "
    "succinate tosylate tosilate ditosylate besylate besilate hydrobromide bromide chloride iodide "
    "nitrate lactate malate l-malate gluconate oxalate pamoate trifluoroacetate tfa olamine "
    "meglumine monohydrate dihydrate hydrate hemihydrate anhydrous solvate salt free base "
    "hydroxynaphthoate esylate edisylate isethionate napsylate camsylate monosodium trihydrate "
    "orotate mepesuccinate s-malate tromethamine"
)
_SALT = re.compile(rf"(?:[\s,]+\(?(?:{'|'.join(map(re.escape, _SALTS.split()))})\)?)+$")
_BRACKETS = re.compile(r"\s*\((?!\d*[rs]?\))[^()]*\)\s*$")
_STEREO = re.compile(
    r"^(?:\((?:[±+-]|\d*[rsez](?:,\d*[rsez])*)\)-?)+|^(?:rac|dl|d|l|cis|trans)-(?=[a-z]{4})"
)
_ELEMENT_NAMES = (
    "sodium potassium calcium magnesium zinc copper iron lithium cobalt hydrogen ammonium silver "
    "ferric ferrous manganese aluminium aluminum barium cadmium nickel gold"
)
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_GREEK = str.maketrans("αβγδ", "abgd")


def squashed(name: str) -> str:
    """Return a name for comparison: lower case, letters and digits alone."""
    return re.sub(r"[\W_]+", "", name.casefold().translate(_GREEK))


def plain_name(name: str) -> str:
    """Return a name in lower case without its salt, its brackets and its stereochemistry.

    `Imatinib mesylate` and `Imatinib (mesylate)` become `imatinib`; a name that is nothing but a
    salt, such as sodium chloride, stays as it is.
    """
    text = " ".join(name.casefold().replace("®", " ").replace("_", " ").split())
    for pattern in (_BRACKETS, _SALT, _STEREO):
        shorter = pattern.sub("", text).strip(" ,-")
        if len(squashed(shorter)) >= 3 and squashed(shorter) not in _ELEMENTS:
            text = shorter
    return text


def written(name: str) -> str:
    """Return a name as it is written in a sentence: codes such as JQ1 in capitals."""
    return name.upper() if _CODE.fullmatch(name) else name


_CODE = re.compile(r"[a-z]{1,4}-?\d[\w-]*|[a-z]{2,4}-\w{1,5}|[a-z]{1,4}")
