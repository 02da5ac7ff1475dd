"""What screens measured after each knockdown, as signed rows that a list can be laid beside."""

from pathlib import Path

import numpy as np
from scipy import sparse

from knowledge.base import Knowledge
from knowledge.errors import DataError
from knowledge.sources.genes import sources_root
from models.inputs.screens import CELL_LINES
from models.response import ResponseModel
from models.response.signed_sets import SET_FILES, read_set_rows
from models.response.similarity import SCALE
from tools.lists.kept import Floats, SignedRows, kept

BETWEEN = "@"
# Some sets are of genes perturbed together.
JOINED = "|"


def signatures(response: ResponseModel, knowledge: Knowledge, data: Path) -> SignedRows:
    """Return the changed readouts of every measured knockdown, rows named `GENE@LINE`.

    They are the training rows of the screens and, where the data folder holds them, the signed
    sets of the same screens' training perturbations; both name what changed, not how much.
    """
    there = _sets_root(data)
    version = f"{response.version} {there or ''}"
    path = data / "atlas" / "signatures.npz"
    if response.screens:
        # They come and go: made anew, the kept ones of the training screens left as they are.
        return _made(response, knowledge, there)
    return kept(path, version, lambda: _made(response, knowledge, there))


def parts(row: str) -> tuple[str, str]:
    """Return gene and line of a row's name."""
    gene, _, line = row.rpartition(BETWEEN)
    return gene, line


def rarity(rows: SignedRows) -> Floats:
    """Return how much a gene's change says `(genes,)`: the rarer, the more."""
    seen = np.asarray((rows.values != 0).sum(axis=0)).ravel()
    found: Floats = np.log((1 + len(rows.rows)) / (1 + seen)).astype(np.float32)
    return found


def kinship(response: ResponseModel) -> SignedRows:
    """Return how alike every gene is to each perturbation of the screens, squared."""
    found = response._relatives
    symbols = tuple(response._gene)
    level = (found.level.astype(np.float32) / SCALE) ** 4
    at = np.repeat(np.arange(len(symbols)), level.shape[1])
    where = (at, found.index.astype(np.int64).ravel())
    shape = (len(symbols), len(response._pert_gene))
    values = sparse.coo_array((level.ravel(), where), shape=shape).tocsr()
    return SignedRows(symbols, tuple(symbols[i] for i in response._pert_gene), values)


def _sets_root(data: Path) -> Path | None:
    try:
        root = sources_root(data)
    except DataError:
        return None
    return root if all((root / name).is_file() for name in SET_FILES) else None


def _made(response: ResponseModel, knowledge: Knowledge, root: Path | None) -> SignedRows:
    rows = response._rows
    symbols = list(response._gene)
    changed = rows.de == 1
    triples = {
        (f"{symbols[response._pert_gene[p]]}{BETWEEN}{CELL_LINES[line]}",
         symbols[response._readout_gene[r]]): 2.0 * up - 1
        for p, line, r, up in zip(
            rows.pert[changed], rows.line[changed], rows.readout[changed], rows.up[changed],
            strict=True,
        )
    }  # fmt: skip
    if root is not None:
        table = read_set_rows(root, knowledge.symbols)
        for line, pert, gene, sign in zip(
            table["cell_line"], table["pert"], table["gene"], table["sign"], strict=True
        ):
            if pert != gene and JOINED not in str(pert):
                triples.setdefault((f"{pert}{BETWEEN}{line}", str(gene)), float(sign))
    names = sorted({row for row, _ in triples})
    genes = sorted({gene for _, gene in triples})
    at = {name: i for i, name in enumerate(names)}
    column = {name: i for i, name in enumerate(genes)}
    where = ([at[row] for row, _ in triples], [column[gene] for _, gene in triples])
    values = np.array(list(triples.values()), np.float32)
    shape = (len(names), len(genes))
    return SignedRows(
        tuple(names), tuple(genes), sparse.coo_array((values, where), shape=shape).tocsr()
    )
