"""Explains the genes of a result by signed paths from what was perturbed, beside fair controls."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowledge.cascade import Candidate, Reach
from knowledge.errors import QuestionError
from knowledge.graph import Relation, SignedGraph
from knowledge.schema import CascadeStep, Direction, Effect, Perturbation
from knowledge.trust import is_starter
from tools.comparison import ranked_above
from tools.effects import EffectPredictor
from tools.lists.listed import ListedGene, ResultList
from tools.lists.rows import (
    MOST_ROWS,
    Controls,
    Expectation,
    Expected,
    ExplainedGene,
    Foresight,
    ListExplanation,
    PathTold,
    Reason,
    Share,
)

# A gene that acts on so many others is on the way from anything to anything.
HUB = 500
# A readout that so large a share of a line's perturbations change says little about one.
GENERAL = 0.25
SHUFFLES = 1000
MOST_REFERENCES = 6
FORESEEN = 20
BUILT_IN = "built-in pathways"
NOTES: Mapping[Reason, str] = {
    "no edge into it": "no signed edge of the graph moves its transcript",
    "cut off in this line": "the path to it is cut off in this cell line",
    "too far": "no signed path of at most seven steps leads to it",
    "gene unknown": "the graph does not hold it",
    "expected general response": "it changes under many perturbations of this line, whichever",
}


def explained(
    predictor: EffectPredictor,
    perturbation: Perturbation,
    result: ResultList,
    seed: int = 0,
) -> ListExplanation:
    """Return what explains each changed gene, and what that is worth.

    Args:
        predictor: Response model and cascade.
        perturbation: What was done.
        result: What was measured afterwards.
        seed: Of the shuffled networks.

    Raises:
        QuestionError: No gene of the list changed, or it lists perturbed genes.
    """
    if result.kind == "perturbed":
        raise QuestionError(f"{result.source} names perturbed genes, not measured ones.")
    changed = list(result.changed)
    if not changed:
        raise QuestionError(
            f"No gene of {result.source} changed at this threshold; raise --alpha, or look at the "
            "table."
        )
    reached = predictor.reach(perturbation)
    unhindered = predictor.reach(perturbation, lesions=False)
    paths = Paths(predictor.knowledge.graph, reached, frozenset(perturbation.genes))
    listed = {one.gene for one in result.genes if one.known}
    everything = predictor.effects(perturbation)
    effects = {one.gene: one for one in everything if one.gene in listed}
    habit = predictor.response.habit(perturbation.cell_line)
    general = frozenset(gene for gene, one in habit.items() if one.p_de >= GENERAL)
    rows = [_row(one, paths, unhindered, effects.get(one.gene), general) for one in changed]
    order = {"explained": 0, "conflicting": 1, "unexplained": 2, "perturbed": 3}
    rows.sort(key=lambda row: (order[row.verdict], -(row.path.score if row.path else 0), row.gene))
    counts = Counter([row.verdict for row in rows] + [row.reason for row in rows if row.reason])
    return ListExplanation(
        source=result.source,
        description=result.description,
        perturbation=perturbation,
        changed=len(rows),
        tested=sum(one.known for one in result.genes),
        rows=tuple(rows[:MOST_ROWS]),
        counts=dict(counts),
        controls=_controls(rows, result.unchanged, paths, seed),
        foresight=_foresight(perturbation, result, everything, rows),
        notes=(*result.notes, *_cautions(predictor, perturbation, rows)),
        versions={
            **predictor.knowledge.versions,
            "response": predictor.response.version,
            "fusion": predictor.fusion.version,
        },
    )


class Paths:
    """The best path to each gene, walked once."""

    def __init__(self, graph: SignedGraph, reached: Reach, perturbed: frozenset[str]) -> None:
        self.graph, self.reached, self.perturbed = graph, reached, perturbed
        self.best = lru_cache(maxsize=None)(self._best)

    def direction(self, gene: str) -> Direction | None:
        """Return which way the best path says, None without one or with two as good."""
        up, down = self.reached.confidence(gene, "up"), self.reached.confidence(gene, "down")
        if up == down:
            return None
        return "up" if up > down else "down"

    def _best(self, gene: str) -> tuple[Candidate, ...]:
        way = self.direction(gene)
        return self.reached.path(gene, way) if way else ()

    def told(self, gene: str) -> PathTold | None:
        """Return the best path with its evidence."""
        steps, way = self.best(gene), self.direction(gene)
        if not steps or way is None:
            return None
        return path_told(self.graph, steps, way, self.perturbed)


def path_told(
    graph: SignedGraph, steps: Sequence[Candidate], way: Direction, perturbed: frozenset[str]
) -> PathTold:
    """Return a path with its evidence, as anybody can show it."""
    edges = [edge for step in steps for edge in step.relation.edges]
    databases = Counter(BUILT_IN if is_starter(edge) else edge.database for edge in edges)
    references = dict.fromkeys(one for edge in edges for one in edge.references)
    asserted = [set(step.relation.programmes) for step in steps if not step.relation.joins_group]
    programmes = set.intersection(*asserted) if asserted else set()
    through = [step.target.node for step in steps[:-1] if step.target.node not in perturbed]
    return PathTold(
        steps=tuple(step_told(step) for step in steps),
        direction=way,
        score=steps[-1].confidence,
        databases=tuple(name for name, _ in databases.most_common()),
        references=tuple(references)[:MOST_REFERENCES],
        programmes=tuple(sorted(one.removeprefix("starter:") for one in programmes)),
        hub=next((node for node in through if is_hub(graph, node)), ""),
    )


def step_told(step: Candidate) -> CascadeStep:
    """Return a step of a path as the rest of Knockwise tells it."""
    return CascadeStep(
        source=step.source,
        relation=step.relation.effect,
        target=step.target,
        mechanism=step.relation.mechanism,
        confidence=step.confidence,
        status="verified",
    )


def is_hub(graph: SignedGraph, node: str) -> bool:
    """Return whether a gene acts on so many others that a path through it says little."""
    return graph.kind(node) == "gene" and sum(1 for _ in graph.successors(node)) >= HUB


def _row(
    one: ListedGene,
    paths: Paths,
    unhindered: Reach,
    effect: Effect | None,
    general: frozenset[str],
) -> ExplainedGene:
    path = paths.told(one.gene) if one.known else None
    row = ExplainedGene(
        gene=one.gene,
        measured=one.direction,
        effect=one.effect,
        padj=one.padj,
        verdict="unexplained",
        path=path,
        call=effect.call if effect else "",
        p_de=effect.p_de if effect else None,
        p_up=effect.p_up if effect else None,
        usual=effect.usual if effect else None,
        expectation=_expectation(one, effect),
        circular=_circular(effect),
    )
    if one.gene in paths.perturbed:
        return row.model_copy(update={"verdict": "perturbed", "path": None})
    if path is not None:
        agrees = one.direction in (None, path.direction)
        return row.model_copy(update={"verdict": "explained" if agrees else "conflicting"})
    reason = _reason(one, paths.graph, unhindered, general)
    return row.model_copy(update={"reason": reason, "note": NOTES[reason]})


def _reason(
    one: ListedGene, graph: SignedGraph, unhindered: Reach, general: frozenset[str]
) -> Reason:
    if one.known and unhindered.best(one.gene):
        return "cut off in this line"
    if one.gene in general:
        return "expected general response"
    if not one.known or one.gene not in graph:
        return "gene unknown"
    signed = any(edge.changes_expression and edge.sign for edge in graph.in_edges(one.gene))
    return "too far" if signed else "no edge into it"


def _expectation(one: ListedGene, effect: Effect | None) -> Expectation:
    if effect is None or effect.abstained or effect.call == "unknown":
        return "not predicted"
    if effect.call == "unchanged":
        return "not expected"
    return "expected" if one.direction in (None, effect.call) else "opposite"


def _circular(effect: Effect | None) -> str:
    if effect is not None and effect.seen_in_training:
        return "a training row of this very experiment is in the prediction"
    return ""


def _controls(
    rows: Sequence[ExplainedGene], unchanged: Sequence[ListedGene], paths: Paths, seed: int
) -> Controls:
    from scipy.stats import fisher_exact

    others = [row for row in rows if row.verdict != "perturbed"]
    quiet = [one for one in unchanged if one.gene not in paths.perturbed]
    reached = Share(count=sum(row.path is not None for row in others), of=len(others))
    ways = {one.gene: paths.direction(one.gene) for one in quiet}
    reached_quiet = Share(count=sum(way is not None for way in ways.values()), of=len(quiet))
    p = None
    if reached.of and reached_quiet.of:
        table = [[one.count, one.of - one.count] for one in (reached, reached_quiet)]
        p = float(fisher_exact(table, "greater").pvalue)
    signed = [row for row in others if row.measured]
    held = [row for row in signed if row.path is not None]
    agreeing = Share(count=sum(row.verdict == "explained" for row in held), of=len(held))
    agree = shuffled([(row.gene, row.measured) for row in held if row.measured], paths, seed)
    draws = agree.sum(axis=1) if agree.size else np.zeros(0)
    moved = [one for one in quiet if one.direction]
    solved = [row for row in others if row.verdict == "explained"]
    hubs = Counter(row.path.hub for row in solved if row.path and row.path.hub)
    return Controls(
        reached=reached,
        reached_unchanged=reached_quiet,
        reached_p=p,
        explained=Share(count=sum(row.verdict == "explained" for row in signed), of=len(signed)),
        explained_unchanged=Share(
            count=sum(ways[one.gene] == one.direction for one in moved), of=len(moved)
        ),
        agreeing=agreeing,
        agreeing_shuffled=float(draws.mean() / len(held)) if len(draws) else None,
        agreeing_p=float((1 + np.sum(draws >= agreeing.count)) / (1 + len(draws)))
        if len(draws)
        else None,
        shuffles=len(draws),
        without_hubs=Share(count=len(solved) - sum(hubs.values()), of=len(others)),
        hubs=dict(hubs.most_common()),
    )


def shuffled(
    measured: Sequence[tuple[str, Direction]], paths: Paths, seed: int
) -> NDArray[np.bool_]:
    """Return which genes agree in each network whose paths' signs were shuffled `(draws, genes)`.

    The paths stay where they are; the signs of all relations on them change places. A membership
    has no sign of its own.
    """
    if not measured:
        return np.zeros((0, 0), np.bool_)
    number: dict[tuple[str, str, bool], int] = {}
    signs: list[int] = [1]  # what fills short paths
    through = []
    for gene, _ in measured:
        steps = [step.relation for step in paths.best(gene) if not step.relation.joins_group]
        for relation in steps:
            if (at := _key(relation)) not in number:
                number[at] = len(signs)
                signs.append(relation.sign)
        through.append([number[_key(relation)] for relation in steps])
    longest = max(map(len, through))
    index = np.array([steps + [0] * (longest - len(steps)) for steps in through])
    value = np.array(signs)
    now = np.prod(value[index], axis=1)
    said = np.array([1 if paths.direction(gene) == "up" else -1 for gene, _ in measured])
    start = said * now  # which way the perturbation itself pushes
    truth = np.array([1 if way == "up" else -1 for _, way in measured])
    rng = np.random.default_rng(seed)
    agree = np.empty((SHUFFLES, len(truth)), np.bool_)
    for draw in range(SHUFFLES):
        moved = np.concatenate([[1], rng.permutation(value[1:])])
        agree[draw] = start * np.prod(moved[index], axis=1) == truth
    return agree


def _key(relation: Relation) -> tuple[str, str, bool]:
    return relation.source, relation.target, relation.expression


def _foresight(
    perturbation: Perturbation,
    result: ResultList,
    effects: Sequence[Effect],
    rows: Sequence[ExplainedGene],
) -> Foresight:
    state = {one.gene: one for one in result.genes if one.known}
    mine = [one for one in effects if one.gene in state]
    held = [one for one in mine if not one.abstained and one.p_de is not None]
    changed = [one.p_de or 0.0 for one in held if state[one.gene].state == "changed"]
    quiet = [one.p_de or 0.0 for one in held if state[one.gene].state == "unchanged"]
    told = [row for row in rows if row.measured and row.p_up is not None and row.call]
    told = [row for row in told if row.verdict != "perturbed" and row.p_up != 0.5]
    right = sum((row.p_up >= 0.5) == (row.measured == "up") for row in told if row.p_up is not None)
    return Foresight(
        auroc=ranked_above(changed, quiet),
        compared=(len(changed), len(quiet)),
        direction=Share(count=right, of=len(told)),
        expected=_expected(perturbation, effects, state),
        surprises=sum(row.expectation == "not expected" for row in rows),
        trained=sum(one.seen_in_training for one in mine),
    )


def _expected(
    perturbation: Perturbation, effects: Sequence[Effect], state: Mapping[str, ListedGene]
) -> tuple[Expected, ...]:
    """Return what was most expected of the perturbation, specific changes first."""
    called = [
        one for one in effects if one.call in ("up", "down") and one.gene not in perturbation.genes
    ]
    called.sort(key=lambda one: (-one.specific, one.gene))
    out = []
    for one in called[:FORESEEN]:
        found = state.get(one.gene)
        seen = "not in the result"
        if found is not None and found.state != "changed":
            seen = "unchanged"
        elif found is not None:
            same = found.direction in (None, one.call)
            seen = "changed as expected" if same else "changed the other way"
        out.append(
            Expected.model_validate(
                {
                    "gene": one.gene,
                    "call": one.call,
                    "p_de": one.p_de,
                    "p_up": one.p_up,
                    "seen": seen,
                }
            )
        )
    return tuple(out)


def _cautions(
    predictor: EffectPredictor, perturbation: Perturbation, rows: Sequence[ExplainedGene]
) -> list[str]:
    cell = predictor.cell_state(perturbation.cell_line)
    said = []
    if perturbation.kind != "activation":
        said += [why for gene in perturbation.genes if (why := cell.lacks(gene))]
    unknown = [gene for gene in perturbation.genes if gene not in predictor.knowledge.graph]
    if unknown:
        said.append(f"The graph holds no edge of {', '.join(unknown)}, so no path can start there.")
    if seen := sum(bool(row.circular) for row in rows):
        said.append(
            f"{seen} of the genes stand in a training row of this very perturbation in this line: "
            "a prediction that fits them proves nothing."
        )
    return said
