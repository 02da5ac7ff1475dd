"""An answer on a terminal: every function takes parts of an `Answer` and returns renderables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from agent.wording import changed_words, listed
from app.show.drugs import drugs_view
from app.show.story import (
    Branch,
    Citations,
    main_steps,
    measured,
    ordered_effects,
    parted,
    predicted_calls,
    trees,
)
from app.show.surveys import survey_view
from app.show.terminal import STYLES, Signs, plain
from knowledge.schema import Answer, Call, CascadeStep, Effect, Evidence

# What fits on a screen; `--verbose` and the report show the rest.
MOST_EFFECTS = 15
MOST_STEPS = 40
CITATIONS = 24  # in the table of effects, shared by its rows
MOST_CITATIONS = 4
NAMED = 6  # general responses named


def answer_view(
    answer: Answer, signs: Signs, *, run_dir: Path | None = None, verbose: bool = False
) -> RenderableType:
    """Return the whole answer, from the headline to the run folder."""
    citations = Citations(answer)
    parts: list[RenderableType] = [
        Text(plain(answer.summary), style="bold"),
    ]
    parts += _section("Assumed", map(_bullet, answer.question.assumptions))
    parts += drugs_view(answer, citations)
    parts += survey_view(answer, citations, signs)
    parts += _effects(answer, citations, signs, verbose=verbose)
    parts += _phenotypes(answer, citations)
    parts += _cascade(answer, citations, signs, verbose=verbose)
    if verbose:
        citations.cite(fact.id for fact in answer.evidence)
    parts += _section("Evidence", (evidence_line(fact, signs) for fact in citations.cited()))
    parts += _section("Unknown", map(_bullet, answer.unknown))
    parts += [Text(), Text(provenance(answer, signs), style="dim")]
    if run_dir is not None:
        parts.append(Text(f"run: {run_dir}", style="dim", overflow="fold"))
    return Group(*parts)


def effects_table(effects: Sequence[Effect], citations: Citations, signs: Signs) -> Table:
    """Return one row per readout: the call, both probabilities with 90 % intervals, citations."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("Gene", style="bold", no_wrap=True)
    table.add_column("Prediction", no_wrap=True)
    table.add_column("P(changes)", no_wrap=True)
    table.add_column("P(up if it\nchanges)", no_wrap=True)
    table.add_column("Seen", no_wrap=True)
    table.add_column("Evidence", overflow="fold")
    most = min(MOST_CITATIONS, max(1, CITATIONS // max(1, len(effects))))
    for effect in effects:
        table.add_row(
            Text(plain(effect.gene)),
            Text(signs.reading(effect), style=STYLES[effect.call]),
            "" if effect.abstained else signs.chance(effect.p_de, effect.interval),
            ""
            if effect.abstained or effect.p_de is None
            else signs.chance(effect.p_up, effect.p_up_interval),
            "yes" if effect.seen_in_training else "no",
            _cites(citations, effect.evidence_ids, most),
        )
    return table


def cascade_trees(
    steps: tuple[CascadeStep, ...],
    calls: Mapping[str, Call],
    citations: Citations,
    signs: Signs,
) -> Iterator[Tree]:
    """Iterate over the trees of a cascade, one per perturbed gene.

    Transcripts whose predicted call disagrees with the cascade say so.
    """
    for root in trees(steps):
        change = root.change
        label = Text.assemble(
            (plain(changed_words(change)), "bold"),
            " ",
            (signs.direction[change.direction], STYLES[change.direction]),
        )
        tree = Tree(label, guide_style="dim")
        for branch in root.branches:
            _grow(tree, branch, calls, citations, signs)
        yield tree


def step_line(step: CascadeStep, citations: Citations, signs: Signs) -> Text:
    """Return one step: sign, what changed, by which mechanism, how sure, cited how."""
    line = Text.assemble(
        signs.relation[step.relation],
        " ",
        (plain(changed_words(step.target)), "bold"),
        " ",
        (signs.direction[step.target.direction], STYLES[step.target.direction]),
        (f"  {plain(step.mechanism)}" if step.mechanism else "", "italic dim"),
        "  ",
        (f"{_standing(step, signs)} {step.confidence:.2f}", STYLES[step.status]),
        "  ",
        _cites(citations, step.evidence_ids),
    )
    if step.proposed_by == "llm":
        line.append("  proposed by the LLM", style="magenta")
    if step.note:
        line.append(f"  ({plain(step.note).rstrip('.')})", style="dim")
    return line


def _standing(step: CascadeStep, signs: Signs) -> str:
    """Return what stands behind a step: measured programmes are told apart from assertions."""
    return "measured" if measured(step) else signs.status[step.status]


def evidence_line(fact: Evidence, signs: Signs) -> Text:
    """Return one fact under its id, with its kind and source."""
    sources = (f"{signs.dot}{plain(part)}" for part in (fact.source, fact.reference) if part)
    return Text.assemble(
        f"[{plain(fact.id)}] ",
        (fact.kind, "cyan"),
        f" {plain(fact.statement)}",
        ("".join(sources), "dim"),
    )


def provenance(answer: Answer, signs: Signs) -> str:
    """Return the reasoner, versions, time and tokens in one line."""
    versions = answer.versions
    parts = [
        f"reasoner: {answer.reasoner}",
        f"knockwise {versions.knockwise}",
        f"knowledge {_short(versions.knowledge)}",
        *(f"{name} {_short(version)}" for name, version in versions.models.items()),
    ]
    total = answer.timings_s.get("total", sum(answer.timings_s.values()))
    parts.append(f"{total:.1f} s")
    if tokens := answer.tokens.get("prompt", 0) + answer.tokens.get("completion", 0):
        parts.append(f"{tokens:,} tokens")
    return signs.dot.join(plain(part) for part in parts)


def _short(version: str) -> str:
    """Return `starter:d653fda0` for `starter:d653fda01c2b3a49`; the report has it in full."""
    scope, colon, digest = version.rpartition(":")
    return f"{scope}{colon}{digest[:8]}"


def _effects(
    answer: Answer, citations: Citations, signs: Signs, *, verbose: bool
) -> list[RenderableType]:
    effects = ordered_effects(answer)
    if not effects:
        return []
    own, usual = parted(answer)
    shown = effects if verbose else own[: max(MOST_EFFECTS, len(answer.question.readouts))]
    title = "Predicted effects" if answer.question.readouts else "Specific to this perturbation"
    parts: list[RenderableType] = [_title(title), effects_table(shown, citations, signs)]
    if usual and not verbose:
        names = listed([effect.gene for effect in usual[:NAMED]])
        words = f"{len(usual)} general responses, which many perturbations of this line move: "
        parts.append(Text(plain(f"{words}{names}"), style="dim"))
    if more := len(effects) - len(shown) - (0 if verbose else len(usual)):
        parts.append(Text(f"{more} more with --verbose; every gene in effects.csv", style="dim"))
    parts += [Text(plain(line), style="dim") for line in _reasons(shown)]
    return parts


def _reasons(effects: Sequence[Effect]) -> Iterator[str]:
    """Iterate over the remarks on predictions, each once, under the genes that it is about."""
    genes: dict[str, list[str]] = {}
    for effect in effects:
        for remark in filter(None, effect.reason.split("; ")):
            genes.setdefault(remark.removeprefix(f"{effect.gene} was "), []).append(effect.gene)
    remarks: dict[tuple[str, ...], list[str]] = {}
    for remark, about in genes.items():
        remarks.setdefault(tuple(about), []).append(remark)
    for readouts, made in remarks.items():
        everything = len(readouts) == len(effects) > 1
        yield f"{'all' if everything else listed(readouts)}: {'; '.join(made)}"


def _phenotypes(answer: Answer, citations: Citations) -> list[RenderableType]:
    """Return the known phenotypes under one title, and the predicted ones under another."""
    known = (
        Text.assemble(
            f"{plain(one.name)} ({plain(one.term)})  ",
            (f"{plain(one.collection)}  ", "dim"),
            _cites(citations, one.evidence_ids),
        )
        for one in answer.known_phenotypes
    )
    predicted = (
        Text.assemble(
            (f"{plain(one.name)} ({plain(one.term)})", "bold"),
            f"  {one.probability:.2f}  ",
            (f"{plain(one.collection)}  " if one.collection else "", "dim"),
            f"through {plain('; '.join(one.through))}  " if one.through else "",
            _cites(citations, one.evidence_ids),
        )
        for one in answer.phenotypes
    )
    return [
        *_section("Known phenotypes", known),
        *_section("Predicted phenotypes", predicted),
    ]


def _cascade(
    answer: Answer, citations: Citations, signs: Signs, *, verbose: bool
) -> list[RenderableType]:
    main = main_steps(answer)
    steps = tuple(dict.fromkeys((*main, *answer.steps))) if verbose else main[:MOST_STEPS]
    if not steps:
        return []
    parts: list[RenderableType] = [
        _title("Cascade"),
        *cascade_trees(steps, predicted_calls(answer), citations, signs),
    ]
    if more := len(set(answer.steps).difference(steps)):
        parts.append(Text(f"{more} more with --verbose and in `knockwise report`", style="dim"))
    relation, status, direction = signs.relation, signs.status, signs.direction
    legend = (
        f"{direction['up']} up  {direction['down']} down  {relation['activates']} activates  "
        f"{relation['inhibits']} inhibits  {status['verified']} in databases or built in  "
        f"{status['contradicted']} contradicted  {status['unsupported']} unsupported"
    )
    if any(map(measured, steps)):
        legend += "  measured: seen in related perturbations, through a programme"
    return [*parts, Text(legend, style="dim")]


def _grow(
    tree: Tree, branch: Branch, calls: Mapping[str, Call], citations: Citations, signs: Signs
) -> None:
    line = step_line(branch.step, citations, signs)
    step, target = branch.step, branch.step.target
    told = step.status == "verified" and target.quantity == "expression"
    call = calls.get(target.node) if told else None
    if call and call != target.direction:
        line.append(f"  (predicted {call})", style="dim")
    if branch.elsewhere:
        line.append("  (continued elsewhere)", style="dim")
    node = tree.add(line)
    for next_branch in branch.branches:
        _grow(node, next_branch, calls, citations, signs)


def _cites(citations: Citations, ids: tuple[str, ...], most: int = MOST_CITATIONS) -> str:
    shown = citations.cite(ids[:most])
    more = f" +{len(ids) - most}" if len(ids) > most else ""
    return " ".join(f"[{plain(fact)}]" for fact in shown) + more


def _title(words: str) -> Text:
    return Text(f"\n{words}", style="bold")


def _bullet(words: str) -> Text:
    return Text(f"- {plain(words)}")


def _section(title: str, lines: Iterable[RenderableType]) -> list[RenderableType]:
    found = list(lines)
    return [_title(title), *found] if found else []
