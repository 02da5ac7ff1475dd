"""The work behind `knockwise analyse`: a run folder with tables, pictures, a report, a notebook."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

from knowledge.errors import RunError
from knowledge.files import replace_text
from knowledge.progress import Progress
from knowledge.schema import Frozen
from knowledge.sources.registry import sha256_of
from knowledge.user_tables.orthologues import human_of_mouse
from tools.counts.analysis import Kept, analysed, fingerprint
from tools.counts.facts import Facts, Verdict, facts_of
from tools.counts.matrix import QUANTS
from tools.counts.reading import Read, Request, read
from tools.counts.result import Found, Told
from tools.counts.sentences import Writer
from tools.counts.tables import write_tables

if TYPE_CHECKING:
    from agent.settings import Settings
    from tools.effects import EffectPredictor

SCHEMA = "knockwise/analysis/1"
MOST_DRAWN_SETS = 6
LIBRARIES = ("pydeseq2", "scanpy", "anndata", "gseapy", "decoupler", "formulaic", "scikit-learn",
             "pytximport", "numpy", "pandas", "scipy", "matplotlib")  # fmt: skip
Rewrite = Callable[[Sequence[str], Facts], "Rewriting"]


class Rewriting(Frozen):
    """Sentences as a language model wrote them anew.

    Attributes:
        model: Its id.
        sentences: One for each that was given: as rewritten, or as it was where that failed.
        kept: How many rewritten ones passed the check.
        dropped: How many did not, and why, each a sentence.
    """

    model: str
    sentences: tuple[str, ...]
    kept: int
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Analysed:
    """An analysis in its folder."""

    folder: Path
    found: Found
    told: Told
    verdicts: tuple[Verdict, ...]
    facts: Facts
    rewriting: Rewriting | None
    run: Mapping[str, Any]


def analyse(
    request: Request,
    out: Path,
    settings: "Settings",
    progress: Progress,
    rewrite: Rewrite | None = None,
) -> Analysed:
    """Return an analysis; a stopped one goes on with the stages that it had finished.

    Args:
        request: What is analysed.
        out: The run folder.
        settings: Where what is known lies.
        progress: Told what is being done.
        rewrite: Writes sentences anew, where a language model is to.

    Raises:
        QuestionError: The data cannot answer; says why.
        RunError: `out` holds something else.
    """
    from knowledge.base import load_symbols

    progress("reading", 0.0)
    inputs = input_hashes(request)
    key = fingerprint(request, [f"{name} {value}" for name, value in inputs.items()])
    claim(out, key)
    symbols = load_symbols(settings.data)

    def orthologues() -> dict[str, str]:
        return dict(human_of_mouse(settings.data))

    predictors: list[EffectPredictor] = []

    def predictor() -> "EffectPredictor":
        if not predictors:
            from app.jobs.opening import open_session

            predictors.append(open_session(settings).predictor)
        return predictors[0]

    kept = Kept(out / "work", key)
    given = read(request, symbols, orthologues)
    run = {
        "schema": SCHEMA,
        "fingerprint": key,
        "request": request.model_dump(mode="json"),
        "inputs": inputs,
        "versions": versions(),
        "names": neutral_names(request, given),
        "words": given.design.words,
        "formula": given.design.formula,
    }
    replace_text(out / "run.json", json.dumps(run, indent=1) + "\n")
    found, normalised = analysed(request, given, predictor, kept, progress)
    run["knowledge"] = dict(found.versions)
    replace_text(out / "run.json", json.dumps(run, indent=1) + "\n")
    progress("writing", 0.9)
    writer = Writer(found)
    from tools.counts.enrichment import sets_of

    drawn = set(writer.told_sets["set"].head(MOST_DRAWN_SETS))
    shown = [one for one in sets_of(predictor().knowledge, ontology=False) if one.id in drawn]
    write_tables(found, normalised, out, shown)
    told = writer.told()
    facts = facts_of(out)
    verdicts = tuple(facts.check(text) for _, text in told.sentences())
    rewriting = None
    if rewrite is not None:
        progress("rewriting", 0.93)
        rewriting = rewrite(told.summary, facts)
    whole = Analysed(out, found, told, verdicts, facts, rewriting, run)
    write_sentences(whole)
    progress("drawing", 0.95)
    from app.show.analysis import write_report

    write_report(whole)
    progress("done", 1.0)
    return whole


def claim(out: Path, key: str) -> None:
    """Take a folder for this run, or go on in it.

    Raises:
        RunError: It holds something else.
    """
    path = out / "run.json"
    if path.is_file():
        held = json.loads(path.read_text(encoding="utf-8"))
        if held.get("schema") != SCHEMA or held.get("fingerprint") != key:
            raise RunError(
                f"{out} holds another analysis (other counts, design or options); name another "
                "--out."
            )
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} holds something other than an analysis; name another --out.")
    out.mkdir(parents=True, exist_ok=True)


def input_hashes(request: Request) -> dict[str, str]:
    """Return the SHA-256 of every file that is read."""
    files = [request.design, request.transcripts]
    if request.counts.is_dir():
        files += [one for name in QUANTS for one in sorted(request.counts.glob(f"*/{name}"))]
    else:
        files.append(request.counts)
    return {str(one): sha256_of(one) for one in files if one is not None and one.is_file()}


def versions() -> dict[str, str]:
    """Return the versions of Knockwise and of what it computed with."""
    found = {"knockwise": version("knockwise"), "python": python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def neutral_names(request: Request, given: Read) -> list[str]:
    """Return the names in which digits are no figures: groups, columns, samples, files."""
    design = given.design
    columns = [str(one) for one in design.samples.columns]
    levels = [str(one) for c in columns for one in design.samples[c].unique()]
    samples = [str(one) for one in design.samples.index]
    return list(dict.fromkeys([*columns, *levels, *samples, request.counts.name]))


def write_sentences(whole: Analysed) -> None:
    """Write every sentence with what its check said."""
    from knowledge.files import harmless_cell

    lines = ["part,confirmed,problem,sentence"]
    for (part, text), verdict in zip(whole.told.sentences(), whole.verdicts, strict=True):
        cells = [part, str(verdict.confirmed).lower(), verdict.problem, text]
        quoted = (harmless_cell(one).replace('"', '""') for one in cells)
        lines.append(",".join(f'"{one}"' for one in quoted))
    replace_text(whole.folder / "sentences.csv", "\n".join(lines) + "\n")
