import pytest

from knowledge.cascade import CellState, next_steps, reach, start
from knowledge.cell_lines import CellLine, Lesion
from knowledge.expression import BaselineExpression
from knowledge.graph import Group, SignedGraph
from knowledge.schema import Change, Edge, Perturbation


def edge(source, effect, target, mechanism="phosphorylation", database="starter:test"):
    return Edge(source=source, target=target, effect=effect, mechanism=mechanism, database=database)


@pytest.fixture
def p53():
    return SignedGraph(
        [
            edge("MDM2", "inhibits", "TP53", "ubiquitination"),
            edge("TP53", "activates", "CDKN1A", "transcription"),
            edge("TP53", "activates", "MDM2", "transcription"),
        ]
    )


def loss(*genes, kind="knockout"):
    return start(Perturbation(genes=genes, kind=kind, cell_line="RPE1"))


def line(**changes):
    return CellLine(name="K562", description="", lineage="blood", **changes)


def test_losing_an_inhibitor_raises_what_its_target_makes(p53):
    reached = reach(p53, loss("MDM2"))
    assert reached.confidence("CDKN1A", "up") > 0.25
    assert reached.confidence("CDKN1A", "down") == 0
    assert [step.target.node for step in reached.path("CDKN1A", "up")] == ["TP53", "CDKN1A"]


def test_activation_is_the_mirror_image_of_loss(p53):
    reached = reach(p53, loss("MDM2", kind="activation"))
    assert reached.confidence("CDKN1A", "down") > 0.25
    assert reached.confidence("CDKN1A", "up") == 0


def test_the_perturbed_gene_is_held_against_its_own_feedback(p53):
    assert "MDM2" not in reach(p53, loss("MDM2")).transcripts()


def test_a_change_of_activity_is_no_change_of_transcript(p53):
    reached = reach(p53, loss("MDM2"))
    assert "TP53" not in reached.transcripts()
    assert reached.path("CDKN1A", "up")[0].target == Change(
        node="TP53", direction="up", quantity="activity"
    )


def test_a_line_without_p53_does_not_pass_the_signal_on(p53):
    lesion = Lesion(gene="TP53", effect="loss", note="frameshift.")
    cell = CellState(line(lesions=(lesion,)))
    assert reach(p53, loss("MDM2"), cell=cell).transcripts() == set()
    blocked = cell.blocks(Change(node="TP53", direction="up", quantity="activity"))
    assert blocked == "K562 lacks functional TP53: frameshift."


def test_a_constitutively_active_gene_no_longer_hears_its_regulators():
    graph = SignedGraph(
        [edge("APC", "inhibits", "CTNNB1"), edge("CTNNB1", "activates", "AXIN2", "transcription")]
    )
    cell = CellState(line(lesions=(Lesion(gene="CTNNB1", effect="gain", note="deletion."),)))
    assert reach(graph, loss("APC"), cell=cell).transcripts() == set()
    assert reach(graph, loss("CTNNB1"), cell=cell).transcripts() == {"AXIN2"}


def test_a_gene_without_baseline_rna_can_be_induced_but_not_lowered():
    expression = BaselineExpression({"K562": {"CA9": 0.0}})
    cell = CellState(line(), expression)
    assert cell.blocks(Change(node="CA9", direction="up", quantity="expression")) is None
    assert cell.blocks(Change(node="CA9", direction="down", quantity="expression"))
    silent = CellState(line(silent_genes=("CA9",)), expression)
    assert silent.blocks(Change(node="CA9", direction="up", quantity="expression"))


def test_losing_a_gene_that_the_line_lacks_does_nothing(p53):
    cell = CellState(line(silent_genes=("MDM2",)))
    assert len(reach(p53, loss("MDM2"), cell=cell)) == 0


def test_losing_one_subunit_breaks_the_complex_but_gaining_one_does_not_make_it():
    proteasome = Group(name="proteasome", kind="complex", members=("PSMD1", "PSMB5"))
    graph = SignedGraph(
        [
            edge("proteasome", "inhibits", "NFE2L1", "degradation"),
            edge("NFE2L1", "activates", "PSMB5", "transcription"),
        ],
        [proteasome],
    )
    assert reach(graph, loss("PSMD1")).confidence("PSMB5", "up") > 0.25
    assert list(next_steps(graph, *loss("PSMD1", kind="activation"))) == []


def test_of_two_paths_the_better_supported_one_wins_and_the_rival_is_kept():
    graph = SignedGraph(
        [
            edge("A", "activates", "B"),
            edge("B", "activates", "T", "transcription"),
            edge("A", "inhibits", "C", database="one database"),
            edge("C", "activates", "T", "transcription"),
        ]
    )
    reached = reach(graph, loss("A"))
    assert reached.confidence("T", "down") > reached.confidence("T", "up") > 0


def test_refuted_relations_and_long_paths_are_not_used(p53):
    assert reach(p53, loss("MDM2"), max_steps=1).transcripts() == set()
    without = frozenset({("MDM2", "TP53", False)})
    assert len(reach(p53, loss("MDM2"), without=without)) == 0


def test_both_genes_of_a_double_knockout_act():
    graph = SignedGraph(
        [
            edge("A", "activates", "T", "transcription"),
            edge("B", "activates", "U", "transcription"),
        ]
    )
    assert reach(graph, loss("A", "B")).transcripts() == {"T", "U"}
