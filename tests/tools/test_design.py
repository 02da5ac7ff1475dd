"""Plans: greedy and spread out, never padded, with controls, cells and rounds."""

import numpy as np
import pytest
from scipy import sparse

from agent.session import Session
from agent.settings import Settings
from knowledge.errors import QuestionError
from tools.lists.assay import cells_needed
from tools.lists.atlas import Atlas
from tools.lists.design import answers, planned, spread
from tools.lists.listed import ListedGene, ResultList

NO_ATLAS = Atlas(folder=None, response="", parts={})


def test_the_greedy_choice_is_the_one_counted_by_hand_and_ends_where_nothing_is_gained():
    near = sparse.csr_array(np.array([[1.0, 0.6, 0.0], [0.9, 0.6, 0.0], [0.0, 0.6, 1.0]]))
    order, gains = spread(near, np.zeros(3), np.ones(3), np.ones(3, bool), 3)
    assert order == [0, 2]
    assert gains == pytest.approx([1.9, 1.0])
    allowed = np.array([False, True, True])
    order, gains = spread(near, np.array([0.5, 0.5, 0.5]), np.ones(3), allowed, 3)
    assert order == [2, 1]
    assert gains == pytest.approx([0.5, 0.2])


def test_cells_follow_the_published_formula():
    assert cells_needed(2, 1.0) == int(np.ceil((3.8906 + 0.8416) ** 2 * 1.5 / np.log(2) ** 2))
    assert cells_needed(4, 1.0) < cells_needed(2, 1.0) < cells_needed(2, 0.1)
    with pytest.raises(QuestionError, match="a fold change other than 1"):
        cells_needed(1, 1.0)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return Session.open(Settings(data=home / "data", runs=home / "runs")).predictor


@pytest.fixture
def plan_for(predictor):
    def plan(goal, budget=6, **more):
        return planned(predictor, NO_ATLAS, goal, "K562", budget, **more)

    return plan


def test_modifiers_of_a_gene_are_planned_with_reasons_controls_and_no_repetition(plan_for):
    found = plan_for("modifiers", readouts=("DDIT3",), direction="up")
    genes = [row.gene for row in found.rows]
    assert len(set(genes)) == len(genes) == 6
    assert all("expected to move DDIT3 up" in row.reason for row in found.rows)
    assert "DDIT3" not in genes
    assert set(found.positive).isdisjoint(found.negative)
    assert any("There is no atlas of K562" in note for note in found.notes)


def test_a_round_after_a_round_repeats_nothing_and_prefers_relatives_of_hits(plan_for):
    first = plan_for("modifiers", readouts=("DDIT3",), direction="up")
    done = {row.gene: float(number == 0) for number, row in enumerate(first.rows)}
    second = plan_for("modifiers", readouts=("DDIT3",), direction="up", measured=done)
    assert set(done).isdisjoint(row.gene for row in second.rows)


def test_what_teaches_a_model_most_was_not_measured_and_stands_for_others(plan_for, predictor):
    found = plan_for("learn")
    assert [row.gain for row in found.rows] == sorted((r.gain for r in found.rows), reverse=True)
    assert all("stands for" in row.reason for row in found.rows)
    assert not any(predictor.response.ground(row.gene).known for row in found.rows)


def test_a_plan_without_a_goal_or_with_no_budget_is_refused(plan_for):
    with pytest.raises(QuestionError, match="Name the gene or the set"):
        plan_for("modifiers")
    with pytest.raises(QuestionError, match="A budget is of 1 to 1,000"):
        plan_for("learn", budget=0)


def test_a_result_says_how_well_each_perturbation_answered():
    genes = (
        ListedGene(gene="HSPA5", effect=-2.0),
        ListedGene(gene="ATF4", state="unchanged"),
        ListedGene(gene="nonsense", known=False),
    )
    result = ResultList(source="round1.csv", description="a table", genes=genes)
    assert answers(result) == {"HSPA5": 2.0, "ATF4": 0.0}
