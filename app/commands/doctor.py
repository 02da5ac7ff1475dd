"""`knockwise doctor`: what is installed, present and working, and what to do about the rest."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from app.show.terminal import plain, print_json, progress, results, settings, signs
from knowledge.errors import KnockwiseError
from knowledge.extras import EXTRAS, install

if TYPE_CHECKING:
    from agent.settings import Settings

GIB = 1024**3
LEAST_FREE_GIB = 5  # the full data, its tables and the index


@dataclass(frozen=True)
class Check:
    """One finding. Without a `needed` one that is not `ok`, `knockwise ask` cannot work."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    needed: bool = True


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON and nothing else.")
    ] = False,
) -> None:
    """Check the installation, the data, the index, the models and the LLM endpoint."""
    chosen = settings()
    with progress().status("Examining ..."):
        checks = list(examine(chosen))
    works = all(check.ok for check in checks if check.needed)
    if as_json:
        print_json(
            {
                "schema": "knockwise/doctor/1",
                "works": works,
                "checks": [asdict(check) for check in checks],
            }
        )
    else:
        _show(checks, works=works)
    if not works:
        raise typer.Exit(2)


def examine(chosen: "Settings") -> Iterator[Check]:
    """Iterate over the findings for these settings."""
    yield _python()
    yield _packages()
    yield _extras()
    yield _torch()
    yield _guarded("response model", _response, "reinstall Knockwise: its weights are damaged")
    for name, (command, check) in _INSTRUMENTS.items():
        yield _guarded(name, check, f"reinstall Knockwise, or train it with `{command}`")
    yield _licence()
    yield _guarded("knowledge", lambda: _knowledge(chosen), "see the message")
    yield _folder("runs folder", chosen.runs, "KNOCKWISE_RUNS", needed=True)
    yield _folder("data folder", chosen.data, "KNOCKWISE_DATA", needed=False)
    yield _guarded("sources", lambda: _sources(chosen), "run `knockwise data verify`", needed=False)
    yield _guarded("encoder", lambda: _encoder(chosen), "see the message", needed=False)
    # `ask` reads an index that is there, and does without one that is not.
    built = (chosen.data / "index" / "manifest.json").exists()
    remedy = (
        "`knockwise ask` reads it: build it again, or delete its folder"
        if built
        else "the rest works without"
    )
    yield _guarded("text index", lambda: _index(chosen), remedy, needed=built)
    yield _endpoint(chosen)


def _show(checks: list[Check], *, works: bool) -> None:
    out = results()
    chars = signs(out)
    table = Table.grid(padding=(0, 2))
    for check in checks:
        style = "green" if check.ok else "red" if check.needed else "yellow"
        mark = chars.good if check.ok else chars.bad if check.needed else "-"
        found = Text(plain(check.found))
        if not check.ok and check.remedy:
            found.append(f"\n{plain(check.remedy)}", style="dim")
        table.add_row(Text(mark, style=style), check.name, found)
    out.print(table)
    verdict = "`knockwise ask` can work." if works else "`knockwise ask` cannot work yet."
    out.print(Text(f"\n{verdict}", style="bold green" if works else "bold red"))


def _python() -> Check:
    return Check(
        name="python",
        ok=(3, 11) <= sys.version_info[:2] <= (3, 13),
        found=sys.version.split()[0],
        remedy="make a virtual environment with Python 3.11, 3.12 or 3.13",
    )


def _packages() -> Check:
    """Compare what is installed with what the package declares."""
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in requires("knockwise") or ()]
    wrong, count = [], 0
    for requirement in wanted:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} is {installed}, wanted {requirement.specifier}")
    return Check(
        name="packages",
        ok=not wrong,
        found="; ".join(wrong) or f"knockwise {version('knockwise')}, {count} packages as declared",
        remedy="run `make setup` again",
    )


def _licence() -> Check:
    found = (
        "code: Apache-2.0; weights: non-commercial research, with data of PerturbQA and others "
        "(models/weights/LICENSE, docs/sources.md)"
    )
    return Check(name="licence", ok=True, found=found, needed=False)


def _extras() -> Check:
    """Name the libraries that a plain install does without, by the extra that brings them."""
    absent: dict[str, list[str]] = {}
    for module, extra in EXTRAS.items():
        if find_spec(module) is None:
            absent.setdefault(extra, []).append(module)
    found = "; ".join(f"{extra}: no {', '.join(names)}" for extra, names in absent.items())
    return Check(
        name="extras",
        ok=not absent,
        found=found or "every extra is installed",
        remedy=f"`ask` works without; {install('all')} in the checkout brings them",
        needed=False,
    )


def _torch() -> Check:
    try:
        torch = import_module("torch")
        total = float(torch.ones(2, 2).sum())
    except (ImportError, OSError, RuntimeError) as error:
        remedy = f"`ask` works without; {install('train')} in the checkout brings it"
        return Check(name="torch", ok=False, found=str(error), remedy=remedy, needed=False)
    found = f"{torch.__version__}, computes on the CPU"
    return Check(name="torch", ok=total == 4.0, found=found, needed=False)


def _guarded(name: str, look: Callable[[], Check], remedy: str, *, needed: bool = True) -> Check:
    """Turn a failure with a sentence of its own into a finding."""
    try:
        return look()
    except (KnockwiseError, OSError, ImportError) as error:
        return Check(name=name, ok=False, found=str(error), remedy=remedy, needed=needed)


def _response() -> Check:
    from models.response import ResponseModel

    model = ResponseModel.load()
    lines = ", ".join(model.cell_lines)
    found = f"version {model.version}: {len(model.genes()):,} genes in {lines}"
    return Check(name="response model", ok=True, found=found)


def _expression() -> Check:
    from models.expression.model import ExpressionModel

    model = ExpressionModel.load()
    names = ", ".join(context.name for context in model.contexts)
    found = f"version {model.version}: {names}"
    return Check(name="expression model", ok=True, found=found)


def _properties() -> Check:
    from models.genen.model import GenenModel

    model = GenenModel.load()
    found = f"version {model.version}: {len(model.genes):,} genes"
    return Check(name="gene properties", ok=True, found=found)


def _phenotypes() -> Check:
    from models.genepheno.model import GenePhenoModel

    model = GenePhenoModel.load()
    found = f"version {model.version}: {', '.join(model.collections)}"
    return Check(name="phenotype model", ok=True, found=found)


def _fusion() -> Check:
    from models.fusion import Fusion

    model = Fusion.load("full")
    found = f"version {model.version}: habits of {len(model.habit.genes):,} genes"
    return Check(name="fusion model", ok=True, found=found)


def _programmes() -> Check:
    from models.programmes.model import ProgrammeModel

    model = ProgrammeModel.load()
    found = f"version {model.version}: {len(model.programmes)} programmes of the screens"
    return Check(name="programmes", ok=True, found=found)


_INSTRUMENTS = {
    "fusion model": ("knockwise train fusion", _fusion),
    "expression model": ("knockwise train expression", _expression),
    "gene properties": ("knockwise train genen", _properties),
    "phenotype model": ("knockwise train genepheno", _phenotypes),
    "programmes": ("knockwise train programmes", _programmes),
}


def _knowledge(chosen: "Settings") -> Check:
    from knowledge.base import load_knowledge

    known = load_knowledge(chosen.data)
    edges = sum(1 for _ in known.graph.edges)
    found = f"{known.scope}: {len(known.symbols):,} genes, {edges:,} edges"
    warnings = "".join(f"; {warning}" for warning in known.warnings)
    return Check(name="knowledge", ok=True, found=found + warnings)


def _folder(name: str, folder: Path, variable: str, *, needed: bool) -> Check:
    """Say whether `folder` can be written to, without making it."""
    import os
    import shutil

    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        return Check(
            name=name,
            ok=False,
            found=f"{folder} cannot be written to",
            remedy=f"set {variable} to a folder you can write to",
            needed=needed,
        )
    free = shutil.disk_usage(existing).free / GIB
    there = "" if folder.exists() else " (not made yet)"
    return Check(
        name=name,
        ok=needed or free >= LEAST_FREE_GIB,
        found=f"{folder}{there}, {free:,.0f} GiB free",
        remedy=f"the full data wants {LEAST_FREE_GIB} GiB; make room or set {variable}",
        needed=needed,
    )


def _sources(chosen: "Settings") -> Check:
    """Count the sources that lie there whole by size; `data verify` looks at every byte."""
    from knowledge.sources.registry import load_registry, receipts, source_path

    registry, pulled = load_registry(), receipts(chosen.data)
    here = [
        source.name
        for source in registry
        if source.name in pulled
        and (path := source_path(chosen.data, source)).is_file()
        and path.stat().st_size == pulled[source.name].size_bytes
    ]
    broken = sorted(set(pulled) - set(here))
    ok = bool(here) and not broken
    found = f"{len(here)} of {len(registry)} pulled"
    if broken:
        found += f"; damaged: {', '.join(broken)}"
    remedy = "run `knockwise data pull`; until then the starter pack answers"
    return Check(name="sources", ok=ok, found=found, remedy=remedy, needed=False)


def _encoder(chosen: "Settings") -> Check:
    from knowledge.texts.encoder import load_encoder

    encoder = load_encoder(chosen.encoder)
    return Check(
        name="encoder", ok=True, found=f"{encoder.name} {encoder.fingerprint}", needed=False
    )


def _index(chosen: "Settings") -> Check:
    from knowledge.texts.encoder import load_encoder
    from knowledge.texts.search import TextIndex

    index = TextIndex.open(chosen.data / "index", load_encoder(chosen.encoder))
    index.search("stress", 1)  # an index that opens may still not be searched
    found = f"{len(index):,} documents"
    if index.read_only:
        found += "; read-only, so each process searches a private copy in its temporary folder"
    return Check(name="text index", ok=True, found=found, needed=False)


def _endpoint(chosen: "Settings") -> Check:
    """Ask the LLM endpoint what it serves, if one is configured."""
    needed = chosen.reasoner == "llm"
    if not chosen.llm.base_url:
        return Check(
            name="LLM endpoint",
            ok=not needed,
            found="none configured; the evidence reasoner answers",
            remedy="start one with `knockwise serve` and set what it prints",
            needed=needed,
        )
    import asyncio

    from agent.llm.errors import LLMError
    from agent.llm.probe import look

    try:
        served = asyncio.run(look(chosen.llm))
    except LLMError as error:
        return Check(name="LLM endpoint", ok=False, found=str(error), needed=needed)
    length = served.context_length
    reads = f"reads {length:,} tokens" if length else "does not say how much it reads"
    found = f"{chosen.llm.base_url} serves {served.model}, which {reads}"
    return Check(name="LLM endpoint", ok=True, found=found, needed=needed)
