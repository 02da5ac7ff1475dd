"""The plan of a quantification: which programs run with which arguments, before any does."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from knowledge.errors import QuestionError
from knowledge.schema import Frozen
from tools.quantify.reads import Sample

Quantifier = Literal["salmon", "kallisto"]
QUANTIFIERS: tuple[Quantifier, ...] = ("salmon", "kallisto")
TRIMMER = "fastp"
VERSION: Mapping[str, tuple[str, ...]] = {
    "salmon": ("--version",), "kallisto": ("version",), "fastp": ("--version",),
}  # fmt: skip
TABLE = {"salmon": "quant.sf", "kallisto": "abundance.tsv"}
# Folders of a run, and what stands for a sample's own folder in a command.
INDEX, SAMPLES, TRIMMED = "index", "samples", "trimmed"
HERE = "{sample}"


class Step(Frozen):
    """One command.

    Attributes:
        what: It does, in words.
        program: That runs.
        command: With its arguments.
    """

    what: str
    program: str
    command: tuple[str, ...]


class SamplePlan(Frozen):
    """What is done with one sample, in order; `{sample}` stands for its folder."""

    sample: Sample
    steps: tuple[Step, ...]


class Plan(Frozen):
    """What is done, in order.

    Attributes:
        quantifier: The program that counts.
        index: Where its index is or will be.
        make_index: How it is made; None where it was given.
        samples: What is done with each.
        missing: Programs that are not installed.
        notes: What is to be known before it runs.
    """

    quantifier: Quantifier
    index: Path
    make_index: Step | None
    samples: tuple[SamplePlan, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def planned(
    samples: tuple[Sample, ...],
    out: Path,
    *,
    index: Path | None = None,
    transcripts: Path | None = None,
    quantifier: Quantifier | None = None,
    trim: bool | None = None,
    threads: int = 2,
    fragment: tuple[float, float] | None = None,
    notes: tuple[str, ...] = (),
) -> Plan:
    """Return the plan.

    Args:
        samples: What is counted.
        out: The run folder.
        index: An index of salmon (a folder) or kallisto (a file).
        transcripts: FASTA file that one is made of.
        quantifier: salmon or kallisto; by the index, or the one that is installed.
        trim: Whether fastp trims the reads first; where it is installed, by default.
        threads: That a program may use.
        fragment: Mean and standard deviation of the length of fragments, for kallisto and single
            reads.
        notes: That stand before its own.

    Raises:
        QuestionError: What was asked cannot be done.
    """
    if (index is None) == (transcripts is None):
        raise QuestionError(
            "Name either --index (made before) or --transcripts (a FASTA file to make one of)."
        )
    chosen = _quantifier(index, quantifier)
    for path in (index, transcripts):
        if path is not None and not path.exists():
            raise QuestionError(f"{path} does not exist; name an index or a FASTA file.")
    single = [one.name for one in samples if not one.second]
    if single and chosen == "kallisto" and fragment is None:
        raise QuestionError(
            f"{single[0]} has single reads, for which kallisto must be told how long fragments "
            "are: --fragment-length 200 --fragment-sd 20, or what your library says; salmon needs "
            "neither."
        )
    trims = trim if trim is not None else shutil.which(TRIMMER) is not None
    missing = [one for one in (chosen, *([TRIMMER] if trims else [])) if shutil.which(one) is None]
    said = list(notes)
    if not trims and trim is None:
        said.append("Reads are not trimmed, because fastp is not installed.")
    where = index.resolve() if index else out.resolve() / INDEX / f"{chosen}.idx"
    make = _make_index(chosen, transcripts.resolve(), where, threads) if transcripts else None
    plans = tuple(_sample(one, chosen, where, trims, threads, fragment) for one in samples)
    return Plan(
        quantifier=chosen, index=where, make_index=make, samples=plans,
        missing=tuple(missing), notes=tuple(said),
    )  # fmt: skip


def _quantifier(index: Path | None, wanted: Quantifier | None) -> Quantifier:
    """Return the program to use: the one wanted, the one of the index, or one that is here."""
    by_index: Quantifier | None = None
    if index is not None and index.exists():
        by_index = "salmon" if index.is_dir() else "kallisto"
    if wanted and by_index and wanted != by_index:
        kind = "a folder" if by_index == "salmon" else "a file"
        raise QuestionError(f"{index} is {kind}, as {by_index} makes it; leave --tool away.")
    if chosen := wanted or by_index:
        return chosen
    return next((one for one in QUANTIFIERS if shutil.which(one)), "salmon")


def how_to_install(missing: tuple[str, ...]) -> str:
    """Return a sentence on programs that are not installed."""
    names = " and ".join(missing)
    packages = " ".join(missing)
    other = " (kallisto, --tool kallisto, does the same)" if "salmon" in missing else ""
    return (
        f"{names} {'is' if len(missing) == 1 else 'are'} not installed{other}; run `apt-get "
        f"install {packages}` (Debian, Ubuntu) or `conda install -c bioconda {packages}`, "
        "and try again."
    )


def _make_index(quantifier: Quantifier, fasta: Path, where: Path, threads: int) -> Step:
    command: tuple[str, ...]
    if quantifier == "salmon":
        command = ("salmon", "index", "-t", str(fasta), "-i", str(where), "-p", str(threads))
    else:
        command = ("kallisto", "index", "-i", str(where), str(fasta))
    return Step(what=f"index of {fasta.name}", program=quantifier, command=command)


def _sample(
    sample: Sample,
    quantifier: Quantifier,
    index: Path,
    trims: bool,
    threads: int,
    fragment: tuple[float, float] | None,
) -> SamplePlan:
    steps = []
    first, second = [[str(one) for one in files] for files in (sample.first, sample.second)]
    if trims:
        for lane, read in enumerate(sample.first):
            places = [f"{HERE}/{TRIMMED}/{lane + 1}_{mate}.fastq.gz" for mate in (1, 2)]
            mates = ("-I", second[lane], "-O", places[1]) if second else ()
            steps.append(
                Step(
                    what=f"trim {read.name}",
                    program=TRIMMER,
                    command=(
                        TRIMMER, "-i", first[lane], "-o", places[0], *mates,
                        "-j", f"{HERE}/fastp_{lane + 1}.json", "-h",
                        f"{HERE}/fastp_{lane + 1}.html",
                        "-w", str(threads),
                    ),
                )
            )  # fmt: skip
            first[lane] = places[0]
            if second:
                second[lane] = places[1]
    counted = f"{HERE}/{quantifier}"
    if quantifier == "salmon":
        reads = ("-1", *first, "-2", *second) if second else ("-r", *first)
        command = ("salmon", "quant", "-i", str(index), "-l", "A", *reads, "-p", str(threads),
                   "-o", counted)  # fmt: skip
    else:
        length, sd = fragment or (0.0, 0.0)
        alone = ("--single", "-l", f"{length:g}", "-s", f"{sd:g}") if not second else ()
        pairs = [one for pair in zip(first, second, strict=False) for one in pair] or first
        command = ("kallisto", "quant", "-i", str(index), "-o", counted, "-t", str(threads),
                   *alone, *pairs)  # fmt: skip
    steps.append(Step(what="count", program=quantifier, command=command))
    return SamplePlan(sample=sample, steps=tuple(steps))
