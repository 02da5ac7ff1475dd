"""A mirror of a few genes with regulator sets, and a product that was told what to answer."""

import gzip
from collections import Counter

import numpy as np
import pandas as pd

from evals.regulators.answers import World
from knowledge.base import Knowledge
from knowledge.cell_lines import CellLine, CellLines
from knowledge.gene_sets import GeneSets
from knowledge.graph import SignedGraph
from knowledge.schema import Edge, Effect, Gene, Interval
from knowledge.sources.genes import HGNC
from knowledge.symbols import SymbolTable
from models.fusion.regulator_sets import FILE
from models.response import ResponsePrediction
from models.response.model import Ground, Habit

LINES = ("K562", "RPE1", "HepG2", "Jurkat")
REGULATORS = ("TF1", "TF2", "KIN1")
READOUTS = tuple(f"G{number}" for number in range(16))
COLUMNS = (
    "hgnc_id", "symbol", "name", "locus_group", "status", "alias_symbol", "prev_symbol",
    "entrez_id", "ensembl_gene_id", "uniprot_ids",
)  # fmt: skip
ANY = Interval(low=0, high=1)
EDGES = (
    ("TF1", "activates", "G0", "starter:test"),
    ("TF1", "inhibits", "G1", "a database"),
    ("TF2", "activates", "G2", "a database"),
)


def truth(regulator: str, gene: str) -> int:
    """The loss of TF1 and KIN1 raises even genes; that of TF2 does the opposite."""
    even = int(gene[1:]) % 2 == 0
    return 1 if even != (regulator == "TF2") else -1


def write_mirror(root, *, repeated: bool = False):
    """Write HGNC's table and two studies of loss, and of TF1 one of gain, that tell the truth."""
    lines = ["\t".join(COLUMNS)]
    for number, symbol in enumerate((*REGULATORS, *READOUTS)):
        lines.append(
            "\t".join((f"HGNC:{number}", symbol, "", "protein-coding gene", "Approved")) + "\t" * 5
        )
    (root / HGNC).parent.mkdir(parents=True)
    (root / HGNC).write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    rows = []
    for regulator in REGULATORS:
        studies = {"GSE1": READOUTS, "GSE2": READOUTS[::-1] if repeated else READOUTS[:15]}
        for study, genes in studies.items():
            # Two studies that share all genes and signs are one experiment.
            other = -1 if not repeated and study == "GSE2" else 1
            for place, gene in enumerate(genes):
                sign = truth(regulator, gene) * (other if place in (13, 14) else 1)
                rows.append((regulator, "KO", study, gene, sign))
    rows += [("TF1", "OE", "GSE3", gene, -truth("TF1", gene)) for gene in READOUTS[:15]]
    table = pd.DataFrame(rows, columns=["regulator", "kind", "study", "gene", "sign"])
    table["term"] = table["regulator"] + " " + table["kind"] + " " + table["study"]
    table["library"] = np.where(table["regulator"] == "KIN1", "kinase", "tf")
    table["species"] = "human"
    (root / FILE).parent.mkdir()
    (root / "perturbqa").mkdir()
    table.to_parquet(root / FILE)
    return root


class ToldResponse:
    """Knows that genes with a low number change, and nothing of the last."""

    version, cell_lines, de_threshold = "told", LINES, 0.5
    screens = ()

    def readouts(self, cell_line):
        return READOUTS[:-1]

    def habit(self, cell_line):
        return {gene: Habit(0.1, 0.5) for gene in self.readouts(cell_line)}

    def ground(self, gene):
        return Ground(known=gene == "TF1", essential=0.5, nearest=0.3 if gene == "TF2" else 0)

    def own_screen(self, gene, readout, cell_line):
        return ""

    def measured(self, gene, readout, cell_line):
        return "up" if (gene, readout, cell_line) == ("TF1", "G0", "K562") else None

    def predict(self, genes, readouts, cell_line, kind="knockdown", analogues=0):
        return [
            ResponsePrediction(
                genes=genes,
                readout=readout,
                cell_line=cell_line,
                p_de=0.9 if readout in READOUTS[:6] else 0.2,
                p_up=0.8,
                interval=ANY,
                p_up_interval=ANY,
                abstained=readout == READOUTS[-1],
                reason="",
            )
            for readout in readouts
        ]


class ToldReach:
    """A path up to G0, none elsewhere."""

    def confidence(self, gene, direction):
        return 0.5 if (gene, direction) == ("G0", "up") else 0.0


class ToldPredictor:
    """Answers with the truth about TF1 and KIN1, and with its opposite about TF2."""

    class fusion:  # stands for an attribute
        version = "told"

    def __init__(self, fail_after: int | None = None):
        self.response, self.asked, self._left = ToldResponse(), Counter(), fail_after
        self.knowledge = Knowledge(
            symbols=SymbolTable(Gene(symbol=one) for one in (*REGULATORS, *READOUTS)),
            graph=SignedGraph(
                Edge(source=a, effect=effect, target=b, mechanism="transcription", database=named)
                for a, effect, b, named in EDGES
            ),
            gene_sets=GeneSets(()),
            ontology=None,
            cell_lines=CellLines(
                tuple(CellLine(name=name, description="", lineage="") for name in LINES), "K562"
            ),
            expression=None,
            summaries={},
            programmes=(),
            versions={"starter": "told"},
            scope="starter",
        )

    def reach(self, perturbation, **_):
        return ToldReach()

    def effects(self, perturbation, readouts=None, **_):
        if self._left == 0:
            raise KeyboardInterrupt
        if self._left is not None:
            self._left -= 1
        (gene,) = perturbation.genes
        self.asked[gene, perturbation.kind] += 1
        gained = -1 if perturbation.kind == "activation" else 1
        told = [truth("TF1", one) * gained for one in readouts]
        return [
            Effect(
                gene=one,
                p_de=0.7 if way > 0 else 0.6,
                p_up=0.9 if way > 0 else 0.1,
                interval=ANY,
                p_up_interval=ANY,
                call="unknown" if one == READOUTS[-1] else "up" if way > 0 else "down",
                abstained=one == READOUTS[-1],
            )
            for one, way in zip(readouts, told, strict=True)
        ]


def told_world(fail_after: int | None = None) -> World:
    """Return a world whose graph keeps its signs in the control."""
    predictor = ToldPredictor(fail_after)
    return World({"starter": predictor}, predictor.knowledge.graph)
