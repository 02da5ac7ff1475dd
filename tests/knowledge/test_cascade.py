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


def test_an_atlas_zero_weighs_and_does_not_forbid_unless_a_screen_read_the_gene(p53):
    expression = BaselineExpression({"K562": {"CA9": 0.0}})
    up, down = (Change(node="CA9", direction=d, quantity="expression") for d in ("up", "down"))
    cell = CellState(line(), expression)
    assert cell.blocks(down) is None
    assert cell.share(up) == 1 > cell.share(down) > 0
    assert CellState(line(), expression, frozenset({"CA9"})).share(down) == 1
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
            edge("A", "inhibits", "C"),
            edge("C", "activates", "D"),
            edge("D", "activates", "T", "transcription"),
        ]
    )
    reached = reach(graph, loss("A"))
    assert reached.confidence("T", "down") > reached.confidence("T", "up") > 0


def test_a_longer_path_of_curated_edges_beats_a_shorter_one_of_database_edges():
    curated = [
        edge("JAK1", "activates", "STAT3"),
        edge("STAT3", "activates", "TF"),
        edge("TF", "activates", "SOCS3", "transcription"),
    ]
    short = edge("JAK1", "inhibits", "SOCS3", "transcription", database="CollecTRI")
    reached = reach(SignedGraph([*curated, short]), loss("JAK1"))
    assert reached.curated("SOCS3")
    assert [step.target.node for step in reached.path("SOCS3", "down")] == ["STAT3", "TF", "SOCS3"]
    assert reached.confidence("SOCS3", "up") == 0
    alone = reach(SignedGraph([short, edge("X", "activates", "Y")]), loss("JAK1"))
    assert alone.confidence("SOCS3", "up") > 0
    assert not alone.curated("SOCS3")


def test_more_data_leaves_what_curated_paths_say_as_it_was(p53):
    more = [
        edge("MDM2", "activates", "CDKN1A", "transcription", database="CollecTRI"),
        edge("MDM2", "activates", "TP53", database="SIGNOR"),
    ]
    before = reach(p53, loss("MDM2"))
    after = reach(SignedGraph([*p53.edges, *more], p53.groups), loss("MDM2"))
    assert before.confidence("CDKN1A", "up") == after.confidence("CDKN1A", "up") > 0


def test_a_story_within_one_programme_beats_a_shorter_one_across_programmes():
    def own(programme, *words):
        return edge(*words, database=f"starter:{programme}")

    graph = SignedGraph(
        [
            own("upr", "PERK", "inhibits", "eIF2"),
            own("upr", "eIF2", "inhibits", "ATF4"),
            own("upr", "ATF4", "activates", "CHOP", "transcription"),
            own("upr", "PERK", "activates", "NRF2"),
            own("nrf2", "NRF2", "inhibits", "X"),
            own("decay", "X", "inhibits", "CHOP", "transcription"),
        ]
    )
    path = reach(graph, loss("PERK")).path("CHOP", "down")
    assert [step.target.node for step in path] == ["eIF2", "ATF4", "CHOP"]


def test_parallel_branches_end_with_regulators_of_their_own():
    sensors = [edge("HSPA5", "inhibits", sensor) for sensor in ("ATF6", "PERK", "IRE1")]
    graph = SignedGraph(
        [
            *sensors,
            edge("IRE1", "activates", "XBP1"),
            edge("PERK", "activates", "ATF4"),
            *(edge(tf, "activates", "DDIT3", "transcription") for tf in ("ATF6", "ATF4", "XBP1")),
        ]
    )
    branches = reach(graph, loss("HSPA5")).branches("DDIT3", "up")
    assert [path[-1].source.node for path in branches] == ["ATF6", "ATF4", "XBP1"]
    assert reach(graph, loss("HSPA5")).branches("DDIT3", "down") == ()


def test_a_fallen_transcript_breaks_no_complex():
    pump = Group(name="pump complex", kind="complex", members=("B",))
    graph = SignedGraph(
        [
            edge("A", "activates", "B", "transcription"),
            edge("pump complex", "inhibits", "T", "transcription"),
        ],
        [pump],
    )
    assert reach(graph, loss("A")).confidence("T", "up") == 0
    assert reach(graph, loss("B")).confidence("T", "up") > 0


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
