"""Puts what the quantifiers wrote into tables: counts and TPM of transcripts, and of genes."""

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from knowledge.errors import DataError, QuestionError
from knowledge.schema import Frozen
from knowledge.user_tables.file import open_table, require_columns
from tools.quantify.plan import SAMPLES, TABLE, Quantifier

COLUMNS = {
    "salmon": {"Name": "transcript", "TPM": "tpm", "NumReads": "counts"},
    "kallisto": {"target_id": "transcript", "tpm": "tpm", "est_counts": "counts"},
}
HEADERS = "headers"
_POORLY = 50.0
_ENSEMBL = re.compile(r"\bgene:(?P<id>\S+)(?:.*\bgene_symbol:(?P<symbol>\S+))?")
_VERSION = re.compile(r"\.\d+$")


class Mapped(Frozen):
    """How many reads of a sample were found in the transcripts."""

    sample: str
    reads: int
    mapped: int

    @property
    def percent(self) -> float:
        """Return the share that was found, in percent."""
        return 100 * self.mapped / self.reads if self.reads else 0.0


def transcript_tables(
    out: Path, quantifier: Quantifier, samples: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return counts and TPM, a row per transcript and a column per sample.

    Raises:
        DataError: What the program wrote is missing or not as expected.
    """
    counts, tpm = {}, {}
    for name in samples:
        path = out / SAMPLES / name / quantifier / TABLE[quantifier]
        try:
            table = pd.read_csv(path, sep="\t").rename(columns=COLUMNS[quantifier])
            indexed = table.set_index("transcript")
            counts[name], tpm[name] = indexed["counts"], indexed["tpm"]
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                f"{path} is missing or not as {quantifier} writes it ({error}); remove the "
                "sample's folder and run the same command again."
            ) from error
    return pd.DataFrame(counts).fillna(0.0), pd.DataFrame(tpm).fillna(0.0)


def mapped(out: Path, quantifier: Quantifier, samples: Sequence[str]) -> list[Mapped]:
    """Return how many reads of each sample were found, as far as the program told."""
    found = []
    for name in samples:
        folder = out / SAMPLES / name / quantifier
        path = folder / ("aux_info/meta_info.json" if quantifier == "salmon" else "run_info.json")
        if not path.is_file():
            continue
        told = json.loads(path.read_text(encoding="utf-8"))
        keys = ("num_processed", "num_mapped")
        if quantifier == "kallisto":
            keys = ("n_processed", "n_pseudoaligned")
        found.append(Mapped(sample=name, reads=int(told[keys[0]]), mapped=int(told[keys[1]])))
    return found


def poorly(found: Sequence[Mapped]) -> list[str]:
    """Return a sentence on each sample of which little was found."""
    return [
        f"{one.sample}: only {one.percent:.0f} % of its {one.reads:,} reads are in the "
        "transcripts; another species, much ribosomal RNA or a wrong index look like that."
        for one in found
        if one.percent < _POORLY
    ]


def gene_table(transcripts: pd.DataFrame, genes: Mapping[str, str]) -> tuple[pd.DataFrame, str]:
    """Return the sums of transcripts by gene, and what is to be said of those without a gene.

    Raises:
        QuestionError: No transcript has a gene.
    """
    bare = {_VERSION.sub("", name): gene for name, gene in genes.items()}
    found = [
        genes.get(str(name)) or bare.get(_VERSION.sub("", str(name).split("|")[0]))
        for name in transcripts.index
    ]
    without = sum(one is None for one in found)
    if without == len(found):
        raise QuestionError(
            f"None of the {len(found):,} transcripts ({transcripts.index[0]}, ...) is in "
            "--tx2gene; it needs a column transcript and a column gene with the names of the "
            "FASTA file."
        )
    summed = transcripts.groupby(pd.Index(found, name="gene")).sum()
    note = f"{without:,} of {len(found):,} transcripts have no gene in --tx2gene and are left out."
    return summed, note if without else ""


def read_tx2gene(path: Path) -> dict[str, str]:
    """Return the gene of each transcript from a table with the columns transcript and gene."""
    table = open_table(path)
    named = {
        "transcript": ("tx", "txname", "transcript_id", "target_id", "enst"),
        "gene": ("symbol", "gene_name", "gene_id", "geneid", "ext_gene", "ensg"),
    }
    at = require_columns(table, named)
    rows = (row.cells for row in table.rows())
    return {
        row[at["transcript"]]: row[at["gene"]]
        for row in rows
        if row[at["transcript"]] and row[at["gene"]]
    }


def genes_of_headers(fasta: Path) -> dict[str, str]:
    """Return the gene of each transcript as the headers of Ensembl or GENCODE say.

    Raises:
        QuestionError: They say nothing of genes.
    """
    found = {}
    with fasta.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    opened: Any = gzip.open if packed else open
    with opened(fasta, "rt", encoding="utf-8", errors="replace") as handle:
        for line in handle:
            if not line.startswith(">"):
                continue
            name = line[1:].split()[0]
            parts = name.split("|")
            if len(parts) > 5:
                found[name] = parts[5]
            elif told := _ENSEMBL.search(line):
                found[name] = told["symbol"] or _VERSION.sub("", told["id"])
    if not found:
        raise QuestionError(
            f"The headers of {fasta.name} name no genes, as those of Ensembl and GENCODE do; give "
            "--tx2gene a table with the columns transcript and gene."
        )
    return found
