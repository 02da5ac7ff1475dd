"""What is installed, pulled and built, in words; and how far a pull or a build is."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.doctor import Check, examine
from knowledge.errors import KnockwiseError
from knowledge.schema import Frozen
from knowledge.sources.registry import Source, load_registry, part_path, source_path
from knowledge.texts import files
from knowledge.texts.build import encoded_so_far, full_index_dir

if TYPE_CHECKING:
    from agent.settings import Settings


class GroupStatus(Frozen):
    """How much of a group of sources lies in the data folder, in bytes and by size alone."""

    name: str
    sources: int
    present: int
    partial: int
    here: int
    size: int


def data_parts(data: Path) -> dict[str, Any]:
    """Return how far the data and the index are."""
    registry = load_registry()
    groups = [_group(data, name, registry.select([name])) for name in registry.groups]
    return {
        "groups": groups,
        "pulled": any(one.present for one in groups),
        "index": _index(full_index_dir(data)),
    }


def _group(data: Path, name: str, sources: tuple[Source, ...]) -> GroupStatus:
    present = partial = here = 0
    for source in sources:
        whole, part = _size(source_path(data, source)), _size(part_path(data, source))
        present += whole is not None
        partial += whole is None and part is not None
        here += whole if whole is not None else part or 0
    size = max(1, sum(source.size_bytes for source in sources), here)
    return GroupStatus(
        name=name, sources=len(sources), present=present, partial=partial, here=here, size=size
    )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _index(folder: Path) -> dict[str, Any]:
    try:
        manifest = files.read_manifest(folder)
        if manifest is not None:
            count = sum(manifest.counts.values())
            return {"done": count, "wanted": count, "said": f"{count:,} texts, built"}
        done, wanted = encoded_so_far(folder)
    except (KnockwiseError, ImportError, OSError) as error:
        return {"done": 0, "wanted": 0, "said": str(error)}
    said = f"{done:,} of {wanted:,} texts so far" if wanted else "not built"
    return {"done": done, "wanted": wanted, "said": said}


def doctor_parts(settings: "Settings", *, shared: bool) -> dict[str, Any]:
    """Return what `knockwise doctor` finds; people on a shared server see no paths of it."""
    checks = list(_told(examine(settings), settings, shared=shared))
    return {"checks": checks, "works": all(one.ok for one in checks if one.needed)}


def _told(checks: Iterator[Check], settings: "Settings", *, shared: bool) -> Iterator[Check]:
    hidden = {str(settings.runs): "the runs folder", str(settings.data): "the data folder"}
    if settings.llm.base_url:
        hidden[settings.llm.base_url] = "the endpoint"
    for check in checks:
        found = check.found
        for path, name in hidden.items() if shared else ():
            found = found.replace(path, name)
        yield Check(check.name, check.ok, found, check.remedy, check.needed)
