"""Comparisons, searches and dependencies on a terminal."""

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from agent.wording import listed
from app.show.story import Citations
from app.show.terminal import STYLES, Signs, plain
from knowledge.schema import Answer, Effect, Lead, Likeness


def survey_view(answer: Answer, citations: Citations, signs: Signs) -> list[RenderableType]:
    """Return the tables of an answer that is no single cascade; none for one that is."""
    parts: list[RenderableType] = []
    if answer.sides:
        parts += [Text("\nSide by side", style="bold"), _sides(answer, citations, signs)]
    if answer.leads:
        parts += [Text("\nPerturbations", style="bold"), _leads(answer, citations, signs)]
    if answer.sets:
        parts += [Text("\nSets", style="bold"), _sets(answer)]
    if answer.likenesses:
        parts += [Text("\nLike it, or against it", style="bold"), _likenesses(answer)]
    if answer.dependencies:
        parts += [Text("\nDependencies", style="bold"), _dependencies(answer, citations)]
    return parts


def _sides(answer: Answer, citations: Citations, signs: Signs) -> Table:
    """Return one row per readout, one column per side."""
    table = _table()
    table.add_column("Gene", style="bold", no_wrap=True)
    for side in answer.sides:
        table.add_column(plain(side.label))
    genes = dict.fromkeys(effect.gene for side in answer.sides for effect in side.effects)
    for gene in genes:
        cells = []
        for side in answer.sides:
            effect = next((one for one in side.effects if one.gene == gene), None)
            cells.append(_cell(effect, citations, signs))
        table.add_row(Text(plain(gene)), *cells)
    return table


def _cell(effect: Effect | None, citations: Citations, signs: Signs) -> Text:
    if effect is None:
        return Text("")
    if effect.abstained:
        return Text("? not predicted", style="dim")
    ids = "".join(f" [{plain(one)}]" for one in citations.cite(effect.evidence_ids))
    said = f"{signs.reading(effect)} {shown(effect)}".rstrip()
    return Text.assemble((said, STYLES[effect.call]), (ids, "dim"))


def _leads(answer: Answer, citations: Citations, signs: Signs) -> Table:
    table = _table()
    for name in (
        "Perturbed",
        "Readout",
        "Call",
        "P(changes)",
        "Known by",
        "Also changes",
        "Evidence",
    ):
        table.add_column(name, no_wrap=name != "Evidence")
    for lead in answer.leads:
        effect = lead.effect
        table.add_row(
            Text(plain(done(lead)), style="bold"),
            Text(plain(effect.gene)),
            Text(signs.reading(effect), style=STYLES[effect.call]),
            shown(effect),
            known_by(lead),
            "" if lead.breadth is None else f"{lead.breadth:.1%} of readouts",
            " ".join(f"[{plain(one)}]" for one in citations.cite(lead.evidence_ids)),
        )
    return table


def shown(effect: Effect) -> str:
    """Return P(changes) as a number; nothing where only a direction is known."""
    return "" if effect.p_de is None else f"{effect.p_de:.2f}"


def known_by(lead: Lead) -> str:
    """Return what a lead rests on."""
    return listed(["measurement"] * lead.measured + ["graph"] * lead.linked) or "model"


def _dependencies(answer: Answer, citations: Citations) -> Table:
    table = _table()
    for name in ("Gene", "Cell line", "Needed", "Evidence"):
        table.add_column(name)
    for one in answer.dependencies:
        table.add_row(
            Text(plain(one.gene), style="bold"),
            plain(one.cell_line),
            {"yes": "yes", "no": "no", "unknown": "not known"}[one.verdict],
            " ".join(f"[{plain(fact)}]" for fact in citations.cite(one.evidence_ids)),
        )
    return table


def _sets(answer: Answer) -> Table:
    table = _table()
    for name in ("Set", "Prediction", "Score", "Up", "Down", "No change", "Not predicted"):
        table.add_column(name)
    for one in answer.sets:
        table.add_row(
            Text(plain(one.name), style="bold"),
            one.call.replace("unchanged", "no change").replace("unknown", "not predicted"),
            "" if one.score is None else f"{one.score:+.2f}",
            *(plain(", ".join(genes)) for genes in (one.up, one.down, one.unchanged, one.unknown)),
        )
    return table


def _likenesses(answer: Answer) -> Table:
    table = _table()
    for name in ("Knocked down", "Likeness", "Changes the same way", "The other way", "Known by"):
        table.add_column(name)
    for one in answer.likenesses:
        told = (
            ("", "", "", f"graph: carries {one.readouts:,} paths")
            if one.mediates
            else (f"{one.likeness:+.2f}", str(one.same), str(one.opposite), "measurement")
            if one.measured
            else (f"{one.likeness:+.2f}", "", "", "atlas")
        )
        if one.drug and not one.readouts:
            told = ("", "", "", "its target")
        table.add_row(Text(plain(done(one)), style="bold"), *told)
    return table


def done(found: Lead | Likeness) -> str:
    """Return what a search found: the gene, or the drugs that act on it."""
    return f"{found.drug} ({found.action}: {found.gene})" if found.drug else found.gene


def _table() -> Table:
    return Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
