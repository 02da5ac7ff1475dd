"""One question as a strategy sees it: facts under headings, from training rows and knowledge only.

Every row of the perturbed gene in the line that is asked about is left out, the asked row first of
all: the question looks as it does for a perturbation that this line's screen never made, so that
what is learnt from training rows holds for new ones. The measured row itself is brought in later,
by `tools.effects`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from agent.strategies import experiments
from agent.strategies.experiments import experiment
from agent.strategies.ladder import LEVELS, ladder
from agent.wording import path_words
from knowledge.base import Knowledge
from knowledge.drugs import written
from knowledge.schema import Direction, Evidence, Perturbation
from models.response.neighbours import Row, neighbours
from tools.druggable import drug_facts, relatives
from tools.effects import EffectPredictor
from tools.evidence import relation_evidence
from tools.genes import gene_facts
from tools.memberships import membership_facts, programme_facts
from tools.network import neighbours as relations_of

Heading = Literal[
    "perturbed", "line", "sets", "downstream", "readout", "readout_sets", "upstream", "paths",
    "changed", "unchanged", "ladder_1", "ladder_2", "ladder_3", "ladder_4", "ladder_5", "ladder_6",
    "ladder_7", "breadth", "habit", "elsewhere", "siblings", "members",
    "drug", "relatives", "outcomes",
]  # fmt: skip
LADDER: tuple[Heading, ...] = (
    "ladder_1", "ladder_2", "ladder_3", "ladder_4", "ladder_5", "ladder_6", "ladder_7",
)  # fmt: skip

# As many as any strategy shows; each takes the first of them.
ANALOGUES = 8
RELATIONS = 12
SETS = 6
PROGRAMMES = 2
SENTENCE = 220
RELATIVES = 6


@dataclass(frozen=True, slots=True)
class Case:
    """A question about one readout, with what is known that bears on it.

    Attributes:
        perturbation: What is done to the cell.
        readout: The gene whose transcript is asked about.
        facts: Under each heading the facts, the weightiest first. In measured facts of related
            experiments `genes` are the perturbed and the read gene and `reference` is the line.
        about: The first sentence known about each gene that is named.
    """

    perturbation: Perturbation
    readout: str
    facts: Mapping[Heading, tuple[Evidence, ...]]
    about: Mapping[str, str]

    def without(self, ids: Iterable[str]) -> "Case":
        """Return the case with the facts of these ids left out."""
        gone = frozenset(ids)
        kept = {
            heading: tuple(fact for fact in facts if fact.id not in gone)
            for heading, facts in self.facts.items()
        }
        return replace(self, facts=kept)


def build_case(
    knowledge: Knowledge,
    predictor: EffectPredictor,
    perturbation: Perturbation,
    readout: str,
    unseen: frozenset[str] = frozenset(),
) -> Case:
    """Return what bears on `readout` after `perturbation`; nothing of it is a test row.

    Args:
        knowledge: What is known about the readout.
        predictor: The graph's paths and the response model, whose training rows are the examples.
        perturbation: What is done, and in which line.
        readout: An approved symbol.
        unseen: Further perturbations that the line's screen is taken not to have made.
    """
    changed, unchanged = _analogues(predictor, perturbation, readout, unseen)
    near = neighbours(predictor.response).without(unseen, perturbation.cell_line)
    rungs = ladder(near, perturbation, readout)
    facts: dict[Heading, tuple[Evidence, ...]] = {
        **_about_perturbation(predictor, perturbation, unseen),
        "readout": tuple(gene_facts(knowledge, readout, perturbation.cell_line)),
        **_about_readout(predictor, readout),
        "paths": tuple(_paths(predictor, perturbation, readout)),
        "changed": changed,
        "unchanged": unchanged,
        **_about_drug(knowledge, perturbation),
        "outcomes": _outcomes(predictor, perturbation, readout),
        "habit": experiments.habit(near, perturbation, readout),
        "elsewhere": experiments.elsewhere(near, perturbation, readout),
        "siblings": experiments.siblings(near, perturbation, readout),
        "members": experiments.members(near, knowledge.graph, perturbation, readout),
        **{
            heading: tuple(experiment(row, weight) for row, weight in rungs[level])
            for heading, level in zip(LADDER, LEVELS, strict=True)
        },
    }
    measured = [fact for heading in (*LADDER, "changed", "unchanged") for fact in facts[heading]]
    genes = dict.fromkeys(
        [*perturbation.genes, readout, *(gene for fact in measured for gene in fact.genes)]
    )
    about = {
        gene: first_sentence(knowledge.summaries[gene])
        for gene in genes
        if gene in knowledge.summaries
    }
    return Case(perturbation, readout, facts, about)


def _about_drug(
    knowledge: Knowledge, perturbation: Perturbation
) -> dict[Heading, tuple[Evidence, ...]]:
    """Return the targets of the drugs that are given, and the drugs that begin as they do."""
    if not perturbation.drugged:
        return {}
    found = [knowledge.drugs.find(name) for name in perturbation.drugs]
    alike = [
        Evidence(
            id=f"drug:{name}~{drug.name}",
            kind="annotation",
            statement=f"{written(name)} acts where {written(drug.name)} acts",
            source=", ".join(knowledge.drugs.find(name).sources),
            weight=0.5,
        )
        for drug in found
        for name in relatives(drug, knowledge.drugs)[:RELATIVES]
    ]
    return {
        "drug": tuple(fact for drug in found for fact in drug_facts(drug)),
        "relatives": tuple(alike),
    }


def _outcomes(
    predictor: EffectPredictor, perturbation: Perturbation, readout: str
) -> tuple[Evidence, ...]:
    """Return what related drugs did to the readout, where a drug model of the cells is there."""
    model = predictor.drug_model
    if model is None or not perturbation.drugged:
        return ()
    return tuple(model.outcomes(perturbation, readout))


def first_sentence(text: str) -> str:
    """Return the first sentence of a summary, cut between words where it is long."""
    line = " ".join(text.split())
    sentence = line.split(". ")[0].rstrip(".")
    if len(sentence) > SENTENCE:
        sentence = f"{sentence[:SENTENCE].rsplit(' ', 1)[0]}…"
    return sentence


@lru_cache(maxsize=64)
def _about_perturbation(
    predictor: EffectPredictor, perturbation: Perturbation, unseen: frozenset[str]
) -> dict[Heading, tuple[Evidence, ...]]:
    """Return what is said before any readout is named; the same for a batch of readouts."""
    near = neighbours(predictor.response).without(unseen, perturbation.cell_line)
    knowledge, genes = predictor.knowledge, perturbation.genes
    facts = [fact for gene in genes for fact in gene_facts(knowledge, gene, perturbation.cell_line)]
    sets = [fact for gene in genes for fact in membership_facts(knowledge, gene, SETS)]
    return {
        "perturbed": tuple(fact for fact in facts if fact.kind == "text"),
        "line": tuple(fact for fact in facts if fact.kind != "text"),
        "sets": (*sets, *programme_facts(knowledge, genes, PROGRAMMES, of=genes)),
        "downstream": tuple(
            fact for gene in genes for fact in _relations(knowledge, gene, "downstream")
        ),
        "breadth": experiments.breadth(near, perturbation),
    }


@lru_cache(maxsize=4096)
def _about_readout(predictor: EffectPredictor, readout: str) -> dict[Heading, tuple[Evidence, ...]]:
    """Return what is said of a readout whatever is perturbed."""
    knowledge = predictor.knowledge
    return {
        "readout_sets": tuple(membership_facts(knowledge, readout, SETS)),
        "upstream": _relations(knowledge, readout, "upstream"),
    }


def _relations(
    knowledge: Knowledge, gene: str, side: Literal["upstream", "downstream"]
) -> tuple[Evidence, ...]:
    wanted: Literal["expression", "any"] = "expression" if side == "upstream" else "any"
    found = relations_of(knowledge.graph, gene, side, wanted)[:RELATIONS]
    return tuple(fact for relation in found for fact in relation_evidence(relation))


def _paths(
    predictor: EffectPredictor, perturbation: Perturbation, readout: str
) -> Iterable[Evidence]:
    """Return the best signed path each way; where the line cuts it off, that is said."""
    open_paths = predictor.reach(perturbation)
    all_paths = predictor.reach(perturbation, lesions=False)
    ways: tuple[Direction, Direction] = ("up", "down")
    for way in sorted(ways, key=lambda one: -all_paths.confidence(readout, one)):
        path = all_paths.path(readout, way)
        if not path:
            continue
        cut = open_paths.confidence(readout, way) < all_paths.confidence(readout, way)
        stop = f"; {perturbation.cell_line} cuts this path off" if cut else ""
        yield Evidence(
            id=f"path:{'+'.join(perturbation.genes)}>{readout}:{way}",
            kind="database",
            statement=f"{path_words(path)}{stop}",
            source="signed graph",
            weight=path[-1].confidence,
            genes=(*perturbation.genes, readout),
            sign=0 if cut else 1 if way == "up" else -1,
        )


def _analogues(
    predictor: EffectPredictor,
    perturbation: Perturbation,
    readout: str,
    unseen: frozenset[str],
) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """Return related experiments that changed the readout, and those that did not."""
    changed: list[Evidence] = []
    unchanged: list[Evidence] = []
    for gene in perturbation.genes:
        found = predictor.response.analogues(gene, readout, perturbation.cell_line, ANALOGUES)
        for rows, side in zip(found, (changed, unchanged), strict=True):
            for one in rows:
                own = one.perturbation in perturbation.genes and not perturbation.drugged
                here = one.cell_line == perturbation.cell_line
                if here and (own or one.perturbation in unseen):
                    continue
                why = f" ({', '.join(one.reasons)})" if one.reasons else ""
                row = Row(one.perturbation, one.readout, one.cell_line, one.outcome)
                side.append(experiment(row, one.similarity, why))
    return tuple(changed), tuple(unchanged)
