"""Turns a filled-in form into a sentence: "target: VCP, cell: K562, gene: DDIT3"."""

import re

_LABELS = {
    "perturbed": r"targets?|perturbed(?: genes?)?|pert|perturbation target|target genes?",
    "kind": r"perturbation(?: type| kind)?|kind|type|modality|edit|method",
    "line": r"cells?|cell[ _]?lines?|lines?",
    "readouts": r"readouts?(?: genes?)?|genes?|response(?: genes?)?|measured(?: genes?)?",
}
_LABEL = re.compile(
    "|".join(rf"(?P<{name}>\b(?:{words})\b)\s*[:=]" for name, words in _LABELS.items()), re.I
)
_QUOTES = re.compile(r"[{}\[\]\"']")


def as_sentence(text: str) -> str:
    """Return the sentence that a form of labels and values says; other text as it is.

    A form names what is perturbed and what is read out or where, and begins with a label.
    """
    plain = " ".join(_QUOTES.sub(" ", text).split())
    labels = list(_LABEL.finditer(plain))
    names = [one.lastgroup for one in labels]
    filled = len(set(names)) == len(names) and "perturbed" in names and len(names) > 1
    if not filled or labels[0].start() > 0:
        return text
    ends = [*(one.start() for one in labels[1:]), len(plain)]
    said = {
        one.lastgroup: plain[one.end() : end].strip(" ,;|.")
        for one, end in zip(labels, ends, strict=True)
    }
    where = f" in {said['line']}" if said.get("line") else ""
    asked = f": {said['readouts']}" if said.get("readouts") else ""
    return f"{said.get('kind') or 'loss'} of {said['perturbed']}{where}{asked}"
