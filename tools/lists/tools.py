"""Lists as tools of a language model: explain one, find its cause, search perturbations."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.schema import Direction, Evidence, Frozen, Perturbation, PerturbationKind
from tools.base import Tool, ToolError, ToolOutput
from tools.effects import EffectPredictor
from tools.genes import grounded
from tools.lists.atlas import atlas_of
from tools.lists.causes import Library
from tools.lists.explanation import explained
from tools.lists.listed import ResultList
from tools.lists.ranking import Causes, causes, library_of
from tools.lists.results import read_result
from tools.lists.rows import ListExplanation
from tools.lists.search import SearchResult, found

SHOWN = 40
LONGEST = 20_000
GENES = "Genes that changed, with signs: DDIT3+,ATF3+,LDLR-"
LINE = "For example K562"


class ExplainListArgs(Frozen):
    """Explain why genes changed after a perturbation, by signed paths from it.

    Each gene is explained, conflicting (a path says the other way) or unexplained with the reason;
    beside it stands what was predicted without looking, and how shuffled networks do.
    """

    genes: str = Field(description=GENES, min_length=1, max_length=LONGEST)
    perturbed: list[str] = Field(description="The gene or genes perturbed", min_length=1,
                                 max_length=4)  # fmt: skip
    kind: PerturbationKind = Field(description="What is done to them")
    cell_line: str = Field(description=LINE, max_length=60)


class CausesOfListArgs(Frozen):
    """Rank the genes whose loss or gain would make a list of genes go up and down.

    Compares the list with all predictions, with measured knockdowns and with signed paths, beside
    permuted lists. The first is a hypothesis, and none where permuted lists do as well.
    """

    genes: str = Field(description=GENES, min_length=1, max_length=LONGEST)
    cell_line: str = Field(description=LINE, max_length=60)
    sought: Literal["loss", "gain", "either"] = Field(description="Losses, gains or both")
    top: int = Field(default=20, ge=1, le=1000, description="How many, at most 1,000")


class FindPerturbationsArgs(Frozen):
    """Search all perturbations for those that raise or lower a gene, or most of a set of genes.

    Specific ones that a signed path links to it come first, with notes on essential genes and
    shared promoters.
    """

    readouts: list[str] = Field(description="The gene, or the genes of a set", min_length=1,
                                max_length=200)  # fmt: skip
    direction: Direction = Field(description="Which way they must go")
    kind: PerturbationKind = Field(description="How the genes sought are perturbed")
    cell_line: str = Field(description=LINE, max_length=60)
    top: int = Field(default=20, ge=1, le=1000, description="How many, at most 1,000")


def explain_list_tool(knowledge: Knowledge, predictor: EffectPredictor) -> Tool[ExplainListArgs]:
    """Build the `explain_list` tool over the cascade."""

    def run(args: ExplainListArgs) -> ToolOutput:
        genes = tuple(dict.fromkeys(grounded(knowledge, word).symbol for word in args.perturbed))
        line = knowledge.cell_lines.ground(args.cell_line).name
        one = Perturbation(genes=genes, kind=args.kind, cell_line=line)
        return _explained(explained(predictor, one, _list(knowledge, args.genes)))

    return Tool("explain_list", ExplainListArgs, run)


def causes_of_list_tool(
    knowledge: Knowledge, predictor: EffectPredictor, data: Path
) -> Tool[CausesOfListArgs]:
    """Build the `causes_of_list` tool over the atlas of a data folder; it opens when called."""
    library = lru_cache(maxsize=1)(lambda: library_of(predictor, data))

    def run(args: CausesOfListArgs) -> ToolOutput:
        line = knowledge.cell_lines.ground(args.cell_line).name
        listed = _list(knowledge, args.genes)
        opened: Library = library()
        return _ranked(causes(predictor, opened, listed, line, args.sought, args.top))

    return Tool("causes_of_list", CausesOfListArgs, run)


def find_perturbations_tool(
    knowledge: Knowledge, predictor: EffectPredictor, data: Path
) -> Tool[FindPerturbationsArgs]:
    """Build the `find_perturbations` tool over the atlas of a data folder."""

    def run(args: FindPerturbationsArgs) -> ToolOutput:
        line = knowledge.cell_lines.ground(args.cell_line).name
        readouts = [grounded(knowledge, word).symbol for word in args.readouts]
        atlas = atlas_of(data, predictor.response)
        return _searched(
            found(predictor, atlas, readouts, line, args.direction, args.kind, args.top, data)
        )

    return Tool("find_perturbations", FindPerturbationsArgs, run)


def _list(knowledge: Knowledge, words: str) -> ResultList:
    """Return a list of genes; a model may not name files.

    Raises:
        ToolError: It reads like a file.
    """
    if Path(words.strip()[:200]).exists():
        raise ToolError("Write the genes themselves, for example DDIT3+,LDLR-; no file is read.")
    return read_result(words, knowledge.symbols)


def _explained(one: ListExplanation) -> ToolOutput:
    lines = [f"{count} {name}" for name, count in one.counts.items()]
    controls = one.controls
    if controls.agreeing_shuffled is not None:
        lines.append(
            f"paths agree with {controls.agreeing.count} of {controls.agreeing.of} directions, "
            f"shuffled networks {controls.agreeing_shuffled:.0%}, p = {controls.agreeing_p:.2g}"
        )
    facts = []
    for row in one.rows[:SHOWN]:
        if row.path is None:
            lines.append(f"{row.gene}: {row.verdict}{f', {row.reason}' if row.reason else ''}")
            continue
        fact = Evidence(
            id=f"path:{'+'.join(one.perturbation.genes)}>{row.gene}",
            kind="database",
            statement=row.path.words,
            source=", ".join(row.path.databases),
            reference=", ".join(row.path.references),
            weight=min(1.0, row.path.score),
            genes=(*one.perturbation.genes, row.gene),
            sign=1 if row.path.direction == "up" else -1,
        )
        facts.append(fact)
        lines.append(f"[{fact.id}] {row.gene}: {row.verdict}, {row.path.words}; {row.expectation}")
    return ToolOutput(text="\n".join([*lines, *one.notes]), evidence=tuple(facts))


def _ranked(one: Causes) -> ToolOutput:
    lines = [
        f"{rank}. {row.way} of {row.gene}: score {row.score:.1f}, p {row.p:.3g} against permuted "
        f"lists, {row.agreeing} of {row.agreeing + row.opposing} genes agree by paths"
        for rank, row in enumerate(one.rows[:SHOWN], start=1)
    ]
    return ToolOutput(text="\n".join([*lines, *one.notes]))


def _searched(one: SearchResult) -> ToolOutput:
    lines = []
    for row in one.rows[:SHOWN]:
        number = "not known" if row.p_de is None else f"{row.p_de:.2f}"
        path = f", {row.path.words}" if row.path else ""
        note = f" ({'; '.join(row.notes)})" if row.notes else ""
        seen = f", measured {row.measured}" if row.measured else ""
        lines.append(f"{row.gene}: {row.call}, P(changes) {number}{seen}{path}{note}")
    return ToolOutput(text="\n".join([*(lines or ["none found"]), *one.notes]))
