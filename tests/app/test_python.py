"""`import knockwise`: what a script, a notebook and other people's agents get."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import knockwise
from tools.effect_rows import COLUMNS

QUESTION = "Knock out HSPA5 in K562: what happens to DDIT3 and HERPUD1?"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    home = tmp_path_factory.mktemp("python")
    return knockwise.open_session(home / "data", runs=home / "runs")


@pytest.fixture(scope="module")
def answer(session):
    return knockwise.ask(QUESTION, session=session)


def test_importing_it_is_quick_and_everything_it_names_is_there():
    code = (
        "import sys, knockwise; heavy = {'pandas', 'numpy', 'langgraph', 'pydantic'};"
        "assert not heavy & set(sys.modules);"
        "assert all(getattr(knockwise, name) for name in knockwise.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_says_that_it_is_typed():
    assert (Path(knockwise.__file__).parent / "py.typed").is_file()


def test_an_answer_becomes_a_table_with_the_columns_of_predict(answer, session):
    table = answer.to_frame()
    assert tuple(table.columns) == COLUMNS
    assert list(table["gene"]) == ["DDIT3", "HERPUD1"]
    assert set(table["call"]) == {"up"}
    assert table["path"].str.startswith("HSPA5 ↓ →").all()
    again = knockwise.predict(
        "HSPA5", ["DDIT3", "HERPUD1"], cell_line="K562", kind="knockout", session=session
    )
    pd.testing.assert_series_equal(again["p_de"], table["p_de"])


def test_a_comparison_has_the_rows_of_every_side(session):
    found = knockwise.ask("MDM2 vs MDM4 loss in RPE1, which raises CDKN1A more?", session=session)
    assert list(found.to_frame()["perturbation"]) == ["MDM2", "MDM4"]


def test_a_notebook_shows_the_page_and_the_drawn_cascade(answer):
    page = answer._repr_html_()
    assert "srcdoc=" in page
    assert "&lt;svg" in page
    assert "http-equiv=&quot;refresh" not in page
    drawn = answer.cascade()._repr_svg_()
    assert drawn.startswith("<svg")
    assert "--up:" in drawn
    assert answer.to_markdown().startswith("# Knocking out HSPA5")


def test_it_works_where_an_event_loop_runs_already(session):
    async def cell():
        told = []
        first = knockwise.ask(QUESTION, session=session, on_event=told.append)
        second = await knockwise.ask_async(QUESTION, session=session)
        return first, second, told

    first, second, told = asyncio.run(cell())
    assert first.summary == second.summary
    assert any(event["node"] == "verify" for event in told)


def test_a_question_follows_on_a_run(answer, session):
    more = knockwise.ask("and in RPE1?", follow=answer.run, session=session)
    assert more.question.perturbation.cell_line == "RPE1"
    assert knockwise.load_answer(more.run, session=session) == more


def test_predictions_are_a_table_of_one_or_many_perturbations(session):
    table = knockwise.predict(["BiP", "ATF4+HSPA5"], "CHOP", cell_line="K562", session=session)
    assert list(table["perturbation"]) == ["HSPA5", "ATF4+HSPA5"]
    assert set(table["gene"]) == {"DDIT3"}
    every = knockwise.predict("HSPA5", session=session)
    assert len(every) > 1000
    assert every["p_de"].dropna().is_monotonic_decreasing


def test_expression_phenotypes_and_embeddings_are_tables(session):
    contexts = knockwise.expression_contexts()
    assert "papalexi" in contexts.index
    change = knockwise.express("STAT1", "papalexi", session=session)
    assert change.attrs["measured"]
    assert change.loc["STAT1", "change"] < 0
    found = knockwise.phenotypes("FGFR3", top=3, session=session)
    assert found["known"].any()
    assert (~found["known"]).sum() <= 6
    assert found.loc[~found["known"], "probability"].between(0, 1).all()
    vectors = knockwise.embeddings(["BiP", "DDIT3"], session=session)
    assert list(vectors.index) == ["HSPA5", "DDIT3"]
    assert vectors.notna().all(axis=None)


def test_lists_are_explained_and_their_causes_found(session):
    told = knockwise.explain({"DDIT3": 2.1, "HERPUD1": 1.4, "LDLR": -0.8}, "HSPA5", session=session)
    rows = told.set_index("gene")
    assert rows.loc["DDIT3", "verdict"] == "explained"
    assert "HSPA5" in told.attrs["headline"]
    causes = knockwise.who(["DDIT3+", "HERPUD1+", "DNAJB9+"], top=5, session=session)
    assert len(causes) == 5
    movers = knockwise.find("LDLR", "down", cell_line="HepG2", session=session)
    assert set(movers["call"]) == {"down"}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: knockwise.predict("NOTAGENE", session=s), "NOTAGENE"),
        (lambda s: knockwise.predict("", session=s), "Name a gene"),
        (lambda s: knockwise.predict("HSPA5", kind="poke", session=s), "no kind"),
        (lambda s: knockwise.predict("HSPA5", cell_line="MCF7", session=s), "MCF7"),
        (lambda s: knockwise.phenotypes("FGFR3", ["x"], session=s), "no collection"),
        (lambda s: knockwise.ask("hello there", session=s), "names no gene"),
        (lambda s: knockwise.load_answer("nothing", session=s), "not a run"),
    ],
)
def test_a_mistake_raises_a_sentence(session, call, sentence):
    with pytest.raises(knockwise.KnockwiseError, match=sentence):
        call(session)


def test_the_toolbox_serves_an_agent_of_somebody_else(session):
    tools = {tool.name: tool for tool in knockwise.langchain_tools(session)}
    assert set(tools) == set(knockwise.toolbox(session).names)
    call = {
        "name": "gene",
        "args": {"gene": "BiP"},
        "id": "1",
        "type": "tool_call",
    }
    found = tools["gene"].invoke(call)
    assert "HSPA5" in found.content
    assert found.artifact[0].genes == ("HSPA5",)
    wrong = tools["gene"].invoke({**call, "args": {"gene": "NOTAGENE"}})
    assert wrong.status == "error"
    assert "NOTAGENE" in wrong.content
    assert "HSPA5" in asyncio.run(tools["gene"].ainvoke(call)).content
