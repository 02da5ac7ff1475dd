"""Steps: which of a gene's hidden relations a model proposes, beside chance and the evidence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from agent.llm.chat import ChatModel, Message
from agent.llm.errors import UnusableError
from agent.llm.structured import structured
from agent.templates import prompt_environment
from evals.altered_graphs import Relations
from evals.recovery import Hunt
from evals.roles.facts import Found, StepAnswer, StepCase
from knowledge.schema import Frozen
from knowledge.symbols import SymbolTable

PROMPTS = Path(__file__).parent / "prompts"
MOST = 3
SHOWN = 10
FEWEST = 5
"""Hidden relations that a gene asked about has at least."""
EXAMPLE = "SREBF2"
KNOWN = ("LDLR (activates)", "HMGCR (activates)", "SQLE (activates)")
ANSWER = (("INSIG1", "activates"), ("ABCA1", "inhibits"), ("PCSK9", "activates"))


class Target(Frozen):
    """A gene that is acted on, and how."""

    target: str = Field(min_length=1, max_length=20)
    effect: Literal["activates", "inhibits"]


class Missing(Frozen):
    """Targets that were not in the list."""

    steps: tuple[Target, ...] = Field(max_length=MOST)


def step_cases(
    hunt: Hunt, relations: Relations, most: int, rng: np.random.Generator
) -> Iterator[StepCase]:
    """Yield genes with hidden relations, drawn among those with at least `FEWEST`.

    Args:
        hunt: From `evals.recovery.hunt`.
        relations: All of the graph.
        most: How many genes.
        rng: Draws them.
    """
    genes = hunt.known.genes
    trust = {(one.source, one.target): one.trust for one in relations.all}
    into = np.asarray(hunt.visible.linked.sum(0))
    many = np.flatnonzero(hunt.answers.linked.sum(1) >= FEWEST)
    many = np.array([one for one in many if genes[one] != EXAMPLE], np.int64)
    for source in np.sort(rng.permutation(many)[:most]):
        gene = genes[source]
        signs = hunt.visible.signed[[source]].toarray()[0]
        linked = np.flatnonzero(hunt.visible.linked[[source]].toarray()[0])
        hidden = np.flatnonzero(hunt.answers.linked[[source]].toarray()[0])
        truth = hunt.answers.signed[[source]].toarray()[0]
        told = sorted(linked, key=lambda one: (-trust[gene, genes[one]], genes[one]))
        ranked = hunt.ranked(int(source))
        popular = ranked[np.argsort(-into[ranked], kind="stable")]
        yield StepCase(
            gene=gene,
            shown=tuple(
                f"{genes[one]} ({'inhibits' if signs[one] < 0 else 'activates'})"
                for one in told[:SHOWN]
            ),
            linked=tuple(genes[one] for one in linked),
            hidden={genes[one]: int(np.sign(truth[one])) for one in hidden},
            evidence=tuple(genes[one] for one in ranked[:MOST]),
            popular=tuple(genes[one] for one in popular[:MOST]),
            chance=len(hidden) / len(ranked),
        )


async def answered_steps(case: StepCase, chat: ChatModel, symbols: SymbolTable) -> StepAnswer:
    """Return what the model proposes.

    Raises:
        LLMError: The server cannot be reached or refuses.
    """
    prompts = prompt_environment(PROMPTS)
    ask = prompts.get_template("step.j2")
    example = Missing(steps=tuple(Target(target=t, effect=e) for t, e in ANSWER))
    asked = [
        Message(role="system", content=prompts.get_template("step_system.j2").render().strip()),
        Message(role="user", content=ask.render(gene=EXAMPLE, known=KNOWN, most=MOST)),
        Message(role="assistant", content=example.model_dump_json()),
        Message(role="user", content=ask.render(gene=case.gene, known=case.shown, most=MOST)),
    ]
    try:
        said, _ = await structured(chat, asked, Missing, max_tokens=120)
    except UnusableError as error:
        return StepAnswer(failed=str(error))
    found: dict[str, tuple[str, Found, int]] = {}
    for one in said.steps:
        gene = symbols.ground(one.target.strip()).gene
        name = gene.symbol if gene else one.target.strip()
        sign = 1 if one.effect == "activates" else -1
        found.setdefault(name, (name, _found(name, case, gene is not None), sign))
    return StepAnswer(steps=tuple(found.values()))


def _found(name: str, case: StepCase, is_gene: bool) -> Found:
    if not is_gene:
        return "no gene"
    if name in case.hidden:
        return "right"
    return "known" if name in case.linked else "wrong"
