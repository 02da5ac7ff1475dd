"""A hand-made answer (HSPA5 in K562), and a large one that strains the drawing."""

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from app.cli import app
from knowledge.cell_lines import CellLine, CellLines
from knowledge.schema import (
    Answer,
    CascadeStep,
    Change,
    Effect,
    Evidence,
    Gene,
    Hypothesis,
    Interval,
    Perturbation,
    Phenotype,
    Question,
    Versions,
)
from knowledge.symbols import SymbolTable

VERSIONS = Versions(
    knockwise="0.1.0",
    knowledge="3f2a9c1b7d40",
    data={"starter": "1f0c2d3e4b5a"},
    models={"response": "8e7d6c5b4a39"},
)
UPR = "accumulation of unfolded proteins"


def change(node, direction, quantity="activity", kind="gene"):
    return Change(node=node, kind=kind, direction=direction, quantity=quantity)


def step(source, relation, target, mechanism, confidence, ids, status="verified", **more):
    return CascadeStep(
        source=source,
        relation=relation,
        target=target,
        mechanism=mechanism,
        confidence=confidence,
        evidence_ids=ids,
        status=status,
        **more,
    )


def effect(gene, p_de, p_up, call, ids=(), **more):
    return Effect(
        gene=gene,
        p_de=p_de,
        p_up=p_up,
        interval=Interval(low=max(0.0, p_de - 0.12), high=min(1.0, p_de + 0.06)),
        p_up_interval=Interval(low=max(0.0, p_up - 0.2), high=min(1.0, p_up + 0.03)),
        call=call,
        evidence_ids=ids,
        **more,
    )


def edge_evidence(number, statement, sign, source="starter:upr", reference=""):
    return Evidence(
        id=f"E{number}",
        kind="database",
        statement=statement,
        source=source,
        reference=reference,
        weight=0.9,
        sign=sign,
    )


@pytest.fixture
def answer() -> Answer:
    """HSPA5 knocked out in K562: two readouts, eight steps, sixteen facts, one contradiction."""
    hspa5 = change("HSPA5", "down", "expression")
    stress = change(UPR, "up", kind="process")
    atf6, perk, ire1 = (change(g, "up") for g in ("ATF6", "EIF2AK3", "ERN1"))
    atf4, xbp1 = change("ATF4", "up"), change("XBP1", "up")
    eif2a = change("EIF2S1", "down")
    ddit3 = change("DDIT3", "up", "expression")
    herpud1 = change("HERPUD1", "up", "expression")
    steps = (
        step(hspa5, "inhibits", stress, "membership", 0.92, ("E1", "E11")),
        step(stress, "activates", perk, "sensing", 0.88, ("E2",)),
        step(stress, "activates", atf6, "sensing", 0.86, ("E3",)),
        step(stress, "activates", ire1, "sensing", 0.83, ("E4",)),
        step(perk, "inhibits", eif2a, "phosphorylation", 0.8, ("E5",)),
        step(eif2a, "inhibits", atf4, "translation", 0.74, ("E6",)),
        step(atf4, "activates", ddit3, "transcription", 0.7, ("E7", "E12")),
        step(atf6, "activates", herpud1, "transcription", 0.75, ("E8", "E13")),
        step(ire1, "activates", xbp1, "mRNA processing", 0.6, ("E9",), "unsupported"),
        step(
            xbp1,
            "inhibits",
            ddit3,
            "transcription",
            0.2,
            ("E10", "E12"),
            "contradicted",
            proposed_by="llm",
            note="The screens say DDIT3 goes up.",
        ),
    )
    evidence = (
        Evidence(
            id="E11",
            kind="text",
            statement="HSPA5 encodes BiP, the chaperone that keeps the ER stress sensors off.",
            source="starter summary",
            weight=0.6,
            genes=("HSPA5",),
        ),
        edge_evidence(1, f"HSPA5 inhibits {UPR} (membership)", -1),
        edge_evidence(2, f"{UPR} activates EIF2AK3 (sensing)", 1),
        edge_evidence(3, f"{UPR} activates ATF6 (sensing)", 1),
        edge_evidence(4, f"{UPR} activates ERN1 (sensing)", 1),
        edge_evidence(
            5, "EIF2AK3 inhibits EIF2S1 (phosphorylation)", -1, reference="PMID:10026192"
        ),
        edge_evidence(6, "EIF2S1 inhibits ATF4 (translation)", -1),
        edge_evidence(7, "ATF4 activates DDIT3 (transcription)", 1, "CollecTRI", "PMID:11997389"),
        edge_evidence(8, "ATF6 activates HERPUD1 (transcription)", 1, "CollecTRI"),
        edge_evidence(9, "ERN1 activates XBP1 (mRNA processing)", 1),
        edge_evidence(10, "XBP1 inhibits DDIT3 (transcription)", -1),
        Evidence(
            id="E12",
            kind="measured",
            statement="HSPA9 knockdown raised DDIT3 in K562 (analogue, similarity 0.71).",
            source="PerturbQA training split",
            weight=0.7,
            genes=("HSPA9", "DDIT3"),
            sign=1,
        ),
        Evidence(
            id="E13",
            kind="measured",
            statement="SEC61A1 knockdown raised HERPUD1 in K562 (analogue, similarity 0.64).",
            source="PerturbQA training split",
            weight=0.64,
            genes=("SEC61A1", "HERPUD1"),
            sign=1,
        ),
        Evidence(
            id="E14",
            kind="measured",
            statement="RPL3 knockdown left HERPUD1 unchanged in K562.",
            source="PerturbQA training split",
            weight=0.3,
            genes=("RPL3", "HERPUD1"),
        ),
        Evidence(
            id="E15",
            kind="model",
            statement="response model: P(DE) 0.91, P(up) 0.95 for DDIT3",
            source="response 8e7d6c5b4a39",
            weight=0.5,
            genes=("HSPA5", "DDIT3"),
            sign=1,
        ),
        Evidence(
            id="E16",
            kind="annotation",
            statement="HSPA5 takes part in the unfolded protein response (GO:0030968).",
            source="GO",
            weight=0.4,
            genes=("HSPA5",),
        ),
    )
    return Answer(
        run="2025-01-31-hspa5-k562",
        question=Question(
            perturbation=Perturbation(genes=("HSPA5",), kind="knockout", cell_line="K562"),
            readouts=("DDIT3", "HERPUD1", "NOTAGENE"),
            asks="why",
            text="Knock out HSPA5 in K562: what happens to DDIT3 and HERPUD1, and why?",
            assumptions=("A knockout is read as a knockdown that leaves little of the protein.",),
        ),
        summary="Losing HSPA5 in K562 most likely raises DDIT3 and HERPUD1 through the unfolded "
        "protein response.",
        effects=(
            effect("DDIT3", 0.91, 0.95, "up", ("E12", "E15"), seen_in_training=True),
            effect("HERPUD1", 0.86, 0.97, "up", ("E13", "E14")),
            effect("ACTB", 0.04, 0.5, "unchanged"),
            effect(
                "NOTAGENE",
                0.5,
                0.5,
                "unknown",
                abstained=True,
                reason="no screen measured it in K562",
            ),
        ),
        phenotypes=(
            Phenotype(
                term="MP:0011100",
                name="preweaning lethality",
                probability=0.8,
                evidence_ids=("E16",),
            ),
        ),
        hypotheses=(
            Hypothesis(
                readout="DDIT3",
                direction="up",
                steps=(steps[0], steps[1], steps[4], steps[5], steps[6]),
                summary="HSPA5 down, unfolded proteins up, PERK up, eIF2 down, ATF4 up, DDIT3 up.",
                confidence=0.7,
                supporting=("E7", "E12"),
                contradicting=("E10",),
            ),
            Hypothesis(
                readout="HERPUD1",
                direction="up",
                steps=(steps[0], steps[2], steps[7]),
                summary="HSPA5 down, unfolded proteins up, ATF6 up, HERPUD1 up.",
                confidence=0.75,
                supporting=("E8", "E13"),
            ),
        ),
        steps=steps,
        evidence=evidence,
        unknown=("Whether K562's baseline ER load changes the size of the effect.",),
        reasoner="evidence",
        versions=VERSIONS,
        timings_s={"ground": 0.1, "retrieve": 0.8, "consult": 0.4, "propose": 0.2, "total": 1.6},
        tokens={},
    )


@pytest.fixture
def large_answer() -> Answer:
    """Seven layers, sixty-odd steps, long names, a feedback loop and no readout asked for."""
    long_name = "cytosolic accumulation of misfolded and aggregation-prone client proteins"
    root = change("HSP90AB1", "down", "expression")
    layers = [
        [root],
        [change(long_name, "up", kind="process"), change("HSP90 machine", "down", kind="complex")],
    ]
    for depth in range(2, 7):
        quantity = "expression" if depth == 6 else "activity"
        layers.append(
            [
                change(f"GENE{depth}{i}", "up" if (i + depth) % 3 else "down", quantity)
                for i in range(8 if depth < 6 else 12)
            ]
        )
    steps = []
    for depth, layer in enumerate(layers[1:], start=1):
        for i, target in enumerate(layer):
            for j in {i % len(layers[depth - 1]), (i * 3 + 1) % len(layers[depth - 1])}:
                source = layers[depth - 1][j]
                same = source.direction == target.direction
                steps.append(
                    step(
                        source,
                        "activates" if same else "inhibits",
                        target,
                        "transcription" if depth == 6 else "phosphorylation",
                        0.9 - 0.1 * depth,
                        (f"E{len(steps)}",),
                        ("verified", "verified", "unsupported", "contradicted")[len(steps) % 4],
                    )
                )
    steps.append(step(layers[5][0], "activates", layers[3][0], "binding", 0.1, ("E0",)))
    evidence = tuple(
        edge_evidence(i, f"{s.source.node} {s.relation} {s.target.node}", 1)
        for i, s in enumerate(steps[:-1])
    )
    genes = [target.node for target in layers[-1]]
    return Answer(
        run="large",
        question=Question(
            perturbation=Perturbation(genes=("HSP90AB1",), kind="knockdown", cell_line="RPE1"),
            text="What happens when HSP90AB1 is knocked down in RPE1?",
        ),
        summary="Knocking down HSP90AB1 in RPE1 changes many genes.",
        effects=tuple(
            effect(gene, 0.9 - i * 0.07, (i % 3) / 2, ("down", "up", "up")[i % 3])
            for i, gene in enumerate(genes)
        ),
        hypotheses=(),
        steps=tuple(steps),
        evidence=evidence,
        reasoner="evidence",
        versions=VERSIONS,
        timings_s={"total": 4.2},
        tokens={},
    )


class FakeSession:
    """Stands in for `agent.session.Session`: knows a few genes, tells two events, keeps a run."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        self.predicted = []
        self.failure = None
        self.versions = VERSIONS
        genes = [
            Gene(symbol="HSPA5", aliases=("BIP", "GRP78")),
            Gene(symbol="DDIT3", aliases=("CHOP",)),
            Gene(symbol="HERPUD1"),
            Gene(symbol="ATF4"),
            Gene(symbol="CAT"),
        ]
        lines = tuple(CellLine(name=n, description=n, lineage=n) for n in ("K562", "RPE1"))
        self.knowledge = SimpleNamespace(
            symbols=SymbolTable(genes), cell_lines=CellLines(lines, "K562")
        )

    async def ask(self, text, cell_line=None, run_dir=None, on_event=None):
        self.asked.append((text, cell_line, run_dir))
        request = {
            "question": text,
            "cell_line": cell_line,
            "settings": {},
            "started": "2025-01-31T12:00:00Z",
        }
        run_dir.mkdir(parents=True)
        (run_dir / "settings.json").write_text(json.dumps(request))
        on_event({"node": "ground", "message": "HSPA5, K562", "genes": 1})
        if self.failure is not None:
            raise self.failure
        return self._finish(run_dir, on_event)

    async def resume(self, run_dir, on_event=None):
        return self._finish(run_dir, on_event)

    def _finish(self, run_dir, on_event):
        event = {"node": "answer", "message": "two readouts explained"}
        on_event(event)
        (run_dir / "trace.jsonl").write_text(json.dumps(event) + "\n")
        (run_dir / "result.json").write_text(self.answer.model_dump_json())
        (run_dir / "effects.csv").write_text("symbol,p_de\nDDIT3,0.91\n")
        return self.answer

    def effects(self, perturbation, readouts=None):
        genes = readouts or ["DDIT3", "HERPUD1", "ATF4", *(f"G{i}" for i in range(40))]
        return [effect(gene, 1 / (i + 1.5), 0.9, "up") for i, gene in enumerate(genes)]

    def path(self, perturbation, readout):
        return "HSPA5 ↓ → DDIT3 ↑" if readout == "DDIT3" else ""

    def predict(self, pairs):
        for i, (perturbation, gene) in enumerate(pairs):
            if self.failure is not None and i == 3:
                raise self.failure
            self.predicted.append((perturbation, gene))
            yield effect(gene, 0.9 if gene == "DDIT3" else 0.2, 0.9, "up")


@pytest.fixture
def session(answer, monkeypatch):
    """The session that the front doors open."""
    fake = FakeSession(answer)
    monkeypatch.setattr("agent.session.Session.open", lambda settings: fake)
    return fake


@pytest.fixture
def knockwise():
    """Run the command line and return the result."""

    def run(*args):
        return CliRunner().invoke(app, [str(arg) for arg in args])

    return run
