"""Why a readout would change: the best signed paths to it, going up and going down."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from app.mcp.call import Call, Genes, Reply, Tell, call_words, cell
from knowledge.schema import Evidence, Frozen, PerturbationKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.mcp.desk import Desk
    from knowledge.cascade import Candidate


class CascadeArgs(Frozen):
    """Find the best supported signed paths from a perturbation to the transcript of one gene.

    One going up and one going down, step by step with mechanism and evidence, beside what is
    predicted for the gene.
    """

    perturbation: Genes = Field(
        description="The gene perturbed, or genes perturbed together", min_length=1, max_length=4
    )
    readout: str = Field(description="The gene whose transcript is read", max_length=60)
    cell_line: str = Field(default="K562", description="K562, RPE1, HepG2 or Jurkat", max_length=60)
    kind: PerturbationKind = Field(default="knockout", description="What is done")


def _cascade(desk: "Desk", args: CascadeArgs, tell: Tell) -> Reply:
    from agent.wording import perturbation_words
    from app.api import perturbation_of, predicted_rows
    from app.jobs.pairs import ground_gene
    from tools.network import signed_paths

    session = desk.session(tell)
    one = perturbation_of(args.perturbation, args.cell_line, args.kind, session=session)
    readout = ground_gene(session.knowledge.symbols, args.readout)
    tell("following the paths")
    paths = signed_paths(session.predictor.reach(one), readout)
    (row,) = [found.model_dump() for found in predicted_rows(session, one, [readout])]
    said = (
        f"predicted {row['call']}" if not row["abstained"] else f"not predicted ({row['reason']})"
    )
    if row["p_de"] is not None:
        said += f", P(changes) {row['p_de']:.2f}, P(up if it changes) {row['p_up']:.2f}"
    parts = [f"{perturbation_words(one)}, {readout}: {cell(said)}."]
    facts: dict[str, Evidence] = {}
    steps: list[dict[str, Any]] = []
    for path in paths:
        last = path[-1]
        lines = [_line(number, step, facts) for number, step in enumerate(path, start=1)]
        parts.append(
            f"**{readout} {last.target.direction}**, evidence score of the path "
            f"{last.confidence:.2f}\n\n" + "\n".join(lines)
        )
        steps += [_record(last.target.direction, step) for step in path]
    if not paths:
        parts.append(f"No signed path leads from {'+'.join(one.genes)} to the mRNA of {readout}.")
    if facts:
        told = (f"- [{fact.id}] {cell(fact.statement)} · {cell(fact.source)}"
                f"{f' · {cell(fact.reference)}' if fact.reference else ''}"
                for fact in facts.values())  # fmt: skip
        parts.append("**Evidence**\n\n" + "\n".join(told))
    notes = []
    if paths and row["call"] in ("up", "down") and paths[0][-1].target.direction != row["call"]:
        notes.append(
            "The better path points the other way than the prediction, which was believed."
        )
    doing = {"knockout": "Knock out", "knockdown": "Knock down", "activation": "Activate"}[one.kind]
    asked = f"{doing} {' and '.join(one.genes)} in {one.cell_line}: what happens to {readout}?"
    return Reply(
        text="\n\n".join(parts),
        question={**one.model_dump(mode="json", exclude_defaults=True), "readouts": [readout]},
        rows=[row],
        notes=notes,
        more={"steps": steps, "evidence": [_fact(fact) for fact in facts.values()]},
        next=[f"{call_words('ask', question=asked)} for the answer with counter-evidence"],
    )


def _line(number: int, step: "Candidate", facts: dict[str, Evidence]) -> str:
    from agent.wording import change_words
    from tools.evidence import relation_evidence

    found = list(relation_evidence(step.relation))
    facts.update({fact.id: fact for fact in found})
    cited = " ".join(f"[{cell(fact.id)}]" for fact in found)
    how = step.relation.mechanism or "mechanism not given"
    said = f"{change_words(step.source)} → {change_words(step.target)}"
    return f"{number}. {cell(said)} ({step.relation.effect}, {cell(how)}) {cited}"


def _record(direction: str, step: "Candidate") -> dict[str, Any]:
    return {
        "path": direction,
        "source": step.source.node,
        "source_direction": step.source.direction,
        "relation": step.relation.effect,
        "target": step.target.node,
        "target_direction": step.target.direction,
        "quantity": step.target.quantity,
        "mechanism": step.relation.mechanism,
    }


def _fact(fact: Evidence) -> dict[str, "str | Sequence[str]"]:
    return {
        "id": fact.id,
        "kind": fact.kind,
        "statement": fact.statement,
        "source": fact.source,
        "reference": fact.reference,
    }


CASCADE = Call(
    name="cascade",
    title="Follow the paths to one gene",
    args=CascadeArgs,
    run=_cascade,
    subjects=("cascade",),
    limits="The graph holds what databases and the built-in pathways hold: a missing path is no "
    "evidence that nothing happens. The evidence score is how well a path is documented, not the "
    "chance that it is true.",
)
