"""Drugs in questions: read by any name, answered through their targets, and never in silence."""

import pytest

from agent.question.reading import parse_question
from agent.question.telling import as_words, short
from agent.session import Session
from agent.settings import Settings
from app.show.pages import html_page, markdown_page
from knowledge.drugs import given
from knowledge.errors import QuestionError

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    home = tmp_path_factory.mktemp("session")
    return Session.open(Settings(data=home / "data", runs=home / "runs"))


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("What does bortezomib do to HSPA1A in K562?", "bortezomib K562: HSPA1A"),
        ("imatinib in K562: effect on CISH", "imatinib K562: CISH"),
        ("Treat K562 with imatinib mesylate (Gleevec): what happens to PIM1?",
         "imatinib K562: PIM1"),
        ("the MEK inhibitor trametinib in K562: SPRY4, DUSP6", "trametinib K562: SPRY4 DUSP6"),
        ("What do statins do to LDLR in HepG2?", "simvastatin HepG2: LDLR"),
        ("Does JQ1 silence MYC in K562?", "jq1 K562: MYC"),
        ("How does JQ1 lower MYC in K562?", "why jq1 K562: MYC"),
        ("Which genes go up after 10 nM bortezomib in K562?", "bortezomib K562"),
        ("trametinib plus palbociclib in K562: CCND1", "trametinib+palbociclib K562: CCND1"),
        ("imatinib-treated K562, GATA1 knockdown: HBG1",
         "GATA1 knockdown K562 under imatinib: HBG1"),
        ("tunicamycin 6h + EIF2AK3 ko in HepG2; DDIT3?",
         "EIF2AK3 knockout HepG2 under tunicamycin: DDIT3"),
        ("vorinostat vs. panobinostat, K562: CDKN1A",
         "compare vorinostat K562 | panobinostat K562: CDKN1A"),
        ("PSMB5 knockdown or bortezomib in K562: HSPA1A",
         "compare bortezomib K562 | PSMB5 knockdown K562: HSPA1A"),
        ("Which drug raises NQO1 in HepG2?", "reverse drugs raising NQO1, in HepG2"),
        ("Which drugs mimic the loss of KEAP1 in HepG2?",
         "reverse drugs like KEAP1 knockout, in HepG2"),
        ("What would look like imatinib in K562?", "reverse like imatinib, in K562"),
        ("HDAC inhibitors in K562: HBG1?", "HDAC1+HDAC2+HDAC3 knockdown K562: HBG1"),
        ("What does caffeine do to MYC in K562?", "caffeine K562: MYC"),
        ("What does aspirin do to PTGS2 in K562?", "aspirin K562: PTGS2"),
    ],
)  # fmt: skip
def test_a_drug_is_read_by_any_name_and_its_reading_says_the_same(session, text, reads):
    question = parse_question(text, session.knowledge)
    assert short(question) == reads
    if question.intent != "why":
        assert short(parse_question(as_words(question), session.knowledge)) == reads


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("What does DMSO do to HSPA1A in K562?", "vehicle"),
        ("What does iron do to FTH1 in K562?", "nutrient"),
        ("What does vitamin C do to MYC in K562?", "not a drug"),
        ("What does alcohol do to MYC in K562?", "vehicle"),
        ("What does bortezomb do to HSPA1A in K562?", "did you mean bortezomib"),
        ("What does fooximab do to MYC?", "no drug that is known"),
        ("KEAP1 knockout with 5 µM of something", "no drug or stimulus that is known"),
        ("Does trametinib interact with MYC knockdown in K562?", "drugs|Only what"),
    ],
)
def test_words_that_are_no_drug_and_questions_without_answer_say_so(session, text, says):
    with pytest.raises(QuestionError, match=says) as caught:
        parse_question(text, session.knowledge)
    assert "\n" not in str(caught.value)


SANITY = {
    "MEK inhibitors lower ERK's feedback genes": [
        ("trametinib", "RPE1", "SPRY4 ETV5 DUSP6", "down"),
        ("selumetinib", "K562", "SPRY4 ETV5 DUSP6", "down"),
    ],
    "proteasome inhibitors raise chaperones and the proteasome": [
        ("bortezomib", "K562", "HSPA1A PSMB5 PSMC4 PSMD1", "up"),
        ("mg-132", "HepG2", "HSPA1A PSMD12", "up"),
    ],
    "glucocorticoids raise FKBP5": [("dexamethasone", "HepG2", "FKBP5 TSC22D3", "up")],
    "statins raise LDLR and their own target": [
        ("simvastatin", "HepG2", "LDLR HMGCS1 HMGCR", "up"),
        ("lovastatin", "K562", "LDLR", "up"),
    ],
    "tunicamycin raises HSPA5 and DDIT3": [("tunicamycin", "HepG2", "HSPA5 DDIT3", "up")],
    "imatinib lowers STAT5's targets in K562": [("imatinib", "K562", "CISH PIM1", "down")],
    "nutlin raises CDKN1A where p53 works": [
        ("nutlin-3a", "RPE1", "CDKN1A MDM2", "up"),
        ("nutlin-3a", "HepG2", "CDKN1A", "up"),
    ],
    "HDAC inhibitors agree": [
        ("vorinostat", "K562", "CDKN1A", "up"),
        ("panobinostat", "K562", "CDKN1A", "up"),
        ("romidepsin", "K562", "CDKN1A", "up"),
    ],
    "a drug without a protein acts through its process": [
        ("cisplatin", "RPE1", "CDKN1A", "up"),
        ("cobalt chloride", "RPE1", "CA9", "up"),
        ("arsenite", "K562", "HMOX1 HSPA1A", "up"),
    ],
    "BET inhibitors lower MYC": [("jq1", "K562", "MYC", "down")],
    "phorbol ester raises immediate early genes": [
        ("phorbol myristate acetate", "Jurkat", "FOS EGR1", "up")
    ],
}


@pytest.mark.parametrize("rule", SANITY)
async def test_what_everybody_knows_of_a_drug_follows_from_its_target(session, rule):
    (drug, line, genes, way), *others = SANITY[rule]
    answer = await session.ask(f"What does {drug} do to {genes.replace(' ', ', ')} in {line}?")
    told = dict.fromkeys(genes.split(), way)
    assert {one.gene: one.call for one in answer.effects} == told
    assert {one.readout: one.direction for one in answer.hypotheses} == told
    for drug, line, genes, way in others:
        one = given((drug,), session.knowledge.drugs, line)
        for effect in session.predictor.effects(one, genes.split()):
            assert (drug, effect.gene, effect.call) == (drug, effect.gene, way)


async def test_an_answer_says_drug_target_source_and_where_its_numbers_are_from(session):
    answer = await session.ask("What does bortezomib do to HSPA1A in K562?")
    (one,) = answer.drugs
    assert (one.drug, one.basis, one.starts) == ("bortezomib", "target knockdown", ("PSMB5 lost",))
    assert one.aims[0].gene == "PSMB5"
    assert one.aims[0].sources
    assert "Bortezomib (proteasome inhibitor) inhibits PSMB5 [built-in drugs]" in answer.summary
    assert "inferred from the knockdown of PSMB5, not measured with bortezomib" in answer.summary
    assert "dose and time are not known" in answer.summary
    assert answer.effects[0].interval is None
    assert not answer.effects[0].seen_in_training
    steps = [step.step for step in one.steps]
    assert steps == ["analogue mechanism", "specificity", "cascade", "causal bridge", "answer"]
    assert any("bortezomib inhibits PSMB5" in fact.statement for fact in answer.evidence)
    for page in (html_page(answer), markdown_page(answer)):
        assert "PSMB5" in page
        assert "not measured with bortezomib" in page
        assert "Causal bridge" in page


async def test_a_line_without_the_target_or_its_way_says_so(session):
    k562 = await session.ask("What does nutlin-3a do to CDKN1A in K562?")
    assert k562.effects[0].call == "unchanged"
    assert "lacks functional TP53" in k562.drugs[0].steps[2].statement
    lost = await session.ask("What does estradiol do to PGR in K562?")
    assert "no working target of the drug" in lost.effects[0].reason
    assert not lost.hypotheses
    assert any("cannot act through ESR1" in line for line in lost.unknown)


async def test_of_several_targets_the_one_that_explains_a_readout_is_told(session):
    imatinib = await session.ask("What does imatinib do to CISH in K562?")
    moves = {aim.gene: aim.moves for aim in imatinib.drugs[0].aims}
    assert moves["ABL1"] == ("CISH down",)
    assert "CSF1R" in moves


async def test_what_is_like_the_loss_of_a_gene_is_what_blocks_it(session):
    like = await session.ask("Which drugs mimic the loss of KEAP1 in HepG2?")
    assert "sulforaphane" in like.likenesses[0].drug
    assert any("nothing here is for treatment" in line for line in like.unknown)


async def test_drugs_are_sought_through_their_targets(session):
    lower = await session.ask("Which drugs would lower MYC in K562?")
    assert any("jq1" in lead.drug and "BRD4" in lead.gene for lead in lower.leads)
    assert all(lead.effect.call == "down" for lead in lower.leads)


async def test_drugs_and_knockdowns_stand_side_by_side(session):
    answer = await session.ask("Compare imatinib and ABL1 knockdown in K562: CISH")
    assert [side.label for side in answer.sides] == ["imatinib", "ABL1 knockdown"]
    assert answer.drugs[0].drug == "imatinib"
    assert "not measured with imatinib" in answer.summary


async def test_the_file_of_effects_names_the_drug_and_not_a_knockdown(session, tmp_path):
    await session.ask("What does bortezomib do in K562?", run_dir=tmp_path / "run")
    head, first, *_ = (tmp_path / "run" / "effects.csv").read_text().splitlines()
    assert head.startswith("perturbation,kind,cell_line")
    assert first.startswith("bortezomib,drug,K562")


async def test_related_drugs_measured_in_the_same_cells_are_asked_before_the_knockdown(session):
    answer = await session.ask("What does dexamethasone do to FKBP5 in K562?")
    (effect,) = answer.effects
    assert effect.call == "up"
    assert effect.interval is not None
    assert effect.reason.startswith("drug model of K562 (sci-Plex 3)")
    assert answer.drugs[0].basis == "drug model"
    assert "told from related drugs in the same cells" in answer.summary
