"""Training rows as evidence: single ones, and how much a perturbation or a readout moves at all.

As everywhere in a case, rows of the perturbed gene in the line that is asked about are left out.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from knowledge.graph import Group, SignedGraph
from knowledge.schema import Evidence, Perturbation
from models.response.neighbours import Neighbours, Row
from tools.experiments import SCREENS, row_evidence

# Perturbations less alike than this are no relatives: what they did is noise that looks like
# evidence.
NEAR = 0.05
RELATIVES = 4
SIBLINGS = 6
NAMED = 8
# Larger groups say nothing about any one member.
MAX_GROUP = 150
_FEWEST_IN_GROUP = 2


def experiment(row: Row, weight: float, why: str = "") -> Evidence:
    """Return a training row as evidence; its line is the `reference`, for the templates."""
    return row_evidence(
        row.perturbation,
        row.readout,
        row.cell_line,
        row.outcome,
        weight=min(1.0, weight),
        why=why,
        reference=row.cell_line,
    )


def breadth(near: Neighbours, perturbation: Perturbation) -> tuple[Evidence, ...]:
    """Return how many readouts the perturbation moved in other lines, and its relatives in this."""
    line, found = perturbation.cell_line, []
    for gene in perturbation.genes:
        own = _by_line(near.rows_of(gene))
        for other, rows in sorted(own.items()):
            if other != line:
                found.append(_counted(gene, other, rows, 1.0))
        for name, alike in near.perturbations(gene, RELATIVES).items():
            rows = _by_line(near.rows_of(name)).get(line, [])
            if alike >= NEAR and rows and name not in perturbation.genes:
                found.append(_counted(name, line, rows, alike, f", relative of {gene}"))
    return tuple(found)


def habit(near: Neighbours, perturbation: Perturbation, readout: str) -> tuple[Evidence, ...]:
    """Return how often the line's other perturbations moved the readout, and how often up."""
    line = perturbation.cell_line
    rows = [
        row
        for row in near.rows_on(readout)
        if row.cell_line == line and row.perturbation not in perturbation.genes
    ]
    if not rows:
        return ()
    told = Counter(row.outcome for row in rows)
    changed = told["up"] + told["down"]
    said = f"{changed} of {len(rows)} other knockdowns in {line} moved {readout}"
    if changed:
        said += f", {told['up']} of them up"
    return (_fact(f"habit:{readout}:{line}", said, 1.0, (readout,), line),)


def elsewhere(near: Neighbours, perturbation: Perturbation, readout: str) -> tuple[Evidence, ...]:
    """Return what the same perturbation did to the readout in other lines."""
    rows = [
        row
        for gene in perturbation.genes
        for row in near.rows_of(gene)
        if row.readout == readout and row.cell_line != perturbation.cell_line
    ]
    return tuple(experiment(row, 1.0) for row in rows)


def siblings(near: Neighbours, perturbation: Perturbation, readout: str) -> tuple[Evidence, ...]:
    """Return what the same perturbation did in other lines to the readouts most like this one."""
    alike = near.readouts(readout, SIBLINGS)
    rows = [
        row
        for gene in perturbation.genes
        for row in near.rows_of(gene)
        if row.readout in alike and row.cell_line != perturbation.cell_line
    ]
    rows.sort(key=lambda row: (-alike[row.readout], row))
    return tuple(experiment(row, alike[row.readout]) for row in rows)


def members(
    near: Neighbours, graph: SignedGraph, perturbation: Perturbation, readout: str
) -> tuple[Evidence, ...]:
    """Return, per complex or process of the perturbed genes, what losing its members did here."""
    line = perturbation.cell_line
    here = {row.perturbation: row for row in near.rows_on(readout) if row.cell_line == line}
    found = []
    for group in _groups(graph, perturbation.genes):
        rows = [
            here[gene] for gene in group.members if gene in here and gene not in perturbation.genes
        ]
        if len(rows) >= _FEWEST_IN_GROUP:
            said = (
                f"{len(rows)} other members of {group.name} knocked down in {line}: {_tally(rows)}"
            )
            ident = f"members:{group.name}>{readout}:{line}"
            found.append(_fact(ident, said, 0.9, (*perturbation.genes, readout), line))
    return tuple(found)


def _groups(graph: SignedGraph, genes: Sequence[str]) -> Iterator[Group]:
    """Iterate over the groups of the genes, complexes first, then the smallest."""
    groups = {group.name: group for gene in genes for group in graph.groups_of(gene)}
    order = sorted(groups.values(), key=lambda one: (one.kind != "complex", len(one.members)))
    yield from (one for one in order if len(one.members) <= MAX_GROUP)


def _tally(rows: Sequence[Row]) -> str:
    said = []
    for outcome in ("up", "down"):
        genes = sorted(row.perturbation for row in rows if row.outcome == outcome)
        if genes:
            more = f" and {len(genes) - NAMED} more" if len(genes) > NAMED else ""
            said.append(f"{len(genes)} {outcome} ({', '.join(genes[:NAMED])}{more})")
    still = sum(row.outcome == "unchanged" for row in rows)
    return ", ".join([*said, f"{still} unchanged"])


def _counted(gene: str, line: str, rows: Sequence[Row], weight: float, why: str = "") -> Evidence:
    changed = sum(row.outcome != "unchanged" for row in rows)
    said = f"{gene} in {line}{why}: {changed} of {len(rows)} readouts moved"
    return _fact(f"breadth:{gene}:{line}", said, min(1.0, weight), (gene,), line)


def _fact(ident: str, said: str, weight: float, genes: tuple[str, ...], line: str) -> Evidence:
    return Evidence(
        id=ident,
        kind="measured",
        statement=said,
        source=SCREENS,
        reference=line,
        weight=weight,
        genes=genes,
    )


def _by_line(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.cell_line, []).append(row)
    return found
