"""The page of the documentation that says what each column of a table means."""

from collections.abc import Iterator, Mapping

from app.jobs import expressions, phenotypes
from tools.counts import activity, differential, enrichment
from tools.effect_rows import EffectRow, RunRow

HEAD = """
# Columns

Two tables of effects can be joined by `perturbation`, `kind`, `cell_line` and `gene`, whichever
command wrote them. Written from the code by `KNOCKWISE_REFRESH=1 .venv/bin/pytest
tests/app/test_columns.py`.
"""
EFFECTS = """
In `effects.csv` of a run (`ask`, `report`), in what `predict` writes (CSV, gzipped CSV,
parquet), and in `rows` of `predict --json` and `ask --json`; the latter has the effects that
the answer tells, in a comparison those of every side.
"""
CARRIED = """
After these stand the columns of your own file: what you wrote for a column of ours as
`pert_as_given`, `gene_as_given`, `cell_line_as_given` and `kind_as_given`, every further column
under its own name (with `_as_given` where ours has that name). Without a file, your words for
genes stand there where they differ from the approved symbols.

Runs of earlier versions say `symbol` instead of `gene`, and lack `perturbation`, `kind`,
`cell_line`, `reason` and `path`.
"""
RUN = """
After the columns above, `effects.csv` of a run has
"""


def columns_page() -> str:
    """Return `docs/columns.md`."""
    shared = _described(EffectRow)
    more = {name: said for name, said in _described(RunRow).items() if name not in shared}
    parts = [
        _unwrapped(HEAD),
        "## Effects",
        _unwrapped(EFFECTS),
        *_table(shared),
        _unwrapped(CARRIED),
        "## A run",
        _unwrapped(RUN),
        *_table(more),
        "## `express --out`",
        *_table(expressions.COLUMNS),
        "## `phenotype --out`",
        *_table(phenotypes.COLUMNS),
        "## `differential.csv` of `analyse`",
        *_table(differential.COLUMNS),
        "## `gene_sets.csv` of `analyse`",
        *_table(enrichment.COLUMNS),
        "## `regulators.csv` of `analyse`",
        *_table(activity.COLUMNS),
    ]
    return "\n\n".join(parts) + "\n"


def _unwrapped(text: str) -> str:
    """Return paragraphs as one line each."""
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def _described(row: type[EffectRow]) -> dict[str, str]:
    return {name: field.description or "" for name, field in row.model_fields.items()}


def _table(columns: Mapping[str, str]) -> Iterator[str]:
    lines = [f"| `{name}` | {said} |" for name, said in columns.items()]
    yield "\n".join(["| Column | What it says |", "| --- | --- |", *lines])
