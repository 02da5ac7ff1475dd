"""Finds the samples in a heap of FASTQ files: which files are mates, and which are lanes of one."""

import gzip
import re
from collections.abc import Iterable
from pathlib import Path

from knowledge.errors import QuestionError
from knowledge.schema import Frozen

_ENDING = re.compile(r"\.(fastq|fq)(\.gz)?$", re.IGNORECASE)
# `_R1_001`, `_R1`, `_1` or `.1` before the ending, as sequencers and archives write it.
_MATE = re.compile(r"[_.](?:R|r|read)?(?P<mate>[12])(?:_\d{3})?$")
_INDEX_READS = re.compile(r"[_.]I[12](_\d{3})?$")
_LANE = re.compile(r"[_.]L\d{3}$")
_SHOWN = 4


class Sample(Frozen):
    """The reads of one sample.

    Attributes:
        name: As it is called in tables.
        first: Files of first or single reads, a lane each.
        second: Their mates, in the same order; none for single reads.
    """

    name: str
    first: tuple[Path, ...]
    second: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Return all of its files."""
        return self.first + self.second


def samples_of(given: Iterable[Path]) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """Return the samples in files and folders, by name, and what is to be said of them.

    Raises:
        QuestionError: A file is no FASTQ file, or a mate is missing.
    """
    files, notes = _files(given)
    mates: dict[str, dict[str, list[Path]]] = {}
    for file in files:
        stem = _ENDING.sub("", file.name)
        found = _MATE.search(stem)
        mate = found["mate"] if found else ""
        name = _LANE.sub("", stem[: found.start()] if found else stem)
        mates.setdefault(name, {}).setdefault(mate, []).append(file)
    samples = []
    for name, parts in sorted(mates.items()):
        single, first, second = (sorted(parts.get(one, ())) for one in ("", "1", "2"))
        if single and (first or second):
            raise QuestionError(
                f"Sample {name} has single reads ({single[0].name}) and mates "
                f"({(first or second)[0].name}); give one kind."
            )
        if second and len(first) != len(second):
            raise QuestionError(
                f"Sample {name} has {len(first)} files of first and {len(second)} of second reads; "
                "each needs its mate."
            )
        if first and not second:
            notes.append(f"{name} has no second reads: taken as single reads.")
        samples.append(Sample(name=name, first=tuple(single or first), second=tuple(second)))
    if not samples:
        raise QuestionError("No reads were given; name .fastq.gz files, or a folder of them.")
    return tuple(samples), tuple(notes)


def _files(given: Iterable[Path]) -> tuple[list[Path], list[str]]:
    files: list[Path] = []
    notes: list[str] = []
    for path in given:
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if _ENDING.search(one.name))
            if not inside:
                raise QuestionError(f"{path} holds no .fastq or .fastq.gz file.")
            files += inside
        elif not path.is_file():
            raise QuestionError(f"{path} does not exist; name .fastq.gz files or a folder of them.")
        elif not _ENDING.search(path.name):
            raise QuestionError(f"{path} does not end in .fastq, .fq, .fastq.gz or .fq.gz.")
        else:
            files.append(path)
    indexes = [one for one in files if _INDEX_READS.search(_ENDING.sub("", one.name))]
    if indexes:
        said = ", ".join(one.name for one in indexes[:_SHOWN])
        notes.append(f"Index reads are left out: {said}.")
    kept = list(dict.fromkeys(one.resolve() for one in files if one not in indexes))
    for one in kept:
        _check(one)
    return kept, notes


def _check(path: Path) -> None:
    """Refuse a file whose first read is none."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as handle:
            lines = [handle.readline() for _ in range(4)]
    except (OSError, EOFError) as error:
        raise QuestionError(f"{path} cannot be read ({error}); copy it again.") from error
    if not lines[0]:
        raise QuestionError(f"{path} is empty; leave the sample out or copy the file again.")
    if not (lines[0].startswith(b"@") and lines[2].startswith(b"+")):
        raise QuestionError(f"{path} is no FASTQ file: its first read does not begin with @.")
    if len(lines[1].strip()) != len(lines[3].strip()):
        raise QuestionError(f"{path} is cut off or damaged: its first read has no full quality.")
