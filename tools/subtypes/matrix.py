"""Reads expression of many samples: which way round, on what scale, and what is left out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from knowledge.errors import QuestionError
from knowledge.user_tables.file import BLANK_NAME, BLANKS, column_key, open_table

FloatArray = NDArray[np.float64]
Side = Literal["auto", "rows", "columns"]
Scale = Literal["auto", "counts", "linear", "log"]
LEAST_SAMPLES, MOST_SAMPLES, LEAST_GENES = 20, 5_000, 10
# Values of logs stay below this; counts and intensities do not.
_HIGHEST_LOG = 50.0
_MOST_MISSING_OF_GENE, _MOST_MISSING_OF_SAMPLE = 0.2, 0.5
_TIMES = 5
_MILLION = 1e6
_SHOWN = 5
_SYMBOLS = {"symbol", "genesymbol", "hgncsymbol", "genename", "externalgenename"}
_OF_GENES = {
    *_SYMBOLS, "entrez", "entrezid", "entrezgene", "geneid", "ensembl", "ensemblid", "gene",
    "probe", "probeid", "probeset", "idref", "transcript", "transcriptid",
}  # fmt: skip
_OF_SAMPLES = {"sample", "sampleid", "patient", "patientid", "barcode"}
_NAMES = {*_OF_GENES, *_OF_SAMPLES, "id", "description"}
# What featureCounts and its like write between the name and the counts.
_PLACES = {"chr", "chrom", "chromosome", "start", "end", "strand", "length", "efflength"}


@dataclass(frozen=True, eq=False)
class Expression:
    """Expression of samples.

    Attributes:
        samples: Their names.
        genes: Names of genes or probes; some may repeat.
        values: Logs, or coordinates, `(samples, genes)`; none is missing.
        notes: What was unusual and how it was read, each a sentence.
    """

    samples: tuple[str, ...]
    genes: tuple[str, ...]
    values: FloatArray
    notes: tuple[str, ...] = ()

    def chosen(self, most: int) -> "Expression":
        """Return the most variable genes, standardised."""
        spread = self.values.std(axis=0)
        kept = np.sort(np.argsort(-spread, kind="stable")[:most])
        values = (self.values[:, kept] - self.values[:, kept].mean(axis=0)) / spread[kept]
        return replace(self, genes=tuple(self.genes[i] for i in kept), values=values)


def read_expression(
    path: Path,
    samples: Side = "auto",
    scale: Scale = "auto",
    known: Collection[str] = (),
) -> Expression:
    """Return the expression in a file: CSV, TSV, parquet or `.h5ad`.

    Args:
        path: The file.
        samples: Whether they are rows or columns; found out where the names or the shape tell.
        scale: Whether values are counts, linear or logs; found out by default.
        known: Names of samples from another table.

    Raises:
        QuestionError: It cannot be used; the sentence says why and what to do.
        DataError: The file is damaged.
    """
    if path.suffix == ".h5ad":
        names, genes, values, notes = _of_h5ad(path)
    else:
        names, genes, values, notes = _of_table(path, samples, known)
    values, told = _logged(path, values, scale)
    return cleaned(path.name, names, genes, values, [*notes, told])


def cleaned(
    name: str, samples: Sequence[str], genes: Sequence[str], values: FloatArray, notes: list[str]
) -> Expression:
    """Return expression without missing values, constant genes and repeated samples.

    Raises:
        QuestionError: Too little is left, or two samples have one name.
    """
    repeated = pd.Index(samples)[pd.Index(samples).duplicated()].unique()
    if len(repeated):
        said = ", ".join(map(str, repeated[:_SHOWN]))
        raise QuestionError(
            f"{name} has several samples of one name ({said}); rename or remove them."
        )
    missing = ~np.isfinite(values)
    values = np.where(missing, np.nan, values)
    good = missing.mean(axis=1) <= _MOST_MISSING_OF_SAMPLE
    if not good.all():
        said = ", ".join(np.asarray(samples)[~good][:_SHOWN])
        notes.append(f"{(~good).sum():,} samples lack more than half of the values: {said}.")
    values, kept = values[good], np.asarray(samples)[good]
    full = np.isnan(values).mean(axis=0) <= _MOST_MISSING_OF_GENE
    values, named = values[:, full], np.asarray(genes)[full]
    if not full.all():
        notes.append(f"{(~full).sum():,} genes lack more than a fifth of the values: left out.")
    if (holes := np.isnan(values)).any():
        values = np.where(holes, np.nanmedian(values, axis=0), values)
        notes.append(f"{holes.sum():,} missing values are replaced by the gene's median.")
    varies = np.ptp(values, axis=0) > 0 if len(values) else np.zeros(values.shape[1], bool)
    if not varies.all():
        notes.append(f"{(~varies).sum():,} genes are the same in all samples: left out.")
    values, named = values[:, varies], named[varies]
    _, first = np.unique(values, axis=0, return_index=True)
    if len(first) < len(values):
        again = np.setdiff1d(np.arange(len(values)), first)
        said = ", ".join(kept[again][:_SHOWN])
        notes.append(
            f"{len(again):,} samples repeat another one value for value and are left out: {said}."
        )
        first = np.sort(first)
        values, kept = values[first], kept[first]
    if len(kept) < LEAST_SAMPLES:
        raise QuestionError(
            f"{name} has {len(kept)} samples that can be used; a search for subtypes needs at "
            f"least {LEAST_SAMPLES}, and a rare one shows in a hundred. If samples are the "
            f"{'rows' if len(named) > len(kept) else 'columns'}, say so with --samples."
        )
    if len(kept) > MOST_SAMPLES:
        raise QuestionError(
            f"{name} has {len(kept):,} samples, which look like cells; add up the cells of each "
            "sample first (pseudobulk)."
        )
    if len(named) < LEAST_GENES:
        raise QuestionError(
            f"{name} has {len(named)} genes that vary; at least {LEAST_GENES} are needed."
        )
    return Expression(tuple(map(str, kept)), tuple(map(str, named)), values, tuple(notes))


def _of_h5ad(path: Path) -> tuple[list[str], list[str], FloatArray, list[str]]:
    import anndata

    from models.expression.h5ad_structure import DAMAGED, check_h5ad, unreadable

    if not path.is_file():
        raise QuestionError(f"{path} does not exist; name a file of expression.")
    check_h5ad(path)
    try:
        data = anndata.read_h5ad(path, backed="r")
        if data.n_obs > MOST_SAMPLES:
            raise QuestionError(
                f"{path.name} has {data.n_obs:,} rows, which look like cells; add up the cells of "
                "each sample first (pseudobulk)."
            )
        held = data.to_memory().X
    except DAMAGED as error:
        raise unreadable(path) from error
    dense = held.toarray() if hasattr(held, "toarray") else np.asarray(held)
    return list(data.obs_names), list(data.var_names), dense.astype(np.float64), []


def _of_table(
    path: Path, samples: Side, known: Collection[str]
) -> tuple[list[str], list[str], FloatArray, list[str]]:
    heads, frame, notes = _frame(path)
    columns, texts, odd = _parted(path, heads, frame)
    if odd:
        notes.append(f"{odd:,} cells are no numbers and count as missing.")
    if not texts:
        raise QuestionError(
            f"{path.name} has no column of names; its first column must name the genes or samples."
        )
    symbols = [at for at in texts if column_key(heads[at]) in _SYMBOLS]
    named = [*symbols, *texts][0]
    side = samples
    if side == "auto":
        side = _side(path, frame[named], column_key(heads[named]), heads, columns, known)
    if side == "columns":
        places = [at for at in columns if column_key(heads[at]) in _PLACES]
        columns = [at for at in columns if at not in places]
        texts = [*texts, *places]
    left = [heads[at] or "the nameless one" for at in texts if at != named]
    if left:
        what = "sample" if side == "columns" else "gene"
        more = " ..." if len(left) > _SHOWN else ""
        notes.append(f"Columns that are no {what}: {', '.join(left[:_SHOWN])}{more}.")
    values = np.column_stack([frame[at].to_numpy(np.float64) for at in columns])
    rows = [str(one) for one in frame[named]]
    across = [heads[at] for at in columns]
    notes.append(f"Samples are the {side} of {path.name}.")
    return (rows, across, values, notes) if side == "rows" else (across, rows, values.T, notes)


def _frame(path: Path) -> tuple[list[str], pd.DataFrame, list[str]]:
    """Return the names of columns, the table by their numbers, and what was unusual."""
    table = open_table(path)
    if table.parquet:
        frame = pd.read_parquet(path)
        if not isinstance(frame.index, pd.RangeIndex):
            frame = frame.reset_index(names=frame.index.name or "")
        heads = [str(name).strip() for name in frame.columns]
        frame.columns = pd.RangeIndex(len(heads))
        return heads, frame, list(table.notes)
    heads = list(table.columns)
    if len(heads) < 2:
        raise QuestionError(
            f"{path.name} has one column; a table of expression has a column per sample or gene."
        )
    try:
        frame = pd.read_csv(
            path,
            sep=r"\s+" if table.delimiter == BLANKS else table.delimiter,
            names=range(len(heads)),
            header=None,
            skiprows=table.skipped + 1,
            encoding=table.encoding,
            skipinitialspace=table.delimiter != BLANKS,
            decimal="," if _decimal_commas(path, table.delimiter) else ".",
            low_memory=False,
            dtype={0: str},  # a name such as 01005 keeps its zero
        )
    except (ValueError, pd.errors.ParserError) as error:
        said = " ".join(str(error).split())
        raise QuestionError(f"{path.name} cannot be read as a table ({said}).") from error
    return heads, frame, list(table.notes)


def _decimal_commas(path: Path, delimiter: str) -> bool:
    """Return whether numbers have commas for points, as where fields are parted by semicolons."""
    if delimiter == ",":
        return False
    row = next(iter(open_table(path).rows()), None)
    cells = [cell for cell in row.cells[1:] if cell] if row else []
    return any("," in cell and cell.replace(",", "", 1).strip("-").isdigit() for cell in cells)


def _parted(
    path: Path, heads: Sequence[str], frame: pd.DataFrame
) -> tuple[list[int], list[int], int]:
    """Return the columns of numbers, those of names, and how many cells are neither."""
    numbers, texts, odd = [], [], 0
    for at, head in enumerate(heads):
        column = frame[at]
        first_name = at == 0 and BLANK_NAME.fullmatch(head) is not None
        if first_name or column_key(head) in _NAMES:
            texts.append(at)
            continue
        if pd.api.types.is_numeric_dtype(column):
            numbers.append(at)
            continue
        found = pd.to_numeric(column, errors="coerce")
        if found.notna().mean() > 0.5:
            odd += int((found.isna() & column.notna()).sum())
            frame[at] = found
            numbers.append(at)
        else:
            texts.append(at)
    if not numbers:
        raise QuestionError(
            f"{path.name} holds no column of numbers; expression is a number per gene and sample."
        )
    return numbers, texts, odd


def _side(
    path: Path,
    rows: "pd.Series[str]",
    named: str,
    heads: Sequence[str],
    columns: Sequence[int],
    known: Collection[str],
) -> Side:
    """Return where the samples are, by names of another table, the first name or the shape.

    Raises:
        QuestionError: Neither tells.
    """
    wanted = {str(one).strip() for one in known}
    down = sum(str(one).strip() in wanted for one in rows)
    across = sum(heads[at] in wanted for at in columns)
    if down != across:
        return "rows" if down > across else "columns"
    if named in _OF_GENES or len(rows) >= _TIMES * len(columns):
        return "columns"
    if named in _OF_SAMPLES or len(columns) >= _TIMES * len(rows):
        return "rows"
    raise QuestionError(
        f"{path.name} has {len(rows):,} rows and {len(columns):,} columns of numbers; say which "
        "are samples with --samples rows or --samples columns."
    )


def _logged(path: Path, values: FloatArray, scale: Scale) -> tuple[FloatArray, str]:
    """Return values as logs, and a sentence on what they were."""
    found = values[np.isfinite(values)]
    if not found.size:
        raise QuestionError(f"{path.name} holds no number.")
    whole = bool((found == np.round(found)).all())
    if scale == "auto":
        if found.min() < 0 or found.max() <= _HIGHEST_LOG:
            scale = "log"
        else:
            scale = "counts" if whole else "linear"
    if scale == "log":
        span = f"{found.min():.3g} to {found.max():.3g}"
        return values, f"Values of {path.name} are taken as logs ({span})."
    if found.min() < 0:
        raise QuestionError(
            f"{path.name} holds values below zero, which no {scale} values are; leave --scale away "
            "or say --scale log."
        )
    if scale == "linear":
        return np.log2(values + 1), f"Values of {path.name} are linear; log2 of 1 more is used."
    total = np.nansum(values, axis=1, keepdims=True)
    if (total == 0).any():
        raise QuestionError(f"{path.name} has samples without a single count; remove them.")
    return (
        np.log2(values / total * _MILLION + 1),
        f"Values of {path.name} are counts; log2 of counts per million and 1 is used.",
    )
