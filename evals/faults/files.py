"""Files that come to harm: those that are shipped, those of a run, and those of an index."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from evals.faults.damage import DAMAGES
from evals.faults.run import PACKAGES, PAIRS, QUESTION, Fault, Harm

PREDICT = ("predict", "--pairs", "pairs.csv")
READ = ("read", QUESTION)
ASK_LLM = ("ask", "--quiet", "--reasoner", "llm", QUESTION)
# What reads a shipped file, by the beginning of its path; the first that fits.
READERS: Sequence[tuple[str, tuple[tuple[str, ...], ...]]] = (
    ("models/weights/response/", (PREDICT,)),
    ("models/weights/fusion/", (PREDICT,)),
    ("models/weights/expression/", (("express", "--pert", "STAT1", "--context", "papalexi"),)),
    ("models/weights/genepheno/", (("phenotype", "FGFR3"),)),
    ("models/weights/genen/", (("doctor",),)),
    ("models/weights/", (("doctor",),)),
    ("knowledge/starter/", (PREDICT,)),
    ("knowledge/sources/papers.toml", (("data", "sources"),)),
    ("knowledge/sources/", (("data", "status"),)),
    ("knowledge/", (PREDICT,)),
    ("agent/question/", (READ,)),
    ("agent/llm/presets", (("serve", "--list"),)),
    ("agent/", (ASK_LLM,)),
    ("app/show/templates/", (("report", "{copy}"),)),
)
SHIPPED = (
    ".yaml",
    ".tsv",
    ".toml",
    ".json",
    ".j2",
    ".css",
    ".js",
    ".gz",
    ".safetensors",
    ".txt",
)
NOT_READ = ("evals/", "app/web/")
"""Pages and results of benchmarks, and of the web server, which no command that answers reads."""
ON_RUNS = (("ask", "--quiet", "--resume", "{copy}"), ("report", "{copy}"))
ON_INDEXES = (("index", "search", "senses uncharged tRNA"), ("index", "status"))


def shipped(code: Path, run: Path, address: str) -> Iterator[Fault]:
    """Yield a fault for each shipped file in each way, and each command that reads it.

    Args:
        code: Where they are.
        run: A finished run, for what is read to report it.
        address: Of a language model, for what is read to ask one.
    """
    for path in sorted(path for package in PACKAGES for path in (code / package).rglob("*")):
        name = path.relative_to(code).as_posix()
        if not path.is_file() or path.suffix not in SHIPPED or name.startswith(NOT_READ):
            continue
        commands = next((found for start, found in READERS if name.startswith(start)), None)
        if commands is None:
            raise ValueError(f"{name} is shipped, and no command of READERS reads it")
        for how in DAMAGES:
            for words in commands:
                yield Fault(
                    f"shipped: {name} {how}",
                    tuple(word.replace("{copy}", str(run)) for word in words)
                    + (("--out", "page") if words[0] == "report" else ()),
                    {"pairs.csv": PAIRS.encode()},
                    {"KNOCKWISE_LLM__BASE_URL": address} if words == ASK_LLM else {},
                    Harm(name, how),
                )


def in_copies(folder: Path, kind: str) -> Iterator[Fault]:
    """Yield a fault for each file of a run or an index, damaged in a copy, and each command."""
    commands = ON_RUNS if kind == "run" else ON_INDEXES
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.endswith(".lock"):
            continue
        inside = path.relative_to(folder).as_posix()
        for how in DAMAGES:
            for words in commands:
                variables = {"KNOCKWISE_DATA": "{copy}"} if kind == "index" else {}
                name = f"{kind}: {inside} {how}: {' '.join(words[:2])}"
                yield Fault(name, words, {}, variables, Harm(inside, how, folder))
