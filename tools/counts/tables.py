"""Writes what was found as tables that people open, and that the checker of sentences reads."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from knowledge.files import harmless_cell, replace_text, replacing
from knowledge.gene_sets import GeneSet
from tools.counts.differential import COLUMNS as GENE_COLUMNS
from tools.counts.differential import by_gene
from tools.counts.enrichment import COLUMNS as SET_COLUMNS
from tools.counts.enrichment import write_sets
from tools.counts.result import Found
from tools.lists.rows import ListExplanation

DIGITS = 6
MOST_HEAT = 50
TABLES = {
    "differential.csv": "every feature that was tested",
    "gene_sets.csv": "every gene set: GSEA and over-representation",
    "regulators.csv": "activity of every regulator",
    "samples.csv": "library, components, sex genes and remarks of every sample",
    "explained.csv": "the path to every changed gene, or why there is none",
    "expected.csv": "what was most expected of the perturbation, and what became of it",
    "sources.csv": "what is quoted, from where",
    "pseudotime.csv": "single cells by diffusion pseudotime",
    "heatmap.csv": "log2 normalised counts of the foremost genes",
}


def write_tables(
    found: Found, normalised: pd.DataFrame, folder: Path, sets: Iterable[GeneSet] = ()
) -> None:
    """Write the tables of a result into a folder.

    Args:
        found: What was found.
        normalised: `(features, samples)` counts over size factors.
        folder: Where.
        sets: Those that pictures need, written as GMT.
    """
    _write(found.genes[list(GENE_COLUMNS)], folder / "differential.csv")
    _write(found.sets[[*SET_COLUMNS, "sign"]], folder / "gene_sets.csv")
    _write(found.regulators, folder / "regulators.csv")
    _write(found.samples.reset_index(), folder / "samples.csv")
    _write(found.sources, folder / "sources.csv")
    _write(heat(found, normalised).reset_index(), folder / "heatmap.csv")
    if found.explanation is not None:
        _write(explained_table(found.explanation), folder / "explained.csv")
        rows = [row.model_dump() for row in found.explanation.foresight.expected]
        columns = ["gene", "call", "p_de", "p_up", "seen"]
        _write(pd.DataFrame(rows, columns=columns), folder / "expected.csv")
        replace_text(folder / "explanation.json", found.explanation.model_dump_json(indent=1))
    else:
        for name in ("explained.csv", "expected.csv", "explanation.json"):
            (folder / name).unlink(missing_ok=True)
    if found.course is not None:
        _write(found.course, folder / "pseudotime.csv")
    replace_text(folder / "notes.json", json.dumps(marked(found), indent=1) + "\n")
    write_sets(sets, folder / "gene_sets.gmt")


def heat(found: Found, normalised: pd.DataFrame, most: int = MOST_HEAT) -> pd.DataFrame:
    """Return `(genes, samples)` log2 normalised counts of the genes that changed most."""
    genes = by_gene(found.genes)
    changed = genes[genes["call"].isin(["up", "down"])]
    size = (changed["shrunken"].abs() * changed["stat"].abs()).sort_values(ascending=False)
    ids = genes.loc[size.index[:most], "id"]
    some = normalised.reindex(ids)
    names = pd.Index(size.index[:most], name="gene")
    return pd.DataFrame(np.log2(some.to_numpy() + 1), names, some.columns)


def explained_table(found: ListExplanation) -> pd.DataFrame:
    """Return the changed genes with the paths that explain them."""
    rows = [
        {
            "gene": row.gene,
            "measured": row.measured,
            "effect": row.effect,
            "padj": row.padj,
            "verdict": row.verdict,
            "reason": row.reason,
            "path": row.path.words if row.path else "",
            "path_direction": row.path.direction if row.path else "",
            "path_score": row.path.score if row.path else None,
            "databases": "; ".join(row.path.databases) if row.path else "",
            "references": "; ".join(row.path.references) if row.path else "",
            "programmes": "; ".join(row.path.programmes) if row.path else "",
            "hub": row.path.hub if row.path else "",
            "call": row.call,
            "p_de": row.p_de,
            "p_up": row.p_up,
            "expectation": row.expectation,
        }
        for row in found.rows
    ]
    return pd.DataFrame(rows)


def marked(found: Found) -> list[dict[str, object]]:
    """Return the marks whose numbers stand in no table, each with what it was made of."""
    rows: list[dict[str, object]] = [
        {"mark": f"check {number}", "numbers": list(check.numbers), "names": _named(check.text)}
        for number, check in enumerate(found.checks, 1)
    ]
    rows.append({"mark": "summary components", "numbers": [100 * one for one in found.pca]})
    rows.append({"mark": "summary threshold", "numbers": [100 * found.alpha]})
    if found.explanation is not None:
        rows.append({"mark": "summary controls", **_controls(found.explanation)})
    return rows


def _controls(one: ListExplanation) -> dict[str, object]:
    controls = one.controls
    shares = [controls.reached.share, controls.reached_unchanged.share, controls.agreeing.share,
              controls.agreeing_shuffled, controls.explained.share]  # fmt: skip
    numbers = [100 * share for share in shares if share is not None]
    auroc = one.foresight.auroc
    numbers += [auroc, 0.5] if auroc is not None else []
    numbers += [float(one.counts.get(name, 0)) for name in ("explained", "conflicting")]
    return {"numbers": numbers, "names": list(one.perturbation.genes)}


def _named(text: str) -> list[str]:
    """Return the words of a check that look like genes; it is about the genes that it names."""
    import re

    return re.findall(r"\b[A-Z][A-Z0-9-]{2,}\b", text)


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV that no spreadsheet runs, whole or not at all."""
    shown = table.copy()
    for name in shown.columns:
        if pd.api.types.is_float_dtype(shown[name]):
            shown[name] = shown[name].map(lambda one: "" if pd.isna(one) else f"{one:.{DIGITS}g}")
        elif not pd.api.types.is_numeric_dtype(shown[name]):
            shown[name] = shown[name].map(
                lambda one: "" if pd.isna(one) else harmless_cell(str(one))
            )
    with replacing(path) as draft:
        shown.to_csv(draft, index=False)
