"""Effects of one perturbation on readout genes, as a table."""

from typing import TYPE_CHECKING

from pydantic import Field

from app.mcp.call import SHOWN_ROWS, Call, Genes, Reply, Tell, call_words, more_words, table
from app.mcp.calls.ask import EFFECT_COLUMNS
from knowledge.schema import Frozen, PerturbationKind

if TYPE_CHECKING:
    from app.mcp.desk import Desk


class PredictArgs(Frozen):
    """Predict which transcripts change when one or several genes are perturbed, and which way.

    A row per readout gene with P(changes), P(up if it changes) and 90 % intervals, sorted by
    P(changes), or in the order of the readouts named. Genes by symbol, alias or identifier.
    """

    perturbation: Genes = Field(
        description="The gene perturbed, or genes perturbed together",
        min_length=1,
        max_length=4,
    )
    readouts: Genes | None = Field(
        default=None,
        description="Genes whose transcripts are read; null for all that can be predicted",
        max_length=1_000,
    )
    cell_line: str = Field(default="K562", description="K562, RPE1, HepG2 or Jurkat", max_length=60)
    kind: PerturbationKind = Field(
        default="knockdown", description="What is done; the screens behind it are knockdowns"
    )
    top: int = Field(default=50, ge=1, le=1_000, description="How many rows, at most 1,000")


def _predict(desk: "Desk", args: PredictArgs, tell: Tell) -> Reply:
    from agent.wording import perturbation_words
    from app.api import perturbation_of, predicted_rows
    from app.jobs.pairs import ground_gene

    session = desk.session(tell)
    one = perturbation_of(args.perturbation, args.cell_line, args.kind, session=session)
    symbols = session.knowledge.symbols
    readouts = [ground_gene(symbols, word) for word in args.readouts or ()] or None
    tell("predicting")
    every = [row.model_dump() for row in predicted_rows(session, one, readouts)]
    rows = every[: args.top]
    called = sum(row["call"] in ("up", "down") for row in every)
    head = (
        f"{perturbation_words(one)}: {called:,} of {len(every):,} readouts are called up or down."
    )
    notes = []
    if args.kind != "knockdown":
        notes.append(
            f"The screens are knockdowns: this {args.kind} is predicted from them"
            f"{', mirrored' if args.kind == 'activation' else ''}."
        )
    if all(row["abstained"] for row in every):
        notes.append("Nothing could be predicted; the rows say why.")
    best = next((row["gene"] for row in rows if row["call"] in ("up", "down")), None)
    following = [
        f"{call_words('cascade', perturbation=list(one.genes), readout=best, cell_line=one.cell_line, kind=one.kind)} for why"  # noqa: E501
    ]
    return Reply(
        text=f"{head}\n\n{table(rows[:SHOWN_ROWS], EFFECT_COLUMNS)}"
        + more_words(min(len(rows), SHOWN_ROWS), len(every)),
        question=one.model_dump(mode="json", exclude_defaults=True),
        rows=rows,
        total=len(every),
        notes=notes,
        next=following if best else [],
    )


PREDICT = Call(
    name="predict",
    title="Predict which genes change",
    args=PredictArgs,
    run=_predict,
    subjects=("effects",),
    limits="Transcripts that the screens read, and those that a signed path reaches; the others "
    "are not predicted, with the reason. No size of change (that is `express`). For research only.",
)
