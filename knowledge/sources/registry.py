"""The registry of data sources: where each comes from, its terms, and whether it is intact."""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from rapidfuzz import process
from rapidfuzz.distance import OSA

from knowledge.errors import DataError
from knowledge.plugins import plugins
from knowledge.schema import Frozen

REGISTRY = Path(__file__).parent / "sources.toml"
DEFAULT_GROUPS = ("knowledge", "perturbqa")

State = Literal["present", "partial", "corrupt", "missing"]


class Source(Frozen):
    """One file of one upstream.

    `path` is where the file lies, under a mirror as well as under `DATA/sources`. `sha256` and
    `size_bytes` pin the copy Knockwise was tested with. A `rolling` upstream serves newer or
    otherwise packed releases of the same format, so a download is checked against what was
    received rather than against the pin. A `mirror_only` source is distributed upstream in another
    format (R data, web pages) and can only be copied from a mirror.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    group: str
    path: str
    url: str
    format: str
    version: str
    licence: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(gt=0)
    parser: str = ""
    optional: bool = True
    rolling: bool = False
    mirror_only: bool = False


class Pulled(Frozen):
    """What a pull left on disk: the receipt that later checks compare the file with."""

    sha256: str
    size_bytes: int
    origin: str


class Registry:
    """The declared sources, found by name or by group."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.name: source for source in sources}

    def __iter__(self) -> Iterator[Source]:
        return iter(self._sources.values())

    def __len__(self) -> int:
        return len(self._sources)

    def __getitem__(self, name: str) -> Source:
        return self._sources[name]

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the names of the groups."""
        return tuple(dict.fromkeys(source.group for source in self))

    def select(self, names: Iterable[str]) -> tuple[Source, ...]:
        """Return the sources called by these names of sources or groups, each once.

        Raises:
            DataError: A name is neither; says which real one is nearest.
        """
        chosen: dict[str, Source] = {}
        for name in names:
            found = [s for s in self if name in (s.name, s.group)]
            if not found:
                known = (*self.groups, *self._sources)
                best = process.extractOne(name, known, scorer=OSA.normalized_similarity)
                raise DataError(
                    f"'{name}' is no source and no group of sources; "
                    f"did you mean '{best[0] if best else known[0]}'? `knockwise data status` "
                    "lists them."
                )
            chosen.update((source.name, source) for source in found)
        return tuple(chosen.values())


@lru_cache(maxsize=4)
def load_registry(path: Path = REGISTRY) -> Registry:
    """Return the declared sources; after the shipped ones, those of other packages.

    Raises:
        DataError: The registry is malformed or declares a name twice.
    """
    sources = _declared(path)
    if path == REGISTRY:
        for _, other in plugins("sources"):
            sources += _declared(Path(other))
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path}: '{twice}' is declared twice; keep one of the two.")
    return Registry(sources)


def _declared(path: Path) -> list[Source]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["source"]
        return [Source.model_validate(entry) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        message = " ".join(str(error).split())
        raise DataError(f"{path}: {message}; correct the file or reinstall Knockwise.") from None


def source_path(data_dir: Path, source: Source) -> Path:
    """Return where the file of `source` lies once pulled."""
    return data_dir / "sources" / source.path


def part_path(data_dir: Path, source: Source) -> Path:
    """Return where the unfinished download of `source` lies."""
    target = source_path(data_dir, source)
    return target.with_name(target.name + ".part")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def receipts(data_dir: Path) -> Mapping[str, Pulled]:
    """Return what was pulled, by source name; empty before the first pull.

    Raises:
        DataError: The list of receipts is corrupted.
    """
    path = _receipts_path(data_dir)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {name: Pulled.model_validate(entry) for name, entry in entries.items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); check the data folder's permissions."
        ) from None
    except (ValueError, AttributeError):
        raise DataError(
            f"{path} is corrupted; delete it and run `knockwise data pull` again."
        ) from None


def record(data_dir: Path, name: str, pulled: Pulled) -> None:
    """Write down what was pulled under `name`, replacing an older receipt."""
    entries = {**receipts(data_dir), name: pulled}
    path = _receipts_path(data_dir)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    text = json.dumps({n: e.model_dump() for n, e in sorted(entries.items())}, indent=1)
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(path)


def state(source: Source, data_dir: Path, receipt: Pulled | None = None) -> State:
    """Return whether the file of `source` is whole, by hashing it.

    Args:
        source: What to look at.
        data_dir: The data folder.
        receipt: What the pull recorded; a rolling source may match it instead of the pin.
    """
    path = source_path(data_dir, source)
    if not path.is_file():
        return "partial" if part_path(data_dir, source).is_file() else "missing"
    accepted = {source.sha256}
    if receipt is not None and source.rolling:
        accepted.add(receipt.sha256)
    return "present" if sha256_of(path) in accepted else "corrupt"


def states(sources: Iterable[Source], data_dir: Path) -> dict[str, State]:
    """Return the state of each source by name."""
    known = receipts(data_dir)
    return {source.name: state(source, data_dir, known.get(source.name)) for source in sources}


def _receipts_path(data_dir: Path) -> Path:
    return data_dir / "sources" / "pulled.json"


def is_source(path: Path) -> bool:
    """Return whether a path is where a declared source lies once it is pulled."""
    return any(path.as_posix().endswith(f"/{one.path}") for one in load_registry())


def missing(path: Path) -> DataError:
    """Return the error about a source's file that is not there; it says how to fetch its group."""
    found = [one.group for one in load_registry() if path.as_posix().endswith(f"/{one.path}")]
    group = f" {found[0]}" if found and found[0] not in DEFAULT_GROUPS else ""
    return DataError(f"{path} is missing; run `knockwise data pull{group}`.")
