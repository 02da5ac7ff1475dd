"""Reads counts as people have them: tables, featureCounts, salmon and kallisto folders, h5ad."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from knowledge.errors import QuestionError
from knowledge.user_tables.file import BLANK_NAME, column_key, open_table
from knowledge.user_tables.text import opened

if TYPE_CHECKING:
    from anndata import AnnData

# Columns of a count table that describe a gene, by what they mean.
_SYMBOLS = {
    "symbol", "genesymbol", "genename", "hgncsymbol", "externalgenename", "gene", "mgisymbol",
}  # fmt: skip
_DESCRIBING = {
    "chr", "chromosome", "start", "end", "strand", "length", "genelength", "efflength",
    "effectivelength", "gc", "entrez", "entrezid", "entrezgeneid", "ncbigeneid", "biotype",
    "genebiotype", "genetype", "description", "position", "source", *_SYMBOLS,
}  # fmt: skip
_IDS = {
    "geneid", "ensgene", "ensembl", "ensemblid", "ensemblgeneid", "id", "gene", "genes", "feature",
    "featureid", "rownames", "row", "target", "targetid", "genename", "symbol", "genesymbol",
}  # fmt: skip
# What a BAM file is called after the sample.
_TAIL = re.compile(
    r"([._-](aligned|sorted|sort|markdup|dedup|rmdup|sortedbycoord|out|bam|sam|cram|star|hisat2|"
    r"counts?|toTranscriptome|primary))+$",
    re.IGNORECASE,
)
# Rows that HTSeq and STAR add, which count no gene.
_NO_GENE = re.compile(r"_{1,2}(no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique)"
                      r"|N_(unmapped|multimapping|noFeature|ambiguous)")  # fmt: skip
QUANTS = {"quant.sf": "salmon", "abundance.h5": "kallisto", "abundance.tsv": "kallisto"}
# From so many columns on, a single-cell file is one of cells and not of samples.
CELLS = 200
SHOWN = 3


@dataclass(frozen=True)
class CountTable:
    """Counts as they were read.

    Attributes:
        counts: `(features, samples)`, numbers as they stand in the file.
        source: The file or folder.
        description: What it is, for a sentence.
        symbols: Gene symbol of each feature, where the file names one beside its id.
        samples: What the file itself says of its samples (`obs` of an h5ad), by sample.
        notes: How it was read, where that is not plain, each a sentence.
    """

    counts: pd.DataFrame
    source: str
    description: str
    symbols: pd.Series | None = None
    samples: pd.DataFrame | None = None
    notes: tuple[str, ...] = field(default=())


def read_counts(
    path: Path, known: Sequence[str] = (), transcripts: Path | None = None, layer: str | None = None
) -> CountTable:
    """Return the counts in a file or folder.

    Args:
        path: A table (genes in rows or columns), an `.h5ad` with samples, or a folder with one
            salmon or kallisto folder for each sample.
        known: Names of samples that a design gives, by which rows are told from columns.
        transcripts: For salmon and kallisto: a table of transcript and gene.
        layer: Of an h5ad, by default `counts` where there is one.

    Raises:
        QuestionError: There are no counts in it; says what to give instead.
    """
    if path.is_dir():
        return _quantified(path, transcripts)
    if not path.is_file():
        raise QuestionError(f"{path} is no file or folder; name a table of counts.")
    if path.suffix == ".h5ad":
        return table_of(open_h5ad(path), path, layer)
    return _tabled(path, known)


def _tabled(path: Path, known: Sequence[str]) -> CountTable:
    file = open_table(path)
    if file.parquet:
        frame = pd.read_parquet(path).astype(str)
    else:
        with opened(path, file.encoding) as handle:
            frame = pd.read_csv(
                handle, sep=file.delimiter if file.delimiter != " " else r"\s+", dtype=str,
                skiprows=file.skipped, header=0, names=list(file.columns) or None, quotechar='"',
                keep_default_na=False, index_col=False, skipinitialspace=True,
            )  # fmt: skip
    if frame.shape[1] < 2 or frame.empty:
        raise QuestionError(
            f"{path} has {len(frame):,} rows and {frame.shape[1]} column(s); give a table with a "
            "row for each gene and a column for each sample."
        )
    frame.columns = [str(name).strip() for name in frame.columns]
    at = _id_column(frame)
    ids = frame.iloc[:, at].str.strip()
    rest = frame.drop(columns=frame.columns[at])
    kept, numbers = {}, {}
    for name in rest.columns:
        if column_key(name) in _DESCRIBING and name not in known:
            kept[name] = rest[name]
            continue
        value = pd.to_numeric(rest[name].replace({"": "0", "NA": "nan"}), errors="coerce")
        if value.isna().mean() > 0.5:
            kept[name] = rest[name]
        else:
            numbers[name] = value
    if not numbers:
        raise QuestionError(
            f"{path} has no column of numbers (its columns are "
            f"{', '.join(map(repr, frame.columns[:6]))}); give counts, a column for each sample."
        )
    values = pd.DataFrame(numbers)
    values.index = pd.Index(ids)
    notes = list(file.notes)
    if bad := int(values.isna().to_numpy().sum()):
        row = values.index[values.isna().any(axis=1)][0]
        raise QuestionError(
            f"{path}: {bad:,} cells are no numbers (the first in row {row!r}); a count that is "
            "missing is no zero: correct or remove these rows."
        )
    described = "a table of counts"
    if {"chr", "start", "end", "strand", "length"} <= {column_key(name) for name in kept}:
        described = "a table of featureCounts"
    elif dropped := [name for name in kept if column_key(name) not in _SYMBOLS]:
        notes.append(f"{path.name}: {_some(dropped)} holds no counts and is left out.")
    values = values.rename(columns={name: sample_name(name) for name in values.columns})
    values, turned = _upright(values, known)
    if turned:
        notes.append(
            f"The samples of {path.name} stand in rows and its genes in columns; it was turned "
            "round."
        )
    named = next((kept[name] for name in kept if column_key(name) in _SYMBOLS), None)
    symbols = None
    if named is not None and not turned:
        symbols = pd.Series(named.str.strip().to_numpy(), index=ids)
    return _without_tallies(CountTable(values, path.name, described, symbols, None, tuple(notes)))


def _id_column(frame: pd.DataFrame) -> int:
    """Return the column of names: a nameless first one, one called so, or the first of words."""
    names = [column_key(name) for name in frame.columns]
    if BLANK_NAME.fullmatch(frame.columns[0]) or names[0] in _IDS:
        return 0
    for at, name in enumerate(names):
        if name in _IDS:
            return at
    for at in range(frame.shape[1]):
        head = frame.iloc[:50, at]
        if pd.to_numeric(head, errors="coerce").isna().mean() > 0.5:
            return at
    return 0


def sample_name(word: str) -> str:
    """Return a sample's name without the path and ending of its BAM file."""
    bare = word.replace("\\", "/").rstrip("/").rpartition("/")[2] if "/" in word else word
    return _TAIL.sub("", bare) or word


def _upright(values: pd.DataFrame, known: Sequence[str]) -> tuple[pd.DataFrame, bool]:
    """Return the table with genes in rows, and whether it was turned."""
    if known:
        columns = len(matched(known, [str(name) for name in values.columns]))
        rows = len(matched(known, [str(name) for name in values.index]))
        turn = rows > columns
    else:
        turn = values.shape[1] > CELLS and values.shape[1] > 5 * len(values)
    if not turn:
        return values, False
    turned = values.T
    turned.index = pd.Index([str(name) for name in turned.index])
    return turned, True


def matched(wanted: Iterable[str], found: Sequence[str]) -> dict[str, str]:
    """Return wanted name -> found name, also where R or an aligner has spelt it anew."""
    exact = dict.fromkeys(found)
    by_key: dict[str, list[str]] = {}
    for name in found:
        by_key.setdefault(_spelling(name), []).append(name)
    out: dict[str, str] = {}
    for name in wanted:
        if name in exact:
            out[name] = name
            continue
        near = by_key.get(_spelling(name), [])
        if len(near) == 1:
            out[name] = near[0]
    return out


def _spelling(name: str) -> str:
    """Return a name as R's `make.names` and people vary it: 1-A, X1.A and 1_a are one."""
    bare = re.sub(r"[^a-z0-9]+", "", sample_name(name).casefold())
    return bare[1:] if re.match(r"x\d", bare) else bare


def _without_tallies(table: CountTable) -> CountTable:
    """Return a table without rows that count no gene, and with rows of one id added up."""
    index = table.counts.index.astype(str)
    gene = ~index.str.fullmatch(_NO_GENE.pattern) & (index != "")
    counts = table.counts[gene]
    symbols = table.symbols[gene] if table.symbols is not None else None
    notes = list(table.notes)
    if twice := int(counts.index.duplicated().sum()):
        names = counts.index[counts.index.duplicated()].unique()
        notes.append(
            f"{twice:,} rows repeat a gene ({_some(list(names))}); rows of one name are added up."
        )
        counts = counts.groupby(level=0, sort=False).sum()
        if symbols is not None:
            symbols = symbols[~symbols.index.duplicated()].reindex(counts.index)
    if counts.columns.duplicated().any():
        name = counts.columns[counts.columns.duplicated()][0]
        raise QuestionError(
            f"{table.source} has several columns for the sample {name}; join or rename them."
        )
    return replace(table, counts=counts, symbols=symbols, notes=tuple(notes))


def _quantified(folder: Path, transcripts: Path | None) -> CountTable:
    """Return gene counts of a folder of salmon or kallisto folders, by pytximport.

    Counts are scaled by abundance and length (Soneson, Love and Robinson 2015), so that a change of
    isoforms is not taken for one of the gene.
    """
    there = {name: sorted(folder.glob(f"*/{name}")) for name in QUANTS}
    name = next((one for one, found in there.items() if found), None)
    if name is None:
        raise QuestionError(
            f"{folder} holds no folder with a quant.sf (salmon), abundance.h5 or abundance.tsv "
            "(kallisto); name the folder above the samples' folders."
        )
    if transcripts is None:
        raise QuestionError(
            f"{folder} holds counts of transcripts; name with --transcripts a table of transcript "
            "and gene, such as the tx2gene.tsv that `knockwise quantify` and nf-core write."
        )
    import logging

    from pytximport import tximport

    files, program = there[name], QUANTS[name]
    of = _transcript_genes(transcripts)
    logging.getLogger("pytximport").setLevel(logging.WARNING)
    try:
        found = tximport(
            files, data_type=program, transcript_gene_map=of, output_type="anndata",
            counts_from_abundance="length_scaled_tpm", ignore_transcript_version=True,
        )  # fmt: skip
    except (ValueError, KeyError, AssertionError, OSError) as error:
        raise QuestionError(
            f"{folder} cannot be summed to genes ({error}); check that {transcripts} names the "
            "transcripts that were quantified."
        ) from error
    values = pd.DataFrame(
        np.asarray(found.X).T, index=found.var_names.astype(str),
        columns=[file.parent.name for file in files],
    )  # fmt: skip
    note = (
        f"Transcript counts of {len(files)} {program} folders are summed to {len(values):,} genes "
        "(length-scaled, as tximport does)."
    )
    return CountTable(values, folder.name, f"a folder of {program}", notes=(note,))


def _transcript_genes(path: Path) -> pd.DataFrame:
    """Return `transcript_id` and `gene_id` of a table with or without a header."""
    file = open_table(path)
    rows = [row.cells for row in file.rows()]
    names = [column_key(name) for name in file.columns]
    tx = next((i for i, n in enumerate(names) if "transcript" in n or n.startswith("tx")), None)
    gene = next((i for i, n in enumerate(names) if n.startswith("gene") and i != tx), None)
    if tx is None or gene is None:
        if len(file.columns) < 2:
            raise QuestionError(f"{path} needs two columns, transcript_id and gene_id.")
        rows, tx, gene = [tuple(file.columns), *rows], 0, 1
    frame = pd.DataFrame(
        [(row[tx], row[gene]) for row in rows], columns=["transcript_id", "gene_id"]
    )
    frame["transcript_id"] = frame["transcript_id"].str.replace(r"\.\d+$", "", regex=True)
    return frame.drop_duplicates()


def open_h5ad(path: Path) -> "AnnData":
    """Return an h5ad file.

    Raises:
        QuestionError: It is none.
    """
    import anndata

    try:
        return anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise QuestionError(f"{path} cannot be read as h5ad ({error}).") from error


def counts_of(data: "AnnData", layer: str | None) -> tuple[object, str]:
    """Return the matrix `(observations, genes)` of raw counts in an h5ad, and its name.

    Raises:
        QuestionError: There is no such layer.
    """
    if layer is not None:
        if layer not in data.layers:
            raise QuestionError(
                f"There is no layer {layer!r}; it has {', '.join(data.layers) or 'none'}."
            )
        return data.layers[layer], layer
    if "counts" in data.layers:
        return data.layers["counts"], "counts"
    if data.raw is not None and not whole(data.X) and data.raw.shape[1] == data.n_vars:
        return data.raw.X, "raw"
    return data.X, "X"


def whole(values: object) -> bool:
    """Return whether the first values of a matrix are whole numbers."""
    part = values[:200]  # type: ignore[index]  # dense or sparse
    data = part.data if hasattr(part, "nnz") else np.asarray(part)
    return bool(np.all(np.asarray(data) == np.round(data)))


def table_of(data: "AnnData", path: Path, layer: str | None) -> CountTable:
    """Return the samples of an h5ad as a table."""
    values, name = counts_of(data, layer)
    dense = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    counts = pd.DataFrame(dense.T, index=data.var_names.astype(str), columns=data.obs_names)
    notes = [f"{path.name}: layer {name} is read."] if name != "X" else []
    column = next((c for c in data.var.columns if column_key(str(c)) in _SYMBOLS), None)
    symbols = None if column is None else pd.Series(data.var[column].astype(str), counts.index)
    obs = data.obs.copy()
    return _without_tallies(
        CountTable(counts, path.name, "an h5ad file", symbols, obs, tuple(notes))
    )


def gene_names(
    ids: Sequence[str], symbols: "pd.Series | None", ground: Callable[[Sequence[str]], list[str]]
) -> list[str]:
    """Return the approved symbol of each feature, "" where none is known.

    Args:
        ids: Names of the features.
        symbols: Symbols that the file names beside them.
        ground: Returns approved symbols of words.
    """
    found = ground(list(ids))
    if symbols is None:
        return found
    beside = ground([str(one) for one in symbols.reindex(list(ids)).fillna("")])
    return [first or second for first, second in zip(found, beside, strict=True)]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{', '.join(map(str, names[:SHOWN]))}{more}"
