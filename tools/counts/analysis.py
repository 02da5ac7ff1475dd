"""From counts and a design to everything that was found: each stage done once and kept."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from knowledge.base import Knowledge
from knowledge.errors import QuestionError
from knowledge.files import replace_text, replacing
from knowledge.progress import Progress
from knowledge.schema import Perturbation
from tools.counts.activity import activities, regulons
from tools.counts.design import Design
from tools.counts.differential import by_gene, differential
from tools.counts.enrichment import enriched, sets_of
from tools.counts.frames import rows_of
from tools.counts.reading import Read, Request
from tools.counts.result import Found
from tools.counts.sentences import first_sentences
from tools.effects import EffectPredictor
from tools.lists.explanation import explained
from tools.lists.listed import ListedGene, ResultList
from tools.lists.rows import ListExplanation

MOST_SOURCES = 80
_PAPERS = re.compile(r"PubMed:\s?(\d{4,9})")
_CITING = re.compile(r"\s*\((?:PubMed:\s?\d+(?:,\s*)?)+\)|\s*\{ECO:[^}]*\}")


@dataclass(frozen=True)
class Kept:
    """Keeps what stages made in a folder, each under what it was made of.

    Attributes:
        folder: Where.
        fingerprint: Of the request and its inputs.
    """

    folder: Path
    fingerprint: str

    def table(self, name: str, make: Callable[[], pd.DataFrame], more: str = "") -> pd.DataFrame:
        """Return a kept table, or make and keep it."""
        path = self._path(name, more, "parquet")
        if not path.is_file():
            made = make()
            with replacing(path) as draft:
                made.to_parquet(draft)
            return made
        return pd.read_parquet(path)

    def text(self, name: str, make: Callable[[], str], more: str = "") -> str:
        """Return kept text, or make and keep it."""
        path = self._path(name, more, "json")
        if not path.is_file():
            replace_text(path, make())
        return path.read_text(encoding="utf-8")

    def _path(self, name: str, more: str, ending: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        key = hashlib.sha256(f"{self.fingerprint} {more}".encode()).hexdigest()[:12]
        for other in self.folder.glob(f"{name}-*.{ending}"):
            if key not in other.name:
                other.unlink()
        return self.folder / f"{name}-{key}.{ending}"


def analysed(
    request: Request,
    given: Read,
    predictor: Callable[[], EffectPredictor],
    kept: Kept,
    progress: Progress,
) -> tuple[Found, pd.DataFrame]:
    """Return what was found, and normalised counts.

    Args:
        request: What is analysed.
        given: Of `read`.
        predictor: Opens what is known, once the test is done.
        kept: Where stages are kept, so that a stopped run goes on.
        progress: Told what is being done.
    """
    progress("testing genes", 0.1)
    course, said = _course(request, given, kept)
    if given.cells is not None and request.cells.sample is None:
        from tools.counts.cells import cell_test

        cells, design, names = given.cells, given.design, given.names
        table = kept.table(
            "cells", lambda: cell_test(cells, design, names, request.alpha, request.least_effect)
        )
        found, normalised = told_of(
            request, given, table, said, predictor, kept, progress, method="cells"
        )
        return replace(found, course=course), normalised

    def test() -> pd.DataFrame:
        found = differential(
            given.counts,
            given.design,
            given.names,
            alpha=request.alpha,
            least_effect=request.least_effect,
            least_counts=request.least_counts,
            jobs=request.jobs,
        )
        return found.table.assign(_notes=json.dumps(found.notes))

    table = kept.table("differential", test)
    notes = tuple(json.loads(table["_notes"].iloc[0]))
    table = table.drop(columns="_notes")
    found, normalised = told_of(request, given, table, (*notes, *said), predictor, kept, progress)
    return replace(found, course=course), normalised


def _course(request: Request, given: Read, kept: Kept) -> tuple[pd.DataFrame | None, list[str]]:
    """Return the pseudotime of single cells where it is asked for, and what to say of it."""
    if not request.cells.trajectory:
        return None, []
    if given.cells is None:
        raise QuestionError("--trajectory orders single cells; these are counts of samples.")
    from tools.counts.cells import pseudotime

    column, cells = given.design.column, given.cells
    if column not in cells.data.obs:
        raise QuestionError(
            f"--trajectory needs {column} as a column of the cells, to know where it begins."
        )
    root = given.design.reference
    if root not in set(cells.data.obs[column].astype(str)):
        raise QuestionError("--trajectory needs a contrast of two groups of cells.")

    def made() -> pd.DataFrame:
        table, notes = pseudotime(cells, root, column)
        return table.assign(_notes=json.dumps(notes))

    table = kept.table("course", made)
    return table.drop(columns="_notes"), list(json.loads(table["_notes"].iloc[0]))


def told_of(
    request: Request,
    given: Read,
    table: pd.DataFrame,
    notes: Sequence[str],
    predictor: Callable[[], EffectPredictor],
    kept: Kept,
    progress: Progress,
    method: str = "pydeseq2",
) -> tuple[Found, pd.DataFrame]:
    """Return what a differential table means: gene sets, regulators, paths and sources."""
    factors = given.counts.sum(axis=0) / given.counts.sum(axis=0).median()
    normalised = given.counts.loc[given.counts.index.isin(table["id"])] / factors
    progress("reading what is known", 0.45)
    open_ = predictor()
    knowledge = open_.knowledge
    version = repr(sorted(knowledge.versions.items()))
    genes = by_gene(table)
    known = genes[[one in knowledge.symbols for one in genes["gene"]]]
    progress("gene sets", 0.6)
    sets = kept.table(
        "sets",
        lambda: enriched(
            known,
            sets_of(knowledge, ontology=False),
            sets_of(knowledge, ontology=True),
            request.jobs,
        ),
        version,
    )
    progress("regulators", 0.75)
    regulators = kept.table(
        "regulators",
        lambda: activities(known, regulons(knowledge.graph, set(known["gene"]))),
        version,
    )
    explanation = None
    if request.perturbed and known["call"].isin(["up", "down"]).any():
        progress("following paths", 0.85)
        explanation = ListExplanation.model_validate_json(
            kept.text(
                "explanation",
                lambda: _explained(request, open_, known, given.design).model_dump_json(),
                version,
            )
        )
    found = Found(
        design=given.design,
        genes=table,
        samples=given.samples.table,
        pca=given.samples.explained,
        checks=given.samples.checks,
        sets=sets,
        regulators=regulators,
        sources=_sources(knowledge, known, regulators, explanation),
        alpha=request.alpha,
        explanation=explanation,
        notes=(*given.notes, *notes, *knowledge.warnings),
        method=method,
        versions={
            **knowledge.versions,
            "response": open_.response.version,
            "fusion": open_.fusion.version,
        },
    )
    return found, normalised


def _explained(
    request: Request, predictor: EffectPredictor, genes: pd.DataFrame, design: Design
) -> ListExplanation:
    lines = predictor.knowledge.cell_lines
    line = lines.ground(request.cell_line or lines.default.name).name
    state = {"up": "changed", "down": "changed", "unchanged": "unchanged"}
    listed = tuple(
        ListedGene(
            gene=str(row.gene),
            direction="up" if row.log2_fold_change > 0 else "down",
            effect=float(row.log2_fold_change),
            padj=float(row.padj) if pd.notna(row.padj) else None,
            level=float(row.base_mean),
            state=state.get(str(row.call), "between"),
        )
        for row in rows_of(genes)
        if np.isfinite(row.log2_fold_change)
    )
    result = ResultList(
        source=design.words, description="a differential test of these counts", genes=listed
    )
    perturbation = Perturbation(genes=request.perturbed, kind=request.kind, cell_line=line)
    return explained(predictor, perturbation, result)


def _sources(
    knowledge: Knowledge,
    genes: pd.DataFrame,
    regulators: pd.DataFrame,
    explanation: ListExplanation | None,
) -> pd.DataFrame:
    """Return what may be quoted of the genes that may be told: text, source and papers."""
    changed = genes[genes["call"].isin(["up", "down"])]
    size = (changed["shrunken"].abs() * changed["stat"].abs()).sort_values(ascending=False)
    wanted: list[str] = [str(changed.at[at, "gene"]) for at in size.index[:MOST_SOURCES]]
    wanted += [str(one) for one in regulators["regulator"].head(20)]
    if explanation is not None:
        wanted += [row.gene for row in explanation.rows[:MOST_SOURCES]]
    rows = [row for gene in dict.fromkeys(wanted) if (row := source_of(knowledge, gene))]
    return pd.DataFrame(rows, columns=["key", "about", "text", "source", "reference"])


def source_of(knowledge: Knowledge, gene: str) -> tuple[str, str, str, str, str] | None:
    """Return what a database says of a gene, its name and its papers; None where none says."""
    text = knowledge.summaries.get(gene, "")
    if not text:
        return None
    papers = list(dict.fromkeys(_PAPERS.findall(text)))[:3]
    source = knowledge.summary_sources.get(gene, "built-in pathways")
    entry = knowledge.symbols.get(gene)
    references = [f"PMID:{one}" for one in papers]
    if entry is not None and "uniprot" in source.casefold() and entry.uniprot_ids:
        references.insert(0, f"UniProt:{entry.uniprot_ids[0]}")
    elif entry is not None and entry.entrez_id and "ncbi" in source.casefold():
        references.insert(0, f"GeneID:{entry.entrez_id}")
    return gene, gene, first_sentences(_CITING.sub("", text)), source, "; ".join(references)


def fingerprint(request: Request, files: Iterable[str]) -> str:
    """Return what tells a run from another: what was asked, and the contents of its inputs."""
    asked = request.model_dump_json(exclude={"jobs"})
    return hashlib.sha256(f"{asked} {sorted(files)}".encode()).hexdigest()
