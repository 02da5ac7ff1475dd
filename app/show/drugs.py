"""What an answer says of drugs, on a terminal: targets and the five steps from them."""

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from app.show.story import Citations
from app.show.terminal import plain
from knowledge.drugs import written
from knowledge.schema import Answer, DrugAccount

# Facts that a step cites on a terminal.
MOST_CITED = 4


def drugs_view(answer: Answer, citations: Citations) -> list[RenderableType]:
    """Return the targets of each drug and the steps to the readouts; nothing without a drug."""
    parts: list[RenderableType] = []
    for one in answer.drugs:
        mode = f": {one.modes[0]}" if one.modes else ""
        parts.append(Text(f"\n{plain(written(one.drug))}{plain(mode)}", style="bold"))
        if one.aims:
            parts.append(_targets(one))
        about = [
            one.process and f"It disturbs {one.process}.",
            one.note and f"{one.note[:1].upper()}{one.note[1:]}.",
        ]
        if told := " ".join(filter(None, about)):
            parts.append(Text(plain(told), style="dim"))
        for number, step in enumerate(one.steps, start=1):
            cited = "".join(
                f" [{plain(i)}]" for i in citations.cite(step.evidence_ids[:MOST_CITED])
            )
            parts.append(
                Text.assemble(
                    f"{number}. ",
                    (f"{step.step.capitalize()}: ", "bold"),
                    plain(step.statement),
                    (cited, "dim"),
                )
            )
    return parts


def _targets(one: DrugAccount) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for name in ("Target", "Action", "Certainty", "Alone it would mean", "Said by"):
        table.add_column(name, no_wrap=name in ("Target", "Action", "Certainty"))
    for aim in one.aims:
        lost = " (not in this line)" if aim.missing else ""
        table.add_row(
            Text(plain(f"{aim.gene}{lost}"), style="bold" if aim.begins else ""),
            aim.action,
            f"{aim.certainty:.2f}",
            plain(", ".join(aim.moves)),
            plain(", ".join(aim.sources)),
        )
    return table
