"""The notebooks of the documentation, run. KNOCKWISE_REFRESH=1 writes their outputs anew."""

import os
from itertools import groupby
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_runs_and_shows_its_figures(path, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [
        kind
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    ]
    assert {"image/png"} <= set(shown)
    if os.environ.get("KNOCKWISE_REFRESH"):
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
        nbformat.write(notebook, path)
        return
    kept = nbformat.read(path, as_version=4)
    for told, now in zip(kept.cells, notebook.cells, strict=True):
        assert kinds(told) == kinds(now), "KNOCKWISE_REFRESH=1 pytest tests/app/test_notebooks.py"


def kinds(cell) -> list[tuple[str, str]]:
    """What a cell shows, in order; one stream may come in pieces."""
    found = [(one.output_type, one.get("name", "")) for one in cell.get("outputs", [])]
    return [one for one, _ in groupby(found)]
