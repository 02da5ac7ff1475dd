"""Reads what is known about genes into gene-by-term matrices that similarities are made of."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from knowledge.ontology import GeneOntology
from knowledge.parsers.gmt import read_gmt
from knowledge.sources.genes import HGNC
from knowledge.symbols import SymbolTable

FloatArray = NDArray[np.float32]
Members = Mapping[str, Iterable[str]]

HPA_LINES = {"K562": "K-562", "RPE1": "hTERT-RPE1", "HepG2": "Hep G2", "Jurkat": "JURKAT"}
FILES = (
    HGNC,
    "knowledge/go-basic.obo.gz",
    "knowledge/goa_human.gaf.gz",
    "knowledge/gene_summary.gz",
    "knowledge/uniprot_function_human.tsv.gz",
    "knowledge/complexes/complexportal_human_2022-07.tsv.gz",
    "knowledge/complexes/huMAP.gmt.gz",
    "knowledge/pathways/Reactome_Pathways_2024.gmt.gz",
    "knowledge/pathways/WikiPathways_2024_Human.gmt.gz",
    "knowledge/pathways/KEGG_2021_Human.gmt.gz",
    "knowledge/expression/hpa_rna_celline_69lines_NX.tsv.gz",
    "networks/complexes/corum_4.1_human.tsv",
    "networks/modules/coessential_modules_wainberg2021.tsv",
    "networks/ppi/string_v12_notextmining.tsv.gz",
    "networks/ppi/bioplex3_293t.tsv.gz",
    "networks/ppi/hi_union_huri.tsv.gz",
    "networks/ppi/lit_bm_17.tsv.gz",
    "networks/essentiality/depmap_19q1_percent_essential_and_paralogs.tsv",
    "networks/essentiality/gnomad_v2.1.1_pLI_and_pHaplo_pTriplo.tsv",
    "networks/essentiality/hart2015_tko_bayes_factors.tsv",
)
"""What training reads besides the screens, relative to the root of the data."""
# A term that most genes carry says nothing, one that a single gene carries relates it to no other.
LARGEST_TERM = 1500
SMALLEST_TERM = 2
# The first co-essential modules are neighbours on a chromosome arm (copy-number artefact).
LARGEST_MODULE = 60


@dataclass(frozen=True, slots=True)
class Annotations:
    """One kind of knowledge about genes.

    Attributes:
        family: Short name of the kind, such as `complex`.
        terms: Display name of each column; empty where columns have no meaning to a reader.
        matrix: Weights `(genes, terms)`; rows have unit length.
    """

    family: str
    terms: tuple[str, ...]
    matrix: sparse.csr_array


def annotations(root: Path, genes: tuple[str, ...], symbols: SymbolTable) -> list[Annotations]:
    """Return every family of knowledge over `genes`, in a fixed order."""
    index = {gene: i for i, gene in enumerate(genes)}
    knowledge, networks = root / "knowledge", root / "networks"

    def family(name: str, *sets: Iterator[tuple[str, Iterable[str]]]) -> Annotations:
        members: dict[str, set[int]] = defaultdict(set)
        for source in sets:
            for term, words in source:
                members[term].update(index[s] for w in words if (s := symbols.approved(w)) in index)
        return _weighted(name, members, len(genes))

    ontology = _ontology(knowledge, genes, symbols)
    return [
        family(
            "complex",
            _delimited(networks / "complexes" / "corum_4.1_human.tsv", "name", "genes", ";"),
            _delimited(
                knowledge / "complexes" / "complexportal_human_2022-07.tsv.gz",
                "name",
                "symbols",
                "|",
            ),
            _gmt(knowledge / "complexes" / "huMAP.gmt.gz", prefix="hu.MAP "),
        ),
        family(
            "pathway",
            _gmt(knowledge / "pathways" / "Reactome_Pathways_2024.gmt.gz"),
            _gmt(knowledge / "pathways" / "WikiPathways_2024_Human.gmt.gz"),
            _gmt(knowledge / "pathways" / "KEGG_2021_Human.gmt.gz"),
        ),
        family("process", iter(ontology["biological_process"].items())),
        family("function", iter(ontology["molecular_function"].items())),
        family("compartment", iter(ontology["cellular_component"].items())),
        family(
            "location",
            _locations(knowledge / "localization"),
            _gmt(knowledge / "localization" / "SubCell_BarCode.gmt.gz"),
            _gmt(knowledge / "localization" / "COMPARTMENTS_Experimental_2025.gmt.gz"),
        ),
        family("module", _modules(networks / "modules")),
        family(
            "domain",
            _gmt(knowledge / "domains" / "InterPro_Domains_2019.gmt.gz"),
            _gmt(knowledge / "domains" / "Pfam_Domains_2019.gmt.gz"),
            _pairs(networks / "modules" / "hgnc_gene_groups.tsv.gz"),
        ),
        _network("string", _string(networks / "ppi"), index, symbols),
        _network("interaction", _interactions(networks / "ppi"), index, symbols),
        _text(_texts(knowledge, symbols), index, len(genes)),
    ]


def baseline(root: Path, genes: tuple[str, ...], symbols: SymbolTable) -> FloatArray:
    """Return log2(NX + 1) `(genes, 4 lines + mean and spread over 69 lines)`; nan: not measured."""
    path = root / "knowledge" / "expression" / "hpa_rna_celline_69lines_NX.tsv.gz"
    table = pd.read_csv(path, sep="\t").dropna(subset="symbol")
    values = np.log2(table.drop(columns=["GeneID", "symbol"]).to_numpy(np.float32) + 1)
    lines = [list(table.columns[2:]).index(name) for name in HPA_LINES.values()]
    columns = np.column_stack([values[:, lines], values.mean(1), values.std(1)])
    out = np.full((len(genes), columns.shape[1]), np.nan, np.float32)
    index = {gene: i for i, gene in enumerate(genes)}
    for word, row in zip(table.symbol.astype(str), columns, strict=True):
        if (symbol := symbols.approved(word)) in index:
            out[index[symbol]] = row
    return out


def essentiality(root: Path, genes: tuple[str, ...], symbols: SymbolTable) -> FloatArray:
    """Return `(genes, 3)`: share of DepMap lines that need the gene, its pLI, RPE1 Bayes factor."""
    folder = root / "networks" / "essentiality"
    out = np.full((len(genes), 3), np.nan, np.float32)
    index = {gene: i for i, gene in enumerate(genes)}
    for column, (name, key, value) in enumerate(
        (
            ("depmap_19q1_percent_essential_and_paralogs.tsv", "symbol", "essential_percent"),
            ("gnomad_v2.1.1_pLI_and_pHaplo_pTriplo.tsv", "gene", "pLI"),
            ("hart2015_tko_bayes_factors.tsv", "Gene", "BF_rpe1"),
        )
    ):
        table = pd.read_csv(folder / name, sep="\t", usecols=[key, value]).dropna()
        for word, number in zip(table[key].astype(str), table[value], strict=True):
            if (symbol := symbols.approved(word)) in index:
                out[index[symbol], column] = number
    return out


def _weighted(name: str, members: Mapping[str, set[int]], n_genes: int) -> Annotations:
    """Weigh terms by how rare they are and scale each gene to unit length."""
    kept = {t: m for t, m in members.items() if SMALLEST_TERM <= len(m) <= LARGEST_TERM}
    terms = tuple(sorted(kept))
    rows = np.concatenate([np.fromiter(sorted(kept[t]), np.int64) for t in terms])
    sizes = np.array([len(kept[t]) for t in terms])
    cols = np.repeat(np.arange(len(terms)), sizes)
    weights = np.log(n_genes / sizes)[cols].astype(np.float32)
    matrix = sparse.csr_array((weights, (rows, cols)), shape=(n_genes, len(terms)))
    return Annotations(name, terms, _unit_rows(matrix))


def _unit_rows(matrix: sparse.csr_array) -> sparse.csr_array:
    norms = np.sqrt(matrix.multiply(matrix).sum(1))
    scale = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
    scaled: sparse.csr_array = (sparse.diags_array(scale) @ matrix).tocsr().astype(np.float32)
    return scaled


def _network(
    name: str, edges: pd.DataFrame, index: Mapping[str, int], symbols: SymbolTable
) -> Annotations:
    """Describe each gene by itself and its weighted neighbours, so that mates look alike."""
    a = [index.get(symbols.approved(w) or "", -1) for w in edges.iloc[:, 0].astype(str)]
    b = [index.get(symbols.approved(w) or "", -1) for w in edges.iloc[:, 1].astype(str)]
    rows, cols, weight = np.array(a), np.array(b), edges.iloc[:, 2].to_numpy(np.float32)
    keep = (rows >= 0) & (cols >= 0) & (rows != cols)
    n = len(index)
    half = sparse.coo_array((weight[keep], (rows[keep], cols[keep])), shape=(n, n))
    full = half.maximum(half.T).tocsr()
    degree = np.asarray((full > 0).sum(0), np.float32)
    rarity = 1 / np.sqrt(np.maximum(degree, 1))
    spread = full @ sparse.diags_array(rarity)
    own = sparse.diags_array(np.where(degree > 0, 1.0, 0.0) * np.maximum(rarity, 0.3))
    return Annotations(name, (), _unit_rows((spread + own).tocsr()))


def _text(texts: Mapping[str, str], index: Mapping[str, int], n_genes: int) -> Annotations:
    from sklearn.feature_extraction.text import TfidfVectorizer

    found = [gene for gene in texts if gene in index]
    vectorizer = TfidfVectorizer(
        sublinear_tf=True,
        min_df=3,
        max_df=0.1,
        stop_words="english",
        token_pattern=r"[A-Za-z][\w-]+",
    )
    weights = vectorizer.fit_transform(texts[gene] for gene in found).tocoo()
    rows = np.array([index[gene] for gene in found])[weights.row]
    matrix = sparse.csr_array(
        (weights.data, (rows, weights.col)), shape=(n_genes, weights.shape[1])
    )
    return Annotations("text", (), matrix.astype(np.float32))


def _gmt(path: Path, prefix: str = "") -> Iterator[tuple[str, Iterable[str]]]:
    for name, _, members in read_gmt(path):
        yield prefix + name, members


def _delimited(
    path: Path, name: str, members: str, separator: str
) -> Iterator[tuple[str, Iterable[str]]]:
    table = pd.read_csv(path, sep="\t", usecols=[name, members], dtype=str).dropna()
    for term, words in zip(table[name], table[members], strict=True):
        yield term, words.split(separator)


def _modules(folder: Path) -> Iterator[tuple[str, Iterable[str]]]:
    table = pd.read_csv(folder / "coessential_modules_wainberg2021.tsv", sep="\t", dtype=str)
    for number, top, words in zip(table.module, table.top_go, table.genes, strict=True):
        members = words.split(";")
        if len(members) <= LARGEST_MODULE:
            hint = f" ({top.partition(':')[2]})" if isinstance(top, str) else ""
            yield f"co-essential module {number}{hint}", members


def _pairs(path: Path) -> Iterator[tuple[str, Iterable[str]]]:
    table = pd.read_csv(path, sep="\t", dtype=str).dropna()
    for name, group in table.groupby("group"):
        yield str(name), list(group.gene)


def _locations(folder: Path) -> Iterator[tuple[str, Iterable[str]]]:
    uniprot = pd.read_csv(
        folder / "uniprot_subcellular_location_human_2024-03.tsv.gz", sep="\t", dtype=str
    ).dropna()
    for name, group in uniprot.groupby("location"):
        yield f"location {name}", list(group.symbol)
    hpa = pd.read_csv(folder / "hpa_subcellular_location_v21.1.tsv.gz", sep="\t", dtype=str)
    members: dict[str, list[str]] = defaultdict(list)
    for symbol, main in zip(hpa["Gene.name"], hpa["Main.location"].fillna(""), strict=True):
        for place in filter(None, main.split(";")):
            members[f"imaged in {place}"].append(symbol)
    yield from members.items()


def _string(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(
        folder / "string_v12_notextmining.tsv.gz",
        sep="\t",
        usecols=["gene1", "gene2", "combined_score"],
    )
    table["combined_score"] /= 1000
    return table


def _interactions(folder: Path) -> pd.DataFrame:
    names = {"bioplex3_293t.tsv.gz": 1.0, "hi_union_huri.tsv.gz": 0.6, "lit_bm_17.tsv.gz": 1.0}
    parts = []
    for name, weight in names.items():
        table = pd.read_csv(folder / name, sep="\t", usecols=[0, 1], dtype=str).dropna()
        parts.append(table.set_axis(["gene1", "gene2"], axis=1).assign(weight=weight))
    return pd.concat(parts)


def _texts(knowledge: Path, symbols: SymbolTable) -> dict[str, str]:
    """Return approved symbol -> RefSeq summary and UniProt function."""
    texts: dict[str, list[str]] = defaultdict(list)
    by_entrez = {gene.entrez_id: gene.symbol for gene in symbols}
    summaries = pd.read_csv(knowledge / "gene_summary.gz", sep="\t", dtype=str).dropna()
    for entrez, text in zip(summaries.GeneID, summaries.Summary, strict=True):
        if entrez in by_entrez:
            texts[by_entrez[entrez]].append(text)
    functions = pd.read_csv(knowledge / "uniprot_function_human.tsv.gz", sep="\t", dtype=str)
    for word, text in functions.iloc[:, 1:3].dropna().itertuples(index=False):
        if symbol := symbols.approved(word):
            texts[symbol].append(re.sub(r"\(PubMed:[^)]*\)|\{ECO[^}]*\}", " ", text))
    return {symbol: " ".join(parts) for symbol, parts in texts.items()}


def _ontology(
    knowledge: Path, genes: Iterable[str], symbols: SymbolTable
) -> dict[str, dict[str, list[str]]]:
    """Return namespace -> "name (id)" -> genes, propagated to ancestors."""
    ontology = GeneOntology.from_files(
        knowledge / "go-basic.obo.gz", knowledge / "goa_human.gaf.gz", symbols
    )
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for gene in genes:
        for identifier in ontology.annotations(gene, propagate=True):
            term = ontology.term(identifier)
            found[term.namespace][f"{term.name} ({identifier})"].append(gene)
    return found
