"""Fetches a source from its upstream or a mirror: resumed, checked, and never half used."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pooch
import requests
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

from knowledge.errors import DataError
from knowledge.files import replace_text
from knowledge.sources.registry import (
    Pulled,
    Source,
    part_path,
    receipts,
    record,
    sha256_of,
    source_path,
    state,
)

Progress = Callable[[int], None]
"""Called with the number of bytes of the file that are on disk so far."""

ATTEMPTS = 4
TIMEOUT_S = 30.0
_CHUNK = 1 << 16


class _Interrupted(Exception):
    """The transfer failed in a way that another attempt may mend."""


def pull(
    source: Source,
    data_dir: Path,
    *,
    mirror: Path | None = None,
    progress: Progress = lambda _: None,
    wait_s: float = 1.0,
) -> bool:
    """Bring the file of `source` under `data_dir`; return False if it was already there.

    A corrupted file is thrown away first. An interrupted download leaves a `.part` file that the
    next attempt or the next call continues, where the server supports it. The file appears under
    its own name only after its checksum was found right.

    Args:
        source: What to fetch.
        data_dir: The data folder.
        mirror: A folder with the same files, to copy from instead of downloading.
        progress: Told how many bytes have arrived.
        wait_s: How long to wait before the first retry; later waits are longer.

    Raises:
        DataError: The file cannot be had, or the data folder cannot be written.
    """
    target = source_path(data_dir, source)
    with _writing(data_dir):
        now = state(source, data_dir, receipts(data_dir).get(source.name))
        if now == "present":
            progress(target.stat().st_size)
            return False
        if now == "corrupt":
            target.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
    if mirror is not None:
        _copy(source, data_dir, mirror, progress)
        return True
    if source.mirror_only:
        raise DataError(
            f"{source.name} is only to be had from a mirror (its upstream, {source.url}, "
            "distributes another format); run `knockwise data pull --mirror DIR`."
        )
    _download(source, data_dir, progress, wait_s)
    return True


def _copy(source: Source, data_dir: Path, mirror: Path, progress: Progress) -> None:
    origin, part = mirror / source.path, part_path(data_dir, source)
    if not origin.is_file():
        raise DataError(f"{origin} is missing from the mirror; check the path given to --mirror.")
    digest, size = hashlib.sha256(), 0
    with _writing(data_dir), origin.open("rb") as reader, _opened(part, go_on=False) as writer:
        while chunk := reader.read(_CHUNK):
            writer.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            progress(size)
    if digest.hexdigest() != source.sha256:
        part.unlink()
        raise DataError(
            f"{origin} is corrupted or another version than {source.version} (its SHA-256 differs "
            "from the registry's); renew the mirror or pull without --mirror."
        )
    with _writing(data_dir):
        record(data_dir, source.name, _receipt(source.sha256, size, "mirror"))
        part.replace(source_path(data_dir, source))


def _download(source: Source, data_dir: Path, progress: Progress, wait_s: float) -> None:
    # Pooch reports on its own logger; we have our progress bar.
    pooch.get_logger().setLevel("WARNING")
    target, part = source_path(data_dir, source), part_path(data_dir, source)

    def downloader(url: str, output: str, _: object) -> None:
        _transfer(url, part, source, progress)
        received = _receipt(sha256_of(part), part.stat().st_size, url)
        if source.rolling:
            record(data_dir, source.name, received)
        part.replace(output)
        _validator_path(part).unlink(missing_ok=True)

    def attempt() -> None:
        try:
            pooch.retrieve(
                source.url,
                known_hash=None if source.rolling else f"sha256:{source.sha256}",
                fname=target.name,
                path=target.parent,
                downloader=downloader,
            )
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            if 400 <= status < 500 and status != requests.codes.too_many_requests:
                raise
            raise _Interrupted(str(error)) from error
        except (requests.RequestException, ValueError) as error:
            # Pooch raises ValueError for a wrong checksum; what it got is thrown away.
            raise _Interrupted(str(error)) from error

    retries = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=wait_s, max=60 * wait_s),
        retry=retry_if_exception_type(_Interrupted),
        reraise=True,
    )
    try:
        with _writing(data_dir):
            retries(attempt)
            if not source.rolling:
                size = target.stat().st_size
                record(data_dir, source.name, _receipt(source.sha256, size, source.url))
    except (_Interrupted, requests.HTTPError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{source.name} could not be downloaded from {source.url} ({reason}); run "
            "`knockwise data pull` again to continue, or use --mirror."
        ) from None


def _transfer(url: str, part: Path, source: Source, progress: Progress) -> None:
    """Fill `part` with the body at `url`, continuing where an earlier transfer stopped."""
    if not _is_ours(part):
        part.unlink(missing_ok=True)
        _validator_path(part).unlink(missing_ok=True)
    have = part.stat().st_size if part.exists() else 0
    validator = _validator(part)
    headers = {"Accept-Encoding": "identity"}
    # The checksum catches a file that changed between two transfers; a rolling file has none, so
    # it is continued only if the server can vouch (If-Range) that it is still the same.
    if have and (validator or not source.rolling):
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            raise requests.ConnectionError(f"{part.name} was longer than the file")
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        start = have if resumed else 0
        if not resumed:
            mark = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
            # A weak ETag may not be used with If-Range (RFC 9110, 13.1.5).
            replace_text(_validator_path(part), "" if mark.startswith("W/") else mark)
        with _opened(part, go_on=resumed) as writer:
            _receive(response, writer, start, progress)
        length = response.headers.get("Content-Length")
    if length is not None and part.stat().st_size != start + int(length):
        raise requests.ConnectionError(f"the connection ended before {start + int(length)} bytes")


def _is_ours(part: Path) -> bool:
    """Return whether a part is a plain file of this user that has no other name."""
    try:
        found = part.lstat()
    except FileNotFoundError:
        return False
    user = os.getuid() if hasattr(os, "getuid") else found.st_uid
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == user


def _opened(part: Path, *, go_on: bool) -> BinaryIO:
    """Open a part at its end, or a fresh one; a link that lies there is not followed."""
    flags = os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    if go_on:
        flags |= os.O_APPEND
    else:
        part.unlink(missing_ok=True)
        flags |= os.O_CREAT | os.O_EXCL
    return os.fdopen(os.open(part, flags, 0o666), "ab" if go_on else "wb")


def _receive(response: requests.Response, writer: BinaryIO, start: int, progress: Progress) -> None:
    size = start
    for chunk in response.iter_content(_CHUNK):
        writer.write(chunk)
        size += len(chunk)
        progress(size)


def _validator_path(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _validator(part: Path) -> str:
    path = _validator_path(part)
    return path.read_text() if path.exists() else ""


def _receipt(sha256: str, size: int, origin: str) -> Pulled:
    return Pulled(sha256=sha256, size_bytes=size, origin=origin)


@contextmanager
def _writing(data_dir: Path) -> Generator[None]:
    """Turn a full disk or a folder without write permission into a sentence."""
    try:
        yield
    except OSError as error:
        if isinstance(error, requests.RequestException):
            raise
        raise storage_error(error, data_dir) from None


def storage_error(error: OSError, folder: Path) -> DataError:
    """Return the sentence for an operating-system error while writing under `folder`."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DataError(f"The disk with {folder} is full; free some space and run this again.")
    where = os.fspath(error.filename) if error.filename else folder
    return DataError(
        f"{where} cannot be written ({error.strerror or error}); check its permissions or set "
        "KNOCKWISE_DATA to another folder."
    )
