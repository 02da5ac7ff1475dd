"""The programmes that a perturbation shifts, as steps of a cascade with their evidence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from knowledge.graph import Relation, SignedGraph
from knowledge.schema import (
    CascadeStep,
    Change,
    Direction,
    EdgeEffect,
    Evidence,
    Perturbation,
    ProgrammePath,
)
from models.programmes.model import Explained, ProgrammeModel, Shifted, shipped_programmes
from models.programmes.schema import Programme
from models.programmes.trust import TOLD
from models.response import ResponseModel
from models.response.likeness import Likeness, likeness, why_alike
from tools.evidence import relation_evidence
from tools.experiments import SCREENS

BREAKS, MOVES, DRIVEN_BY = "breaks", "moves", "driven by"
# A complex is told as what is lost where so many of the cited perturbations are of it, too.
OF_THE_COMPLEX = 2
ARROWS = {"up": "↑", "down": "↓"}


class Path(NamedTuple):
    """A path through a programme, and the evidence that its steps cite."""

    path: ProgrammePath
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Programmes:
    """Finds the programmes behind a readout.

    Attributes:
        response: Knows which measured perturbations are like which gene.
        graph: Knows the complexes.
        model: The programmes; the shipped ones, read when first needed.
    """

    response: ResponseModel
    graph: SignedGraph
    model: Callable[[], ProgrammeModel] = shipped_programmes
    _alike: Callable[[str], Likeness | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found = lru_cache(maxsize=64)(lambda gene: likeness(self.response, gene))
        object.__setattr__(self, "_alike", found)

    def expected(self, perturbation: Perturbation, readouts: Sequence[str]) -> dict[str, float]:
        """Return the expected sign of the change of each readout, of those that programmes move."""
        model = self.model()
        if perturbation.cell_line not in model.config.cell_lines:
            return {}
        shifts = model.shifts(
            perturbation.genes, perturbation.cell_line, self._alike, perturbation.kind
        )
        values = model.expected(shifts, readouts)
        return {name: float(v) for name, v in zip(readouts, values, strict=True) if v}

    def paths(self, perturbation: Perturbation, readouts: Sequence[str]) -> dict[str, Path]:
        """Return the path through the leading programme of each readout that programmes explain.

        A path is told where the expected change is large enough, where paths of its trust are right
        three times in four, and where measured perturbations bear the shift out.
        """
        model = self.model()
        if perturbation.cell_line not in model.config.cell_lines:
            return {}
        shifts = model.shifts(
            perturbation.genes, perturbation.cell_line, self._alike, perturbation.kind
        )
        values = model.expected(shifts, readouts)
        out: dict[str, Path] = {}
        for readout, value in zip(readouts, values, strict=True):
            direction = model.direction(float(value))
            if direction is None or readout in perturbation.genes:
                continue
            for one in model.explained(shifts, readout, direction):
                if one.trust < TOLD:
                    continue
                found = self._path(perturbation, readout, direction, one)
                if found is not None:
                    out[readout] = found
                    break
        return out

    def _path(
        self, perturbation: Perturbation, readout: str, direction: Direction, one: Explained
    ) -> Path | None:
        went: Direction = "up" if one.shift > 0 else "down"
        node = Change(
            node=one.programme.name, kind="programme", direction=went, quantity="activity"
        )
        lost = perturbation.kind != "activation"
        gene, rows = self._leading(perturbation, one, up=(one.shift > 0) == lost)
        if not rows:
            return None
        facts = [self._shift_fact(gene, row, one, went, lost=lost) for row in rows]
        start = Change(node=gene, direction="down" if lost else "up", quantity="activity")
        steps: list[CascadeStep] = []
        broken = self._complex(gene, rows) if lost else None
        if broken is not None:
            member = relation_evidence(broken)
            facts += member
            group = Change(
                node=broken.target,
                kind=self.graph.kind(broken.target),
                direction="down",
                quantity="activity",
            )
            steps.append(
                CascadeStep(
                    source=start,
                    relation=broken.effect,
                    target=group,
                    mechanism=broken.mechanism,
                    confidence=broken.trust,
                    evidence_ids=tuple(fact.id for fact in member),
                    status="verified",
                )
            )
            start = group
        shown = tuple(facts[i].id for i in range(len(rows)))
        steps.append(_step(start, node, BREAKS, one.breaks, shown))
        held = _move_fact(readout, one)
        end = Change(node=readout, direction=direction, quantity="expression")
        steps.append(_step(node, end, MOVES, one.moves, (held.id,)))
        driven, more = _driven(one.programme, node)
        changes = [steps[0].source, *(step.target for step in steps)]
        path = ProgrammePath(
            readout=readout,
            direction=direction,
            programme=one.programme.name,
            steps=tuple(steps),
            driven_by=driven,
            summary=" → ".join(f"{change.node} {ARROWS[change.direction]}" for change in changes),
            trust=one.trust,
            share=one.share,
        )
        return Path(path, (*facts, held, *more))

    def _leading(
        self, perturbation: Perturbation, one: Explained, *, up: bool
    ) -> tuple[str, list[Shifted]]:
        """Return the perturbed gene that shifts the programme, and what bears that out."""
        model = self.model()
        found = [
            (gene, model.borne_out(gene, perturbation.cell_line, one.programme, up, self._alike))
            for gene in perturbation.done or perturbation.genes
        ]
        return max(found, key=lambda pair: sum(row.along for row in pair[1]))

    def _complex(self, gene: str, rows: Sequence[Shifted]) -> Relation | None:
        """Return how the gene belongs to the complex whose other members shift the programme."""
        others = {row.perturbation for row in rows} - {gene}
        best: tuple[int, int, Relation] | None = None
        for group in self.graph.groups_of(gene):
            shared = len(others.intersection(group.members))
            if group.kind != "complex" or shared < OF_THE_COMPLEX:
                continue
            for relation in self.graph.relations(gene, group.name):
                rank = (shared, -len(group.members))
                if relation.joins_group and (best is None or rank > best[:2]):
                    best = (*rank, relation)
        return best[2] if best is not None else None

    def _shift_fact(
        self, gene: str, row: Shifted, one: Explained, went: Direction, *, lost: bool
    ) -> Evidence:
        # Of a gain, the screens know the mirror image: the loss of related genes.
        way = went if lost else ("down" if went == "up" else "up")
        if row.perturbation == gene:
            like = "the same gene in another line"
        else:
            like = "; ".join(why_alike(self.response, gene, row.perturbation)[:1])
        total = row.along + row.against
        said = f"; {like}" if like else ""
        return Evidence(
            id=f"prog:{one.programme.id}:{row.perturbation}:{row.cell_line}:{way}:{gene}",
            kind="measured",
            statement=(
                f"Knocking down {row.perturbation} in {row.cell_line} moved {row.along} of "
                f"{total} changed readouts of “{one.programme.name}” as if it went {way}{said}"
            ),
            source=SCREENS,
            weight=min(1.0, (row.along + 1) / (total + 2)),
            genes=(row.perturbation,),
        )


def _step(
    source: Change, target: Change, mechanism: str, trust: float, cited: tuple[str, ...]
) -> CascadeStep:
    same = source.direction == target.direction
    effect: EdgeEffect = "activates" if same else "inhibits"
    return CascadeStep(
        source=source,
        relation="regulates" if mechanism == DRIVEN_BY else effect,
        target=target,
        mechanism=mechanism,
        confidence=trust,
        evidence_ids=cited,
        status="verified",
        proposed_by="screens",
    )


def _move_fact(readout: str, one: Explained) -> Evidence:
    total = one.held + one.failed
    way = "with" if one.loading > 0 else "against"
    told = (
        f"in {one.held} of the {total} held-out experiments in which it changed and the programme "
        "was expected to shift"
        if total
        else "by its loading alone"
    )
    return Evidence(
        id=f"prog:{one.programme.id}:moves:{readout}",
        kind="measured",
        statement=f"{readout} goes {way} “{one.programme.name}” {told}",
        source=SCREENS,
        weight=one.moves,
        genes=(readout,),
    )


def _driven(
    programme: Programme, node: Change
) -> tuple[tuple[CascadeStep, ...], tuple[Evidence, ...]]:
    """Return the steps to the regulator whose targets the programme's readouts are."""
    steps, facts = [], []
    for one in programme.regulators[:1]:
        same = one.sign > 0
        direction: Direction = (
            node.direction if same else ("down" if node.direction == "up" else "up")
        )
        fact = Evidence(
            id=f"prog:{programme.id}:driven by:{one.gene}",
            kind="measured",
            statement=(
                f"{one.agree} of the {one.targets} {one.gene} targets among the readouts of "
                f"“{programme.name}” move together as {one.gene} going {'up' if same else 'down'} "
                f"would move them ({one.z:.1f} standard errors from all readouts)"
            ),
            source=f"{SCREENS}; regulon of {', '.join(one.databases)}",
            weight=one.agree / one.targets,
            genes=(one.gene,),
        )
        target = Change(node=one.gene, direction=direction, quantity="activity")
        steps.append(_step(node, target, DRIVEN_BY, one.agree / one.targets, (fact.id,)))
        facts.append(fact)
    return tuple(steps), tuple(facts)
