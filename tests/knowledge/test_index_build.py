import errno
import os
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from knowledge.errors import TextIndexError
from knowledge.texts.build import build_index, encoded_so_far, starter_index_dir, text_index_for
from knowledge.texts.documents import Document
from knowledge.texts.encoder import DEFAULT_ENCODER, load_encoder
from knowledge.texts.files import read_manifest
from knowledge.texts.search import TextIndex

WORKER = Path(__file__).parents[1] / "hash_encoder.py"
many = runpy.run_path(str(WORKER))["many"]


def document(name, text, source="RefSeq"):
    return Document(id=f"{source}:{name}", kind="gene", text=text, source=source, gene=name)


DOCUMENTS = [document(f"G{i}", f"G{i}: does thing {i} in the nucleus.") for i in range(30)]


def contents(folder):
    """Return what a finished index holds, by id."""
    manifest = read_manifest(folder)
    columns = pq.read_table(folder / manifest.generation / "documents.parquet").to_pydict()
    return dict(zip(columns["id"], columns["digest"], strict=True))


def start_worker(folder, number, delay_s=0.0, limit=None):
    arguments = [sys.executable, WORKER, folder, number, delay_s, *([limit] if limit else [])]
    return subprocess.Popen(
        [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(worker, batches):
    """Return when `worker` has told of so many batches."""
    for _ in range(batches + 1):
        assert worker.stdout.readline().startswith("encoding ")


def test_a_second_build_has_nothing_to_do(tmp_path, hash_encoder):
    first = build_index(tmp_path, DOCUMENTS, hash_encoder())
    assert (first.documents, first.encoded, first.up_to_date) == (30, 30, False)
    assert first.reasons == ("There was no index yet.",)
    encoder = hash_encoder()
    second = build_index(tmp_path, DOCUMENTS, encoder)
    assert (second.up_to_date, second.reasons, encoder.encoded) == (True, (), 0)


def test_only_changed_texts_are_encoded_again(tmp_path, hash_encoder):
    build_index(tmp_path, [*DOCUMENTS, document("U", "U: old.", "UniProt")], hash_encoder())
    changed = [document("G0", "G0: has a new summary."), *DOCUMENTS[1:-1], document("N", "N: new.")]
    report = build_index(
        tmp_path, [*changed, document("U", "U: old.", "UniProt")], encoder := hash_encoder()
    )
    assert encoder.encoded == report.encoded == 2
    assert report.reasons == ("RefSeq changed: 1 texts new, 1 different, 1 gone.",)
    index = TextIndex.open(tmp_path, hash_encoder())
    assert "new summary" in index.get("RefSeq:G0").text
    assert index.search("G29", dense=False) == []
    assert len(index) == 31


def test_an_index_of_another_encoder_is_refused_then_built_anew(tmp_path, hash_encoder):
    build_index(tmp_path, DOCUMENTS, hash_encoder("first"))
    with pytest.raises(TextIndexError, match="built with the encoder first, not with second"):
        TextIndex.open(tmp_path, hash_encoder("second"))
    report = build_index(tmp_path, DOCUMENTS, hash_encoder("second"))
    assert report.reasons == (
        "The encoder changed from first to second: all texts are encoded again.",
    )
    assert report.encoded == 30
    assert TextIndex.open(tmp_path, hash_encoder("second")).search("thing 7")


def test_other_weights_under_the_same_name_are_noticed(tmp_path, hash_encoder):
    build_index(tmp_path, DOCUMENTS, hash_encoder())
    other = hash_encoder()
    other.fingerprint = "fine-tuned"
    with pytest.raises(TextIndexError, match="other weights of the encoder hash"):
        TextIndex.open(tmp_path, other)
    assert (
        "weights of the encoder hash changed" in build_index(tmp_path, DOCUMENTS, other).reasons[0]
    )


def test_an_index_that_is_not_there_names_the_command(tmp_path, hash_encoder):
    with pytest.raises(TextIndexError, match="run `knockwise index build`"):
        TextIndex.open(tmp_path / "nowhere", hash_encoder())


def test_a_build_killed_twice_ends_as_if_it_never_was(tmp_path, hash_encoder):
    folder, number = tmp_path / "killed", 1500
    done = 0
    for _ in range(2):
        worker = start_worker(folder, number, delay_s=0.2)
        wait_for(worker, 3)
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        assert worker.returncode == -signal.SIGKILL
        assert read_manifest(folder) is None
        before, done = done, encoded_so_far(folder)[0]
        assert done > before
    assert build_index(folder, many(number), hash_encoder()).encoded == number - done
    build_index(tmp_path / "whole", many(number), hash_encoder())
    assert contents(folder) == contents(tmp_path / "whole")
    killed, whole = (TextIndex.open(tmp_path / n, hash_encoder()) for n in ("killed", "whole"))
    query = "does number 77 of 1500 things"
    assert killed.search(query, dense=False) == whole.search(query, dense=False)
    # Chroma links the vectors in an order of its own, so only the best are sure to be the same.
    assert killed.search(query)[0].document == whole.search(query)[0].document


def test_a_build_killed_while_storing_leaves_the_old_index_in_use(tmp_path, hash_encoder):
    build_index(tmp_path, DOCUMENTS, hash_encoder())
    worker = start_worker(tmp_path, 3000)
    while not worker.stdout.readline().startswith("storing 1000"):
        pass
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    assert len(TextIndex.open(tmp_path, hash_encoder())) == 30
    assert build_index(tmp_path, many(3000), hash_encoder()).encoded == 0
    assert len(TextIndex.open(tmp_path, hash_encoder())) == 3000
    assert len(list(tmp_path.glob("generation-*"))) == 2  # the new one, and the one it replaced


def test_ctrl_c_keeps_what_was_encoded(tmp_path, hash_encoder):
    worker = start_worker(tmp_path, 1500, delay_s=0.3)
    wait_for(worker, 2)
    worker.send_signal(signal.SIGINT)
    worker.communicate()
    done, wanted = encoded_so_far(tmp_path)
    assert 0 < done < wanted == 1500
    assert build_index(tmp_path, many(1500), hash_encoder()).encoded == 1500 - done


def test_of_two_processes_one_builds_and_the_other_is_told_or_waits(tmp_path, hash_encoder):
    worker = start_worker(tmp_path, 700, delay_s=0.3)
    wait_for(worker, 1)
    with pytest.raises(TextIndexError, match=r"Another process is building.*build\.lock"):
        build_index(tmp_path, DOCUMENTS, hash_encoder())
    assert build_index(tmp_path, many(700), hash_encoder(), wait_s=60).up_to_date
    assert worker.communicate()[0].splitlines()[-1] == "encoded 700"
    assert worker.returncode == 0


def test_a_reader_keeps_its_index_while_another_takes_its_place(tmp_path, hash_encoder):
    build_index(tmp_path, DOCUMENTS, hash_encoder())
    reader = TextIndex.open(tmp_path, hash_encoder())
    build_index(tmp_path, DOCUMENTS[:5], hash_encoder())
    assert reader.search("thing 29")[0].document.id == "RefSeq:G29"
    assert len(TextIndex.open(tmp_path, hash_encoder())) == 5


class FailingEncoder:
    """Fails as a write to a full disk does, after some batches."""

    def __init__(self, encoder, batches):
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self._encoder, self._left = encoder, batches

    def encode(self, texts):
        if not self._left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._left -= 1
        return self._encoder.encode(texts)


def test_a_full_disk_is_said_in_a_sentence_and_costs_nothing(tmp_path, hash_encoder):
    documents = [document(f"G{i}", f"G{i}: is long {i}.") for i in range(300)]
    with pytest.raises(TextIndexError, match="is full; free some space"):
        build_index(tmp_path, documents, FailingEncoder(hash_encoder(), 2))
    kept, wanted = encoded_so_far(tmp_path)
    assert 0 < kept < wanted == 300
    report = build_index(tmp_path, documents, hash_encoder())
    assert report.encoded == 300 - kept
    assert report.reasons == (f"An unfinished build had encoded {kept} of 300 texts.",)


@pytest.mark.parametrize("limit", [1_000, 500_000, 1_000_000])
def test_a_limit_on_file_sizes_stops_the_build_at_any_stage_without_harm(
    tmp_path, hash_encoder, limit
):
    """Files meet the limit in turn: the kept vectors, the lexical index, Chroma's tables."""
    build_index(tmp_path, DOCUMENTS, hash_encoder())
    shutil.copytree(tmp_path, copy := tmp_path.parent / f"copy-{limit}")
    worker = start_worker(copy, 2000, limit=limit)
    _, complaints = worker.communicate()
    assert worker.returncode == 2, complaints
    assert complaints.count("\n") == 1
    assert "free some space" in complaints
    assert len(TextIndex.open(copy, hash_encoder())) == 30
    assert len(list(copy.glob("generation-*"))) == 1  # nothing is left lying on the full disk
    build_index(copy, many(2000), hash_encoder())
    assert len(TextIndex.open(copy, hash_encoder())) == 2000


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    "pattern", ["chroma/chroma.sqlite3", "documents.parquet", "bm25/*.npy", "chroma/*/*.bin"]
)
def test_a_cut_off_file_is_named_and_the_build_mends_it(tmp_path, hash_encoder, pattern):
    documents = [document(f"G{i}", f"G{i}: is {i}.") for i in range(1200)]
    build_index(tmp_path, documents, hash_encoder())
    cut(max(tmp_path.glob(f"generation-*/{pattern}"), key=lambda path: path.stat().st_size))
    with pytest.raises(TextIndexError, match=r"corrupted .*knockwise index build --rebuild"):
        TextIndex.open(tmp_path, hash_encoder())
    report = build_index(tmp_path, documents, encoder := hash_encoder())
    assert "The index was damaged" in report.reasons[0]
    assert encoder.encoded == 0  # the vectors were kept apart
    assert TextIndex.open(tmp_path, hash_encoder()).search("G7")


def test_a_byte_of_a_graph_of_vectors_that_flips_is_found_before_it_ends_the_process(
    tmp_path, hash_encoder
):
    documents = [document(f"G{i}", f"G{i}: is {i}.") for i in range(1200)]
    build_index(tmp_path, documents, hash_encoder())
    assert TextIndex.open(tmp_path, hash_encoder()).search("G7")
    assert TextIndex.open(tmp_path, hash_encoder()).search("G8")  # searching writes into none
    graphs = sorted(tmp_path.glob("generation-*/chroma/*/*.bin"))
    assert graphs
    for path in graphs:
        whole = path.read_bytes()
        if not whole:
            continue
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(TextIndexError, match=r"not what was written"):
            TextIndex.open(tmp_path, hash_encoder())
        path.write_bytes(whole)
    assert TextIndex.open(tmp_path, hash_encoder()).search("G7")


@pytest.mark.parametrize("pattern", ["chroma/chroma.sqlite3", "documents.parquet"])
def test_garbage_of_the_right_size_is_found_when_it_is_read(tmp_path, hash_encoder, pattern):
    build_index(tmp_path, DOCUMENTS, hash_encoder())
    path = next(tmp_path.glob(f"generation-*/{pattern}"))
    path.write_bytes(b"\x07" * path.stat().st_size)
    index = TextIndex.open(tmp_path, hash_encoder())
    with pytest.raises(TextIndexError, match=r"corrupted .*knockwise index build --rebuild"):
        index.search("thing 3")


@pytest.mark.parametrize("name", ["vectors.sqlite", "manifest.json"])
def test_what_a_build_cannot_mend_by_itself_names_the_remedy(tmp_path, hash_encoder, name):
    build_index(tmp_path, DOCUMENTS, hash_encoder())
    (tmp_path / name).write_bytes(b"garbage" * 1000)
    with pytest.raises(TextIndexError, match=r"corrupted .*knockwise index build --rebuild"):
        build_index(tmp_path, DOCUMENTS[:9], hash_encoder())
    report = build_index(tmp_path, DOCUMENTS[:9], hash_encoder(), rebuild=True)
    assert report.encoded == 9


def test_a_folder_that_cannot_be_made_is_named(tmp_path, hash_encoder):
    (tmp_path / "file").write_text("")
    with pytest.raises(TextIndexError, match=r"file/index cannot be written .*KNOCKWISE_DATA"):
        build_index(tmp_path / "file" / "index", DOCUMENTS, hash_encoder())


def test_repeated_ids_are_a_bug(tmp_path, hash_encoder):
    with pytest.raises(ValueError, match="unique"):
        build_index(tmp_path, [DOCUMENTS[0], DOCUMENTS[0]], hash_encoder())


@pytest.fixture
def small_starter(monkeypatch, hash_encoder):
    """A starter pack of thirty texts, and an encoder that needs no weights."""
    monkeypatch.setattr("knowledge.texts.build.starter_documents", lambda: iter(DOCUMENTS))
    encoders = []

    def load(name):
        encoders.append(hash_encoder(name))
        return encoders[-1]

    monkeypatch.setattr("knowledge.texts.build.load_encoder", load)
    return encoders


def test_without_a_built_index_the_starter_pack_is_indexed_once(tmp_path, small_starter):
    told = []
    text_index_for(tmp_path, "a", progress=lambda *progress: told.append(progress))
    assert ("encoding", 30, 30) in told
    told.clear()
    index = text_index_for(tmp_path, "a", progress=lambda *progress: told.append(progress))
    assert told == []
    assert index.search("G3", dense=False)[0].document.gene == "G3"
    text_index_for(tmp_path, "b")  # another encoder: nobody has to be asked
    assert [encoder.encoded for encoder in small_starter] == [30, 0, 30]


def test_a_changed_starter_pack_is_indexed_again(tmp_path, small_starter, monkeypatch):
    text_index_for(tmp_path, "a")
    changed = [*DOCUMENTS, document("NEW", "NEW: something.")]
    monkeypatch.setattr("knowledge.texts.build.starter_documents", lambda: iter(changed))
    assert len(text_index_for(tmp_path, "a")) == 31
    assert small_starter[-1].encoded == 1


@pytest.mark.parametrize("name", ["manifest.json", "vectors.sqlite"])
def test_a_corrupted_starter_index_is_made_anew(tmp_path, small_starter, name):
    text_index_for(tmp_path, "a")
    folder = starter_index_dir(tmp_path)
    (folder / name).write_bytes(b"garbage" * 1000)
    next(folder.glob("generation-*/documents.parquet")).unlink()
    assert text_index_for(tmp_path, "a").search("thing 4")


def test_the_built_index_is_preferred(tmp_path, small_starter, hash_encoder):
    build_index(tmp_path / "index", DOCUMENTS[:3], hash_encoder("a"))
    assert len(text_index_for(tmp_path, "a")) == 3
    assert not starter_index_dir(tmp_path).exists()
    with pytest.raises(TextIndexError, match="built with the encoder a, not with b"):
        text_index_for(tmp_path, "b")


def test_two_first_questions_at_once_both_get_an_index(tmp_path, small_starter):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(len(text_index_for(tmp_path, "a"))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == [30, 30]
    assert sorted(encoder.encoded for encoder in small_starter) == [0, 30]


@pytest.mark.parametrize("name", ["/no/such/folder", "no-such/model", "what is this"])
def test_a_missing_encoder_is_named_without_asking_a_network(name):
    with pytest.raises(TextIndexError, match=r"neither a folder nor .*KNOCKWISE_ENCODER"):
        load_encoder(name)


def test_a_folder_without_a_model_is_no_encoder(tmp_path):
    with pytest.raises(TextIndexError, match="holds no sentence-transformers model"):
        load_encoder(str(tmp_path))


@pytest.mark.slow
def test_a_broken_model_folder_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(TextIndexError, match="cannot be loaded"):
        load_encoder(str(tmp_path)).encode_query("anything")


def test_the_fingerprint_follows_the_weights_and_not_the_place(tmp_path):
    folder = load_encoder().folder
    for copy in ("one", "two"):
        (tmp_path / copy).mkdir()
        for name in ("config.json", "modules.json"):
            shutil.copy(folder / name, tmp_path / copy / name)
    one, two = (load_encoder(str(tmp_path / name)) for name in ("one", "two"))
    assert one.fingerprint == two.fingerprint != load_encoder().fingerprint


@pytest.mark.slow
def test_the_default_encoder_finds_a_text_that_shares_no_word_with_the_question(tmp_path):
    texts = {
        "LDLR": "Binds lipoprotein particles at the cell surface and takes them up.",
        "TP53": "Arrests the cell cycle or triggers apoptosis when DNA is damaged.",
        "HBG1": "Foetal globin chain that carries oxygen in red blood cells.",
        "POLR2A": "Largest subunit of the enzyme that transcribes protein-coding genes.",
        "ALB": "Most abundant protein of blood plasma, made by the liver.",
        "CD3E": "Part of the T-cell receptor complex that signals antigen recognition.",
        "PSMB5": "Catalytic subunit of the proteasome that cuts proteins to peptides.",
        "SLC2A1": "Glucose transporter of the plasma membrane.",
        "TUBB": "Beta subunit of microtubules.",
        "RPL5": "Component of the large ribosomal subunit.",
    }
    encoder = load_encoder(DEFAULT_ENCODER)
    documents = [document(symbol, f"{symbol}: {text}") for symbol, text in texts.items()]
    build_index(tmp_path, documents, encoder)
    index = TextIndex.open(tmp_path, encoder)
    for query, gene in (("cholesterol uptake", "LDLR"), ("immune activation", "CD3E")):
        first = index.search(query)[0]
        assert (first.document.gene, "dense" in first.matched_by) == (gene, True)
    started = time.perf_counter()
    index.search("translation")
    assert time.perf_counter() - started < 10
