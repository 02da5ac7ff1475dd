"""A notebook that draws every picture of an analysis again, from its tables."""

import inspect
from typing import TYPE_CHECKING, Any

from app.show import counts_figures

if TYPE_CHECKING:
    from app.jobs.analyses import Analysed

_CALLS = {
    "volcano": "volcano(genes, words)",
    "ma": "ma(genes, words)",
    "components": "components(samples, shares)",
    "heatmap": 'heatmap(table("heatmap.csv"), samples)',
    "gsea": "gsea(genes, sets[sets['set'].isin(members)], members)",
    "regulators": 'regulators(table("regulators.csv"))',
    "course": 'course(table("pseudotime.csv"))',
    "libraries": "libraries(samples)",
}


def notebook_text(whole: "Analysed", names: list[str]) -> str:
    """Return the notebook; it needs pandas, SciPy and matplotlib, the cascade Knockwise too."""
    import nbformat

    made: Any = nbformat.v4
    new_code_cell, new_markdown_cell = made.new_code_cell, made.new_markdown_cell
    found = whole.found
    cells = [
        new_markdown_cell(
            f"# {found.design.words}\n\nEvery picture of the report, drawn from the tables beside "
            "this notebook. Run it in the folder of the analysis."
        ),
        new_code_cell(inspect.getsource(counts_figures)),
        new_code_cell(
            "%matplotlib inline\n"
            "from pathlib import Path\n"
            "import matplotlib as mpl\n"
            "mpl.rcParams.update(STYLE)\n"
            "def table(name):\n"
            "    return pd.read_csv(name, keep_default_na=False, na_values=[''])\n"
            f"words, shares = {found.design.words!r}, {tuple(found.pca)!r}\n"
            'genes, samples = table("differential.csv"), table("samples.csv")\n'
            'sets, members = table("gene_sets.csv"), read_sets(Path("gene_sets.gmt"))'
        ),
        *(new_code_cell(_CALLS[name]) for name in names),
    ]
    if found.explanation is not None:
        root = str(__package__).removesuffix("app.show")
        cells += [
            new_markdown_cell("The cascade of explained changes; this one needs Knockwise."),
            new_code_cell(
                "from IPython.display import HTML\n"
                f"from {root}app.show.lists import paths_figure\n"
                f"from {root}app.show.pages import template\n"
                f"from {root}tools.lists.rows import ListExplanation\n"
                'text = Path("explanation.json").read_text()\n'
                "found = ListExplanation.model_validate_json(text)\n"
                'css = template("parts.css") + template("report.css")\n'
                "HTML(f'<style>{css}</style>{paths_figure(found).svg}')"
            ),
        ]
    notebook = made.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python"
    }  # fmt: skip
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return f"{made.writes(notebook)}\n"
