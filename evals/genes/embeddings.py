"""Embeddings of genes to be scored: those that come with Knockwise, and any that a file holds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evals.genes.h5ad import SUFFIX, h5ad_rows
from knowledge.errors import DataError, QuestionError
from knowledge.progress import Progress
from knowledge.sources.registry import sha256_of
from knowledge.symbols import SymbolTable
from knowledge.texts.encoder import Encoder, load_encoder
from knowledge.user_tables.columns import ColumnReading
from knowledge.user_tables.file import BLANK_NAME, TableFile, open_table
from knowledge.user_tables.labels import LabelReader
from knowledge.user_tables.text import opened
from models.genen.texts import embed, gene_texts
from models.genepheno.encoder import UNIREP
from models.genepheno.sequences import by_gene, read_proteins
from models.inputs.unirep import encoded

FloatArray: TypeAlias = NDArray[np.float32]
BuiltIn = Literal["text", "genen", "random"]
BUILT_IN: tuple[BuiltIn, ...] = get_args(BuiltIn)
GENE_COLUMNS = (
    "gene", "symbol", "gene_symbol", "gene symbol", "gene_name", "gene name", "hgnc_symbol",
    "ensembl", "ensembl_id", "ensembl_gene_id", "entrez", "entrez_id", "ncbi_gene_id", "gene_id",
    "geneid",
)  # fmt: skip
"""Names, in any case, by which a column of genes is known where none is named."""
RANDOM_DIMENSIONS = 384
MOSTLY = 0.5
DECIMAL_COMMA = r"-?\d+,\d+(?:[eE][+-]?\d+)?"
"""Share of names from which a row or a column is taken to be of genes."""


@dataclass(frozen=True, eq=False, slots=True)
class Embedding:
    """A vector for each of some genes.

    Attributes:
        name: What tables call it.
        note: What it is made of.
        genes: Approved symbols, each once.
        vectors: `(genes, dimensions)`.
        unknown: Rows of a file whose gene is none of today.
        repeated: Rows of a file that were averaged with another of their gene.
    """

    name: str
    note: str
    genes: tuple[str, ...]
    vectors: FloatArray
    unknown: int = 0
    repeated: int = 0

    def rows(self, genes: Sequence[str]) -> FloatArray:
        """Return the vectors of `genes` `(genes, dimensions)`.

        Raises:
            KeyError: It has none of one of them.
        """
        place = {gene: row for row, gene in enumerate(self.genes)}
        return self.vectors[[place[gene] for gene in genes]]


@dataclass(frozen=True, slots=True)
class World:
    """What embeddings are made from.

    Attributes:
        data: A mirror, or a data folder with `sources`.
        symbols: The genes of today.
        genes: Those that have a label.
        cache: Folder of texts that were encoded before; without one all are encoded anew.
        seed: Of the random embedding.
    """

    data: Path
    symbols: SymbolTable
    genes: tuple[str, ...]
    cache: Path | None = None
    seed: int = 0


def read_embedding(
    word: str, world: World, column: str | None = None, progress: Progress | None = None
) -> Embedding:
    """Return the embedding of this name, or that a file holds.

    Args:
        word: `text`, `genen`, `random`, the path of a CSV, TSV, parquet or h5ad file, or that of
            UniRep's weights (`.npz`), which then reads the genes' proteins.
        world: What it is made from.
        column: Which column of a file holds the genes; guessed if left out.
        progress: Told how far it is.

    Raises:
        DataError: It is neither, or cannot be read.
    """
    makers: Mapping[str, Callable[[], Embedding]] = {
        "text": lambda: _text(world, load_encoder(), progress),
        "genen": _genen,
        "random": lambda: _random(world),
    }
    if make := makers.get(word):
        return make()
    if word.endswith(UNIREP):
        return _unirep(world, Path(word))
    return read_file(Path(word), world.symbols, column)


def fingerprint(word: str) -> str:
    """Return a hash of what an embedding is made of besides the data.

    Raises:
        DataError: It is neither a built-in nor a file.
    """
    if word == "text":
        return load_encoder().fingerprint
    if word == "random":
        return f"normal, {RANDOM_DIMENSIONS}"
    if word == "genen":
        from models.genen.model import GenenModel

        return GenenModel.load().version
    path = Path(word)
    if not path.is_file():
        raise DataError(
            f"{word} is neither a file nor one of {', '.join(BUILT_IN)}; name one of these as "
            "--embedding."
        )
    return sha256_of(path)


def read_file(path: Path, symbols: SymbolTable, column: str | None = None) -> Embedding:
    """Return the embedding that a CSV, TSV, parquet or h5ad file holds, one row per gene.

    One column holds symbols, Ensembl or Entrez ids, the others numbers. Rows of one and the same
    gene are averaged; rows of no gene of today are left out and counted.

    Args:
        path: The file; its suffix says what it is, `.gz` may follow.
        symbols: The genes of today.
        column: Which column holds the genes; if left out, the one with a usual name, or the only
            one that is not numbers.

    Raises:
        DataError: The file cannot be read, or is not of this form; says which column or row.
    """
    rows = h5ad_rows(path, column) if path.suffix == SUFFIX else _rows(path)
    if column is None:
        rows = _without_index(rows)
        _check_orientation(path, rows, symbols)
    gene = column or _gene_column(path, rows)
    if gene not in rows.columns:
        raise DataError(f"{path} has no column {gene}; it has {_some(rows.columns)}.")
    numbers = rows.drop(columns=[gene])
    words = [_word(one) for one in rows[gene]]
    vectors = _numbers(path, numbers, words)
    reading = _reading(words, symbols, gene)
    labels = [reading.labels[word] for word in words]
    today = [one.genes[0] if one.genes else None for one in labels]
    kept = np.array([symbol is not None for symbol in today], bool)
    if not kept.any():
        raise DataError(
            f"{path}: column {gene} holds no human gene (it begins with {_some(words)}); name the "
            "column of symbols, Ensembl or Entrez ids as --gene-column."
        )
    if kept.mean() < MOSTLY:
        raise DataError(
            f"{path}: in column {gene}, {reading.share()}; name the column of genes as "
            "--gene-column, or leave the other rows out."
        )
    genes, place = np.unique([one for one in today if one is not None], return_inverse=True)
    summed = np.zeros((len(genes), vectors.shape[1]))
    np.add.at(summed, place, vectors[kept])
    mean = summed / np.bincount(place)[:, None]
    return Embedding(
        name=path.name.removesuffix(".gz").rsplit(".", 1)[0],
        note=f"{path.name}, genes by column {gene}: {reading.share()}",
        genes=tuple(genes.tolist()),
        vectors=mean.astype(np.float32),
        unknown=int((~kept).sum()),
        repeated=int(kept.sum()) - len(genes),
    )


def _reading(words: Sequence[str], symbols: SymbolTable, name: str) -> ColumnReading:
    """Return what a column of genes means, each word a gene as it stands."""
    return ColumnReading(
        words,
        lambda entrez: LabelReader(symbols, entrez=entrez, suggest=False, perturbed=False),
        name,
        whole=True,
    )


def _without_index(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the table without the numbers of its rows, which pandas and R write in front."""
    first = rows.columns[0]
    if not BLANK_NAME.fullmatch(str(first)) or not pd.api.types.is_integer_dtype(rows[first]):
        return rows
    numbered = rows[first].to_numpy()
    counted = np.arange(len(rows)) + numbered[0]
    return rows.drop(columns=[first]) if np.array_equal(numbered, counted) else rows


def _check_orientation(path: Path, rows: pd.DataFrame, symbols: SymbolTable) -> None:
    """Refuse a table with genes in its columns.

    Raises:
        DataError: Most of its column names are genes.
    """
    names = [str(name) for name in rows.columns[1:]]
    exact = sum(name in symbols for name in names)
    if len(names) > 1 and exact > MOSTLY * len(names):
        raise DataError(
            f"{path}: {exact:,} of its {len(names):,} columns are called like genes, so genes are "
            "in its columns; turn the table round, a row per gene."
        )


def _text(world: World, encoder: Encoder, progress: Progress | None) -> Embedding:
    texts = gene_texts(world.data, world.genes)
    vectors = embed([one.text for one in texts], encoder, world.cache, progress)
    described = sum(bool(one.description) for one in texts)
    note = (
        f"{encoder.name} of name, RefSeq summary and UniProt function; {described:,} genes have "
        "more than a name"
    )
    return Embedding("text", note, world.genes, vectors)


def _genen() -> Embedding:
    from models.genen.model import GenenModel

    model = GenenModel.load()
    vectors = np.asarray(model.embeddings, np.float32)
    note = (
        "Genen's shipped embedding: texts, interactions and GO without cellular components; zeros "
        f"for {int((~vectors.any(axis=1)).sum()):,} genes of which nothing is known"
    )
    return Embedding("genen", note, tuple(model.genes), vectors)


def _unirep(world: World, weights: Path) -> Embedding:
    proteins = by_gene(read_proteins(world.data, world.symbols))
    genes = tuple(gene for gene in world.genes if gene in proteins)
    vectors = encoded(weights, [proteins[gene].sequence for gene in genes], world.cache)
    note = "UniRep's mean hidden state over the protein, of the mouse where no human one is at hand"
    return Embedding(f"unirep-{vectors.shape[1]}", note, genes, vectors)


def _random(world: World) -> Embedding:
    rng = np.random.default_rng(world.seed)
    vectors = rng.standard_normal((len(world.genes), RANDOM_DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Embedding("random", "normal numbers: what chance gives", world.genes, vectors)


def _rows(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise DataError(f"{path} does not exist; name the file of the embedding.")
    try:
        table = open_table(path)
        found = pd.read_parquet(path) if table.parquet else _from_text(table)
    except QuestionError as error:
        raise DataError(str(error)) from error
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read as a table ({error}).") from error
    if found.index.name is not None or not isinstance(found.index, pd.RangeIndex):
        found = found.reset_index()
    found.columns = [str(name) for name in found.columns]
    if not len(found) or len(found.columns) < 2:
        raise DataError(
            f"{path} has {len(found)} rows and {len(found.columns)} columns; expected a column of "
            "genes, columns of numbers, and a row per gene."
        )
    return found


def _from_text(table: TableFile) -> pd.DataFrame:
    """Return a table of text; a comma that separates nothing may be the decimal point."""

    def read(decimal: str) -> pd.DataFrame:
        with opened(table.path, table.encoding) as handle:
            # NA is a gene's name more often than a missing gene; missing numbers are found later.
            return pd.read_csv(
                handle, sep=table.delimiter, skiprows=table.skipped, decimal=decimal,
                keep_default_na=False, low_memory=False, skipinitialspace=True,
            )  # fmt: skip

    found = read(".")
    if table.delimiter != ",":
        words = found.select_dtypes(["object", "string"])
        if any(words[name].astype(str).str.fullmatch(DECIMAL_COMMA).all() for name in words):
            return read(",")
    return found


def _gene_column(path: Path, rows: pd.DataFrame) -> str:
    usual = [name for name in rows.columns if name.casefold() in GENE_COLUMNS]
    words = [name for name in rows.columns if not pd.api.types.is_numeric_dtype(rows[name])]
    for candidates in ([name for name in usual if name in words], words, usual):
        if len(candidates) == 1:
            return candidates[0]
    raise DataError(
        f"{path}: which column holds the genes? Candidates are {_some(words or rows.columns)}; "
        "name it as --gene-column."
    )


def _numbers(path: Path, rows: pd.DataFrame, words: Sequence[str]) -> NDArray[np.float64]:
    for name in rows.columns:
        if not pd.api.types.is_numeric_dtype(rows[name]):
            wrong = pd.to_numeric(rows[name], errors="coerce").isna().to_numpy()
            at = int(np.flatnonzero(wrong)[0]) if wrong.any() else 0
            raise DataError(
                f"{path}: column {name} is not numbers ({rows[name].iloc[at]!r} of {words[at]}); "
                "leave it out, or correct it."
            )
    vectors = rows.to_numpy(float)
    if not np.isfinite(vectors).all():
        row, place = np.argwhere(~np.isfinite(vectors))[0]
        raise DataError(
            f"{path}: {words[row]} has no finite number in column {rows.columns[place]}; correct "
            "the row, or leave it out."
        )
    return vectors


def _word(cell: object) -> str:
    """Return a cell as a word; an Entrez id that was read as a float is whole again."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _some(words: Iterable[object], limit: int = 4) -> str:
    named = [str(word) for word in words]
    return ", ".join(named[:limit]) + (" ..." if len(named) > limit else "")
