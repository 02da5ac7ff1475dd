"""What to cite for an answer: the papers of its models, sources and measurements, as BibTeX."""

import re
import unicodedata
from collections.abc import Iterator
from importlib.metadata import version

from app.commands.sources import Paper, papers
from knowledge.schema import Answer, Evidence, Frozen

# "Name et al. Title. Journal 2023", and what may stand in brackets behind it.
_CITE = re.compile(
    r"(?P<author>.+?)(?P<others> et al)?\. (?P<title>.+)\. (?P<journal>[^.]+?) (?P<year>\d{4})"
    r"(?: \((?P<note>.+)\))?"
)
_PMID = re.compile(r"PMID:\s?(\d{1,9})")
_WORD = re.compile(r"[^a-z0-9]+")
# What evidence calls a source, where the registry has another name for it.
_CALLED = {"geneontology": "gobasic", "go": "gobasic", "ncbi": "geneinfo", "refseq": "genesummary"}
_SPECIAL = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}"}


class Reference(Frozen):
    """A paper to cite; `used_for` says what of the answer rests on it."""

    key: str
    cite: str
    used_for: tuple[str, ...]
    bibtex: str


def cited_papers(answer: Answer) -> tuple[Reference, ...]:
    """Return the papers that an answer rests on, each with what rests on it."""
    found = []
    for paper in papers():
        uses = tuple(dict.fromkeys(_uses(paper, answer)))
        if uses:
            found.append(_reference(paper, uses))
    return tuple(found)


def pmids(answer: Answer) -> tuple[str, ...]:
    """Return the PubMed ids that the evidence of an answer names, each once."""
    texts = (f"{fact.reference} {fact.source}" for fact in answer.evidence)
    return tuple(dict.fromkeys(one for text in texts for one in _PMID.findall(text)))


def bibtex(answer: Answer) -> str:
    """Return everything to cite as one BibTeX file: Knockwise, the papers, and PubMed ids."""
    entries = [
        _entry(
            "software",
            "knockwise",
            {
                "title": "Knockwise: what happens in a human cell when a gene is knocked out",
                "author": "{The Knockwise authors}",
                "version": version("knockwise"),
                "note": f"knowledge {answer.versions.knowledge}",
            },
        ),
        *(one.bibtex for one in cited_papers(answer)),
        *(
            _entry(
                "misc",
                f"pmid{number}",
                {
                    "title": f"PubMed {number}",
                    "url": f"https://pubmed.ncbi.nlm.nih.gov/{number}/",
                    "note": f"PMID: {number}",
                },
            )
            for number in pmids(answer)
        ),
    ]
    return "\n".join(entries)


def _uses(paper: Paper, answer: Answer) -> Iterator[str]:
    for model in answer.versions.models:
        if model in paper.models:
            yield f"the {model} model"
    models = {word for fact in answer.evidence for word in fact.source.split()[:1]}
    for model in paper.models:
        if model in models:
            yield f"the {model} model"
    for fact in answer.evidence:
        if _describes(paper, fact):
            yield fact.source


def _describes(paper: Paper, fact: Evidence) -> bool:
    """Return whether a paper describes the source of a fact: it is named, by name or by paper."""
    if fact.kind == "model" or fact.source.startswith("starter"):
        return False
    parsed = _CITE.fullmatch(paper.cite)
    if parsed and f"{parsed['author'].split()[-1]} {parsed['year']}" in fact.source:
        return True
    if parsed and parsed["note"] and parsed["note"] in fact.source:
        return True
    said = _plain(fact.source)
    said = _CALLED.get(said, said)
    names = (_plain(name.removesuffix("*")) for name in paper.sources)
    return any(said == name or (len(name) > 3 and said.startswith(name)) for name in names)


def _reference(paper: Paper, uses: tuple[str, ...]) -> Reference:
    parsed = _CITE.fullmatch(paper.cite)
    if parsed is None:
        key = _plain(paper.cite)[:24]
        return Reference(
            key=key,
            cite=paper.cite,
            used_for=uses,
            bibtex=_entry("misc", key, {"title": paper.cite}),
        )
    author = parsed["author"]
    key = f"{_plain(author.split()[-1] if parsed['others'] else author)}{parsed['year']}"
    fields = {
        "author": f"{author} and others" if parsed["others"] else f"{{{author}}}",
        "title": parsed["title"],
        "journal": parsed["journal"],
        "year": parsed["year"],
    }
    if parsed["note"]:
        fields["note"] = parsed["note"]
    return Reference(key=key, cite=paper.cite, used_for=uses, bibtex=_entry("article", key, fields))


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{_escaped(value)}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}", ""])


def _escaped(text: str) -> str:
    """Escape what BibTeX obeys; a group in braces stays one."""
    if text.startswith("{") and text.endswith("}"):
        return f"{{{_escaped(text[1:-1])}}}"
    return "".join(_SPECIAL.get(char, char) for char in text)


def _plain(text: str) -> str:
    """Return a name as a key: lower case, without accents and signs."""
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _WORD.sub("", bare.lower())
