"""Questions in words: answered with numbers and a cited mechanism, or only read."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from app.mcp.call import SHOWN_ROWS, Call, Reply, Tell, call_words, cell, more_words, table
from knowledge.schema import Frozen

if TYPE_CHECKING:
    from app.mcp.desk import Desk
    from knowledge.schema import Answer, CascadeStep, Question

LONGEST = 4_000
EFFECT_COLUMNS = {
    "gene": "Gene",
    "call": "Prediction",
    "p_de": "P(changes)",
    "p_up": "P(up if it changes)",
    "seen_in_training": "Measured already",
    "path": "Path",
}
STATUS = {
    "verified": "in databases or built in",
    "contradicted": "contradicted",
    "unsupported": "not supported",
}
MOST_EVIDENCE = 60


class AskArgs(Frozen):
    """Answer a question in words about human cells whose genes are knocked out, down or activated.

    What happens and why, which genes change, comparisons of perturbations or cell lines, what
    raises or lowers a gene, double perturbations, whether a line needs a gene. Returns calls with
    probabilities, a signed cascade whose steps cite databases and screens, what speaks against it,
    and what is not known.
    """

    question: str = Field(
        description="For example: Knock out HSPA5 in K562: what happens to DDIT3, and why?",
        min_length=1,
        max_length=LONGEST,
    )
    cell_line: str | None = Field(
        default=None,
        description="K562, RPE1, HepG2 or Jurkat, where the question names none",
        max_length=60,
    )
    follow: str | None = Field(
        default=None,
        description="Run that the question follows on ('and in RPE1?'): its name, or latest",
        max_length=200,
    )
    top: int = Field(default=50, ge=1, le=1_000, description="How many effects, at most 1,000")


class ReadArgs(Frozen):
    """Say how a question is read, without answering it.

    Its kind, the perturbation, the line, the readouts, and what is assumed. Fast; use it first
    where a question is long or unusual.
    """

    question: str = Field(description="A question in words", min_length=1, max_length=LONGEST)
    cell_line: str | None = Field(
        default=None, description="Where the question names none", max_length=60
    )


def _ask(desk: "Desk", args: AskArgs, tell: Tell) -> Reply:
    session = desk.session(tell)
    question = args.question
    if args.follow is not None:
        question = session.follow_up(question, desk.run_folder(args.follow))

    def told(event: dict[str, Any]) -> None:
        tell(f"{event['node']}: {event['message']}")

    return _answered(asyncio.run(session.ask(question, args.cell_line, on_event=told)), args.top)


def _answered(answer: "Answer", top: int) -> Reply:
    from agent.rows import answer_rows
    from app.show.story import main_steps

    every = [row.model_dump() for row in answer_rows(answer)]
    rows = every[:top]
    steps = main_steps(answer)
    parts = [cell(answer.summary)]
    parts += [f"Assumed: {cell(note)}" for note in answer.question.assumptions]
    for drug in answer.drugs:
        parts.append(
            f"**{cell(drug.drug)}**\n\n"
            + "\n".join(f"- {one.step}: {cell(one.statement)}" for one in drug.steps)
        )
    if rows:
        first = table(rows[:SHOWN_ROWS], EFFECT_COLUMNS)
        parts.append(first + more_words(min(len(rows), SHOWN_ROWS), len(every)))
    if answer.leads:
        named = any(one.drug for one in answer.leads)
        shown = {name: title for name, title in LEAD_COLUMNS.items() if named or name != "drugs"}
        parts.append(table(_leads(answer), shown))
    if answer.dependencies:
        parts.append("\n".join(f"- {cell(one.statement)}" for one in answer.dependencies))
    if steps:
        parts.append("**Cascade**\n\n" + "\n".join(_step_lines(steps)))
    evidence = list(_evidence(answer))
    if evidence:
        lines = [f"- [{one['id']}] {cell(_fact_words(one))}" for one in evidence]
        parts.append("**Evidence**\n\n" + "\n".join(lines))
    return Reply(
        text="\n\n".join(parts),
        question=answer.question.model_dump(mode="json", exclude_defaults=True),
        rows=rows,
        total=len(every),
        notes=answer.unknown,
        more={
            "run": answer.run,
            "report": f"knockwise://runs/{answer.run}/report",
            "steps": [_step_record(step) for step in steps],
            "drugs": [one.model_dump(mode="json") for one in answer.drugs],
            "leads": list(_leads(answer)),
            "dependencies": [one.model_dump(mode="json") for one in answer.dependencies],
            "evidence": evidence,
        },
        next=_after(answer),
    )


LEAD_COLUMNS = {
    "perturbation": "Perturbation",
    "drugs": "Drugs",
    "call": "Prediction",
    "p_de": "P(changes)",
    "measured": "Measured",
    "linked": "In the graph",
}


def _leads(answer: "Answer") -> Iterator[dict[str, Any]]:
    for one in answer.leads:
        yield {
            "perturbation": one.gene,
            "drugs": one.drug,
            "gene": one.effect.gene,
            "call": one.effect.call,
            "p_de": one.effect.p_de,
            "p_up": one.effect.p_up,
            "measured": one.measured,
            "linked": one.linked,
        }


def _step_lines(steps: "Sequence[CascadeStep]") -> Iterator[str]:
    from agent.wording import step_words

    for number, step in enumerate(steps, start=1):
        cited = " ".join(f"[{one}]" for one in step.evidence_ids)
        said = f"{STATUS[step.status]}, evidence score {step.confidence:.2f}"
        yield f"{number}. {cell(step_words(step))} ({said}) {cited}"


def _step_record(step: "CascadeStep") -> dict[str, Any]:
    return {
        "source": step.source.node,
        "source_direction": step.source.direction,
        "relation": step.relation,
        "target": step.target.node,
        "target_direction": step.target.direction,
        "quantity": step.target.quantity,
        "mechanism": step.mechanism,
        "status": step.status,
        "evidence_score": round(step.confidence, 4),
        "evidence": list(step.evidence_ids),
    }


def _evidence(answer: "Answer") -> Iterator[dict[str, str]]:
    for one in answer.evidence[:MOST_EVIDENCE]:
        yield {
            "id": one.id,
            "kind": one.kind,
            "statement": one.statement,
            "source": one.source,
            "reference": one.reference,
        }


def _fact_words(fact: dict[str, str]) -> str:
    reference = f" · {fact['reference']}" if fact["reference"] else ""
    return f"{fact['kind']}: {fact['statement']} · {fact['source']}{reference}"


def _after(answer: "Answer") -> list[str]:
    question = answer.question
    one = question.perturbation
    if not one.genes or question.intent not in ("forward", "why"):
        return []
    found = [
        f"{call_words('ask', question='and in RPE1?', follow=answer.run)} to ask the same of "
        "another line"
        if one.cell_line != "RPE1"
        else f"{call_words('ask', question='and in K562?', follow=answer.run)} to ask the same of "
        "another line"
    ]
    if one.drugged:
        pass  # the other calls are of genes, and the knockdown of a target is not the drug
    elif question.readouts:
        found.append(
            call_words(
                "predict", perturbation=list(one.genes), cell_line=one.cell_line, kind=one.kind
            )
            + " for every gene, not only those asked about"
        )
    elif answer.effects:
        found.append(
            call_words(
                "cascade",
                perturbation=list(one.genes),
                readout=answer.effects[0].gene,
                cell_line=one.cell_line,
                kind=one.kind,
            )
            + " for the paths to one of them"
        )
    found.append(f"the resource `knockwise://runs/{answer.run}/report` for the whole report")
    return found


def _read(desk: "Desk", args: ReadArgs, tell: Tell) -> Reply:
    from agent.question.answerable import trouble
    from agent.question.reading import parse_question
    from agent.question.telling import rows

    question = parse_question(args.question, desk.session(tell).knowledge, cell_line=args.cell_line)
    reason = trouble(question)
    told = [{"name": name, "value": value} for name, value in rows(question)]
    return Reply(
        text=table(told, {"name": "", "value": "Read as"}),
        question=question.model_dump(mode="json", exclude_defaults=True),
        notes=[reason] if reason else [],
        more={"answered": not reason},
        next=[] if reason else [_ask_words(question)],
    )


def _ask_words(question: "Question") -> str:
    from agent.question.telling import as_words

    return f"{call_words('ask', question=as_words(question))} for the answer"


ASK = Call(
    name="ask",
    title="Ask what a perturbation does, and why",
    args=AskArgs,
    run=_ask,
    subjects=("effects", "cascade"),
    limits="Human cells; K562, RPE1, HepG2 and Jurkat have screens, other lines are refused. "
    "Drugs are followed through their targets; no doses or time courses. No answer is a "
    "measurement, and none is for clinical use. Every answer is kept as a run.",
    keeps=True,
)
READ = Call(
    name="read",
    title="Show how a question is read",
    args=ReadArgs,
    run=_read,
    limits="It predicts nothing.",
)
