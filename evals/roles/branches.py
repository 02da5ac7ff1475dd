"""Branches: which first step leads to a readout, by textbooks and by the built-in pathways.

The graph is that of the databases alone: what the built-in pathways say is kept from the evidence,
so that they can be the answer.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from agent.llm.chat import ChatModel, Message
from agent.question.reading import parse_question
from agent.templates import prompt_environment
from evals.roles.facts import BranchAnswer, BranchCase, Option
from knowledge.base import Knowledge
from knowledge.cascade import Candidate, carried, next_steps
from knowledge.errors import QuestionError
from knowledge.graph import Relation, SignedGraph
from knowledge.schema import Change
from knowledge.trust import is_starter

PROMPTS = Path(__file__).parent / "prompts"
TEXTBOOK, CURATED = "textbook", "built-in pathways"
OPTIONS, FEWEST = 5, 3
# Wrong options are drawn among so many that `ask` would offer first.
NEAREST = 20
# As far as a step may be from the readout to be offered, and as the evidence looks from there.
REMOTE = 3
TRIES = 40
_STEM = re.compile(r"[A-Z]*\d*")
_WORD = re.compile(r"[A-Za-z0-9]{3,}")


def databases_alone(graph: SignedGraph) -> SignedGraph:
    """Return the graph without the built-in pathways."""
    return SignedGraph(
        [edge for edge in graph.edges if not is_starter(edge) and graph.kind(edge.target) == "gene"]
    )


def textbook_cases(
    path: Path, knowledge: Knowledge, databases: SignedGraph, rng: np.random.Generator
) -> Iterator[BranchCase]:
    """Yield a case for each question with a mechanism whose first step the databases offer.

    Args:
        path: The mirror's `textbook/questions.tsv`.
        knowledge: Reads the questions and the names of the mechanisms.
        databases: From `databases_alone`.
        rng: Draws the other options.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        try:
            question = parse_question(row["question"], knowledge)
        except QuestionError:
            continue
        one = question.perturbation
        if len(one.genes) != 1 or one.drugged or question.intent not in ("forward", "why"):
            continue
        found = (knowledge.symbols.ground(word).gene for word in _WORD.findall(row["mechanism"]))
        route = {gene.symbol: 0 for gene in found if gene} if row["mechanism"] else {}
        gained = one.kind == "activation"
        for readout in question.readouts:
            case = _case(TEXTBOOK, one.genes[0], gained, readout, route, databases, rng)
            if case is not None:
                yield case
                break


def curated_cases(
    graph: SignedGraph, databases: SignedGraph, each: int, rng: np.random.Generator
) -> Iterator[BranchCase]:
    """Yield up to `each` cases per built-in pathway: paths of two and three of its steps."""
    steps: dict[str, list[Relation]] = defaultdict(list)
    firsts: dict[str, list[Relation]] = defaultdict(list)
    for node in sorted({edge.source for edge in graph.edges if is_starter(edge)}):
        for one in graph.out_relations(node):
            if one.curated and graph.kind(node) == graph.kind(one.target) == "gene":
                steps[node].append(one)
                for name in one.programmes:
                    firsts[name].append(one)
    for name in sorted(firsts):
        seen: set[str] = set()
        for number in range(each):
            for _ in range(TRIES):
                first = firsts[name][rng.integers(len(firsts[name]))]
                readout = _end(first.target, 1 + number % 2, steps, rng)
                if not readout or first.source in seen or readout == first.source:
                    continue
                route = _route(first.source, readout, steps)
                case = _case(CURATED, first.source, False, readout, route, databases, rng)
                if case is not None:
                    seen.add(first.source)
                    yield case
                    break


def _end(
    node: str, left: int, steps: Mapping[str, Sequence[Relation]], rng: np.random.Generator
) -> str:
    """Return a transcript so many steps on, nothing where chance leads to none."""
    onward = [one for one in steps.get(node, ()) if one.expression or left > 1]
    if not onward:
        return ""
    one = onward[rng.integers(len(onward))]
    return one.target if left == 1 else _end(one.target, left - 1, steps, rng)


def _route(gene: str, readout: str, steps: Mapping[str, Sequence[Relation]]) -> dict[str, int]:
    """Return the first steps of all curated paths of two or three steps, with their signs."""

    def ends(node: str) -> bool:
        return any(one.target == readout and one.expression for one in steps.get(node, ()))

    return {
        one.target: one.sign
        for one in steps[gene]
        if ends(one.target) or any(ends(two.target) for two in steps.get(one.target, ()))
    }


def _case(
    part: str,
    gene: str,
    gained: bool,
    readout: str,
    route: Mapping[str, int],
    databases: SignedGraph,
    rng: np.random.Generator,
) -> BranchCase | None:
    """Return a case, if the databases offer a step of the route and enough others.

    `route` holds the genes of the right steps and their signs, 0 where any will do.
    """
    source = Change(node=gene, direction="up" if gained else "down", quantity="activity")
    offered = {
        step.target.node: step
        for step in next_steps(databases, source)
        if step.target.node not in (gene, readout)
    }
    right = [
        node for node, step in sorted(offered.items())
        if node in route and route[node] in (0, step.relation.sign)
    ]  # fmt: skip
    if not right or len(offered) < FEWEST:
        return None
    away = databases.within([readout], REMOTE)
    others = sorted(
        (
            node
            for node in offered
            if node not in route and node in away and _stem(node) not in map(_stem, route)
        ),
        key=lambda node: (away[node], -offered[node].confidence, node),
    )[:NEAREST]
    if len(others) + 1 < FEWEST:
        return None
    answer = right[rng.integers(len(right))]
    some = [answer, *rng.permutation(others)[: OPTIONS - 1].tolist()]
    some = [some[place] for place in rng.permutation(len(some))]
    return BranchCase(
        part=part,
        gene=gene,
        gained=gained,
        readout=readout,
        options=tuple(Option(gene=node, effect=offered[node].relation.effect) for node in some),
        right=some.index(answer),
        evidence=tuple(_through(databases, offered[node], readout) for node in some),
    )


def _stem(gene: str) -> str:
    """Return what near paralogues share: STAT5B is not wrong where STAT5A is right."""
    return _STEM.match(gene)[0]  # type: ignore[index]  # matches anything


def _through(graph: SignedGraph, step: Candidate, readout: str, left: int = REMOTE - 1) -> float:
    """Return the confidence of the best path to a readout that begins with a step."""
    best = 0.0
    for onward in next_steps(graph, step.target, step.confidence):
        if onward.target.node == readout:
            best = max(best, onward.confidence if onward.relation.expression else 0.0)
        elif left > 1 and carried(onward.target, onward.confidence) > best:
            best = max(best, _through(graph, onward, readout, left - 1))
    return best


async def answered_branch(case: BranchCase, chat: ChatModel) -> BranchAnswer:
    """Return how likely the model holds each option, read off the one token of its answer.

    Raises:
        LLMError: The server cannot be reached, or gives no log-probabilities.
    """
    template = prompt_environment(PROMPTS).get_template("branch.j2")
    asked = [Message(role="user", content=template.render(**dict(case)).strip())]
    numbers = [str(number + 1) for number in range(len(case.options))]
    said, _ = await chat.choose(asked, numbers)
    return BranchAnswer(p=tuple(said[number] for number in numbers))
