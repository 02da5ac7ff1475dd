"""The text index beside questions whose answers are known, in a small world."""

import numpy as np
import pytest

from agent.settings import Settings
from evals.harness.page import Record
from evals.retrieval.asking import DENSE, LEXICAL, RANDOM, WHOLE, answering
from evals.retrieval.comparing import compared
from evals.retrieval.page import BENCHMARK
from evals.retrieval.questions import (
    ALIAS,
    KNOWN_ITEM,
    MISSPELT,
    NAMES,
    REFSEQ,
    SETS,
    SYMBOL,
    TEXTBOOK,
    UNIPROT,
    Asked,
    indexed,
    masked,
    misspelt,
    named_genes,
    questions,
)
from evals.retrieval.rivals.encoders import OURS
from evals.retrieval.run import RetrievalEval, evaluate
from evals.retrieval.score import encoder_scores
from knowledge.base import load_knowledge
from knowledge.errors import QuestionError
from knowledge.texts.documents import Document

GENES = ("ATF4", "TP53", "HSPA5", "VHL", "LDLR", "KEAP1", "MDM2", "CDKN1A")
ASKED = "Knock out HSPA5 in K562: what happens to DDIT3?\nwhat is the weather\n"


def described(symbol, number, source):
    words = " ".join(f"word{number}x{i}" for i in range(9))
    text = f"{symbol}: {symbol} is known from {source} for {words}. It also does other things."
    return Document(
        id=f"{source}:{symbol}", kind="gene", text=text, source=source, gene=symbol
    )  # fmt: skip


def term(number):
    words = " ".join(f"part{number}x{i}" for i in range(9))
    return Document(
        id=f"GO:{number:07}", kind="go", text=f"name of {number}: a name of {number}, with {words}",
        source="GO",
    )  # fmt: skip


DOCUMENTS = [
    *(described(gene, i, source) for source in ("RefSeq", "UniProt")
      for i, gene in enumerate(GENES)),
    *map(term, range(1, 21)),
]  # fmt: skip


@pytest.fixture
def world(tmp_path, monkeypatch, hash_encoder):
    """Return the mirror of a world of eight genes and twenty terms."""
    (tmp_path / "perturbqa").mkdir()
    (tmp_path / "textbook").mkdir()
    (tmp_path / "textbook" / "questions.tsv").write_text(f"question\n{ASKED}")
    monkeypatch.setattr("evals.retrieval.run.load_encoder", lambda name: hash_encoder(dim=256))
    monkeypatch.setattr("evals.retrieval.run.documents", lambda data: iter(DOCUMENTS))
    return tmp_path


def run(world, **told):
    told = RetrievalEval(each=6, draws=20, **told)
    settings = Settings(data=world / "none", reasoner="evidence")
    return evaluate(world, world / "out", told, settings, lambda what, done: None)


@pytest.fixture
def asked(tmp_path):
    knowledge = load_knowledge(tmp_path / "none")
    rng = np.random.default_rng(0)
    return questions(DOCUMENTS, knowledge, ASKED.splitlines(), 6, rng)


def test_every_set_is_asked_scored_and_told_beside_chance(world):
    results = run(world)
    scores = results.scores
    assert set(scores.values("set")) <= set(SETS)
    for name in (NAMES, KNOWN_ITEM, REFSEQ, UNIPROT, SYMBOL, TEXTBOOK):
        mine = {
            one.predictor: one.value for one in scores.where(set=name, measure="recall@10").plain
        }
        assert {WHOLE, DENSE, LEXICAL, RANDOM} <= set(mine)
    own = scores.find(set=KNOWN_ITEM, predictor=LEXICAL, measure="recall@1")
    assert own.value.value == 1
    symbol = scores.find(set=SYMBOL, predictor=WHOLE, measure="recall@1")
    assert symbol.value.value == 1
    # Two documents of 36 are about the gene.
    chance = scores.find(set=SYMBOL, predictor=RANDOM, measure="recall@1")
    assert chance.value.value == pytest.approx(2 / 36)
    page = BENCHMARK.page(Record.read(world / "out")).markdown()
    assert "all-MiniLM" not in page
    assert "36 (16 gene, 20 go)" in page
    assert "Of a part" not in page
    assert run(world) == results


def test_a_part_of_the_texts_holds_all_answers_and_is_told(world):
    run(world, texts=34)
    page = (world / "out" / "scoreboard.md").read_text()
    assert "**Of a part:** 34 texts" in page
    with pytest.raises(QuestionError, match="raise --texts or lower --each"):
        evaluate(
            world, world / "other", RetrievalEval(each=6, texts=3),
            Settings(data=world / "none", reasoner="evidence"), lambda what, done: None,
        )  # fmt: skip


def test_others_make_up_the_number_and_answers_are_never_left_out():
    asked = [Asked(SYMBOL, "ATF4", "ATF4?", ("ATF4",))]
    found = answering(DOCUMENTS, asked, 10, 0)
    assert len(found) == 10
    assert sum(document.gene == "ATF4" for document in found) == 2
    assert answering(DOCUMENTS, asked, 1, 0) == [d for d in DOCUMENTS if d.gene == "ATF4"]


def test_no_question_holds_the_name_that_it_asks_for(asked):
    for one in asked:
        if one.of in (NAMES, KNOWN_ITEM):
            assert "name of" not in one.text
        if one.of in (REFSEQ, UNIPROT):
            assert one.unit not in one.text
            assert one.source not in one.text
            assert one.source != one.of.split("'")[0]
    bare = {one.unit for one in asked if one.of == NAMES}
    for document in indexed(DOCUMENTS, asked):
        assert (":" in document.text) == (document.id not in bare)


def test_names_are_masked_as_words_in_any_case():
    assert masked("P53 binds TP53BP1; Tp53 (TP53)", ["TP53", "p53"]) == "it binds TP53BP1; it (it)"
    assert masked("as it is", ["X"]) == "as it is"


def test_a_misspelt_symbol_is_one_edit_away(asked):
    from rapidfuzz.distance import OSA

    rng = np.random.default_rng(0)
    edits = {OSA.distance("HSPA5", misspelt("HSPA5", rng)) for _ in range(200)}
    assert edits <= {0, 1}
    assert all("HSPA5" not in one.text for one in asked if one.of == MISSPELT)


def test_an_alias_is_of_one_gene_and_not_its_symbol(asked):
    for one in asked:
        if one.of == ALIAS:
            assert f" {one.unit} " not in one.text


def test_a_question_of_the_textbook_wants_the_genes_that_it_names(tmp_path):
    from agent.question.reading import parse_question

    knowledge = load_knowledge(tmp_path / "none")
    read = parse_question("HSPA5 knockdown in ATF4 knockout K562: DDIT3", knowledge)
    assert named_genes(read) == ("HSPA5", "ATF4", "DDIT3")
    assert named_genes(parse_question("PRC2 loss K562", knowledge)) == ()


def test_an_encoder_is_scored_and_timed_on_the_same_questions(asked, hash_encoder):
    import pandas as pd

    held = list(indexed(DOCUMENTS, asked))
    found = [
        compared(name, hash_encoder(name, dim), held, asked, 0)
        for name, dim in ((OURS, 256), ("worse", 2))
    ]
    assert found[0].cost.texts == len(held)
    scores = list(encoder_scores(pd.concat([one.table() for one in found]), 0, 20))
    ahead = [one for one in scores if one.than == OURS and one["set"] == KNOWN_ITEM]
    assert {one.predictor for one in ahead} == {"worse"}
    assert ahead[0].value.value < 0
