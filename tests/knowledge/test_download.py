import errno
import hashlib
import os
from pathlib import Path

import pytest

from knowledge.errors import DataError
from knowledge.sources import download
from knowledge.sources.download import pull
from knowledge.sources.registry import Source, part_path, receipts, source_path, states

BODY = bytes(range(256)) * 2000


@pytest.fixture
def source(server):
    (server.folder / "file.bin").write_bytes(BODY)
    return Source(
        name="file",
        group="test",
        path="sub/file.bin",
        url=f"{server.url}/file.bin",
        format="bytes",
        version="1",
        licence="CC0-1.0",
        sha256=hashlib.sha256(BODY).hexdigest(),
        size_bytes=len(BODY),
    )


@pytest.fixture
def rolling(source):
    return source.model_copy(update={"rolling": True, "sha256": "0" * 64})


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def fetched(source, data):
    return pull(source, data, wait_s=0.001)


def resumed_at(server):
    """Return the first byte the last request asked for."""
    return int(server.log[-1][1].removeprefix("bytes=").removesuffix("-"))


def test_a_download_is_checked_recorded_and_not_repeated(source, data, server):
    seen = []
    assert pull(source, data, progress=seen.append) is True
    assert source_path(data, source).read_bytes() == BODY
    assert receipts(data)["file"].origin == source.url
    assert seen == sorted(seen)
    assert seen[-1] == len(BODY)
    assert fetched(source, data) is False
    assert len(server.log) == 1


def test_a_cut_connection_is_continued_where_it_broke(source, data, server):
    server.faults = ["cut"]
    assert fetched(source, data) is True
    assert source_path(data, source).read_bytes() == BODY
    assert server.log[0][1] is None
    assert 0 < resumed_at(server) <= len(BODY) // 2


def test_a_download_given_up_is_continued_by_the_next_pull(source, data, server, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.faults = ["cut"]
    with pytest.raises(DataError, match=r"file could not be downloaded .* again to continue"):
        fetched(source, data)
    assert states([source], data) == {"file": "partial"}
    assert not source_path(data, source).exists()
    assert fetched(source, data) is True
    assert 0 < resumed_at(server) <= len(BODY) // 2
    assert not part_path(data, source).exists()


def test_a_server_without_ranges_is_asked_for_everything_again(source, data, server):
    server.ranges = False
    server.faults = ["cut"]
    assert fetched(source, data) is True
    assert source_path(data, source).read_bytes() == BODY


def test_a_corrupted_download_is_thrown_away_and_fetched_again(source, data, server):
    server.faults = ["corrupt"]
    assert fetched(source, data) is True
    assert source_path(data, source).read_bytes() == BODY
    assert [wanted for _, wanted in server.log] == [None, None]


def test_a_file_that_is_always_wrong_never_appears_under_its_name(source, data, server):
    (server.folder / "file.bin").write_bytes(b"another release")
    with pytest.raises(DataError, match="file could not be downloaded"):
        fetched(source, data)
    assert not source_path(data, source).exists()
    assert len(server.log) == download.ATTEMPTS
    assert list(source_path(data, source).parent.iterdir()) == []


def test_a_busy_server_is_asked_again(source, data, server):
    server.faults = ["busy", "busy"]
    assert fetched(source, data) is True
    assert len(server.log) == 3


def test_a_file_that_is_not_there_is_not_asked_for_again(source, data, server):
    gone = source.model_copy(update={"url": f"{server.url}/gone.bin"})
    with pytest.raises(DataError, match="404"):
        fetched(gone, data)
    assert len(server.log) == 1


def test_an_unreachable_server_is_said(source, data, server, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    away = source.model_copy(update={"url": "http://127.0.0.1:9/file.bin"})
    with pytest.raises(DataError, match=r"could not be downloaded from http://127\.0"):
        fetched(away, data)


def test_a_file_damaged_on_disk_is_named_and_fetched_again(source, data):
    fetched(source, data)
    path = source_path(data, source)
    path.write_bytes(BODY[:100])
    assert states([source], data) == {"file": "corrupt"}
    assert fetched(source, data) is True
    assert path.read_bytes() == BODY


def test_a_part_that_is_too_long_is_started_over(source, data):
    part = part_path(data, source)
    part.parent.mkdir(parents=True)
    part.write_bytes(BODY + b"more")
    assert fetched(source, data) is True
    assert source_path(data, source).read_bytes() == BODY


def test_a_rolling_source_is_checked_against_what_was_received(rolling, data):
    fetched(rolling, data)
    assert states([rolling], data) == {"file": "present"}
    source_path(data, rolling).write_bytes(b"x")
    assert states([rolling], data) == {"file": "corrupt"}
    assert fetched(rolling, data) is True


def test_a_rolling_source_that_changed_in_between_is_not_pieced_together(
    rolling, data, server, monkeypatch
):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.faults = ["cut"]
    with pytest.raises(DataError):
        fetched(rolling, data)
    newer = BODY[::-1]
    (server.folder / "file.bin").write_bytes(newer)
    assert fetched(rolling, data) is True
    assert source_path(data, rolling).read_bytes() == newer


def test_a_rolling_source_nobody_vouches_for_is_started_over(rolling, data, server):
    server.validators = False
    server.faults = ["cut"]
    assert fetched(rolling, data) is True
    assert [wanted for _, wanted in server.log] == [None, None]


def test_a_mirror_is_copied_from_and_checked(source, data, tmp_path):
    mirror = tmp_path / "mirror"
    (mirror / "sub").mkdir(parents=True)
    (mirror / "sub" / "file.bin").write_bytes(BODY)
    assert pull(source, data, mirror=mirror) is True
    assert receipts(data)["file"].origin == "mirror"
    (mirror / "sub" / "file.bin").write_bytes(BODY[:-1])
    source_path(data, source).unlink()
    with pytest.raises(DataError, match=r"sub/file\.bin is corrupted or another version"):
        pull(source, data, mirror=mirror)
    assert states([source], data) == {"file": "missing"}
    with pytest.raises(DataError, match="missing from the mirror"):
        pull(source.model_copy(update={"path": "none"}), data, mirror=mirror)


def test_a_source_that_only_mirrors_have_is_not_downloaded(source, data, server):
    with pytest.raises(DataError, match="only to be had from a mirror"):
        fetched(source.model_copy(update={"mirror_only": True}), data)
    assert server.log == []


def test_a_full_disk_is_said_in_one_sentence(source, data, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(download, "_receive", full)
    with pytest.raises(DataError, match=r"The disk with .* is full; free some space"):
        fetched(source, data)
    assert not source_path(data, source).exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_named(source, tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(DataError, match="cannot be written"):
            fetched(source, tmp_path / "data")
    finally:
        tmp_path.chmod(0o700)


def test_a_data_folder_that_is_a_file_is_named(source, tmp_path):
    path = tmp_path / "data"
    path.write_text("not a folder")
    with pytest.raises(DataError, match=r"cannot be (written|read)"):
        fetched(source, Path(path))


@pytest.mark.parametrize("how", ["link", "second name"])
@pytest.mark.parametrize("beside", ["", ".etag"])
def test_what_is_planted_where_a_download_begins_is_not_written_through(
    source, data, server, tmp_path, how, beside
):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    part = part_path(data, source)
    planted = part.with_name(part.name + beside)
    planted.parent.mkdir(parents=True)
    (planted.symlink_to if how == "link" else planted.hardlink_to)(victim)
    assert fetched(source, data) is True
    assert victim.read_bytes() == b"precious"
    assert source_path(data, source).read_bytes() == BODY
    assert not source_path(data, source).is_symlink()


def test_a_link_planted_where_a_copy_begins_is_not_written_through(source, data, tmp_path):
    mirror, victim = tmp_path / "mirror", tmp_path / "victim"
    (mirror / "sub").mkdir(parents=True)
    (mirror / "sub" / "file.bin").write_bytes(BODY)
    victim.write_bytes(b"precious")
    part = part_path(data, source)
    part.parent.mkdir(parents=True)
    part.symlink_to(victim)
    assert pull(source, data, mirror=mirror) is True
    assert victim.read_bytes() == b"precious"
    assert source_path(data, source).read_bytes() == BODY
