"""Each metric of mechanisms against a world of six genes in which the right value is known."""

import numpy as np
import pandas as pd
import pytest

from agent.settings import Settings
from agent.state import AgentState
from evals import recovery
from evals.altered_graphs import GraphWithout, Relations
from evals.harness.resampling import Resampler
from evals.harness.scores import Scores
from evals.mechanism import direction, information, order
from evals.mechanism.agent import Asked
from evals.mechanism.cascades import followed
from evals.mechanism.facts import Facts, Rule
from evals.mechanism.faithfulness import central_step, random_step
from evals.mechanism.gallery import slots
from evals.mechanism.grounding import step_marks
from evals.mechanism.run import MechanismEval, evaluate
from knowledge.base import Knowledge
from knowledge.cascade import reach, start
from knowledge.cell_lines import CellLine, CellLines
from knowledge.errors import RunError
from knowledge.gene_sets import GeneSets
from knowledge.graph import Group, SignedGraph
from knowledge.schema import CascadeStep, Change, Edge, Evidence, Hypothesis, Perturbation
from knowledge.symbols import SymbolTable
from tests.evals.language_world import world  # noqa: F401  # a fixture


def edge(source, effect, target, mechanism="transcription", database="starter:test"):
    return Edge(source=source, effect=effect, target=target, mechanism=mechanism, database=database)


# A switches on the factor B, which raises C and lowers D; E lowers the factor B, F raises E's RNA.
EDGES = (
    edge("A", "activates", "B", "phosphorylation"),
    edge("B", "activates", "C"),
    edge("B", "inhibits", "D"),
    edge("E", "inhibits", "B", "phosphorylation"),
    edge("F", "activates", "E"),
)
LINES = ("K562", "RPE1", "HepG2", "Jurkat")


def knowledge(edges=EDGES, groups=()):
    lines = tuple(CellLine(name=name, description="", lineage="") for name in LINES)
    return Knowledge(
        symbols=SymbolTable(()),
        graph=SignedGraph(edges, groups),
        gene_sets=GeneSets(()),
        ontology=None,
        cell_lines=CellLines(lines, "K562"),
        expression=None,
        summaries={},
        programmes=(),
        versions={},
        scope="starter",
    )


def silent(what, done):
    """Tell nobody."""


def measured(*rows, split="train"):
    columns = ["cell_line", "pert", "gene", "is_up"]
    table = pd.DataFrame(rows, columns=columns).astype({"is_up": float})
    return table.assign(split=split, de=table.is_up.notna().astype(float))


def pairs_of(table, six):
    relations = Relations(six.graph)
    found = followed(table, six, silent, relations=relations)
    return direction.changed_pairs(found, relations), relations


# By the edges: A lowers C and raises D; E raises C and lowers D; F's loss does what E's does.
RIGHT = (
    ("K562", "A", "C", 0),
    ("K562", "A", "D", 1),
    ("K562", "E", "C", 1),
    ("K562", "F", "D", 0),
)


def test_the_product_of_signs_agrees_with_what_the_edges_say():
    pairs, _ = pairs_of(measured(*RIGHT), knowledge())
    assert pairs.right.tolist() == [1, 1, 1, 1]
    assert pairs.steps.tolist() == [2, 2, 2, 3]


def test_a_measurement_the_other_way_counts_against_the_cascade():
    wrong = [(line, pert, gene, 1 - up) for line, pert, gene, up in RIGHT]
    pairs, _ = pairs_of(measured(*RIGHT[:3], wrong[3]), knowledge())
    assert pairs.right.mean() == 0.75


def test_pairs_without_a_path_and_unchanged_pairs_are_not_covered():
    rows = measured(*RIGHT, ("K562", "C", "D", 1), ("K562", "A", "B", None))
    pairs, _ = pairs_of(rows, knowledge())
    assert len(pairs) == 4


def balanced_world():
    """Six genes; of the relations of each mechanism as many activate as inhibit."""
    return knowledge(
        (
            edge("A", "activates", "B", "phosphorylation"),
            edge("E", "inhibits", "B", "phosphorylation"),
            edge("B", "activates", "C"),
            edge("B", "inhibits", "D"),
        )
    )


def test_shuffled_signs_give_chance_where_signs_are_balanced():
    six = balanced_world()
    pairs, relations = pairs_of(measured(*RIGHT[:3], ("K562", "E", "D", 0)), six)
    many = [
        direction.signs_shuffled(pairs, relations, np.random.default_rng(seed)).mean()
        for seed in range(5)
    ]
    assert pairs.right.mean() == 1
    assert np.mean(many) == pytest.approx(0.5, abs=0.08)


def test_shuffling_keeps_how_many_relations_of_a_type_inhibit():
    relations = Relations(knowledge().graph)
    shuffled = relations.shuffled_signs(np.random.default_rng(1))
    for kind in range(len(relations.types)):
        here = relations.kind == kind
        assert sorted(shuffled[here]) == sorted(relations.sign[here])


def test_rewiring_keeps_degrees_and_gives_chance():
    rng = np.random.default_rng(0)
    genes = [f"G{number}" for number in range(60)]
    factors = [f"T{number}" for number in range(20)]
    drawn = {
        (str(rng.choice(factors)), gene): str(rng.choice(["activates", "inhibits"]))
        for gene in genes
        for _ in range(3)
    }
    six = knowledge([edge(tf, effect, gene) for (tf, gene), effect in drawn.items()])
    relations = Relations(six.graph)
    rewired = relations.rewired(np.random.default_rng(1))
    kept = [len(rewired.out_relations(tf)) for tf in factors]
    assert sum(kept) >= 0.9 * len(relations)
    before = [len(six.graph.out_relations(tf)) for tf in factors]
    assert all(new <= old for old, new in zip(before, kept, strict=True))
    rows = [("K562", tf, gene, int(effect == "inhibits")) for (tf, gene), effect in drawn.items()]
    pairs, relations = pairs_of(measured(*rows), six)
    chance = direction.graphs_rewired(pairs, six, relations, np.random.default_rng(2), silent)
    assert pairs.right.mean() == 1
    assert chance.mean() == pytest.approx(0.5, abs=0.06)


def test_the_majority_is_of_other_perturbations_of_the_line():
    rows = measured(
        ("K562", "A", "C", 0), ("K562", "E", "C", 0), ("K562", "F", "C", 1), ("RPE1", "A", "C", 1)
    )
    pairs, _ = pairs_of(rows, knowledge())
    # For A the others are split, for E they are split, for F they both fall; RPE1 has no other.
    assert direction.majority(pairs, rows).tolist() == [0.5, 0.5, 0.0, 0.5]


def test_a_threshold_is_the_lowest_that_is_right_often_enough():
    good, poor = [1.0] * 30, [1.0, 0.0] * 20
    pairs = pd.DataFrame(
        {
            "cell_line": "K562",
            "right": good + poor + good,
            "confidence": [0.5] * 30 + [0.045] * 40 + [0.025] * 30,
            "uncurated": [1] * 70 + [0] * 30,
            "fallen": False,
        }
    )
    rule = direction.choose_rule(pairs)
    assert (rule.curated, rule.database, rule.fallen) == (0.02, 0.05, None)


def test_each_kind_of_path_has_a_threshold_of_its_own():
    pairs = pd.DataFrame(
        {"confidence": [0.1] * 3, "uncurated": [0, 1, 0], "fallen": [False, False, True]}
    )
    rule = Rule(curated=0.05, database=0.2, fallen=None)
    assert direction.believed(pairs, rule).tolist() == [True, False, False]


def test_a_lost_subunit_breaks_its_complex_and_a_fallen_transcript_is_told_apart():
    pump = Group(name="pump complex", kind="complex", members=("C",))
    six = knowledge((*EDGES, edge("pump complex", "inhibits", "D")), [pump])
    lost, relations = pairs_of(measured(("K562", "C", "D", 1)), six)
    fell = [
        relations.number[key]
        for key in (("B", "C", True), ("C", "pump complex", False), ("pump complex", "D", True))
    ]
    assert not lost.fallen.any()
    assert direction.breaks_by_falling(fell, relations)


def test_a_tuned_rule_never_sees_the_perturbation_it_judges():
    rng = np.random.default_rng(0)
    perts = [f"P{number}" for number in range(50)]
    pairs = pd.DataFrame(
        {
            "cell_line": "K562",
            "pert": perts,
            "split": "train",
            "right": rng.integers(0, 2, 50).astype(float),
            "confidence": rng.uniform(0.02, 0.3, 50),
            "uncurated": 0,
            "fallen": False,
        }
    )
    tuning, use = direction.tuned(pairs, seed=0)
    turned = pairs.assign(right=np.where(pairs.pert == "P7", 1 - pairs.right, pairs.right))
    _, again = direction.tuned(turned, seed=0)
    assert len(tuning.per_fold) == direction.FOLDS
    assert use[7] == again[7]


def test_a_step_that_measurements_mostly_contradict_is_listed_for_a_curator():
    rows = [("K562", "A", "C", 1)] + [("K562", f"X{number}", "C", 1) for number in range(6)]
    more = tuple(edge(f"X{number}", "activates", "B", "phosphorylation") for number in range(6))
    pairs, relations = pairs_of(measured(*rows), knowledge((*EDGES, *more)))
    (one,) = direction.doubtful(pairs, np.ones(len(pairs), bool), relations)
    assert (one.source, one.target, one.pairs, one.agreement) == ("B", "C", 7, 0)


def evidence(source, target, sign):
    return Evidence(
        id=f"{source}>{target}",
        kind="database",
        statement="",
        source="test",
        weight=1.0,
        genes=(source, target),
        sign=sign,
    )


def step(source, target, way=("down", "down"), ids=(), status="verified", quantity="activity"):
    return CascadeStep(
        source=Change(node=source, direction=way[0], quantity="activity"),
        relation="activates" if way[0] == way[1] else "inhibits",
        target=Change(node=target, direction=way[1], quantity=quantity),
        confidence=0.9,
        evidence_ids=ids,
        status=status,
    )


@pytest.mark.parametrize(
    ("fact", "wanted"),
    [
        (evidence("A", "B", 1), {"resolves": True, "about": True, "sign": True}),
        (evidence("A", "B", -1), {"resolves": True, "about": True, "sign": False}),
        (evidence("B", "A", 1), {"resolves": True, "about": False, "sign": False}),
    ],
)
def test_a_step_is_grounded_by_evidence_about_its_two_genes_with_its_sign(fact, wanted):
    assert step_marks(step("A", "B", ids=(fact.id,)), {fact.id: fact}) == wanted


def test_a_step_whose_evidence_is_not_in_the_answer_does_not_resolve():
    assert not step_marks(step("A", "B", ids=("E9",)), {})["resolves"]
    assert not step_marks(step("A", "B"), {})["resolves"]


def test_hidden_pairs_are_hidden_whole_and_the_search_goes_round_them():
    graph = knowledge().graph
    without = GraphWithout(graph, {("B", "C"), ("C", "B")})
    origins = start(Perturbation(genes=("A",), kind="knockdown", cell_line="K562"))
    assert reach(graph, origins).confidence("C", "down") > 0
    assert reach(without, origins).best("C") == 0
    assert reach(without, origins).confidence("D", "up") > 0
    assert without.edges_between("B", "C") == ()


def clubs(seed):
    """Return a world in which the members of each complex act alike on the same targets."""
    rng = np.random.default_rng(seed)
    edges, groups = [], []
    for club in range(12):
        members = [f"M{club}x{number}" for number in range(6)]
        targets = [f"T{club}x{number}" for number in range(6)]
        sign = str(rng.choice(["activates", "inhibits"]))
        groups.append(Group(name=f"club {club}", kind="complex", members=tuple(members)))
        edges += [edge(one, sign, target) for one in members for target in targets]
    return edges, groups


def recovered(edges, groups):
    six = knowledge(edges, groups)
    relations = Relations(six.graph)
    hidden = recovery.hidden_pairs(relations, np.random.default_rng(0))
    known = recovery.clues(six, relations, measured(("K562", "A", "C", 0)))
    found = recovery.recovered(relations, known, hidden, np.random.default_rng(1), seed=0)
    return Scores(found).by("predictor", "than", "measure"), hidden


def test_hidden_relations_of_a_complex_are_found_from_what_its_members_do():
    found, hidden = recovered(*clubs(0))
    assert all((b, a) in hidden for a, b in hidden)
    assert found[recovery.OURS, "", "average precision"].value.value > 0.9
    assert found[recovery.OURS, "", "right sign"].value.value == 1
    assert found["targets' degree", "", "average precision"].value.value < 0.5


def test_hidden_relations_of_a_random_graph_cannot_be_found():
    rng = np.random.default_rng(3)
    pairs = {(f"S{rng.integers(40)}", f"T{rng.integers(200)}") for _ in range(800)}
    edges = [edge(a, str(rng.choice(["activates", "inhibits"])), b) for a, b in sorted(pairs)]
    found, _ = recovered(edges, ())
    assert found[recovery.OURS, "", "average precision"].value.value < 0.1
    sign = found[recovery.OURS, "", "right sign"].value
    assert sign.low < 0.5 < sign.high


def test_a_regulator_on_the_way_to_its_target_comes_first():
    pairs, relations = pairs_of(measured(*RIGHT), knowledge())
    found = order.regulon_pairs(pairs, relations, {"C": ["B"], "D": ["B"]})
    assert found.right.tolist() == [1, 1, 1, 1]
    assert found.own.all()


def test_a_regulator_at_the_same_place_counts_half_and_a_later_one_nothing():
    pairs, relations = pairs_of(measured(*RIGHT[:2]), knowledge())
    same = order.regulon_pairs(pairs, relations, {"C": ["D"]})
    assert same.right.tolist() == [0.5]
    late, relations = pairs_of(measured(("K562", "F", "D", 0), ("K562", "F", "E", 0)), knowledge())
    assert order.regulon_pairs(late, relations, {"E": ["B"]}).right.tolist() == [0]


def informative(seed, *, paths):
    """Return rows whose direction paths tell (or do not) and the response model does not."""
    rng = np.random.default_rng(seed)
    n = 2400
    up = rng.integers(0, 2, n).astype(float)
    told = up if paths else rng.integers(0, 2, n).astype(float)
    return pd.DataFrame(
        {
            "cell_line": "K562",
            "pert": [f"P{number % 120}" for number in range(n)],
            "gene": [f"G{number // 120}" for number in range(n)],
            "de": rng.integers(0, 2, n).astype(float),
            "is_up": up,
            "p_de": rng.uniform(0.1, 0.9, n),
            "p_up": rng.uniform(0.1, 0.9, n),
            "up": 0.3 * told,
            "down": 0.3 * (1 - told),
            "steps": 2,
            "uncurated": 0,
        }
    )


@pytest.mark.parametrize("paths", [True, False])
def test_paths_add_to_the_response_model_only_where_they_tell_something(paths):
    rows = informative(0, paths=paths)
    found = information.information(rows, Resampler(rows.pert, 0, 50), seed=0)
    one = Scores(found).where(task="dir", rows="reached", cell_line="all")
    (gain,) = one.gains
    if paths:
        assert one.plain.find(predictor="with paths", measure="auroc").value.value == 1
        assert gain.value.low > 0.3
        assert one.find(measure="change of log loss").value.high < 0
    else:
        assert gain.value.low < 0 < gain.value.high + 0.02


def told(*steps, readout):
    return Hypothesis(readout=readout, direction="down", steps=steps, summary="", confidence=0.5)


def test_the_central_step_is_the_one_that_hypotheses_share():
    first, to_c, to_d = (
        step("A", "B"),
        step("B", "C", quantity="expression"),
        step("B", "D", ("down", "up"), quantity="expression"),
    )
    state = AgentState(text="", committed=[first, to_c, to_d])
    both = (told(first, to_c, readout="C"), told(first, to_d, readout="D"))
    asked = Asked(state, (), both)
    assert central_step(asked, both[0]) == first
    other = random_step(asked, first, knowledge().graph, np.random.default_rng(0))
    assert other is None or other not in {("A", "B"), ("B", "C"), ("B", "D")}


def test_the_gallery_has_places_for_the_surest_the_least_sure_and_the_contradicted():
    pairs = pd.DataFrame(
        {
            "cell_line": ["K562", "K562", "K562", "RPE1"],
            "pert": ["A", "A", "E", "F"],
            "gene": ["C", "D", "C", "D"],
            "split": ["train", "test", "test", "train"],
            "confidence": [0.9, 0.8, 0.7, 0.3],
            "right": [1.0, 1.0, 0.0, 1.0],
        }
    )
    places = list(slots(pairs, np.array([True, True, True, False])))
    assert [why for why, _ in places] == ["surest"] * 4 + ["least sure"] * 2 + ["contradicted"] * 4
    first = {why: list(rows.index) for why, rows in reversed(places) if len(rows)}
    assert first["surest"] == [1, 2, 0]  # test rows of K562 before its training rows
    assert first["least sure"] == [2, 1, 0]
    assert first["contradicted"] == [2]


@pytest.mark.slow
def test_a_run_scores_every_part_and_is_read_again(world, tmp_path):  # noqa: F811  # the fixture
    settings = Settings(data=tmp_path / "no data")
    run = MechanismEval(draws=50, questions=2)
    metrics = evaluate(world.mirror, tmp_path / "run", run, settings, silent)
    facts = metrics.about(Facts)
    assert facts.scope == "starter"
    # Grounding is 100 % by construction, and measured to be so.
    assert facts.grounding.grounded.value == 1
    assert facts.grounding.unverified == facts.grounding.misled == 0
    assert facts.grounding.flipped.value == facts.grounding.invented.value == 1
    assert metrics.scores.find(about="direction", split="train", measure="covered").value.value
    (path,) = metrics.scores.where(measure="share whose path changes").gains
    assert path.value.value > 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count("<svg") == len(facts.gallery)
    before = (tmp_path / "run" / "metrics.json").stat().st_mtime_ns
    assert evaluate(world.mirror, tmp_path / "run", run, settings, silent) == metrics
    assert (tmp_path / "run" / "metrics.json").stat().st_mtime_ns == before
    with pytest.raises(RunError, match="seed"):
        evaluate(world.mirror, tmp_path / "run", MechanismEval(seed=1), settings, silent)
