"""The report of an analysis of counts: a page, Markdown, pictures, methods and a notebook."""

import base64
import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from app.show import counts_figures
from app.show.links import linked
from app.show.lists import paths_figure
from app.show.pages import DISCLAIMER, page_environment, template
from knowledge.files import replace_text, replacing
from tools.counts.facts import MARK
from tools.counts.frames import rows_of
from tools.counts.tables import TABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from app.jobs.analyses import Analysed

MOST_ROWS = 60
# Marks before the full stop of a sentence, which is read better before them.
_ENDING = re.compile(r"((?:\s*\[[a-z]+ [^\]]+\])+)\.$")
CAPTIONS = {
    "volcano": "Each dot is a gene: shrunken fold change against adjusted p-value.",
    "ma": "Fold change against mean expression: at low expression the shrinkage pulls to zero.",
    "components": "The samples by the first two principal components of the 500 most variable "
    "genes; with a remark they are named first.",
    "heatmap": "The genes that changed most, each centred and scaled, over the samples.",
    "gsea": "Running enrichment scores of the gene sets that are told; strokes are their genes.",
    "regulators": "Activity of regulators by their targets.",
    "course": "Single cells in the first two diffusion components, and their pseudotime by group.",
    "libraries": "Counts of each sample.",
}
REFERENCES = (
    "Love MI, Huber W, Anders S. Genome Biology 2014 15:550 (DESeq2; PMID:25516281)",
    "Muzellec B et al. Bioinformatics 2023 39:btad547 (PyDESeq2; PMID:37669147)",
    "Zhu A, Ibrahim JG, Love MI. Bioinformatics 2019 35:2084 (apeglm; PMID:30395178)",
    "Subramanian A et al. PNAS 2005 102:15545 (GSEA; PMID:16199517)",
    "Korotkevich G et al. bioRxiv 2021 060012 (adaptive multilevel splitting)",
    "Fang Z, Liu X, Peltz G. Bioinformatics 2023 39:btac757 (GSEApy; PMID:36426870)",
    "Badia-i-Mompel P et al. Bioinformatics Advances 2022 2:vbac016 (decoupler; PMID:36699385)",
)


def write_report(whole: "Analysed") -> None:
    """Write `report.html`, `report.md`, `methods.md`, `figures/` and `notebook.ipynb`."""
    from app.show.analysis_notebook import notebook_text

    figures = whole.folder / "figures"
    figures.mkdir(exist_ok=True)
    images: dict[str, str] = {}
    import matplotlib as mpl

    with mpl.rc_context(counts_figures.STYLE):
        drawn = _drawn(whole)
        for name, figure in drawn.items():
            with replacing(figures / f"{name}.png") as draft:
                figure.savefig(draft, format="png", dpi=160)
            buffer = BytesIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=150)
            replace_text(figures / f"{name}.svg", buffer.getvalue().decode())
            images[name] = base64.b64encode(buffer.getvalue()).decode()
    parts = _parts(whole, images)
    css = "\n".join(template(one) for one in ("parts.css", "report.css", "lists.css",
                                              "analysis.css"))  # fmt: skip
    page = page_environment().get_template("analysis.html.j2")
    replace_text(whole.folder / "report.html", page.render(css=css, **parts))
    text = page_environment(html=False).get_template("analysis.md.j2").render(**parts)
    replace_text(whole.folder / "report.md", re.sub(r"\n{3,}", "\n\n", text))
    replace_text(whole.folder / "methods.md", f"{parts['methods']}\n")
    replace_text(whole.folder / "notebook.ipynb", notebook_text(whole, list(drawn)))


def _drawn(whole: "Analysed") -> "dict[str, Figure]":
    """Return the pictures that the tables of the folder allow, by name."""
    folder, found = whole.folder, whole.found
    genes = read_table(folder / "differential.csv")
    samples = read_table(folder / "samples.csv")
    words = found.design.words
    drawn = {"volcano": counts_figures.volcano(genes, words), "ma": counts_figures.ma(genes, words)}
    if len(samples):
        drawn["components"] = counts_figures.components(samples, found.pca)
    heat = read_table(folder / "heatmap.csv")
    if len(heat) > 1 and len(samples):
        drawn["heatmap"] = counts_figures.heatmap(heat, samples)
    members = counts_figures.read_sets(folder / "gene_sets.gmt")
    if members:
        sets = read_table(folder / "gene_sets.csv")
        drawn["gsea"] = counts_figures.gsea(genes, sets[sets["set"].isin(members)], members)
    regulators = read_table(folder / "regulators.csv")
    if len(regulators):
        drawn["regulators"] = counts_figures.regulators(regulators)
    if found.course is not None:
        drawn["course"] = counts_figures.course(read_table(folder / "pseudotime.csv"))
    if len(samples):
        drawn["libraries"] = counts_figures.libraries(samples)
    return drawn


def read_table(path: Any) -> pd.DataFrame:  # noqa: ANN401  # a path, or what pandas reads
    """Return a table of the folder; genes called NA or NAN stay genes."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def _parts(whole: "Analysed", images: dict[str, str]) -> dict[str, Any]:
    found, told = whole.found, whole.told
    levels = {f"[check {n}]": one.level for n, one in enumerate(found.checks, 1)}
    grave: list[str] = []
    light: list[str] = []
    for text in told.checks:
        level = next((levels[mark] for mark in levels if mark in text), "remark")
        (grave if level in ("error", "warning") else light).append(text)
    cascade = paths_figure(found.explanation) if found.explanation is not None else None
    confirmed = sum(one.confirmed for one in whole.verdicts)
    return {
        "title": found.design.words[:1].upper() + found.design.words[1:],
        "source": whole.run["request"]["counts"].rsplit("/", 1)[-1],
        "summary": whole.rewriting.sentences if whole.rewriting else told.summary,
        "rewriting": whole.rewriting,
        "warnings": grave,
        "remarks": light,
        "notes": found.notes,
        "findings": told.findings,
        "expected": told.expected,
        "explanation": found.explanation,
        "cascade": cascade,
        "images": images,
        "captions": CAPTIONS,
        "rows": _rows(found.genes),
        "more": max(0, int(found.genes["call"].isin(["up", "down"]).sum()) - MOST_ROWS),
        "tables": {name: what for name, what in TABLES.items() if (whole.folder / name).is_file()},
        "methods": methods(whole),
        "references": REFERENCES,
        "confirmed": confirmed,
        "sentences": len(whole.verdicts),
        "problems": [one for one in whole.verdicts if not one.confirmed],
        "versions": {**whole.run["versions"], **whole.run.get("knowledge", {})},
        "inputs": whole.run["inputs"],
        "cited": cited,
        "bare": bare,
        "disclaimer": DISCLAIMER,
    }


def _rows(genes: pd.DataFrame) -> list[dict[str, Any]]:
    changed = genes[genes["call"].isin(["up", "down"])].head(MOST_ROWS)
    return [
        {
            "gene": row.gene,
            "call": row.call,
            "log2": f"{row.log2_fold_change:.2f}",
            "shrunken": f"{row.shrunken:.2f}",
            "mean": f"{row.base_mean:,.0f}",
            "padj": f"{row.padj:.1e}",
        }
        for row in rows_of(changed)
    ]


def cited(text: str) -> Markup:
    """Return a sentence whose marks are small and say where the row stands."""
    files = {"gene": "differential.csv", "set": "gene_sets.csv", "regulator": "regulators.csv",
             "path": "explained.csv", "expected": "expected.csv", "source": "sources.csv",
             "check": "notes.json", "summary": "sentences.csv"}  # fmt: skip
    text = _ENDING.sub(r".\1", text)
    parts, end = [], 0
    for found in MARK.finditer(text):
        parts.append(linked(text[end : found.start()]))
        kind, name = found[1], found[2]
        parts.append(
            Markup('<a class="mark" href="{0}" title="{0}: {1} {2}">{1}</a>').format(
                files[kind], kind, name
            )
        )
        end = found.end()
    parts.append(linked(text[end:]))
    return Markup("").join(parts)


def bare(text: str) -> str:
    """Return a sentence without its marks."""
    return MARK.sub("", text)


def methods(whole: "Analysed") -> str:
    """Return how the result came about, as a paragraph for a paper."""
    found, request, held = whole.found, whole.run["request"], whole.run["versions"]
    design = found.design
    pairs = f", with {design.pairs} as a blocking factor" if design.pairs else ""
    how = (
        f"Counts ({whole.run['request']['counts'].rsplit('/', 1)[-1]}) were tested with PyDESeq2 "
        f"{held.get('pydeseq2', '')} (design {design.formula}{pairs}; {design.words}; Wald test, "
        f"Benjamini-Hochberg, independent filtering; features with fewer than "
        f"{request['least_counts']} counts in all were left out). Genes with an adjusted p-value "
        f"of at most {found.alpha:g}"
    )
    if found.method == "cells":
        how = (
            f"Cells were tested with scanpy {held.get('scanpy', '')} (Wilcoxon rank-sum test on "
            "log-normalised counts, Benjamini-Hochberg): cells are no replicates, so p-values say "
            f"nothing of other samples. Genes with an adjusted p-value of at most {found.alpha:g}"
        )
    if request["least_effect"]:
        how += f" and an absolute log2 fold change of at least {request['least_effect']:g}"
    how += " are called changed."
    if found.method != "cells":
        how += " Fold changes were shrunken by apeglm's method as implemented there."
    how += (
        f" Gene sets were ranked by the Wald statistic with GSEApy {held.get('gseapy', '')} "
        "(adaptive multilevel splitting, 15 to 300 genes) and tested for over-representation "
        "among changed genes with all tested genes as background; activities of regulators are "
        f"univariate linear models of decoupler {held.get('decoupler', '')} on Knockwise's signed "
        "regulons. "
        f"Principal components are of the 500 most variable genes (log2 counts per million, "
        f"scikit-learn {held.get('scikit-learn', '')})."
    )
    if found.explanation is not None:
        one = found.explanation.perturbation
        how += (
            f" Changed genes were explained by signed paths from {'+'.join(one.genes)} "
            f"({one.kind}) in the networks of {one.cell_line}, beside unchanged genes and shuffled "
            "signs."
        )
    return (
        f"{how} Knockwise {held['knockwise']}, Python {held['python']}; every sentence of the "
        "report was checked against the tables."
    )
