"""Everything that training reads, before any fold is drawn."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.progress import Progress
from knowledge.sources.genes import protein_coding, read_symbols, sources_root
from knowledge.symbols import SymbolTable
from models.inputs import annotations
from models.inputs.screens import IntArray, Screens, Setting, read_training
from models.response.features import GeneFacts
from models.response.signed_sets import SignedSets, read_set_rows, signed_sets
from models.response.similarity import Relatives, relatives


@dataclass(frozen=True, slots=True)
class GeneVocabulary:
    """The genes the model knows and which of them were perturbed or read.

    Attributes:
        genes: Every gene, approved symbols sorted.
        perturbations: Index into `genes` of each perturbation.
        readouts: Index into `genes` of each readout.
    """

    genes: tuple[str, ...]
    perturbations: IntArray
    readouts: IntArray


@dataclass(frozen=True, slots=True)
class Corpus:
    """The training rows and what is known of their genes.

    Attributes:
        screens: The labelled rows that trees are fitted to and scores are computed on.
        symbols: Every approved gene.
        vocabulary: What the indices of the rows stand for.
        facts: What is known of every gene before any screen.
        relatives: How alike every gene is to every perturbation.
        sets: Further evidence about the perturbations, in `extended`.
    """

    screens: Screens
    symbols: SymbolTable
    vocabulary: GeneVocabulary
    facts: GeneFacts
    relatives: Relatives
    sets: SignedSets | None = None


def read_corpus(data: Path, setting: Setting, progress: Progress) -> Corpus:
    """Read the screens' training rows and what is known of their genes.

    Raises:
        DataError: A file is missing.
    """
    root = sources_root(data)
    progress("reading symbols and screens", 0.0)
    symbols = read_symbols(root)
    screens = read_training(root, symbols)
    known = protein_coding(root)
    rows = None
    if setting == "extended":
        rows = read_set_rows(root, symbols)
        screens = screens.with_perturbations(known & set(rows.pert))
    genes = tuple(sorted({*screens.perturbations, *screens.readouts, *known}))
    index = {gene: i for i, gene in enumerate(genes)}
    vocabulary = GeneVocabulary(
        genes,
        np.array([index[gene] for gene in screens.perturbations]),
        np.array([index[gene] for gene in screens.readouts]),
    )
    progress("reading what is known of the genes", 0.02)
    families = annotations.annotations(root, genes, symbols)
    facts = GeneFacts(
        annotations.baseline(root, genes, symbols).astype(np.float16).astype(np.float32),
        annotations.essentiality(root, genes, symbols).astype(np.float16).astype(np.float32),
    )
    progress("relating genes to perturbations", 0.05)
    related = relatives(families, vocabulary.perturbations)
    sets = None if rows is None else signed_sets(rows, screens)
    return Corpus(screens, symbols, vocabulary, facts, related, sets)
