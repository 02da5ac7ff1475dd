"""Which phenotypes the loss of a gene is known to cause, which are predicted, and through what."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.schema import Evidence, EvidenceKind, Frozen, KnownPhenotype, Phenotype
from tools.base import Tool, ToolError, ToolOutput
from tools.genes import grounded
from tools.phenotype_terms import by_system, share_words, telling

if TYPE_CHECKING:
    from models.genepheno.model import GenePhenoModel, PhenotypePrediction
    from models.genepheno.sequences import Query

Asked = Literal["mp", "hpo", "komp", "gwas"]
ABOUT: dict[Asked, str] = {
    "mp": "mouse mutants",
    "hpo": "human disease",
    "komp": "standardised mouse knockout screens",
    "gwas": "association studies of common variants",
}
"""What the terms of a collection were observed in."""
SOURCES: dict[Asked, str] = {
    "mp": "MGI, Mammalian Phenotype 2024",
    "hpo": "Human Phenotype Ontology 2023",
    "komp": "KOMP2/IMPC 2022",
    "gwas": "GWAS Catalog 2025",
}
KINDS: dict[Asked, EvidenceKind] = {
    "mp": "annotation",
    "hpo": "annotation",
    "komp": "measured",
    "gwas": "annotation",
}
USUAL: tuple[Asked, ...] = ("mp", "hpo")
MOST_PREDICTED = 8
MOST_KNOWN = 8
MOST_FUNCTIONS = 3
MOST_NEIGHBOURS = 3
LONGEST = 100_000
LEARNT_FROM = (
    "What is known of {} was among what the model learnt from, so the predictions do not confirm "
    "it independently."
)
CURATED = (
    "No sequence of {} is at hand, so its phenotypes are predicted from its curated functions; "
    "`knockwise phenotype --fasta` predicts from a sequence of your own."
)


class PredictPhenotypesArgs(Frozen):
    """Predict the phenotypes of a whole organism that has lost a gene, and through what functions.

    Takes a human gene, or a protein sequence of any gene. Phenotypes that are known already come
    first, apart from those predicted; each predicted one names the gene functions that carried it.
    """

    gene: str | None = Field(
        default=None, description="For example FGFR3; null for a sequence", max_length=60
    )
    sequence: str | None = Field(
        default=None,
        description="Amino acids in one-letter code; null for a gene",
        max_length=LONGEST,
    )
    collections: list[Asked] | None = Field(
        default=None,
        description=(
            "mp: mouse mutants; hpo: human disease; komp: standardised mouse knockout screens; "
            "gwas: association studies of common variants. Null for mp and hpo"
        ),
        max_length=4,
    )


class Outlook(Frozen):
    """What is known and what is predicted of one gene or sequence, and the facts behind both.

    Attributes:
        subject: The gene, or a name for the sequence.
        known: Observed phenotypes, the broadest systems first.
        known_counts: How many were observed in each collection that knows the gene; 0 where it
            was examined and nothing abnormal was seen.
        predicted: The most telling predicted phenotypes of each collection.
        basis: What predictions were made from; "" if there are none.
        evidence: Every fact that the two cite.
        notes: What to know before relying on it.
        version: Of the model.
    """

    subject: str
    known: tuple[KnownPhenotype, ...] = ()
    known_counts: dict[str, int] = Field(default_factory=dict)
    predicted: tuple[Phenotype, ...] = ()
    basis: str = ""
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()
    version: str


@lru_cache(maxsize=1)
def shipped_phenotypes() -> "GenePhenoModel":
    """Return the shipped phenotype model, loaded when it is first asked."""
    from models.genepheno.model import GenePhenoModel

    return GenePhenoModel.load()


def predict_phenotypes_tool(
    knowledge: Knowledge, model: "Callable[[], GenePhenoModel]"
) -> Tool[PredictPhenotypesArgs]:
    """Build the `predict_phenotypes` tool; `model` is called when the tool is."""

    def run(args: PredictPhenotypesArgs) -> ToolOutput:
        if (args.gene is None) == (args.sequence is None):
            raise ToolError("Give a gene or a sequence, one of the two.")
        collections = tuple(dict.fromkeys(args.collections or USUAL))
        if args.gene is not None:
            gene = grounded(knowledge, args.gene).symbol
            found = outlook(model(), gene, collections)
        else:
            found = sequence_outlook(model(), typed_sequence(args.sequence or ""), collections)
        return ToolOutput(text="\n".join(told(found)), evidence=found.evidence)

    return Tool("predict_phenotypes", PredictPhenotypesArgs, run)


def outlook(
    model: "GenePhenoModel",
    gene: str,
    collections: Sequence[Asked] = USUAL,
    most: int = MOST_PREDICTED,
) -> Outlook:
    """Return what is known and predicted of a gene by its approved symbol.

    A gene without a sequence is predicted from its curated functions; one without either has
    nothing predicted, which the notes say.

    Args:
        model: Who predicts.
        gene: An approved symbol.
        collections: Which terms are asked about.
        most: How many predicted phenotypes each collection gives.
    """
    from models.inputs.genes import UnknownGeneError

    known = observed(model, gene, collections)
    phenotypes, evidence = _known(model, gene, known)
    predictions: Sequence[PhenotypePrediction] = ()
    notes = []
    try:
        predictions = predictions_of(model, gene, collections)
    except UnknownGeneError as error:
        notes.append(f"Nothing is predicted: {error}")
    predicted, facts = _predicted(model, gene, predictions, most)
    return Outlook(
        subject=gene,
        known=phenotypes,
        known_counts={name: len(terms) for name, terms in known.items()},
        predicted=predicted,
        basis=predictions[0].basis if predictions else "",
        evidence=(*evidence, *facts),
        notes=(*notes, *remarks(gene, known, predictions)),
        version=model.version,
    )


def observed(
    model: "GenePhenoModel", gene: str, collections: Sequence[Asked]
) -> dict[Asked, tuple[str, ...]]:
    """Return the terms that were observed, by collection; those that know nothing are left out."""
    known = {name: model.known(gene, name) for name in collections}
    return {name: terms for name, terms in known.items() if terms is not None}


def predictions_of(
    model: "GenePhenoModel", gene: str, collections: Sequence[Asked]
) -> "tuple[PhenotypePrediction, ...]":
    """Return predictions from a gene's sequence, or from its curated functions without one.

    Raises:
        UnknownGeneError: The model has neither.
    """
    from models.inputs.genes import UnknownGeneError

    try:
        protein = model.protein(gene)
    except UnknownGeneError as error:
        try:
            return tuple(model.predict_curated(gene, name) for name in collections)
        except UnknownGeneError:
            raise error from None
    return tuple(model.predict(protein, name) for name in collections)


def remarks(
    gene: str,
    known: Mapping[Asked, tuple[str, ...]],
    predictions: "Sequence[PhenotypePrediction]",
) -> tuple[str, ...]:
    """Return what to know of a gene before relying on what is known and predicted of it."""
    found = [
        f"{gene} was examined in {ABOUT[name]}, and nothing abnormal was detected."
        for name, terms in known.items()
        if not terms
    ]
    if any(one.basis != "sequence" for one in predictions):
        found.append(CURATED.format(gene))
    if known and predictions:
        found.append(LEARNT_FROM.format(gene))
    return tuple(found)


def sequence_outlook(
    model: "GenePhenoModel",
    query: "Query",
    collections: Sequence[Asked] = USUAL,
    most: int = MOST_PREDICTED,
) -> Outlook:
    """Return what is predicted of a protein sequence; nothing is known of one.

    Args:
        model: Who predicts.
        query: A sequence that something can be predicted from.
        collections: Which terms are asked about.
        most: How many predicted phenotypes each collection gives.
    """
    predictions = [model.predict(query.sequence, one) for one in collections]
    predicted, facts = _predicted(model, query.identifier, predictions, most)
    return Outlook(
        subject=query.identifier,
        predicted=predicted,
        basis=predictions[0].basis,
        evidence=facts,
        notes=tuple(f"{query.identifier}: {note}." for note in query.notes),
        version=model.version,
    )


def typed_sequence(text: str) -> "Query":
    """Return a sequence that somebody typed, named by its content.

    Raises:
        ToolError: Nothing can be predicted from it.
    """
    from models.genepheno.sequences import query

    found = query(text)
    if found.problem:
        raise ToolError(f"The sequence {found.problem}.")
    digest = hashlib.sha256(found.sequence.encode()).hexdigest()[:8]
    return replace(found, identifier=f"sequence-{digest}")


def told(found: Outlook) -> Iterator[str]:
    """Yield an outlook as lines for a model: known first, predicted apart, then the facts."""
    for name, count in found.known_counts.items():
        shown = [one for one in found.known if one.collection == name]
        more = f" ({count - len(shown)} more)" if count > len(shown) else ""
        if shown:
            yield f"Known of {found.subject} in {ABOUT[_asked(name)]}{more}:"
            yield from (f"{_ids(one.evidence_ids)} {one.name} ({one.term})" for one in shown)
    for name in dict.fromkeys(one.collection for one in found.predicted):
        yield f"Predicted for {found.subject} in {ABOUT[_asked(name)]}:"
        for one in found.predicted:
            if one.collection == name:
                yield f"{_ids(one.evidence_ids)} {one.name} ({one.term}) {words(one)}"
    cited = {one.evidence_ids[0] for one in found.known}
    cited |= {one.evidence_ids[0] for one in found.predicted}
    behind = [fact for fact in found.evidence if fact.id not in cited]
    if behind:
        yield "Behind the predictions:"
        yield from (f"[{fact.id}] {fact.statement}" for fact in behind)
    yield from found.notes


def words(phenotype: Phenotype) -> str:
    """Return a predicted phenotype's probability and what carried it."""
    carried = f", through {'; '.join(phenotype.through)}" if phenotype.through else ""
    return f"{phenotype.probability:.2f}{carried}"


def _known(
    model: "GenePhenoModel", gene: str, known: Mapping[Asked, tuple[str, ...]]
) -> tuple[tuple[KnownPhenotype, ...], list[Evidence]]:
    """Return observed phenotypes, one of each system in turn, with the fact behind each."""
    phenotypes, facts = [], []
    for collection, terms in known.items():
        vocabulary = model.vocabulary(collection)
        names = dict(zip(vocabulary.terms, vocabulary.names, strict=True))
        for term in _in_turn(by_system(vocabulary, terms))[:MOST_KNOWN]:
            fact = Evidence(
                id=f"known:phenotype:{gene}:{term}:{collection}",
                kind=KINDS[collection],
                statement=f"In {ABOUT[collection]}, {gene} is known for {names[term]} ({term})",
                source=SOURCES[collection],
                reference=term,
                weight=1.0,
                genes=(gene,),
            )
            facts.append(fact)
            phenotypes.append(
                KnownPhenotype(
                    term=term, name=names[term], collection=collection, evidence_ids=(fact.id,)
                )
            )
    return tuple(phenotypes), facts


def _in_turn(groups: dict[str, list[str]]) -> list[str]:
    longest = max(map(len, groups.values()), default=0)
    return [
        group[place] for place in range(longest) for group in groups.values() if place < len(group)
    ]


def _predicted(
    model: "GenePhenoModel", subject: str, predictions: "Sequence[PhenotypePrediction]", most: int
) -> tuple[tuple[Phenotype, ...], tuple[Evidence, ...]]:
    """Return the most telling phenotypes, each with its own fact and those of its functions."""
    source = f"genepheno {model.version}"
    phenotypes: list[Phenotype] = []
    facts: dict[str, Evidence] = {}
    for prediction in predictions:
        near = list(_neighbour_facts(subject, prediction, source))
        for row in telling(prediction, model.vocabulary(prediction.collection), most):
            carried = prediction.functions(row, MOST_FUNCTIONS)
            term, name = prediction.terms[row], prediction.names[row]
            p = float(prediction.probabilities[row])
            through = tuple(one.name for one in carried)
            own = Evidence(
                id=f"mod:phenotype:{subject}:{term}:{prediction.collection}",
                kind="model",
                statement=(
                    f"In {ABOUT[_asked(prediction.collection)]}, {name} ({term}) is predicted for "
                    f"{subject} with probability {p:.2f}; of the genes learnt from a share of "
                    f"{share_words(float(prediction.priors[row]))} have it"
                ),
                source=source,
                reference=term,
                weight=p,
                genes=(subject,),
            )
            facts[own.id] = own
            ids = [own.id]
            for function in carried:
                fact = _function_fact(subject, function.go, function.name, function.activation,
                                      prediction.basis, source)  # fmt: skip
                facts.setdefault(fact.id, fact)
                ids.append(fact.id)
            for fact in near:
                facts.setdefault(fact.id, fact)
                ids.append(fact.id)
            phenotypes.append(
                Phenotype(
                    term=term,
                    name=name,
                    probability=p,
                    collection=prediction.collection,
                    through=through,
                    evidence_ids=tuple(ids),
                )
            )
    return tuple(phenotypes), tuple(facts.values())


def _function_fact(
    subject: str, go: str, name: str, activation: float, basis: str, source: str
) -> Evidence:
    curated = basis != "sequence"
    said = "is annotated to have" if curated else "is predicted from its sequence to have"
    chance = "" if curated else f", probability {activation:.2f}"
    return Evidence(
        id=f"{'go' if curated else 'mod'}:function:{subject}:{go}",
        kind="annotation" if curated else "model",
        statement=f"{subject} {said} the function {name} ({go}){chance}",
        source="Gene Ontology" if curated else source,
        reference=go,
        weight=min(max(activation, 0.0), 1.0),
        genes=(subject,),
    )


def _neighbour_facts(
    subject: str, prediction: "PhenotypePrediction", source: str
) -> Iterator[Evidence]:
    for one in prediction.neighbours[:MOST_NEIGHBOURS]:
        yield Evidence(
            id=f"mod:like:{subject}~{one.gene}",
            kind="model",
            statement=(
                f"{one.gene} ({one.species}) is among the sequences most like {subject}: "
                f"{one.identity:.0%} of aligned residues are the same"
            ),
            source=source,
            weight=min(max(one.score, 0.0), 1.0),
            genes=(subject, one.gene),
        )


def _asked(name: str) -> Asked:
    return next(one for one in ABOUT if one == name)


def _ids(ids: Sequence[str]) -> str:
    return f"[{ids[0]}]" if ids else ""
