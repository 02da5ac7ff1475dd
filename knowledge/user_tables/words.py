"""The words of tables that are no genes: missing values, controls, and what hangs on a symbol."""

import re

MISSING = frozenset({
    "na", "n/a", "n.a.", "n.a", "nan", "#n/a", "#na", "<na>", "-nan", "null", "<null>", "none",
    "<none>", "(none)", "nil", "nd", "n.d.", ".", "-", "--", "---", "?", "\\n", "tbd", "void",
    "missing", "unknown", "undefined", "unmapped", "(blank)", "#name?", "#value!", "#ref!",
    "#num!", "#null!", "#div/0!", "not_available", "not_applicable", "not available",
    "not applicable", "not determined", "not_determined",
})  # fmt: skip
# What demultiplexing writes for cells with no guide, or with several.
UNASSIGNED = frozenset({
    "unassigned", "not_assigned", "not assigned", "doublet", "doublets", "multiplet", "multiplets",
    "multiple", "multi", "ambiguous", "no_call", "nocall", "unresolved", "filtered",
})  # fmt: skip
CONTROL = re.compile(
    r"""(
      ctrls? | ctl | controls? | neg(ative)?[ _-]*(ctrls?|controls?) | neg | negative
    | nt | ntc | nc | non[ _-]?target(ing|ed|s)? ([ _-]*(ctrls?|controls?|guides?|sgrnas?|grnas?))*
    | no[ _-]?(target|guide|grna|sgrna|perturbation)s?
    | nontargetingcontrolguideforhuman | nonsense | intergenic | scr | scrambled? | random
    | safe[ _-]?(targeting|target|harbou?r|guides?) ([ _-]*(ctrls?|controls?))* | aavs1 | rosa26
    | safe(?=[ _-]?\d) | luc2 | renilla | nt[ _-]?(ctrls?|controls?|guides?)
    | mock | un(treated|perturbed|infected|transduced|edited) | vehicle | dmso | pbs
    | wt | wild[ _-]?type | parental
    | luc(iferase)? | e?gfp | rfp | mcherry | lacz | empty([ _-]?vector)? | ev
    ) ([ _-]* (ctrls?|controls?))? ([ _-]*(sg|g|guide|grna)?[ _-]*\d+)*""",
    re.IGNORECASE | re.VERBOSE,
)
HARBOUR = re.compile(r"(aavs1|rosa26)([ _-]*(sg|g|guide|grna)?[ _-]*\d+)*", re.IGNORECASE)
# Approved symbols that in a table of perturbations mean the control; WT1 and its like are genes.
GENES_TOO = frozenset({"ctrl", "aavs1"})
# Words of ordinary tables that are a former symbol or an alias of some gene as well.
WORDS = frozenset({
    "all", "alt", "any", "bad", "bfp", "blast", "bulk", "cas9", "cell", "cells", "cfp", "clone",
    "con", "cre", "day", "del", "dead", "donor", "drug", "dup", "exp", "false", "flag", "gene",
    "guide", "ha", "het", "high", "his", "hit", "hom", "ifn", "input", "ins", "ko", "kd",
    "lane", "late", "lib", "library", "line", "lot", "low", "lps", "max", "mean", "min", "mix",
    "mut", "mutant", "name", "neo", "no", "null", "oe", "off", "old", "on", "other", "out",
    "output", "pair", "par", "pert", "plate", "pool", "pos", "puro", "ref", "rep", "rest",
    "safe", "sample", "sd", "se", "set", "si", "size", "spike", "state", "stim", "sum", "tag",
    "target", "test", "top", "total", "tox", "true", "type", "up", "v5", "var", "well", "wt",
    "x", "y", "yes", "young", "zero",
})  # fmt: skip
# `TP53_+_130.23-P1P2` names a strand and joins nothing.
SEPARATORS = re.compile(r"\s*(?:\+(?!_\d)|[|,;&])\s*")
# What joins two genes only if both parts are approved symbols.
JOINTS = re.compile(r"\s*(?:/|:|~|--|×|\band\b|\bx\b|\bplus\b)\s*|\s+")
SUFFIX = re.compile(
    r"(ko|kd|oe|ki|mut|mutant|mutated|null|del|deletion|crispr[aikn]?(ko)?|crispro?ff|crispri/?ko|"
    r"knock[-_]?(out|down|in)|over[-_]?expression|activation|repression|edited|targeting|"
    r"wt|het|hom|p\d(p\d)?|tss\d?|(sg|g|gd|guide|grna|sgrna|sh|shrna|si|sirna|rep|r|clone|c|t|ex|"
    r"exon|tss|v|copy|oligo|crrna|cr)?[-_.]?\d{1,4}|sg|guide|grna|sgrna|shrna|sirna|crrna|clone|"
    r"rep|all|gene|target|-/-|\+/-|-/\+)",
    re.IGNORECASE,
)
# Guides and knockdowns are written in lower case before the symbol: GAR is no guide of AR.
PREFIX = re.compile(
    r"(sg|si|sh|g|cr|Δ|∆)[_-]?(?=[A-Z])"
    r"|(?i:sg|si|sh|ko|kd|oe|crispr[ai]?(ko)?|[sgc]r?rna|sgrna|sirna|shrna|guide|target|gene|"
    r"human|hs|hg19|hg38|grch3[78])[ _:\-](?=[A-Za-z])"
)
# Words in a label that say more of its gene is made, not less.
ACTIVATION = re.compile(
    r"(?:^|[_\-. :(\[])(oe|crispra|over[-_]?expression|activation|cdna|orf)(?=$|[_\-. :)\]\d])",
    re.IGNORECASE,
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_QUOTES = "\"'`‘’“”"
_SPECIES = re.compile(r"\s*[\[(](homo sapiens|human)[\])]$", re.IGNORECASE)


def bare_word(word: str) -> str:
    """Return a label without blanks, quotation marks, invisible characters and its species."""
    bare = _INVISIBLE.sub("", word).strip().strip(_QUOTES).strip()
    return _SPECIES.sub("", bare)
