"""What an answer says of a drug: its targets, what its numbers rest on, and VCWorld's five steps.

VCWorld (Wei et al., 2025) asks a language model for analogue mechanism, specificity, cascade,
causal bridge and answer; here the same five are told from evidence.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from agent.belief import believable
from agent.context import AgentContext
from agent.question.telling import starts
from agent.wording import effect_words, listed, path_words
from knowledge.drugs import Drug, DrugTarget, given, written
from knowledge.schema import (
    Aim,
    DrugAccount,
    DrugStep,
    Effect,
    Evidence,
    Hypothesis,
    Perturbation,
)
from tools.druggable import VERBS, drug_facts, inferred_from, relatives, target_id

# Targets that are followed one by one, and told; a drug may have a hundred weak ones.
FOLLOWED, TOLD = 6, 8
Basis = Literal["drug model", "target knockdown", "target activation", "pathways alone"]
# Below this a table lists what a drug was ever seen to touch.
LEAST_CERTAINTY = 0.2
# From which a further target is worth a remark.
TOLD_CERTAINTY = 0.5
RELATIVES = 6
# Readouts that the five steps tell of.
READ = 3
ESSENTIAL = 0.5
_TELLS = {"up": 1, "down": -1}


def accounts(
    perturbation: Perturbation,
    effects: Sequence[Effect],
    context: AgentContext,
    hypotheses: Sequence[Hypothesis] = (),
) -> tuple[tuple[DrugAccount, ...], list[Evidence]]:
    """Return an account of each drug that is given, and the evidence that they cite.

    Args:
        perturbation: What is done; nothing is returned where no drug is given alone.
        effects: What is predicted of the readouts that were asked about, or that lead.
        context: Where drugs, graph and screens are.
        hypotheses: The paths that the answer tells.
    """
    if not perturbation.drugged:
        return (), []
    found, facts = [], dict[str, Evidence]()
    for name in perturbation.drugs:
        drug = context.knowledge.drugs.find(name)
        alone = given((name,), context.knowledge.drugs, perturbation.cell_line).model_copy(
            update={"background": perturbation.background, "lesions": perturbation.lesions}
        )
        aims = _aims(drug, alone, [effect.gene for effect in effects[:READ]], context)
        main = {aim.gene for aim in _main(aims)}
        said = drug_facts(drug, main)
        facts.update((fact.id, fact) for fact in said)
        steps = _steps(drug, alone, aims, effects[:READ], hypotheses, context, facts)
        found.append(
            DrugAccount(
                drug=name,
                modes=drug.modes,
                process=drug.process,
                aims=aims[:TOLD],
                starts=tuple(starts(alone)),
                basis=_basis(alone, effects),
                basis_words=_basis_words(alone, effects),
                steps=steps,
                note=drug.note,
                sources=drug.sources,
            )
        )
    return tuple(found), list(facts.values())


def opening(found: Sequence[DrugAccount]) -> list[str]:
    """Return what each drug does, with the tables that say so, a sentence each."""
    said = []
    for one in found:
        main = _main(one.aims)
        acts = _acts(main)
        what = f" ({one.modes[0]})" if one.modes else ""
        sources = dict.fromkeys(name for aim in main for name in aim.sources)
        told = listed(list(sources or one.sources))
        begins = (
            ""
            if acts and all(aim.begins for aim in main)
            else f", followed as {listed(one.starts)}"
        )
        does = listed(acts) if acts else f"acts on {one.process}"
        said.append(f"{_capital(one.drug)}{what} {does}{begins} [{told}].")
    return said


def basis_words(found: Iterable[DrugAccount]) -> list[str]:
    """Return what the numbers of drugs rest on, each sentence once."""
    return list(dict.fromkeys(one.basis_words for one in found))


def resistances(found: Sequence[DrugAccount]) -> list[str]:
    """Return which targets the line lacks, and which other target speaks about a readout."""
    said = []
    for one in found:
        for aim in one.aims:
            if aim.missing and aim.begins:
                said.append(f"{_capital(one.drug)} cannot act through {aim.gene}: {aim.missing}")
        main = _main(one.aims)
        begun = {move for aim in main for move in aim.moves}
        for aim in one.aims:
            other = [move for move in aim.moves if move not in begun]
            told = aim.certainty >= TOLD_CERTAINTY and not aim.missing
            if aim not in main and other and told:
                acts = f"{VERBS[aim.action]} {aim.gene} (certainty {aim.certainty:.2f})"
                said.append(
                    f"At higher doses {written(one.drug)} also {acts}, which alone would mean "
                    f"{listed(other)}."
                )
    return said


def _main(aims: Sequence[Aim]) -> list[Aim]:
    """Return the targets that the cascade begins with, or else those that it is used for."""
    best = max((aim.certainty for aim in aims), default=0.0)
    begun = [aim for aim in aims if aim.begins]
    return begun or [aim for aim in aims if aim.certainty >= best]


def _acts(aims: Sequence[Aim]) -> list[str]:
    """Return what a drug does to its targets: `inhibits BRD4, BRD2 and BRD3`."""
    by_verb: dict[str, list[str]] = {}
    for aim in aims:
        by_verb.setdefault(VERBS[aim.action], []).append(aim.gene)
    return [f"{verb} {listed(genes)}" for verb, genes in by_verb.items()]


def _capital(name: str) -> str:
    name = written(name)
    return f"{name[:1].upper()}{name[1:]}"


def _aims(
    drug: Drug, alone: Perturbation, readouts: Sequence[str], context: AgentContext
) -> tuple[Aim, ...]:
    """Return the targets that matter, those first that the cascade begins with."""
    begins = {node for node, _ in drug.starts}
    main = begins or {one.gene for one in drug.main_targets}
    wanted = [one for one in drug.targets if one.gene in main or one.certainty >= LEAST_CERTAINTY]
    wanted.sort(key=lambda one: (one.gene not in begins, -one.certainty))
    cell = context.predictor.cell_of(alone)
    aims = []
    for place, one in enumerate(wanted):
        follows = place < FOLLOWED and one.sign != 0
        aims.append(
            Aim(
                gene=one.gene,
                action=one.action,
                certainty=one.certainty,
                sources=one.sources,
                begins=one.gene in begins,
                missing=cell.lacks(one.gene) or "",
                moves=_moves(one, alone, readouts, context) if follows else (),
            )
        )
    return tuple(aims)


def _moves(
    target: DrugTarget, alone: Perturbation, readouts: Sequence[str], context: AgentContext
) -> tuple[str, ...]:
    """Return what one target alone would do to the readouts, by the graph."""
    if not readouts:
        return ()
    one = alone.model_copy(
        update={
            "genes": (target.gene,),
            "kind": "activation" if target.sign > 0 else "knockdown",
            "raised": (),
        }
    )
    reached = context.predictor.reach(one)
    said = []
    for gene in readouts:
        up, down = reached.confidence(gene, "up"), reached.confidence(gene, "down")
        if up != down:
            said.append(f"{gene} {'up' if up > down else 'down'}")
    return tuple(said)


def _basis(alone: Perturbation, effects: Sequence[Effect]) -> Basis:
    if any(effect.reason.startswith("drug model") for effect in effects):
        return "drug model"
    if effects and all(effect.p_de is None for effect in effects):
        return "pathways alone"
    return "target activation" if alone.kind == "activation" else "target knockdown"


def _basis_words(alone: Perturbation, effects: Sequence[Effect]) -> str:
    name = listed(list(map(written, alone.drugs)))
    basis = _basis(alone, effects)
    if basis == "drug model":
        others = [effect for effect in effects if not effect.reason.startswith("drug model")]
        rest = f"; others are {inferred_from(alone)}" if others else ""
        return (
            f"Numbers are told from related drugs in the same cells by the drug model{rest}; dose "
            f"and time of {name} are not known."
        )
    if basis == "pathways alone":
        return (
            f"No number is known for {name} here: directions follow from the pathways alone, a "
            "hypothesis; dose and time are not known."
        )
    return (
        f"Numbers are {inferred_from(alone)}, not measured with {name}; dose and time are not "
        "known."
    )


def _steps(
    drug: Drug,
    alone: Perturbation,
    aims: Sequence[Aim],
    effects: Sequence[Effect],
    hypotheses: Sequence[Hypothesis],
    context: AgentContext,
    facts: dict[str, Evidence],
) -> tuple[DrugStep, ...]:
    """Return the five steps, for at most a few readouts."""
    if not effects:
        return ()
    readouts = [effect.gene for effect in effects]
    model = context.predictor.drug_model
    measured = {
        gene: [
            *(model.outcomes(alone, gene) if model is not None else ()),
            *context.predictor.analogues(alone, gene),
        ]
        for gene in readouts
    }
    for rows in measured.values():
        facts.update((fact.id, fact) for fact in rows)
    told = {one.readout: one for one in hypotheses if one.readout in readouts}
    return (
        _analogue(drug, measured, context),
        _specificity(drug, alone, aims, context, facts),
        _cascade(readouts, told, alone, context),
        _bridge(readouts, told, measured),
        DrugStep(
            step="answer",
            statement=_sentence([effect_words(effect) for effect in effects]),
            evidence_ids=tuple(dict.fromkeys(i for e in effects for i in e.evidence_ids)),
        ),
    )


def _analogue(drug: Drug, measured: dict[str, list[Evidence]], context: AgentContext) -> DrugStep:
    alike = relatives(drug, context.knowledge.drugs)
    said = []
    if alike:
        more = f" and {len(alike) - RELATIVES} more" if len(alike) > RELATIVES else ""
        said.append(f"the same start as {', '.join(alike[:RELATIVES])}{more}")
    rows = [fact for found in measured.values() for fact in found]
    moved = sum(fact.sign != 0 for fact in rows)
    said.append(
        f"of knockdowns of its targets or their relatives {len(rows)} "
        f"{'was' if len(rows) == 1 else 'were'} measured here, and {moved} moved what is asked"
        if rows
        else "no knockdown of its targets or their relatives was measured here"
    )
    return DrugStep(
        step="analogue mechanism",
        statement=_sentence(said),
        evidence_ids=tuple(dict.fromkeys(fact.id for fact in rows)),
    )


def _specificity(
    drug: Drug,
    alone: Perturbation,
    aims: Sequence[Aim],
    context: AgentContext,
    facts: dict[str, Evidence],
) -> DrugStep:
    said = []
    main = _main(aims)
    others = [aim.gene for aim in aims if aim not in main]
    if main:
        said.append(listed(_acts(main)))
    else:
        said.append(f"acts on {drug.process}" if drug.process else "its targets are not known")
    if others:
        more = f" and {len(others) - TOLD} more" if len(others) > TOLD else ""
        said.append(f"less surely {', '.join(others[:TOLD])}{more} too")
    for aim in main:
        if aim.missing:
            said.append(f"{alone.cell_line} has no working {aim.gene}")
        else:
            share = context.predictor.response.ground(aim.gene).essential
            if share >= ESSENTIAL:
                said.append(f"{share:.0%} of cancer lines need {aim.gene}")
    ids = [target_id(drug.name, aim.gene) for aim in main] or [f"drug:{drug.name}"]
    return DrugStep(
        step="specificity",
        statement=_sentence(said),
        evidence_ids=tuple(one for one in ids if one in facts),
    )


def _cascade(
    readouts: Sequence[str],
    told: dict[str, Hypothesis],
    alone: Perturbation,
    context: AgentContext,
) -> DrugStep:
    said = [path_words(told[gene].steps) for gene in readouts if gene in told]
    missing = []
    for gene in readouts:
        if gene in told:
            continue
        cut = _cut(gene, alone, context)
        if cut:
            said.append(cut)
        else:
            missing.append(gene)
    if missing:
        said.append(f"no signed path reaches {listed(missing)}")
    steps = [step for one in told.values() for step in one.steps]
    return DrugStep(
        step="cascade",
        statement=_sentence(said),
        evidence_ids=tuple(dict.fromkeys(i for step in steps for i in step.evidence_ids)),
    )


def _cut(gene: str, alone: Perturbation, context: AgentContext) -> str:
    """Return the path that the line cuts off, and where; empty where there is none."""
    whole = context.predictor.reach(alone, lesions=False)
    up, down = whole.confidence(gene, "up"), whole.confidence(gene, "down")
    path = whole.path(gene, "up" if up >= down else "down")
    if not path:
        return ""
    cell = context.predictor.cell_of(alone)
    changes = [path[0].source, *(step.target for step in path)]
    stop = next((why for one in changes if (why := cell.blocks(one))), "")
    return (
        f"{path_words(path)} is cut off in this line{f' ({stop.rstrip(chr(46))})' if stop else ''}"
    )


def _bridge(
    readouts: Sequence[str], told: dict[str, Hypothesis], measured: dict[str, list[Evidence]]
) -> DrugStep:
    said, ids = [], list[str]()
    for gene in readouts:
        path = told.get(gene)
        signs = [fact.sign for fact in measured[gene] if fact.sign]
        if path is None:
            rows = f", though {len(signs)} measured knockdowns moved it" if signs else ""
            said.append(f"nothing joins the cascade to {gene}{rows}")
            continue
        last = path.steps[-1]
        agree = sum(sign == _TELLS[path.direction] for sign in signs)
        by = f"{last.source.node} {last.relation} {gene}"
        how = f" by {last.mechanism}" if last.mechanism else ""
        weak = "" if believable(path.steps) else ", on single assertions of databases"
        kept = f"; {agree} of {len(signs)} measured movements agree" if signs else ""
        said.append(f"{by}{how}, so {gene} goes {path.direction}{weak}{kept}")
        ids += last.evidence_ids
    return DrugStep(
        step="causal bridge", statement=_sentence(said), evidence_ids=tuple(dict.fromkeys(ids))
    )


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
