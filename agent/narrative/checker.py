"""Says whether a sentence follows from the facts that it cites.

It reads what can be read without understanding: genes, directions, what acts on what, numbers and
the cell line. A sentence that says more than its facts in any of these is refused, with the reason;
one whose grammar hides a claim is refused sooner than believed.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from agent.narrative.facts import NUMBER, Fact

LONGEST = 320
_WORD = re.compile(r"[A-Za-z][\w-]*")
_CLAUSE = re.compile(
    r"[;,:.()]|\b(?:and|but|so|which|that|while|because|therefore|thereby|then|when)\b"
)
_TRANSITIVE = {
    1: r"raises?|raised by|increases?|induces?|activates?|upregulates?|boosts?|elevates?|relieves?",
    -1: r"lowers?|reduces?|decreases?|inhibits?|represses?|suppresses?|downregulates?|silences?|"
    r"blocks?|removes?|depletes?|takes? away|knocking out|knocking down|loss of|losing",
}
_INTRANSITIVE = {
    1: r"rises?|rising|goes up|go up|went up|is up|are up|up|higher|increased|elevated|induced|"
    r"activated|upregulated|raised|relieved",
    -1: r"falls?|falling|drops?|goes down|go down|went down|is down|are down|down|lower|decreased|"
    r"reduced|inhibited|repressed|downregulated|lowered|lost|depleted|silenced",
}
_NEGATED = re.compile(r"\b(?:not|no|never|without|unchanged|neither|nor|cannot|n't)\b|n't\b", re.I)
_WAYS = {1: "up", -1: "down"}
_DIRECTED = tuple(
    (sign, kind, re.compile(rf"\b(?:{words})\b", re.IGNORECASE))
    for kind, table in (("acts", _TRANSITIVE), ("goes", _INTRANSITIVE))
    for sign, words in table.items()
)
_ACTS = {
    1: re.compile(r"\b(?:activates?|induces?|raises?|increases?)\b", re.I),
    -1: re.compile(r"\b(?:inhibits?|represses?|lowers?|reduces?|suppresses?)\b", re.I),
}


def refused(
    text: str,
    cited: Sequence[Fact],
    lines: Collection[str],
    line: str,
    is_gene: Callable[[str], bool],
    *,
    hypothetical: bool = False,
) -> str:
    """Return why a sentence does not follow from what it cites, nothing where it does.

    Args:
        text: The sentence.
        cited: The facts that it cites.
        lines: Names of cell lines.
        line: The one that was asked about.
        is_gene: Whether a word is the symbol of a gene.
        hypothetical: Whether it says what would be seen or tried, not what is: then directions are
            left to the reader, and genes, numbers and the line are checked.
    """
    if not cited:
        return "it cites no fact"
    if len(text) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    nodes = frozenset(node for fact in cited for node in fact.nodes)
    for word in _WORD.findall(text):
        if word in lines and word != line:
            return f"{word} is not the cell line that was asked about"
        foreign = word not in nodes and word != line and _symbol(word) and is_gene(word)
        if foreign and not any(word in _WORD.findall(fact.text) for fact in cited):
            return f"{word} is in none of the facts cited"
    if number := _foreign_number(text, cited):
        return f"the number {number} is in none of the facts cited"
    return "" if hypothetical else _wrong_way(text, cited, nodes)


def _symbol(word: str) -> bool:
    return len(word) > 1 and word[0].isupper() and word.upper() == word


def _foreign_number(text: str, cited: Sequence[Fact]) -> str:
    known = [float(number) for fact in cited for number in fact.numbers]
    for number in map(str, NUMBER.findall(text)):
        digits = len(number.partition(".")[2])
        share = "%" in text[text.index(number) :][: len(number) + 2]
        said = float(number) / 100 if share else float(number)
        places = digits + 2 if share else digits
        if not any(abs(round(one, places) - said) < 0.5 * 10**-places for one in known):
            return number
    return ""


def _wrong_way(text: str, cited: Sequence[Fact], nodes: frozenset[str]) -> str:
    ways = {way for fact in cited for way in fact.ways}
    still = {gene for fact in cited for gene in fact.still}
    relations = {one for fact in cited for one in fact.relations}
    for clause in _clauses(text):
        negated = _NEGATED.search(clause)
        for node, said, acting in _said(clause, nodes):
            if negated:
                if node in still and (node, _WAYS[said]) not in ways:
                    continue
                return f"that {node} does not go {_WAYS[said]} is in none of the facts cited"
            if acting and (acting, said, node) in relations:
                continue
            if acting and (acting, -said, node) in relations and _names_relation(clause, said):
                return f"the facts say the opposite of what {acting} does to {node}"
            if (node, _WAYS[said]) not in ways:
                return f"that {node} goes {_WAYS[said]} is in none of the facts cited"
    return ""


def _names_relation(clause: str, sign: int) -> bool:
    return bool(_ACTS[sign].search(clause))


def _clauses(text: str) -> list[str]:
    return _CLAUSE.split(text)


def _said(clause: str, nodes: frozenset[str]) -> Iterator[tuple[str, int, str]]:
    """Iterate over what a clause says goes which way, and by what, as far as that can be read."""
    places = _places(clause, nodes)
    taken: set[int] = set()
    for sign, kind, pattern in _DIRECTED:
        for match in pattern.finditer(clause):
            if any(place <= match.start() < end for place, end, _ in places):
                continue
            if match.start() in taken:
                continue
            taken.update(range(match.start(), match.end()))
            before = [node for _, end, node in places if end <= match.start()]
            after = [node for place, _, node in places if place >= match.end()]
            if kind == "acts":
                if after:
                    yield after[0], sign, before[-1] if before else ""
            elif before or after:
                yield before[-1] if before else after[0], sign, ""


def _places(clause: str, nodes: frozenset[str]) -> list[tuple[int, int, str]]:
    """Return where nodes are named; of names within names the longest."""
    found: list[tuple[int, int, str]] = []
    for node in sorted(nodes, key=len, reverse=True):
        for match in re.finditer(rf"(?<![\w-]){re.escape(node)}(?![\w-])", clause):
            if not any(start < match.end() and match.start() < end for start, end, _ in found):
                found.append((match.start(), match.end(), node))
    return sorted(found)
