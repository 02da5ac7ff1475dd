"""Measured experiments: the one that was asked about, and related ones for and against a change."""

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.schema import Evidence, Frozen, Perturbation
from models.response import Analogue, ResponseModel
from models.response.schema import Outcome
from tools.base import Tool, ToolOutput
from tools.evidence import cited, cited_lines
from tools.genes import grounded

SCREENS = "PerturbQA training split (Replogle 2022, Nadig 2025)"
# How many related experiments are cited on either side of a prediction.
ANALOGUES_EACH_WAY = 2
# Of so many that weigh most, those are cited whose likeness has a reason that can be told.
LOOKED_THROUGH = 30
FAR_FETCHED = ("both located in",)


class MeasuredRow(Frozen):
    """The outcome of a training row of a screen, as evidence."""

    outcome: Outcome
    evidence: Evidence


class AnalogousExperimentsArgs(Frozen):
    """Show what Perturb-seq screens measured: first this very experiment, if they have it.

    Then, contrasted for the same readout gene: knockdowns of related genes that changed it and
    knockdowns of related genes that did not.
    """

    gene: str = Field(description="The perturbed gene, for example HSPA5", max_length=60)
    readout: str = Field(
        description="The gene whose transcript is read, for example DDIT3", max_length=60
    )
    cell_line: str = Field(description="For example K562", max_length=60)
    k: int = Field(default=4, ge=1, le=10, description="How many on either side, at most 10")


def measured_outcome(
    response: ResponseModel, perturbation: Perturbation, readout: str
) -> Outcome | None:
    """Return what a training row says of exactly this loss of one gene, if there is one."""
    if len(perturbation.genes) != 1 or perturbation.kind == "activation":
        return None
    return response.measured(perturbation.genes[0], readout, perturbation.cell_line)


def measured_row(
    response: ResponseModel, perturbation: Perturbation, readout: str
) -> MeasuredRow | None:
    """Return the training row of exactly this experiment, if a screen has it."""
    outcome = measured_outcome(response, perturbation, readout)
    if outcome is None:
        return None
    (gene,) = perturbation.genes
    source = response.own_screen(gene, readout, perturbation.cell_line)
    evidence = row_evidence(gene, readout, perturbation.cell_line, outcome, source=source)
    return MeasuredRow(outcome=outcome, evidence=evidence)


def row_evidence(
    gene: str,
    readout: str,
    cell_line: str,
    outcome: Outcome,
    *,
    weight: float = 1.0,
    why: str = "",
    reference: str = "",
    source: str = "",
) -> Evidence:
    """Return a row of a screen, by default a training row, as evidence."""
    said = f"left {readout} unchanged" if outcome == "unchanged" else f"moved {readout} {outcome}"
    return Evidence(
        id=f"obs:{gene}>{readout}:{cell_line}",
        kind="measured",
        statement=f"Knocking down {gene} in {cell_line} {said}{why}",
        source=source or SCREENS,
        reference=reference,
        weight=weight,
        genes=(gene, readout),
        sign={"up": 1, "down": -1}.get(outcome, 0),
    )


def analogue_facts(
    response: ResponseModel,
    gene: str,
    readout: str,
    cell_line: str,
    k: int = ANALOGUES_EACH_WAY,
) -> tuple[list[Evidence], list[Evidence]]:
    """Return up to `k` related experiments that changed `readout` and up to `k` that did not."""
    changed, unchanged = response.analogues(gene, readout, cell_line, LOOKED_THROUGH)
    return (
        [analogue_evidence(gene, one, response) for one in changed if _near(gene, one)][:k],
        [analogue_evidence(gene, one, response) for one in unchanged if _near(gene, one)][:k],
    )


def _near(gene: str, analogue: Analogue) -> bool:
    """Return whether a reader can be told why the experiment is cited."""
    return analogue.perturbation == gene or bool(_said(analogue))


def _said(analogue: Analogue) -> tuple[str, ...]:
    """Return the reasons that are reasons: being in one place of the cell is none."""
    return tuple(reason for reason in analogue.reasons if not reason.startswith(FAR_FETCHED))


def analogue_evidence(gene: str, analogue: Analogue, response: ResponseModel) -> Evidence:
    """Return a related experiment as measured evidence for a prediction about `gene`."""
    own = response.own_screen(analogue.perturbation, analogue.readout, analogue.cell_line)
    said = "did not change" if analogue.outcome == "unchanged" else f"moved {analogue.outcome}"
    experiment = f"{analogue.perturbation} was knocked down in {analogue.cell_line}"
    why = "; the same gene in another line"
    if analogue.perturbation != gene:
        why = f"; {analogue.perturbation} resembles {gene} ({', '.join(_said(analogue))})"
    return Evidence(
        id=f"obs:{analogue.perturbation}>{analogue.readout}:{analogue.cell_line}~{gene}",
        kind="measured",
        statement=f"{analogue.readout} {said} when {experiment}{why}",
        source=own or SCREENS,
        weight=analogue.similarity,
        genes=(analogue.perturbation, analogue.readout),
        sign={"up": 1, "down": -1}.get(analogue.outcome, 0),
    )


def analogous_experiments_tool(
    knowledge: Knowledge, response: ResponseModel
) -> Tool[AnalogousExperimentsArgs]:
    """Build the `analogous_experiments` tool over the training rows of the screens."""

    def run(args: AnalogousExperimentsArgs) -> ToolOutput:
        gene = grounded(knowledge, args.gene).symbol
        readout = grounded(knowledge, args.readout).symbol
        line = knowledge.cell_lines.ground(args.cell_line).name
        perturbation = Perturbation(genes=(gene,), kind="knockdown", cell_line=line)
        row = measured_row(response, perturbation, readout)
        changed, unchanged = analogue_facts(response, gene, readout, line, args.k)
        own = cited(row.evidence) if row else f"{gene} > {readout} in {line}: not measured."
        text = "\n".join(
            [
                own,
                f"Related experiments that changed {readout}:",
                cited_lines(changed) or "none",
                f"Related experiments that did not change {readout}:",
                cited_lines(unchanged) or "none",
            ]
        )
        first = [row.evidence] if row else []
        return ToolOutput(text=text, evidence=(*first, *changed, *unchanged))

    return Tool("analogous_experiments", AnalogousExperimentsArgs, run)
