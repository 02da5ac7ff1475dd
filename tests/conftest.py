"""Fakes and tiny data shared by every suite; nothing here touches the network."""

import os
import runpy
import shutil
import signal
import socket
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest

# A job in the background may start with Ctrl-C ignored, and hands that on to every process that
# the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family != socket.AF_UNIX and address[0] not in LOOPBACK:
            raise RuntimeError(f"a test tried to open a connection to {address[0]}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every test starts like a fresh clone: no pulled data, no runs, no settings, no terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("KNOCKWISE_DATA", str(home / "data"))
    monkeypatch.setenv("KNOCKWISE_RUNS", str(home / "runs"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setattr("app.show.terminal._quiet", False)  # `-q` of an earlier test
    monkeypatch.chdir(home)


@pytest.fixture(scope="session", autouse=True)
def _shipped_once():
    """Read the shipped response model and the starter pack once for each process of tests.

    Nothing changes either once it is read; folders of a test's own are read as ever.
    """
    from knowledge import base
    from models.response import ResponseModel, model

    load, load_knowledge = ResponseModel.load.__func__, base._load
    shipped, kept = model.SHIPPED, {}

    def load_once(cls, folder=None, screens=()):
        if screens or (folder or model.SHIPPED) != shipped:
            return load(cls, folder, screens)
        if "model" not in kept:
            kept["model"] = load(cls)
        return kept["model"]

    def load_knowledge_once(data_dir, extra_genes):
        compiled = base.open_compiled(data_dir)
        known = not extra_genes or ("model" in kept and extra_genes is kept["model"].genes())
        if compiled.manifest is not None or compiled.warnings or not known:
            return load_knowledge(data_dir, extra_genes)
        if bool(extra_genes) not in kept:
            kept[bool(extra_genes)] = load_knowledge(data_dir, extra_genes)
        return kept[bool(extra_genes)]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ResponseModel, "load", classmethod(load_once))
        patched.setattr(base, "_load", load_knowledge_once)
        # A command freezes what it has read, as its process ends with it. Here thousands of them
        # share one, and each would look for garbage among all that the earlier ones froze.
        patched.setattr("gc.freeze", lambda: None)
        yield


@pytest.fixture
def tiny_mirror(tmp_path: Path) -> Path:
    """A mirror of ten genes with one small file per source of the group `knowledge`."""
    folder = tmp_path / "mirror"
    shutil.copytree(Path(__file__).parent / "knowledge" / "tiny", folder)
    return folder


@pytest.fixture
def tiny_registry(tiny_mirror: Path):
    """The shipped registry's group `knowledge`, pinned to the files of `tiny_mirror`."""
    from knowledge.sources.registry import Registry, load_registry, sha256_of

    def pinned(source):
        path = tiny_mirror / f"{source.name}.txt"
        pins = {"sha256": sha256_of(path), "size_bytes": path.stat().st_size}
        return source.model_copy(update={"path": path.name, **pins})

    return Registry(pinned(source) for source in load_registry().select(["knowledge"]))


@pytest.fixture(scope="session")
def data_mirror() -> Path:
    """The real data mirror, for tests marked `data`."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("KNOCKWISE_MIRROR", default))
    if not folder.is_dir():
        pytest.skip(f"no data mirror at {folder}")
    return folder


@pytest.fixture(scope="session")
def hash_encoder():
    """Return the class of an encoder without weights: `hash_encoder("a")` is one."""
    return runpy.run_path(str(Path(__file__).parent / "hash_encoder.py"))["HashEncoder"]
