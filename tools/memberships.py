"""Which pathways, complexes and GO terms a gene belongs to, and which genes those hold."""

from collections import Counter
from collections.abc import Collection, Iterable
from math import log
from typing import Literal

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.gene_sets import GeneSet
from knowledge.ontology import GeneOntology
from knowledge.schema import Evidence, Frozen
from tools.base import Tool, ToolError, ToolOutput
from tools.evidence import cited_lines, text_evidence
from tools.genes import grounded

SetKind = Literal["pathway", "complex", "process"]
# Larger sets say next to nothing about one member; smaller ones say what few other genes do, except
# for a complex, which may well be a pair.
LARGEST_SET = 300
SMALLEST_SET = 5
_SMALLEST: dict[SetKind, int] = {"complex": 2}
# Two sets that share this much of their union are one set under two names.
SAME_SET = 0.6
# As many genes as the human genome codes for; a set of them all would carry no information.
GENOME = 20_000
LISTED_MEMBERS = 60
PLACES = "cellular_component"
COMPLEX = "GO:0032991"  # protein-containing complex
_LANES = ("starter", "pathway", "complex", "process")


class MembershipsArgs(Frozen):
    """List the pathways, complexes and GO terms that say most about a gene, the best first.

    Name further genes to see first what they share with it.
    """

    gene: str = Field(description="For example HSPA5", max_length=60)
    together_with: list[str] | None = Field(
        default=None,
        description="Other genes; sets that hold them too come first. Null for none",
        max_length=10,
    )
    kind: SetKind | None = Field(
        default=None, description="Only sets of this kind (GO terms are processes); null for any"
    )
    k: int = Field(default=8, ge=1, le=20, description="How many sets, at most 20")


class SetMembersArgs(Frozen):
    """List the genes of a pathway, complex or GO term."""

    set_id: str = Field(
        description="Its id as the memberships tool gives it, for example GO:0006986",
        max_length=200,
    )


def membership_facts(
    knowledge: Knowledge,
    symbol: str,
    k: int,
    *,
    together_with: Collection[str] = (),
    kind: SetKind | None = None,
) -> list[Evidence]:
    """Return the `k` memberships of a gene that say most about it.

    Sets that hold more of `together_with` come first; then starter programmes, pathways, complexes
    and GO terms take turns, each kind with its most telling set first. Of sets that are the same
    under another name one is left.
    """
    others = frozenset(together_with) - {symbol}
    chosen: list[GeneSet] = []
    for one in _in_turn(_telling(knowledge, symbol, kind), others):
        if len(chosen) == k:
            break
        if not any(_same(one, other) for other in chosen):
            chosen.append(one)
    return [_evidence(one, symbol) for one in chosen]


def programme_facts(
    knowledge: Knowledge, genes: Collection[str], k: int, *, of: Collection[str]
) -> list[Evidence]:
    """Return what the starter pack says about the programmes that hold most of `genes`.

    Only programmes with a gene of `of` count; of two that hold as many, the smaller comes first.
    """
    wanted, needed = frozenset(genes), frozenset(of)
    found = [one for one in knowledge.programmes if needed.intersection(one.genes)]
    found.sort(key=lambda one: (-len(wanted.intersection(one.genes)), len(one.genes), one.id))
    return [
        text_evidence(
            f"programme:{one.id}",
            f"{one.name}: {one.summary}",
            "starter",
            reference=f"starter:{one.id}",
        )
        for one in found[:k]
    ]


def memberships_tool(knowledge: Knowledge) -> Tool[MembershipsArgs]:
    """Build the `memberships` tool over gene sets and ontology."""

    def run(args: MembershipsArgs) -> ToolOutput:
        symbol = grounded(knowledge, args.gene).symbol
        others = [grounded(knowledge, word).symbol for word in args.together_with or ()]
        facts = membership_facts(knowledge, symbol, args.k, together_with=others, kind=args.kind)
        if not facts:
            return ToolOutput(text=f"No set of this kind is known to hold {symbol}.")
        return ToolOutput(text=cited_lines(facts), evidence=tuple(facts))

    return Tool("memberships", MembershipsArgs, run)


def set_members_tool(knowledge: Knowledge) -> Tool[SetMembersArgs]:
    """Build the `set_members` tool over gene sets and ontology."""

    def run(args: SetMembersArgs) -> ToolOutput:
        one = _set(knowledge, args.set_id.strip().removeprefix("set:"))
        more = len(one.members) - LISTED_MEMBERS
        tail = f" and {more} more" if more > 0 else ""
        listed = ", ".join(one.members[:LISTED_MEMBERS])
        text = f"{one.name} ({one.kind}, {one.source}), {len(one.members)} genes: {listed}{tail}"
        return ToolOutput(text=text)

    return Tool("set_members", SetMembersArgs, run)


def _sets_of(knowledge: Knowledge, symbol: str) -> list[GeneSet]:
    sets = list(knowledge.gene_sets.containing(symbol))
    ontology = knowledge.ontology
    if ontology is not None:
        # A place in the cell is no set of genes that act together; a complex is.
        sets += [
            _term_set(ontology, term)
            for term in ontology.annotations(symbol)
            if ontology.term(term).namespace != PLACES or COMPLEX in ontology.ancestors(term)
        ]
    return sets


def _set_count(knowledge: Knowledge, symbol: str) -> int:
    terms = knowledge.ontology.annotations(symbol) if knowledge.ontology else ()
    return len(knowledge.gene_sets.containing(symbol)) + len(terms)


def _set(knowledge: Knowledge, identifier: str) -> GeneSet:
    ontology = knowledge.ontology
    if ontology is not None and identifier in ontology:
        return _term_set(ontology, identifier)
    try:
        return knowledge.gene_sets.get(identifier)
    except KeyError:
        raise ToolError(
            f"No set has the id {identifier!r}; the memberships tool gives ids of sets."
        ) from None


def _term_set(ontology: GeneOntology, identifier: str) -> GeneSet:
    term = ontology.term(identifier)
    return GeneSet(
        id=term.id,
        name=term.name,
        kind="complex" if COMPLEX in ontology.ancestors(identifier) else "process",
        source="GO",
        reference=term.id,
        members=ontology.genes(term.id),
    )


def _telling(knowledge: Knowledge, symbol: str, kind: SetKind | None) -> list[GeneSet]:
    """Return the gene's sets, the most telling first.

    A set is telling when its members keep company with the gene in other sets, too (a set found by
    accident shares few), and not with everybody (a cancer pathway is full of such genes), and when
    it is neither tiny nor huge.
    """
    sets = [
        one
        for one in _sets_of(knowledge, symbol)
        if _SMALLEST.get(one.kind, SMALLEST_SET) <= len(one.members) <= LARGEST_SET
        and kind in (None, one.kind)
    ]
    company = Counter(member for one in sets for member in one.members if member != symbol)
    near = {member: n / (_set_count(knowledge, member) + n) for member, n in company.items()}

    def score(one: GeneSet) -> float:
        met = sum(near.get(member, 0.0) for member in one.members) / (len(one.members) - 1)
        return met * log(len(one.members)) * _information(one)

    return sorted(sets, key=lambda one: (-score(one), one.id))


def _in_turn(sets: Iterable[GeneSet], others: frozenset[str]) -> list[GeneSet]:
    """Return those that hold most of `others` first, then the best of each kind, the second, ..."""
    places: Counter[str] = Counter()
    ranked = []
    for one in sets:
        lane = "starter" if one.source == "starter" else one.kind
        shared = len(others.intersection(one.members))
        ranked.append(((-shared, places[lane], _LANES.index(lane)), one))
        places[lane] += 1
    return [one for _, one in sorted(ranked, key=lambda pair: pair[0])]


def _information(one: GeneSet) -> float:
    """Return the information content of belonging to the set, 0 to 1, as is usual for GO terms."""
    return max(0.0, 1 - log(len(one.members)) / log(GENOME))


def _same(one: GeneSet, other: GeneSet) -> bool:
    first, second = set(one.members), set(other.members)
    return len(first & second) / len(first | second) >= SAME_SET


def _evidence(one: GeneSet, symbol: str) -> Evidence:
    term = one.source == "GO"
    verb = "is annotated to the GO term" if term else f"belongs to the {one.kind}"
    return Evidence(
        id=f"go:{one.id}:{symbol}" if term else f"set:{one.id}:{symbol}",
        kind="annotation",
        statement=f"{symbol} {verb} {one.name} ({len(one.members)} genes)",
        source=one.source,
        reference=one.reference,
        weight=_information(one),
        genes=(symbol,),
    )
