"""Trains the phenotype model: functions of proteins first, then the layer of each collection."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import DataError
from knowledge.progress import Progress
from knowledge.sources.genes import HGNC, read_symbols, sources_root
from knowledge.sources.registry import sha256_of
from models.checkpoint import write_checkpoint
from models.genepheno import ontology, phenotypes, sequences
from models.genepheno.baselines import Aligner
from models.genepheno.checkpoint import FORMAT, Checkpoint, Config, Learnt
from models.genepheno.encoder import PROFILE, encoder
from models.genepheno.functions import Profiles
from models.genepheno.ontology import GeneFunctions, IntArray, ancestry, read_functions
from models.genepheno.phenotypes import Collection, PhenotypeLabels, read_labels
from models.genepheno.predictor import FunctionUnits, PhenotypeSettings, Workbench, aligned, head
from models.genepheno.sequences import Protein, read_proteins
from models.provenance import code_commit

SHIPPED_COLLECTIONS: tuple[Collection, ...] = ("mp", "hpo", "komp", "gwas")


def train(
    data: Path,
    out: Path,
    progress: Progress,
    collections: Sequence[Collection] = SHIPPED_COLLECTIONS,
    seed: int = 0,
    encoder_name: str = PROFILE,
    settings: PhenotypeSettings | None = None,
    align: Aligner = aligned,
) -> dict[str, Any]:
    """Train on collections of the mirror and write a checkpoint; return what `training.json` says.

    Functions are learnt from proteins of genes that are labelled in one of the collections; traits
    of common variants, which most genes have, do not count unless nothing else is learnt. What GO
    says of any other gene that has a sequence is not looked at: such a gene may be withheld.

    Args:
        data: A mirror, or a data folder with `sources`.
        out: Folder of the checkpoint.
        progress: Told how far it has come.
        collections: Whose terms to learn.
        seed: Of everything drawn.
        encoder_name: `profile`, or a protein language model by its name.
        settings: Of the model.
        align: Finds alignments.

    Raises:
        DataError: A source is missing or too little of it can be learnt from.
    """
    if not collections:
        raise DataError("No collection to learn; name one, such as mp.")
    chosen = settings or PhenotypeSettings()
    commit, root = code_commit(), sources_root(data)
    progress("reading proteins", 0.0)
    symbols = read_symbols(root)
    proteins = [one for one in read_proteins(data, symbols) if one.gene]
    sequenced = {one.gene for one in proteins}
    progress("reading phenotypes", 0.1)
    every = {
        name: read_labels(data, name, symbols=symbols, sequenced=sequenced, every=True)
        for name in collections
    }
    labelled = _labelled(every)
    progress("reading functions", 0.2)
    reference = [one for one in proteins if one.gene in labelled]
    genes = sorted({gene.symbol for gene in symbols} - (sequenced - labelled))
    functions = read_functions(data, genes, [one.gene for one in reference], chosen.fewest, symbols)
    found = learnt_checkpoint(
        proteins, every, functions, progress, chosen, seed, encoder_name, align
    )
    progress("writing", 0.95)
    record = {
        "seed": seed,
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "proteins": len(proteins),
        "reference": len(found.arrays["reference"]),
        "functions": len(found.names["functions"]),
        "collections": [one.model_dump() for one in found.config.collections],
        "sources": {name: sha256_of(root / name) for name in _files(collections)},
    }
    write_checkpoint(out, FORMAT, found, record)
    progress("done", 1.0)
    return record


def learnt_checkpoint(
    proteins: Sequence[Protein],
    every: Mapping[Collection, PhenotypeLabels],
    functions: GeneFunctions,
    progress: Progress,
    settings: PhenotypeSettings | None = None,
    seed: int = 0,
    encoder_name: str = PROFILE,
    align: Aligner = aligned,
) -> Checkpoint:
    """Return what was learnt from proteins, labels and functions that were read.

    Args:
        proteins: One per gene; what GO says of those that `functions` leaves out is not looked at.
        every: Labels of genes with and without a sequence, by collection.
        functions: Of all genes to learn from, and of those that are to be predicted by what GO
            says of them.
        progress: Told how far it has come.
        settings: Of the model.
        seed: Of everything drawn.
        encoder_name: `profile`, or a protein language model by its name.
        align: Finds alignments.

    Raises:
        DataError: Too little is annotated to learn from.
    """
    chosen = settings or PhenotypeSettings()
    sequenced = {one.gene for one in proteins}
    labelled = _labelled(every)
    bench = Workbench(functions, align, encoder(encoder_name))
    progress("learning functions", 0.3)
    reference = [one for one in proteins if one.gene in labelled and bench.annotated(one.gene)]
    units = bench.units(reference, chosen, seed)
    arrays, names = _functions(units, functions)
    names |= _proteins(proteins)
    row = {one.gene: number for number, one in enumerate(proteins)}
    arrays["reference"] = np.array([row[one.gene] for one in reference], np.int32)
    arrays |= _ragged("curated", _curated(units, functions, sequenced, names))
    learnt = []
    for done, (name, labels) in enumerate(every.items()):
        progress(f"learning {name}", 0.6 + 0.35 * done / len(every))
        own = labels.among(sequenced)
        rest = labels.among({gene for gene in labels.genes if gene not in sequenced})
        found = head(bench, units, own, rest, chosen.head, seed)
        arrays |= {
            f"{name}/layer": found.layer.astype(np.float16),
            f"{name}/prior": found.prior.astype(np.float32),
        }
        more, words = _vocabulary(name, labels)
        arrays |= more
        names |= words
        learnt.append(
            Learnt(
                collection=name,
                genes=len(own),
                background=len(rest),
                gain=found.gain,
                exclusive_rate=labels.vocabulary.exclusive_rate,
            )
        )
    config = Config(seed=seed, encoder=encoder_name, settings=chosen, collections=tuple(learnt))
    return Checkpoint(config, names, arrays)


def _labelled(every: Mapping[Collection, PhenotypeLabels]) -> set[str]:
    """Return the genes whose functions are learnt; traits alone do not make a gene one of them."""
    counted = [labels for name, labels in every.items() if name != "gwas" or len(every) == 1]
    return {gene for labels in counted for gene in labels.genes}


def _files(collections: Sequence[Collection]) -> tuple[str, ...]:
    """Return what is read, relative to the root of the data."""
    return tuple(
        sorted(
            {
                HGNC,
                *sequences.FILES,
                *ontology.FILES.values(),
                *ontology.GO_FILES,
                phenotypes.MP_NAMES,
                *(phenotypes.FILES[name] for name in collections),
            }
        )
    )


def _functions(
    units: FunctionUnits, functions: GeneFunctions
) -> tuple[dict[str, NDArray[Any]], dict[str, tuple[str, ...]]]:
    """Return the functions as arrays and words; halves keep what matters of weights."""
    kernel = units.kernel
    exact = ("mean", "scale", "most")
    arrays: dict[str, NDArray[Any]] = {
        f"profile/{name}": getattr(kernel.profiles, name).astype(
            np.float32 if name in exact else np.float16
        )
        for name in Profiles.__dataclass_fields__
    }
    arrays |= {
        "duals": kernel.duals.astype(np.float16),
        "primal": kernel.primal.astype(np.float16),
        "loadings": kernel.loadings.astype(np.float16),
        "share": units.share,
        "rarity": units.rarity,
    }
    place = {int(row): unit for unit, row in enumerate(units.rows)}
    parents = [
        [place[int(parent)] for parent in functions.parents[row] if int(parent) in place]
        for row in units.rows
    ]
    arrays |= _ragged("function parents", parents)
    return arrays, {"functions": units.terms, "function names": units.names}


def _proteins(proteins: Sequence[Protein]) -> dict[str, tuple[str, ...]]:
    return {
        "genes": tuple(one.gene for one in proteins),
        "species": tuple(one.species for one in proteins),
        "sequences": tuple(one.sequence for one in proteins),
    }


def _curated(
    units: FunctionUnits,
    functions: GeneFunctions,
    sequenced: set[str],
    names: dict[str, tuple[str, ...]],
) -> list[IntArray]:
    """Return the most specific functions of genes without a sequence; add who they are to `names`.

    Those above follow from the ontology.
    """
    above = ancestry(tuple(functions.parents))[units.rows][:, units.rows].astype(np.int32).tolil()
    above.setdiag(0)
    closed = above.tocsr()
    matrix = functions.matrix[:, units.rows].astype(np.int32).tocsr()
    implied = (matrix @ closed).tocsr()
    direct = (matrix - matrix.multiply(implied > 0)).tocsr()
    direct.eliminate_zeros()
    direct.sort_indices()
    found, genes = [], []
    for row, gene in enumerate(functions.genes):
        columns = direct.indices[direct.indptr[row] : direct.indptr[row + 1]]
        if len(columns) and gene not in sequenced:
            found.append(columns.astype(np.int64))
            genes.append(gene)
    names["curated"] = tuple(genes)
    return found


def _vocabulary(
    name: Collection, labels: PhenotypeLabels
) -> tuple[dict[str, NDArray[Any]], dict[str, tuple[str, ...]]]:
    """Return the terms of a collection, and what is known of genes, as arrays and words."""
    vocabulary, direct = labels.vocabulary, labels.direct.tocsr()
    direct.sort_indices()
    stated = [
        direct.indices[start:end]
        for start, end in zip(direct.indptr[:-1], direct.indptr[1:], strict=True)
    ]
    arrays: dict[str, NDArray[Any]] = {
        f"{name}/exclusive": vocabulary.exclusive.astype(np.int16),
        **_ragged(f"{name}/parents", vocabulary.parents),
        **_ragged(f"{name}/known", stated),
    }
    words = {
        f"{name}/terms": vocabulary.terms,
        f"{name}/names": vocabulary.names,
        f"{name}/systems": vocabulary.systems,
        f"{name}/known": labels.genes,
    }
    return arrays, words


def _ragged(name: str, rows: Iterable[Sequence[int] | NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return rows of different lengths end to end, with their lengths."""
    parts = [np.asarray(row, np.int64) for row in rows]
    values = np.concatenate([np.zeros(0, np.int64), *parts])
    if values.max(initial=0) > np.iinfo(np.int16).max:
        raise ValueError(f"{name}: rows up to {values.max()} do not fit")
    return {
        f"{name}/rows": values.astype(np.int16),
        f"{name}/lengths": np.array([len(part) for part in parts], np.int16),
    }
