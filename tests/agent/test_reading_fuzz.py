"""Composed questions, templates x genes x kinds x lines, are read back exactly as composed."""

import random

import pytest

from agent.question.reading import parse_question
from agent.question.telling import short
from knowledge.base import load_knowledge
from knowledge.errors import QuestionError

_GENES = """
HSPA5 DDIT3 ATF4 KEAP1 NFE2L2 NQO1 MDM2 TP53 CDKN1A VHL CA9 SCAP LDLR GATA1 KLF1 HBG1 BCL11A
PSMB5 HSPA1A TSC2 FASN MYC NPM1 EZH2 STAT3 SOCS3 YAP1 CCN2 LATS1 NF2 FLCN GPNMB TFEB CTSD XBP1
DNAJB9 RELA NFKBIA JAK1 HNF4A ALB APOB AARS1 ASNS TRIB3 RB1 MCM2 SF3B1 EIF2B1 BRD4 SMAD4
SERPINE1 ATM CHEK1 TFRC FTH1 FBXL5 IREB2 HMGCR SQLE POLR2A RPL5 RPL11 HLA-A C9orf72 MT-ND1
NKX2-1 H2AX
"""
GENES = _GENES.split()
LINES = ("K562", "RPE1", "HepG2", "Jurkat")
PERTURBED = {
    "knockout": [
        "{} knockout",
        "knockout of {}",
        "{} KO",
        "loss of {} by CRISPR knockout",
        "deletion of {}",
    ],
    "knockdown": [
        "{} knockdown",
        "knockdown of {}",
        "siRNA against {}",
        "CRISPRi of {}",
        "{} depletion",
    ],
    "activation": [
        "{} overexpression",
        "CRISPRa of {}",
        "overexpression of {}",
        "ectopic expression of {}",
    ],
}
DONE = {"knockout": "knocked out", "knockdown": "knocked down", "activation": "overexpressed"}
DO = {"knockout": "Knock out", "knockdown": "Knock down", "activation": "Overexpress"}
NOUN = {"knockout": "knockouts", "knockdown": "knockdowns"}


def listed(genes, rng):
    if len(genes) == 1:
        return genes[0]
    return (
        rng.choice([" and ".join, " + ".join, "/".join, ", ".join])(genes)
        if len(genes) == 2
        else (f"{', '.join(genes[:-1])} and {genes[-1]}")
    )


def compose(rng):
    """Return a question and the line that it must be read as."""
    n = rng.choice([1, 1, 1, 2, 3])
    m = rng.choice([0, 1, 1, 2, 3])
    chosen = rng.sample(GENES, n + m + 1)
    perturbed, readouts, other = chosen[:n], chosen[n : n + m], chosen[-1]
    kind, line = rng.choice(list(PERTURBED)), rng.choice(LINES)
    who, what = listed(perturbed, rng), listed(readouts, rng) if readouts else ""
    done = rng.choice(PERTURBED[kind]).format(who)
    one = f"{'+'.join(perturbed)} {kind} {line}"
    after = f": {' '.join(readouts)}" if readouts else ""
    shape = rng.randrange(14)
    are = "is" if n == 1 else "are"
    if shape == 0:
        return f"{DO[kind]} {who} in {line}" + (
            f": what happens to {what}?" if what else ""
        ), one + after
    if shape == 1 and what:
        return f"{what} after {done} in {line}", one + after
    if shape == 2 and what:
        return f"What happens to {what} when {who} {are} {DONE[kind]} in {line}?", one + after
    if shape == 3 and what:
        return f"What does {done} do to {what} in {line}?", one + after
    if shape == 4 and what:
        return f"{done} in {line} - {'does' if m == 1 else 'do'} {what} go up?", one + after
    if shape == 5:
        return f"which genes change upon {done} in {line} cells?", one
    if shape == 6 and m == 1:
        return f"why does {what} rise if {who} {are} {DONE[kind]} in {line}?", f"why {one}{after}"
    if shape == 7 and kind in NOUN and m:
        verb, way = rng.choice([("raise", "raising"), ("lower", "lowering")])
        text = f"Which {NOUN[kind]} {verb} {what} in {line}?"
        return text, f"reverse {way} {' '.join(readouts)} {kind}, in {line}"
    if shape == 8 and n > 1:
        sides = " | ".join(f"{gene} {kind} {line}" for gene in perturbed)
        about = f" on {what}" if what else ""
        text = f"Compare {' and '.join(perturbed) if n == 2 else who} {kind} in {line}"
        if kind == "activation":
            text = text.replace("activation", "overexpression")
        return text + (f": {what}" if about else ""), f"compare {sides}{after}"
    if shape == 9 and n == 1 and kind in NOUN and other != "TP53":
        text = f"{other}-null {line}, {who} {kind}" + (f": {what}?" if what else "")
        return text, f"{one} without {other}{after}"
    if shape == 10 and n == 1 and kind == "knockout":
        return f"Is {who} essential in {line}?", f"essentiality {one}"
    if shape == 11 and n == 2 and kind in NOUN:
        text = f"Do {' and '.join(perturbed)} {kind} interact" + (f" for {what}" if what else "")
        return f"{text} in {line}?", f"epistasis {one}{after}"
    if shape == 12 and m == 1 and n == 1 and kind == "knockout":
        return f"Does {who} regulate {what} in {line}?", f"why {one}{after}"
    if shape == 13 and n == 1 and kind in NOUN:
        return (
            f"which perturbations look like {who} {kind} in {line}?",
            f"reverse like {who} {kind}, in {line}",
        )
    return f"{line}, {done}" + (f": {what}?" if what else ""), one + after


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory):
    from models.response import ResponseModel

    return load_knowledge(tmp_path_factory.mktemp("none"), ResponseModel.load().genes())


def check(knowledge, seed, count):
    rng = random.Random(seed)
    wrong = []
    for _ in range(count):
        text, reads = compose(rng)
        try:
            found = short(parse_question(text, knowledge))
        except QuestionError as error:
            found = f"refused: {error}"
        if found != reads:
            wrong.append(f"{text} -> {found}, not {reads}")
    assert not wrong, "\n".join([f"{len(wrong)} of {count} were misread:", *wrong[:20]])


def test_composed_questions_are_read_back_as_composed(knowledge):
    check(knowledge, seed=1, count=600)


@pytest.mark.slow
def test_thousands_of_composed_questions_are_read_back_as_composed(knowledge):
    check(knowledge, seed=2, count=5_000)
