"""The work behind `knockwise predict`: pairs predicted, kept as they come, and shown as a table."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from agent.session import Session
from app.jobs.asked import Asked, asked_of
from app.jobs.effect_file import (
    Effects,
    PartialFile,
    effect_line,
    fingerprint,
    locked,
    write_effects,
)
from app.jobs.opening import open_session
from app.jobs.pairs import (
    ground_gene,
    ground_genes,
    perturbing,
    split_perturbations,
    split_words,
)
from app.show.terminal import STYLES, Interrupted, plain, progress, results, signs
from knowledge.schema import Effect, Interval, Perturbation
from tools.effect_rows import EffectRow

if TYPE_CHECKING:
    from agent.settings import Settings

Line = tuple[Any, ...]
AHEAD = 2
"""Perturbations handed to each process before their turn."""
HEADINGS = (
    "Perturbation",
    "Cell line",
    "Gene",
    "Prediction",
    "P(changes)",
    "P(up)",
    "Seen",
)


def one_perturbation(
    session: Session,
    pert: list[str],
    readout: list[str] | None,
    kind: str,
    cell_line: str | None,
    tell: Callable[[str], None] = lambda note: None,
) -> Asked:
    """Return one perturbation with its readouts, every gene that can be predicted by default.

    Args:
        session: Knows the genes and lines.
        pert: What is perturbed: words, several joined by `+` or a comma.
        readout: Words for the readouts.
        kind: What is done.
        cell_line: The line, or None for the one assumed.
        tell: Told how words were read where that is not plain.

    Raises:
        QuestionError: A word is no gene.
    """
    knowledge = session.knowledge
    words = split_perturbations(pert)
    pert = perturbing(knowledge.symbols, words, kind)
    if len(pert) < len(words):
        tell(f"{plain('+'.join(words))} is read as {plain('+'.join(pert))} alone.")
    found = [ground_genes(knowledge.symbols, word) for word in pert]
    for word, several in zip(pert, found, strict=True):
        _tell_reading(word, "+".join(several), tell)
    line = knowledge.cell_lines.ground(cell_line or knowledge.cell_lines.default.name).name
    if cell_line is None:
        tell(f"No --cell-line given: {line} is assumed.")
    genes = tuple(dict.fromkeys(gene for several in found for gene in several))
    perturbation = Perturbation.model_validate({"genes": genes, "kind": kind, "cell_line": line})
    if readout:
        typed = [word for words in readout for word in split_words(words)]
        readouts = [ground_gene(knowledge.symbols, word) for word in typed]
        for word, gene in zip(typed, readouts, strict=True):
            _tell_reading(word, gene, tell)
    else:
        readouts = typed = [effect.gene for effect in session.effects(perturbation)]
    as_typed = {"pert": ["+".join(pert)] * len(readouts), "gene": typed}
    meant = {"pert": ["+".join(genes)] * len(readouts), "gene": readouts}
    given = {role: cells for role, cells in as_typed.items() if cells != meant[role]}
    return asked_of(perturbation, readouts, given)


def _tell_reading(word: str, read: str, tell: Callable[[str], None]) -> None:
    if word.strip().upper() != read.upper():
        tell(f"{plain(word)} is read as {read}.")


def predicted(session: Session, asked: Asked, jobs: int = 1) -> Effects:
    """Return the effects of a job, without a file to keep them in."""
    effects = Effects(asked)
    try:
        with _bar(len(asked.order), 0) as advance:
            for rows, lines in _computed(session, asked, asked.groups, jobs):
                for at, line in zip(rows, lines, strict=True):
                    effects.put(at, line)
                advance(len(rows))
    except KeyboardInterrupt:
        raise Interrupted("Interrupted; with --out FILE, what is done is kept.") from None
    return effects


def to_file(session: Session, asked: Asked, out: Path, jobs: int = 1) -> None:
    """Write the effects to `out` at once; what is done so far survives an interruption."""
    total = len(asked.order)
    with locked(out):
        effects = Effects(asked)
        partial = PartialFile.open(out, fingerprint(asked, session.versions), asked, effects)
        if partial.rows:
            progress().print(f"{partial.rows:,} of {total:,} pairs were already predicted.")
        todo = [group for group in asked.groups if group.start >= partial.rows]
        try:
            with closing(partial), _bar(total, partial.rows) as advance:
                for rows, lines in _computed(session, asked, todo, jobs):
                    partial.add(zip(rows, lines, strict=True))
                    for at, line in zip(rows, lines, strict=True):
                        effects.put(at, line)
                    advance(len(rows))
        except KeyboardInterrupt:
            raise Interrupted(
                f"Interrupted; {partial.rows:,} of {total:,} pairs are kept, and the same command "
                "goes on from there."
            ) from None
        write_effects(asked, effects, out)
        partial.remove()
    progress().print(f"{len(asked):,} rows written to {out}.", soft_wrap=True)


def _computed(
    session: Session, asked: Asked, groups: Sequence[slice], jobs: int
) -> Iterator[tuple[list[int], list[Line]]]:
    """Yield, in order, the rows of each perturbation and their lines."""
    if jobs > 1 and len(groups) > 1:
        yield from _in_processes(session.settings, asked, groups, jobs)
        return
    rows = [at for group in groups for at in asked.order[group].tolist()]
    effects = session.predict(_pair(asked, at) for at in rows)
    with closing(effects):  # type: ignore[type-var]  # a generator
        for group in groups:
            perturbation = _pair(asked, asked.order[group.start])[0]
            count = group.stop - group.start
            lines = [_line(session, perturbation, one) for one in islice(effects, count)]
            yield asked.order[group].tolist(), lines


def _line(session: Session, perturbation: Perturbation, effect: Effect) -> Line:
    return effect_line(effect, session.path(perturbation, effect.gene))


def _pair(asked: Asked, at: int) -> tuple[Perturbation, str]:
    return asked.perturbations[asked.which[at]], asked.genes[asked.gene[at]]


def _in_processes(
    settings: "Settings", asked: Asked, groups: Sequence[slice], jobs: int
) -> Iterator[tuple[list[int], list[Line]]]:
    """Compute perturbations in several processes, each with a session of its own."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(
        min(jobs, len(groups)),
        # A process forked from one whose libraries run threads may hang.
        mp_context=get_context("spawn"),
        initializer=_open_session,
        initargs=(settings.model_dump(mode="json"),),
    )
    waiting: deque[Any] = deque()
    left = iter(groups)
    try:
        while True:
            for group in islice(left, jobs * AHEAD - len(waiting)):
                rows = asked.order[group].tolist()
                genes = [asked.genes[asked.gene[at]] for at in rows]
                perturbation = asked.perturbations[asked.which[rows[0]]]
                waiting.append((rows, pool.submit(_lines_of, perturbation, genes)))
            if not waiting:
                return
            rows, future = waiting.popleft()
            yield rows, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_session: Session | None = None


def _open_session(settings: dict[str, Any]) -> None:
    """Open this process's session; Ctrl-C is the first process's to handle."""
    import signal

    from agent.settings import Settings

    global _session  # a pool's initializer has no other place
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _session = open_session(Settings(**settings))


def _lines_of(perturbation: Perturbation, genes: Sequence[str]) -> list[Line]:
    if _session is None:
        raise RuntimeError("this process has no session")
    return [
        _line(_session, perturbation, effect) for effect in _session.effects(perturbation, genes)
    ]


@contextmanager
def _bar(total: int, done: int) -> Generator[Any]:
    bar = Progress(
        "Predicting", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=progress()
    )
    with bar:
        task = bar.add_task("", total=total, completed=done)
        yield lambda count: bar.advance(task, count)


def show(rows: Sequence[EffectRow], top: int) -> None:
    """Print the first rows as a table."""
    out = results()
    chars = signs(out)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for name in HEADINGS:
        table.add_column(name, no_wrap=True)
    for row in rows[:top]:
        de = chars.chance(row.p_de, _interval(row.p_de_low, row.p_de_high))
        up = chars.chance(row.p_up, _interval(row.p_up_low, row.p_up_high))
        table.add_row(
            row.perturbation,
            row.cell_line,
            row.gene,
            Text(chars.call[row.call], style=STYLES[row.call]),
            "" if row.abstained else de,
            "" if row.abstained or row.p_de is None else up,
            "yes" if row.seen_in_training else "no",
        )
    out.print(table)
    if (more := len(rows) - top) > 0:
        out.print(f"{more:,} more with --out FILE or --json.", style="dim")


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else Interval(low=low, high=high)
