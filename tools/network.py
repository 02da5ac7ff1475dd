"""What acts on a gene, what it acts on, and by which signed paths one gene reaches another."""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.cascade import Candidate, Reach
from knowledge.graph import Relation, SignedGraph
from knowledge.schema import Change, Evidence, Frozen, Perturbation, PerturbationKind
from tools.base import Tool, ToolError, ToolOutput
from tools.effects import EffectPredictor
from tools.evidence import relation_evidence
from tools.genes import grounded

Side = Literal["upstream", "downstream"]
Quantities = Literal["any", "expression", "activity"]
GROUPS_LIKE = 8


class NeighboursArgs(Frozen):
    """List the signed relations of a gene, complex or process, the best supported first.

    Downstream are the nodes it acts on, upstream the nodes that act on it. Signs say what *more* of
    the source does: a lost activator lowers its target, a lost inhibitor raises it.
    """

    node: str = Field(
        description="A gene (ATF4), or the name of a complex or process", max_length=120
    )
    side: Side = Field(description="Which neighbours")
    effect_on: Quantities = Field(
        default="any",
        description="Only relations that change the target's transcript (expression), only those "
        "that change what its protein does (activity), or any",
    )
    k: int = Field(default=15, ge=1, le=40, description="How many relations, at most 40")


class PathsArgs(Frozen):
    """Find the best supported signed path from perturbing one gene to the transcript of another.

    There is at most one path to the readout going up and one to it going down. With a cell line,
    paths through genes that it lacks or does not express are left out.
    """

    gene: str = Field(description="The perturbed gene, for example HSPA5", max_length=60)
    readout: str = Field(
        description="The gene whose transcript is read, for example DDIT3", max_length=60
    )
    kind: PerturbationKind = Field(
        default="knockout", description="A loss (knockout, knockdown) or an activation"
    )
    cell_line: str | None = Field(
        default=None, description="For example K562; null for any cell", max_length=60
    )


def neighbours(
    graph: SignedGraph, node: str, side: Side, effect_on: Quantities = "any"
) -> list[Relation]:
    """Return the signed relations on one side of `node`, the best supported first."""
    if side == "downstream":
        found: Iterable[Relation] = graph.out_relations(node)
    else:
        sources = dict.fromkeys(edge.source for edge in graph.in_edges(node))
        found = (relation for source in sources for relation in graph.relations(source, node))
    wanted = [
        relation
        for relation in found
        if effect_on == "any" or relation.expression is (effect_on == "expression")
    ]
    return sorted(wanted, key=lambda one: (-one.trust, one.source, one.target))


def signed_paths(reached: Reach, readout: str) -> list[tuple[Candidate, ...]]:
    """Return the best path to `readout` going up and the best to it going down, better first."""
    paths = [path for way in ("up", "down") if (path := reached.path(readout, way))]
    return sorted(paths, key=lambda path: -path[-1].confidence)


def neighbours_tool(knowledge: Knowledge) -> Tool[NeighboursArgs]:
    """Build the `neighbours` tool over the signed graph."""
    graph = knowledge.graph

    def run(args: NeighboursArgs) -> ToolOutput:
        node = _node(knowledge, args.node)
        found = neighbours(graph, node, args.side, args.effect_on)
        if not found:
            raise ToolError(f"The graph has no signed relation {args.side} of {node} of this kind.")
        shown = found[: args.k]
        lines = [f"{node}, {args.side}: {len(shown)} of {len(found)} signed relations"]
        lines += [_relation_text(relation) for relation in shown]
        return ToolOutput(text="\n".join(lines), evidence=tuple(_facts(shown)))

    return Tool("neighbours", NeighboursArgs, run)


def paths_tool(knowledge: Knowledge, predictor: EffectPredictor) -> Tool[PathsArgs]:
    """Build the `paths` tool over the signed graph, as the predictor searches it."""

    def run(args: PathsArgs) -> ToolOutput:
        gene = grounded(knowledge, args.gene).symbol
        readout = grounded(knowledge, args.readout).symbol
        line = knowledge.cell_lines.default.name
        if args.cell_line is not None:
            line = knowledge.cell_lines.ground(args.cell_line).name
            if reason := predictor.cell_state(line).lacks(gene):
                raise ToolError(f"No path starts there: {reason}")
        perturbation = Perturbation(genes=(gene,), kind=args.kind, cell_line=line)
        # Without lesions all lines are alike.
        reached = predictor.reach(perturbation, lesions=args.cell_line is not None)
        paths = signed_paths(reached, readout)
        if not paths:
            text = f"No signed path leads from {gene} to the transcript of {readout}."
            return ToolOutput(text=text)
        facts = _facts([step.relation for path in paths for step in path])
        told = "\n".join(_path_text(path) for path in paths)
        return ToolOutput(text=told, evidence=tuple(facts))

    return Tool("paths", PathsArgs, run)


def _node(knowledge: Knowledge, word: str) -> str:
    """Return the node that a word means: a gene, or a complex or process by name.

    Raises:
        ToolError: There is no such gene, or the graph says nothing about it.
    """
    if word in knowledge.graph:
        return word
    wanted = word.strip().casefold()
    groups = {group.name.casefold(): group.name for group in knowledge.graph.groups}
    if wanted in groups:
        return groups[wanted]
    try:
        symbol = grounded(knowledge, word).symbol
    except ToolError as error:
        like = [name for key, name in groups.items() if wanted in key][:GROUPS_LIKE]
        also = f" Complexes and processes of such a name: {'; '.join(like)}." if like else ""
        raise ToolError(f"{error}{also}") from None
    if symbol not in knowledge.graph:
        raise ToolError(f"{symbol} is a gene, but the graph has no edge of it.")
    return symbol


def _facts(relations: Sequence[Relation]) -> list[Evidence]:
    facts = (fact for one in relations for fact in relation_evidence(one))
    return list({fact.id: fact for fact in facts}.values())


def _relation_text(relation: Relation) -> str:
    doubt = ""
    if relation.opposed_by:
        against = ", ".join(sorted({edge.database for edge in relation.opposed_by}))
        doubt = f"; the opposite sign in {against}"
    how = relation.mechanism or "mechanism not given"
    return (
        f"{relation.source} {relation.effect} {relation.target} "
        f"({how}; trust {relation.trust:.2f}{doubt}) {_citation(relation)}"
    )


def _path_text(path: Sequence[Candidate]) -> str:
    last = path[-1]
    lines = [f"{last.target.node} {last.target.direction}, confidence {last.confidence:.2f}:"]
    for step in path:
        how = f"{step.relation.effect}, {step.relation.mechanism or 'mechanism not given'}"
        change = f"{_words(step.source)} -> {_words(step.target)}"
        lines.append(f"  {change} ({how}) {_citation(step.relation)}")
    return "\n".join(lines)


def _citation(relation: Relation) -> str:
    return " ".join(f"[{fact.id}]" for fact in relation_evidence(relation))


def _words(change: Change) -> str:
    what = "mRNA" if change.quantity == "expression" else "activity"
    return f"{change.node} {what} {change.direction}"
