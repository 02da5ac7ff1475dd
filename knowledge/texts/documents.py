"""The texts that are searched: what is said about genes, programmes and Gene Ontology terms."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, cast

from knowledge.compiled import tables
from knowledge.schema import Frozen, Gene
from knowledge.starter import load_starter

DocumentKind = Literal["gene", "go", "programme"]
STARTER = "starter"
GENE_ONTOLOGY = "GO"

# CSI sequences ("\x1b[31m"), OSC sequences (window titles, links), then any other escape.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -~]?)")
# Other, control, format (zero-width, bidirectional, tags), surrogate, private use.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
# Variation selectors count as marks, but an invisible message can be written in them.
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class Document(Frozen):
    """One text from one source, so that a passage can be cited as what it is.

    `gene` is the approved symbol a text is about, empty for other kinds. `reference` is what a
    reader looks up: an NCBI Gene id, a UniProt accession, a GO id.
    """

    id: str
    kind: DocumentKind
    text: str
    source: str
    gene: str = ""
    reference: str = ""

    @property
    def digest(self) -> str:
        """Return a hash of everything the document says."""
        fields = (self.id, self.kind, self.text, self.source, self.gene, self.reference)
        return hashlib.sha256("\x1f".join(fields).encode()).hexdigest()


def documents(data_dir: Path) -> Iterator[Document]:
    """Yield the starter pack's texts, and those of the compiled tables where there are any.

    Raises:
        DataError: A compiled table is missing or corrupted.
    """
    yield from starter_documents()
    folder = tables.compiled_dir(data_dir)
    if tables.read_manifest(folder) is not None:
        yield from _summaries(folder)
        yield from _terms(folder)


def starter_documents() -> Iterator[Document]:
    """Yield the gene and programme summaries that are part of Knockwise."""
    starter = load_starter()
    genes = {gene.symbol: gene for gene in starter.genes}
    for programme in starter.programmes:
        members = f" Genes: {', '.join(programme.genes)}." if programme.genes else ""
        yield Document(
            id=f"programme:{programme.id}",
            kind="programme",
            text=cleaned(f"{programme.name}: {programme.summary}{members}"),
            source=STARTER,
            reference=f"{STARTER}:{programme.id}",
        )
    for symbol, summary in starter.summaries.items():
        yield Document(
            id=f"{STARTER}:{symbol}",
            kind="gene",
            text=_about(symbol, genes[symbol].name, summary),
            source=STARTER,
            gene=symbol,
        )


def cleaned(text: str) -> str:
    """Return `text` on one line without escapes and invisible characters.

    Texts come from databases anybody may have written to. What reaches a terminal or a prompt is
    what a reader of the text would see.
    """
    if not (text.isascii() and text.isprintable()):
        text = _SELECTORS.sub("", _ESCAPES.sub("", unicodedata.normalize("NFC", text)))
        text = "".join(_visible(char) for char in text)
    return " ".join(text.split())


def _visible(char: str) -> str:
    if char.isspace():
        return " "
    return "" if unicodedata.category(char) in _INVISIBLE else char


def _about(symbol: str, name: str, summary: str) -> str:
    return cleaned(f"{symbol} ({name}): {summary}" if name else f"{symbol}: {summary}")


def _summaries(folder: Path) -> Iterator[Document]:
    """Yield one document per gene and source (RefSeq, UniProt)."""
    genes = _genes(folder)
    columns = cast("dict[str, list[str]]", tables.read_columns(folder, "summaries"))
    for symbol, source, text in zip(
        columns["symbol"], columns["source"], columns["text"], strict=True
    ):
        gene = genes.get(symbol, Gene(symbol=symbol))
        if source == "UniProt":
            reference = f"UniProt:{gene.uniprot_ids[0]}" if gene.uniprot_ids else ""
        else:
            reference = f"NCBI Gene:{gene.entrez_id}" if gene.entrez_id else ""
        yield Document(
            id=f"{source}:{symbol}",
            kind="gene",
            text=_about(symbol, gene.name, text),
            source=source,
            gene=symbol,
            reference=reference,
        )


def _terms(folder: Path) -> Iterator[Document]:
    """Yield the GO terms that have a definition or annotate a human gene.

    The rest (24,000 of 43,900 in the release of November 2023) is a bare name no human gene bears:
    reactions of bacteria, parts of plants.
    """
    annotated = {
        identifier
        for identifiers in tables.read_columns(folder, "go_annotations")["terms"]
        for identifier in cast("list[str]", identifiers)
    }
    columns = cast("dict[str, list[str]]", tables.read_columns(folder, "go_terms"))
    for identifier, name, definition in zip(
        columns["id"], columns["name"], columns["definition"], strict=True
    ):
        if definition or identifier in annotated:
            yield Document(
                id=identifier,
                kind="go",
                text=cleaned(f"{name}: {definition}" if definition else name),
                source=GENE_ONTOLOGY,
                reference=identifier,
            )


def _genes(folder: Path) -> dict[str, Gene]:
    columns = tables.read_columns(folder, "genes")
    rows = zip(
        *(columns[name] for name in ("symbol", "name", "entrez_id", "uniprot_ids")), strict=True
    )
    return {
        cast("str", symbol): Gene.model_construct(
            symbol=symbol, name=name, entrez_id=entrez, uniprot_ids=uniprot
        )
        for symbol, name, entrez, uniprot in rows
    }
