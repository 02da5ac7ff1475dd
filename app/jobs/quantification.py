"""Runs a plan of quantification with a progress bar, and writes its tables."""

import shlex
from pathlib import Path
from typing import Any

import pandas as pd

from app.show.progress import progress_bar
from knowledge.errors import QuestionError
from knowledge.files import replacing
from tools.quantify.plan import Plan, SamplePlan
from tools.quantify.runner import claim, run
from tools.quantify.tables import (
    HEADERS,
    gene_table,
    genes_of_headers,
    mapped,
    poorly,
    read_tx2gene,
    transcript_tables,
)

MOST_SHOWN = 6


def plan_text(plan: Plan) -> str:
    """Return a plan as people read it: each command, as it will run."""
    many = "1 sample" if len(plan.samples) == 1 else f"{len(plan.samples)} samples"
    lines = [f"{many}, counted by {plan.quantifier}:"]
    if plan.make_index:
        lines += ["", f"  {plan.make_index.what}", f"    {shlex.join(plan.make_index.command)}"]
    for one in plan.samples[:MOST_SHOWN]:
        lines += ["", *_sample_lines(one)]
    if (more := len(plan.samples) - MOST_SHOWN) > 0:
        said = ", ".join(one.sample.name for one in plan.samples[MOST_SHOWN:])
        lines += ["", f"  {more} more alike: {said}"]
    if plan.notes:
        lines += ["", *plan.notes]
    return "\n".join(lines)


def _sample_lines(plan: SamplePlan) -> list[str]:
    sample = plan.sample
    lanes = f", {len(sample.first)} lanes" if len(sample.first) > 1 else ""
    kind = "pairs" if sample.second else "single reads"
    steps = [
        f"    {shlex.join(one.replace('{sample}', sample.name) for one in step.command)}"
        for step in plan.steps
    ]
    return [f"  {sample.name} ({kind}{lanes})", *steps]


def quantified(
    plan: Plan, out: Path, transcripts: Path | None, tx2gene: str | None
) -> dict[str, Any]:
    """Run a plan, write its tables, and return what came of it.

    Raises:
        QuestionError: The genes of transcripts cannot be told.
        DataError: A program failed.
        RunError: The folder holds another run.
    """
    genes = _genes(tx2gene, transcripts)
    record = claim(plan, out, transcripts)
    with progress_bar() as told:
        run(plan, out, told)
    names = [one.sample.name for one in plan.samples]
    counts, tpm = transcript_tables(out, plan.quantifier, names)
    files = [_written(counts, out / "transcripts.tsv"), _written(tpm, out / "transcripts_tpm.tsv")]
    notes = list(plan.notes)
    if genes is not None:
        summed, note = gene_table(counts, genes)
        files.append(_written(summed, out / "gene_counts.tsv"))
        files.append(_written(gene_table(tpm, genes)[0], out / "gene_tpm.tsv"))
        notes += [note] if note else []
    found = mapped(out, plan.quantifier, names)
    rows = pd.DataFrame(
        [(one.sample, one.reads, one.mapped, round(one.percent, 2)) for one in found],
        columns=["sample", "reads", "mapped", "percent"],
    )
    files.append(_written(rows.set_index("sample"), out / "samples.tsv"))
    return {
        **{name: record[name] for name in ("quantifier", "versions")},
        "rows": rows.to_dict("records"),
        "transcripts": len(counts),
        "files": [str(file) for file in files],
        "notes": [*notes, *poorly(found)],
    }


def summary(found: dict[str, Any]) -> str:
    """Return what came of a run, for a terminal."""
    lines = [f"{found['transcripts']:,} transcripts, counted by {found['quantifier']}:"]
    lines += [
        f"  {row['sample']}: {row['mapped']:,} of {row['reads']:,} reads ({row['percent']:.1f} %)"
        for row in found["rows"]
    ]
    return "\n".join([*lines, *found["notes"], *found["files"]])


def _genes(tx2gene: str | None, transcripts: Path | None) -> dict[str, str] | None:
    if tx2gene is None:
        return None
    if tx2gene.casefold() != HEADERS:
        return read_tx2gene(Path(tx2gene))
    if transcripts is None:
        raise QuestionError("--tx2gene headers needs --transcripts, whose headers name the genes.")
    return genes_of_headers(transcripts)


def _written(table: pd.DataFrame, path: Path) -> Path:
    with replacing(path) as draft:
        table.round(4).to_csv(draft, sep="\t")
    return path
