"""What properties a gene has by a trained model, what is known of them, and why."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import Field

from knowledge.base import Knowledge
from knowledge.schema import Evidence, Frozen
from tools.base import Tool, ToolOutput
from tools.genes import grounded

if TYPE_CHECKING:
    from models.genen.attribution import Influence, InfluenceKind
    from models.genen.model import GenenModel, Property

KINDS: "Mapping[InfluenceKind, int]" = {"text": 1, "term": 2, "partner": 1}
"""What may move a prediction, and how many of each are told."""
# Pushes are told with two digits.
SMALLEST_SHOWN = 0.01
LABELS = "Genen's label files (LitGene, Geneformer)"
INTERACTIONS = "STRING, BioPlex, HuRI, Lit-BM"


class GenePropertiesArgs(Frozen):
    """Predict properties of one human gene from what is written about it and its neighbours.

    Dosage sensitivity of transcription factors, bivalent chromatin, range of transcription factors,
    GATA4 and TBX5 targets, membrane or soluble protein, place in the cell, conservation. Each with
    probabilities, how well held-out genes are predicted, what moved it, and the known label where
    there is one; where nothing supports a prediction there is none, and the reason is given.
    """

    gene: str = Field(
        description="Symbol, alias or identifier: HSPA5, BiP, ENSG00000044574", max_length=60
    )


@lru_cache(maxsize=1)
def shipped_properties() -> "GenenModel":
    """Return the shipped model of gene properties, loaded when it is first asked."""
    from models.genen.model import GenenModel

    return GenenModel.load()


def gene_properties_tool(
    knowledge: Knowledge, model: "Callable[[], GenenModel]" = shipped_properties
) -> Tool[GenePropertiesArgs]:
    """Build the `gene_properties` tool; `model` is called when the tool is."""

    def run(args: GenePropertiesArgs) -> ToolOutput:
        gene = grounded(knowledge, args.gene).symbol
        genen = model()
        found = genen.properties(gene)
        lines = [f"{gene}: predicted from {found[0].support if found else 'nothing'}."]
        facts: dict[str, Evidence] = {}
        for one in found:
            for fact in _facts(gene, one, genen):
                if fact.id not in facts:
                    facts[fact.id] = fact
                    lines.append(f"[{fact.id}] {fact.statement}")
            if one.silence:
                lines.append(f"{one.name} ({one.config.title}): no prediction, as {one.silence}.")
        return ToolOutput(text="\n".join(lines), evidence=tuple(facts.values()))

    return Tool("gene_properties", GenePropertiesArgs, run)


def prediction_words(one: "Property") -> str:
    """Return a prediction in words: its probabilities, or its value with a 90 % interval."""
    if one.config.kind == "regression":
        half = one.config.half_width or 0.0
        return f"{one.scores[0]:.2f} [{one.scores[0] - half:.2f}, {one.scores[0] + half:.2f}]"
    if one.config.kind == "binary":
        return f"{one.call} ({max(one.scores):.2f})"
    ranked = sorted(zip(one.scores, one.config.classes, strict=True), reverse=True)
    return ", ".join(f"{name} {p:.2f}" for p, name in ranked)


def moved_words(one: "Property", model: "GenenModel") -> str:
    """Return what moved a prediction, and how far: by kind in all, and what did so most."""
    words = {"text": "what is written about it", "term": "its GO terms", "partner": "its partners"}
    told = []
    for kind in KINDS:
        total = one.moved_by(kind)
        strongest = [item for item in told_influences(one) if item.kind == kind]
        if abs(total) < SMALLEST_SHOWN and not strongest:
            continue
        most = ", ".join(f"{_name(item, model)} {item.push:+.2f}" for item in strongest)
        told.append(f"{words[kind]} {total:+.2f}{f' ({most})' if most and kind != 'text' else ''}")
    return ", ".join(told)


def told_influences(one: "Property") -> list["Influence"]:
    """Return the influences that are told: the text, and the strongest terms and partners."""
    shown = [item for item in one.influences if abs(item.push) >= SMALLEST_SHOWN]
    return [
        item
        for kind, number in KINDS.items()
        for item in [other for other in shown if other.kind == kind][:number]
    ]


def _name(one: "Influence", model: "GenenModel") -> str:
    return f"{model.term_name(one.name)} ({one.name})" if one.kind == "term" else one.name


def _facts(gene: str, one: "Property", model: "GenenModel") -> Iterator[Evidence]:
    """Iterate over what is known of a property, what is predicted, and what that rests on."""
    if one.known is not None:
        known = f"{one.known:.2f}" if isinstance(one.known, float) else one.known
        yield Evidence(
            id=f"ann:property:{gene}:{one.name}",
            kind="annotation",
            statement=f"{gene} is labelled {known} ({one.name}: {one.config.title})",
            source=LABELS,
            reference=one.name,
            weight=1.0,
            genes=(gene,),
        )
    if one.silence:
        return
    yield _prediction(gene, one, model)
    for item in told_influences(one):
        if item.kind == "term":
            yield Evidence(
                id=f"go:{gene}>{item.name}",
                kind="annotation",
                statement=f"{gene} has the GO term {model.term_name(item.name)} ({item.name})",
                source="Gene Ontology",
                reference=item.name,
                weight=1.0,
                genes=(gene,),
            )
        elif item.kind == "partner":
            sure = model.partners(gene)[item.name]
            yield Evidence(
                id=f"db:{gene}~{item.name}:interaction",
                kind="database",
                statement=f"{gene} interacts with {item.name} (confidence {sure:.2f})",
                source=INTERACTIONS,
                weight=sure,
                genes=(gene, item.name),
            )


def _prediction(gene: str, one: "Property", model: "GenenModel") -> Evidence:
    config = one.config
    value, low, high = config.held_out
    parts = [
        f"{gene}, {one.name} ({config.title}): predicted {prediction_words(one)}",
        f"held-out {config.metric} {value:.2f} [{low:.2f}, {high:.2f}]",
    ]
    if one.held_out is not None and config.kind != "regression":
        likeliest = max(range(len(one.scores)), key=lambda i: one.scores[i])
        parts.append(
            f"without its own label {config.classes[likeliest]} {one.held_out[likeliest]:.2f}"
        )
    elif one.held_out is not None:
        parts.append(f"without its own label {one.held_out[0]:.2f}")
    if told := moved_words(one, model):
        towards = f" towards {one.towards}" if one.towards else ""
        parts.append(f"moved{towards} by {told}")
    if config.kind == "regression":
        weight = max(0.0, value)
    else:
        weight = max(one.scores if one.held_out is None else one.held_out)
    return Evidence(
        id=f"mod:property:{gene}:{one.name}",
        kind="model",
        statement="; ".join(parts),
        source=f"genen {model.version}",
        reference=one.name,
        weight=min(max(weight, 0.0), 1.0),
        genes=(gene,),
    )
