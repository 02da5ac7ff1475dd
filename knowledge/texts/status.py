"""Says what the text index holds, and whether a build would have anything to do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from knowledge.compiled.open import open_compiled
from knowledge.schema import Frozen
from knowledge.texts import files as index_files
from knowledge.texts.build import encoded_so_far, full_index_dir
from knowledge.texts.documents import documents
from knowledge.texts.encoder import Encoder
from knowledge.texts.files import CorruptedIndexError, IndexManifest
from knowledge.texts.generation import source_entries

State = Literal["absent", "unfinished", "corrupted", "other encoder", "stale", "up to date"]
_BUILD = "run `knockwise index build`"


class IndexStatus(Frozen):
    """What the index holds; `detail` says what to do unless it is up to date."""

    folder: str
    state: State
    detail: str = ""
    encoder: str = ""
    fingerprint: str = ""
    counts: dict[str, int] = Field(default_factory=dict)
    sources: dict[str, int] = Field(default_factory=dict)


def index_status(data_dir: Path, encoder: Encoder) -> IndexStatus:
    """Compare the built index under `data_dir` with the compiled data and with `encoder`.

    Raises:
        DataError: A compiled table is corrupted.
    """
    folder = full_index_dir(data_dir)
    try:
        manifest = index_files.read_manifest(folder)
        if manifest is None:
            return _unbuilt(folder)
    except CorruptedIndexError as error:
        return IndexStatus(folder=str(folder), state="corrupted", detail=str(error))
    state, detail = _state(folder, manifest, data_dir, encoder)
    return IndexStatus(
        folder=str(folder),
        state=state,
        detail=detail,
        encoder=manifest.encoder,
        fingerprint=manifest.fingerprint,
        counts=manifest.counts,
        sources={name: entry.documents for name, entry in manifest.sources.items()},
    )


def _unbuilt(folder: Path) -> IndexStatus:
    done, wanted = encoded_so_far(folder)
    if not wanted:
        detail = f"answers use the starter pack's texts; {_BUILD} after `knockwise data pull`"
        return IndexStatus(folder=str(folder), state="absent", detail=detail)
    detail = f"{done:,} of {wanted:,} texts are encoded; {_BUILD} to go on"
    return IndexStatus(folder=str(folder), state="unfinished", detail=detail)


def _state(
    folder: Path, manifest: IndexManifest, data_dir: Path, encoder: Encoder
) -> tuple[State, str]:
    if what := index_files.damage(folder, manifest):
        return "corrupted", f"{what}; {_BUILD}"
    if manifest.fingerprint != encoder.fingerprint:
        return "other encoder", f"the setting is {encoder.name}; {_BUILD} to use it"
    now = source_entries(documents(data_dir))
    changed = [s for s in {**manifest.sources, **now} if manifest.sources.get(s) != now.get(s)]
    if changed:
        return "stale", f"{', '.join(changed)} changed; {_BUILD}"
    warnings: Sequence[str] = open_compiled(data_dir).warnings
    return ("stale", " ".join(warnings)) if warnings else ("up to date", "")
