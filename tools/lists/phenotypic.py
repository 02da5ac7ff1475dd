"""Genes whose loss is known or expected to cause a phenotype: hits for a plan."""

from typing import TYPE_CHECKING

from knowledge.errors import QuestionError
from knowledge.schema import Frozen, Probability

if TYPE_CHECKING:
    from models.genepheno.model import GenePhenoModel
    from models.genepheno.phenotypes import Collection

SHOWN = 5
# A term that so many genes have, as a share, chooses none of them.
COMMON = 0.5


class PhenotypeHits(Frozen):
    """How probably each gene's loss causes a phenotype.

    Attributes:
        term: Its identifier.
        name: What it is called.
        collection: Whose term it is.
        prior: Share of genes that have it.
        known: Genes of which it was observed.
        probability: Predicted from curated functions, gene -> P(phenotype); known ones too.
    """

    term: str
    name: str
    collection: str
    prior: Probability
    known: frozenset[str]
    probability: dict[str, float]


def phenotype_hits(model: "GenePhenoModel", words: str) -> PhenotypeHits:
    """Return the genes for the phenotype that words name: its identifier, or its name.

    Raises:
        QuestionError: They name none, or one that most genes have; the sentence tells near ones.
    """
    wanted = " ".join(words.split()).casefold()
    near: list[str] = []
    for collection in model.collections:
        vocabulary = model.vocabulary(collection)
        for term, name in zip(vocabulary.terms, vocabulary.names, strict=True):
            if wanted in (term.casefold(), name.casefold()):
                return _hits(model, collection, term, name)
            if wanted and wanted in name.casefold():
                near.append(name)
    near.sort(key=len)
    said = f"; did you mean {', '.join(near[:SHOWN])}" if near else ""
    raise QuestionError(f"No phenotype is called {words[:60]!r}{said}.")


def _hits(model: "GenePhenoModel", collection: "Collection", term: str, name: str) -> PhenotypeHits:
    probability = model.genes_with(term, collection)
    known = frozenset(gene for gene in {*model.genes, *probability}
                      if term in (model.known(gene, collection) or ()))  # fmt: skip
    prior = sum(probability.values()) / max(1, len(probability))
    if prior > COMMON:
        raise QuestionError(f"Most genes have {name}; name a narrower phenotype.")
    return PhenotypeHits(term=term, name=name, collection=collection, prior=prior, known=known,
                         probability=probability)  # fmt: skip
