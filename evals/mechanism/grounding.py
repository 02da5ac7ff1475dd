"""Do committed steps point at evidence that is about them and bears them out?"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from agent.context import AgentContext
from agent.nodes.verify import judge
from agent.session import Session
from agent.state import Proposal
from evals.harness.resampling import Estimate, Resampler
from evals.mechanism.agent import Asked, ask
from evals.mechanism.facts import Grounding, StepCount
from knowledge.graph import changed
from knowledge.progress import Progress
from knowledge.schema import Answer, CascadeStep, Change, Evidence
from models.inputs.screens import CELL_LINES

READOUTS = 4


@dataclass(frozen=True, slots=True)
class Question:
    """A knockdown and the readouts asked about."""

    pert: str
    cell_line: str
    readouts: tuple[str, ...]

    @property
    def words(self) -> str:
        """Return it as somebody would ask it."""
        return f"Knock down {self.pert} in {self.cell_line}: what happens to " + (
            f"{', '.join(self.readouts)}?"
        )

    @property
    def name(self) -> str:
        """Return the name of its run folder."""
        return f"{self.cell_line}-{self.pert}".replace("/", "-")


def questions(pairs: pd.DataFrame, per_line: int, rng: np.random.Generator) -> list[Question]:
    """Return perturbations and, for each, up to four readouts that its cascade reaches.

    Args:
        pairs: `cell_line`, `pert` and `gene` of pairs with a cascade.
        per_line: How many perturbations.
        rng: Draws them.
    """
    found = []
    for line in CELL_LINES:
        here = pairs[pairs.cell_line == line]
        for pert in rng.permutation(np.array(sorted(set(here.pert)), dtype=str))[:per_line]:
            readouts = rng.permutation(sorted(here.gene[here.pert == pert]))[:READOUTS]
            found.append(Question(str(pert), line, tuple(str(gene) for gene in readouts)))
    return found


def answered(
    asked: Sequence[Question], session: Session, folder: Path, progress: Progress
) -> list[Answer]:
    """Return the answers to questions; those kept in `folder` are read.

    Raises:
        KnockwiseError: The reasoner that the settings name does not answer.
    """

    async def every() -> list[Answer]:
        answers = []
        for number, one in enumerate(asked):
            progress(one.words, number / len(asked))
            run = folder / one.name
            begun = (run / "settings.json").is_file()
            answers.append(
                await (session.resume(run) if begun else session.ask(one.words, run_dir=run))
            )
        return answers

    return asyncio.run(every())


def grounding(
    answers: Sequence[Answer],
    states: Sequence[Asked],
    context: AgentContext,
    rng: np.random.Generator,
    seed: int,
) -> Grounding:
    """Return what the steps of answers rest on, and what verification does with nonsense.

    Args:
        answers: Their steps and evidence are read.
        states: Ended cascades, whose steps are turned round and swapped for made-up ones.
        context: What those are verified in.
        rng: Draws made-up targets.
        seed: Of the resamples.
    """
    counts: Counter[tuple[str, str]] = Counter()
    marks = {name: Counter[tuple[str, str]]() for name in ("resolves", "about", "sign")}
    unit, borne = [], []
    for number, answer in enumerate(answers):
        evidence = {item.id: item for item in answer.evidence}
        for step in answer.steps:
            key = (step.proposed_by, step.status)
            found = step_marks(step, evidence)
            counts[key] += 1
            for name, value in found.items():
                marks[name][key] += value
            if step.status == "verified":
                unit.append(str(number))
                borne.append(all(found.values()))
    graph = context.knowledge.graph
    genes = sorted({edge.target for edge in graph.edges if graph.kind(edge.target) == "gene"})
    nonsense = [_nonsense(one, context, genes, rng) for one in states]
    flipped, invented = (_refused(part, seed) for part in zip(*nonsense, strict=True))
    return Grounding(
        questions=len(answers),
        hypotheses=sum(len(answer.hypotheses) for answer in answers),
        counts=tuple(
            StepCount(
                proposer=proposer,
                status=status,
                steps=counts[proposer, status],
                resolves=marks["resolves"][proposer, status],
                about=marks["about"][proposer, status],
                sign=marks["sign"][proposer, status],
            )
            for proposer, status in sorted(counts)
        ),
        grounded=_share(unit, borne, seed),
        unverified=sum(
            step.status != "verified"
            for answer in answers
            for one in answer.hypotheses
            for step in one.steps
        ),
        misled=sum(
            bool(set(one.supporting) - {i for step in one.steps for i in step.evidence_ids})
            for answer in answers
            for one in answer.hypotheses
        ),
        flipped=flipped,
        invented=invented,
    )


def step_marks(step: CascadeStep, evidence: dict[str, Evidence]) -> dict[str, bool]:
    """Return whether a step's evidence resolves, is about its two nodes, and has its sign."""
    known = [evidence[i] for i in step.evidence_ids if i in evidence]
    ends = (step.source.node, step.target.node)
    about = [item for item in known if item.genes == ends]
    sign = 1 if step.source.direction == step.target.direction else -1
    return {
        "resolves": bool(step.evidence_ids) and len(known) == len(step.evidence_ids),
        "about": bool(about),
        "sign": any(item.sign == sign for item in about),
    }


def _nonsense(
    asked: Asked, context: AgentContext, genes: Sequence[str], rng: np.random.Generator
) -> tuple[list[bool], list[bool]]:
    """Return whether each committed step is refused turned round, and with a made-up target."""
    flipped, invented = [], []
    graph = context.knowledge.graph
    for step in asked.state.committed:
        turned = _proposal(step, step.target.node)
        turned = turned.model_copy(
            update={
                "target": step.target.model_copy(
                    update={"direction": changed(step.target.direction, -1)}
                )
            }
        )
        flipped.append(judge(turned, asked.state, context)[0].status != "verified")
        elsewhere = genes[int(rng.integers(len(genes)))]
        while elsewhere == step.source.node or graph.edges_between(step.source.node, elsewhere):
            elsewhere = genes[int(rng.integers(len(genes)))]
        made_up = _proposal(step, elsewhere)
        invented.append(judge(made_up, asked.state, context)[0].status != "verified")
    return flipped, invented


def _proposal(step: CascadeStep, target: str) -> Proposal:
    """Return a step as a language model would propose it, to `target` instead."""
    return Proposal(
        source=step.source,
        relation=step.relation,
        target=Change(node=target, direction=step.target.direction, quantity=step.target.quantity),
        confidence=step.confidence,
        proposed_by="llm",
    )


def _refused(parts: Iterable[list[bool]], seed: int) -> Estimate | None:
    rows = [(str(number), value) for number, part in enumerate(parts) for value in part]
    return _share([unit for unit, _ in rows], [ok for _, ok in rows], seed)


def _share(unit: Sequence[str], right: Sequence[bool], seed: int) -> Estimate | None:
    mean = Resampler([*unit, "none"], seed).mean(unit, right)
    return mean.estimate() if mean.known else None


def asked_again(
    asked: Sequence[Question], context: AgentContext, progress: Progress
) -> list[Asked]:
    """Return where the cascade of each question ends without a language model."""

    async def every() -> list[Asked]:
        found = []
        for number, one in enumerate(asked):
            progress(one.words, number / len(asked))
            found.append(await ask(context, one.pert, one.cell_line, list(one.readouts)))
        return found

    return asyncio.run(every())
