"""Kinds of question, perturbations, sets, backgrounds and refusals, over the starter pack."""

import time

import pytest

from agent.question.answerable import trouble
from agent.question.reading import parse_question
from agent.question.telling import as_words, short
from agent.question.words import CUE_ROWS, INTENTS, REFUSALS
from knowledge.base import load_knowledge
from knowledge.errors import QuestionError


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory):
    from models.response import ResponseModel

    return load_knowledge(tmp_path_factory.mktemp("none"), ResponseModel.load().genes())


@pytest.fixture(scope="module")
def read(knowledge):
    return lambda text, **more: parse_question(text, knowledge, **more)


EXAMPLES = [
    *((one.text, one.reads) for row in INTENTS.intents for one in row.examples),
    *((row.example, row.reads) for row in CUE_ROWS if row.example),
]


@pytest.mark.parametrize(("text", "reads"), EXAMPLES)
def test_every_example_of_a_phrase_is_read_as_it_says(read, text, reads):
    assert short(read(text)) == reads


@pytest.mark.parametrize("text", [text for row in REFUSALS for text in row.examples])
def test_every_example_of_a_refusal_is_refused_with_its_sentence(read, text):
    (row,) = (row for row in REFUSALS if text in row.examples)
    with pytest.raises(QuestionError) as caught:
        read(text)
    assert str(caught.value).startswith(row.says)


@pytest.mark.parametrize("text", [text for text, _ in EXAMPLES])
def test_what_a_question_is_read_as_can_be_asked_in_its_own_words(read, text):
    question = read(text)
    if question.intent != "planning":
        again = read(as_words(question))
        assert short(again) == short(question)


KINDS = [
    ("Knock down GATA1 by 70% in K562: HBG1", "GATA1 knockdown K562: HBG1", "partial loss"),
    ("What if BCL11A was reduced by half in K562?", "BCL11A knockdown K562", "partial loss"),
    ("PROTAC against BRD4 in K562: MYC", "BRD4 knockdown K562: MYC", "degron"),
    ("dTAG-BRD4 in K562", "BRD4 knockdown K562", "degron"),
    ("dnTP53 in RPE1: CDKN1A", "TP53 knockdown RPE1: CDKN1A", "dominant negative"),
    ("HDAC3 inhibitor in RPE1, CDKN1A?", "HDAC3 knockdown RPE1: CDKN1A", "inhibition"),
    ("nrf2 overexpresion in hepg2 - nqo1", "NFE2L2 activation HepG2: NQO1", "overexpression"),
    ("re-expression of KLF1 in K562", "KLF1 activation K562", "overexpression"),
    ("KRAS G12V overexpression in RPE1: DUSP6", "KRAS activation RPE1: DUSP6", "overexpression"),
    ("GOF STAT3 in HepG2: SOCS3", "STAT3 activation HepG2: SOCS3", "constitutively active"),
    ("CRISPRoff VHL in RPE1: CA9", "VHL knockdown RPE1: CA9", ""),
]


@pytest.mark.parametrize(("text", "reads", "manner"), KINDS)
def test_how_a_gene_is_perturbed_is_kept(read, text, reads, manner):
    question = read(text)
    assert (short(question), question.perturbation.manner) == (reads, manner)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("HSPA5_KO in K562: DDIT3?", "HSPA5 knockout K562: DDIT3"),
        ("KEAP1KO HepG2 NQO1", "KEAP1 knockout HepG2: NQO1"),
        ("HSPA5_sg1 in K562", "HSPA5 knockout K562"),
        ("wich genes chnage when HSPA5 is nocked out in K562", "HSPA5 knockout K562"),
        ("efect of scap loss on ldlr in hepg2", "SCAP knockout HepG2: LDLR"),
        ("Keap1 knockout in HepG2: Nqo1", "KEAP1 knockout HepG2: NQO1"),
        ("loss of insulin receptor HepG2 FASN", "INSR knockout HepG2: FASN"),
        ("If KEAP1 is lost but NRF2 as well, is HMOX1 up?", "KEAP1+NFE2L2 knockout K562: HMOX1"),
        ("cGAS STING: TREX1 knockout in RPE1 ISG15", "TREX1 knockout RPE1: ISG15"),
        ("What does knocking out HSPA5 but not ATF4 do?", "HSPA5 knockout K562"),
        ("the TP53 target CDKN1A knocked out in RPE1: CCNB1", "CDKN1A knockout RPE1: CCNB1"),
    ],
)
def test_labels_slips_and_descriptions_are_read_as_they_are_meant(read, text, reads):
    assert short(read(text)) == reads


@pytest.mark.parametrize(
    ("text", "perturbed", "name"),
    [
        ("ERK1/2 knockdown RPE1: DUSP6", ("MAPK3", "MAPK1"), "ERK1/2"),
        ("STAT5 knockout K562: CISH", ("STAT5A", "STAT5B"), "STAT5"),
        ("Polycomb repressive complex 2 loss in K562", ("EZH2", "EED", "SUZ12"), "PRC2"),
        ("knock out the eIF2B complex in K562", tuple(f"EIF2B{i}" for i in range(1, 6)), "eIF2B"),
    ],
)
def test_a_complex_or_family_is_perturbed_through_its_members_and_told(read, text, perturbed, name):
    question = read(text)
    assert question.perturbation.genes == perturbed
    assert question.perturbation.named[0].startswith(name)
    assert any("is perturbed through" in note for note in question.assumptions)


def test_a_named_set_is_read_out_by_its_members_unless_it_only_describes_them(read):
    question = read("KEAP1 knockout in HepG2: NRF2 targets?")
    assert [one.name for one in question.readout_sets] == ["NRF2 targets"]
    assert {"NQO1", "HMOX1"} <= set(question.readouts)
    described = read("TFEB activation RPE1: lysosomal genes CTSD and LAMP1")
    assert described.readouts == ("CTSD", "LAMP1")
    assert described.readout_sets == ()


def test_a_factor_without_a_list_of_its_own_has_the_targets_of_the_graph(read, knowledge):
    question = read("HNF1A loss in HepG2: what happens to FOXA2 targets?")
    relations = knowledge.graph.out_relations("FOXA2")
    assert question.readouts
    assert set(question.readouts) <= {one.target for one in relations if one.expression}


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("loss of p53 in RPE1, what about p21", "TP53 knockout RPE1: CDKN1A"),
        ("knock out p21 in RPE1: CCNB1?", "CDKN1A knockout RPE1: CCNB1"),
    ],
)
def test_an_ambiguous_name_is_settled_by_the_genes_beside_it_and_told(read, text, reads):
    question = read(text)
    assert short(question) == reads
    assert any(
        note.startswith("p21 read as CDKN1A, which is linked to") for note in question.assumptions
    )
    with pytest.raises(QuestionError, match="'TAZ' may mean WWTR1 or TAFAZZIN"):
        read("TAZ knockout in RPE1")


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("TP53-null RPE1, MDM2 knockdown: CDKN1A", "MDM2 knockdown RPE1 without TP53: CDKN1A"),
        ("HSPA5 knockdown in ATF4 knockout K562", "HSPA5 knockdown K562 without ATF4"),
        (
            "In the absence of NRF2, what does KEAP1 loss do to NQO1 in HepG2",
            "KEAP1 knockout HepG2 without NFE2L2: NQO1",
        ),
        ("overexpress MYC in TP53-null RPE1", "MYC activation RPE1 without TP53"),
        ("ATF4-/- HSPA5-/- K562 DDIT3", "ATF4+HSPA5 knockout K562: DDIT3"),
        ("KEAP1 NFE2L2 double knockout in HepG2: NQO1?", "KEAP1+NFE2L2 knockout HepG2: NQO1"),
    ],
)
def test_what_the_cells_lack_already_is_a_background(read, text, reads):
    assert short(read(text)) == reads


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        (
            "Which is worse for K562, losing RPL5 or RPL11?",
            "RPL5 knockout K562 | RPL11 knockout K562",
        ),
        ("does EED loss phenocopy EZH2 loss in K562?", "EED knockout K562 | EZH2 knockout K562"),
        ("HSPA5 knockdown vs knockout in K562", "HSPA5 knockdown K562 | HSPA5 knockout K562"),
        (
            "p53 wild-type vs p53 null RPE1, MDM2 loss",
            "MDM2 knockout RPE1 | MDM2 knockout RPE1 without TP53",
        ),
        ("HSPA5 KO in K562 and HepG2", "HSPA5 knockout K562 | HSPA5 knockout HepG2"),
    ],
)
def test_the_sides_of_a_comparison_are_kept_apart(read, text, reads):
    assert short(read(text)) == f"compare {reads}"


@pytest.mark.parametrize(
    ("text", "direction", "top", "asks"),
    [
        ("Knockdown of PSMD14 in RPE1 - which genes go up?", "up", None, "which_genes"),
        ("top 10 genes going down when HNF4A is lost in HepG2", "down", 10, "which_genes"),
        ("list the 5 most induced genes after TSC2 loss in HepG2", "up", 5, "which_genes"),
        ("Which genes does ATF4 knockdown lower in K562?", "down", None, "which_genes"),
        ("name genes repressed by BCL11A in K562", "up", None, "which_genes"),
        ("how many genes change when PSMB5 is lost in RPE1", None, None, "how_many"),
        ("Knock down HSPA5 in K562", None, None, "what_happens"),
    ],
)
def test_qualifiers_are_kept(read, text, direction, top, asks):
    question = read(text)
    assert (question.direction, question.top, question.asks) == (direction, top, asks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Knock out HSPA5 in K562: frobnicate", "'frobnicate' was not understood; without it"),
        ("Knock out HSPA5 in K562: DDIT3 FOOBAR", "'FOOBAR' is no gene"),
        ("¿Qué pasa con CDKN1A si se elimina MDM2 en RPE1?", "Spanish"),
        ("Qu'est-ce qui se passe si on supprime le gène HSPA5?", "French"),
        ("Wie verändert sich CDKN1A nach MDM2-Knockout in RPE1?", "German"),
        ("Cosa succede a DDIT3 se si elimina HSPA5 in K562?", "Italian"),
        ("在K562中敲除HSPA5后DDIT3会怎样？", "Chinese"),
        ("Что будет с DDIT3 если нокаутировать HSPA5 в K562?", "Russian"),
        (
            "RELA knockout in RPE1 with poly(I:C): NFKBIA?",
            r"poly\(I:C\) are not handled.*Knock out RELA in RPE1: what happens to NFKBIA",
        ),
        ("What is the effect of mitochondrial stress on K562?", "stress are not handled"),
        ("Which knockouts raise CXCL8 in RPE1 after TNF?", "TNF are not handled"),
        ("KEAP1 loss in A549: NQO1", "`--cell-line RPE1`.*no working KEAP1"),
        ("Which knockouts raise IRF1 in THP-1?", "express --context papalexi"),
        ("POU5F1 knockout in HUVEC: NANOG", "none is near enough"),
        ("non-targeting in K562: DDIT3?", "control that perturbs no gene"),
        ("Knock out 2-Sep in K562", "date that a spreadsheet made.*SEPTIN2"),
        ("What about HMOX1?", "follows on another question.*--continue"),
        ("What is HSPA5?", "not what changing it does"),
        ("restore TP53 in K562: CDKN1A", "Rescue experiments"),
    ],
)
def test_what_cannot_be_read_stops_with_what_can_be_asked(read, text, message):
    with pytest.raises(QuestionError, match=message) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_a_given_line_stands_in_for_another_only_when_told(read):
    question = read("KEAP1 loss in A549: NQO1", cell_line="RPE1")
    assert question.perturbation.cell_line == "RPE1"
    assert "borrowed from it; mind that A549 has no working KEAP1" in question.assumptions[0]


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("What about HMOX1?", "KEAP1 knockout HepG2: HMOX1"),
        ("and in RPE1?", "KEAP1 knockout RPE1: NQO1"),
        ("why not p53?", "why KEAP1 knockout HepG2: TP53"),
        ("and if I overexpress it?", "KEAP1 activation HepG2: NQO1"),
        ("what about NFE2L2 knockdown?", "NFE2L2 knockdown HepG2: NQO1"),
        ("and which genes go down?", "KEAP1 knockout HepG2"),
        ("Knock out HSPA5 in K562: DDIT3?", "HSPA5 knockout K562: DDIT3"),
    ],
)
def test_a_question_may_follow_on_another(read, text, reads):
    assert short(read(text, before=read("Knock out KEAP1 in HepG2: NQO1?"))) == reads


def test_planning_is_understood_and_says_what_can_be_asked(read):
    question = read("Which cell line should I use for a UPR screen?")
    assert "planning an experiment" in trouble(question)


def test_reading_is_quick(read):
    texts = [text for text, _ in EXAMPLES]
    for text in texts:
        read(text)
    begun = time.process_time()
    for text in texts:
        read(text)
    assert (time.process_time() - begun) / len(texts) < 0.02


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("RELA knockout in RPE1 with TNF: CXCL8?", "RELA knockout RPE1 under TNF: CXCL8"),
        ("TNF stimulated RPE1: NFKBIA?", "IKBKB activation RPE1 under TNF: NFKBIA"),
        ("What is the effect of hypoxia on K562?", "EGLN1 knockout K562 under hypoxia"),
        ("ER stress in HepG2: DDIT3?", "HSPA5 knockdown HepG2 under ER stress: DDIT3"),
        (
            "heat shocked K562, HSF1 knockdown: HSPA1A",
            "HSF1 knockdown K562 under heat shock: HSPA1A",
        ),
    ],
)
def test_a_stimulus_that_the_pathways_know_is_kept_and_told_to_be_a_hypothesis(read, text, reads):
    question = read(text)
    assert short(question) == reads
    assert any("without a calibrated number" in note for note in question.assumptions)
    assert short(read(as_words(question))) == reads


def test_a_line_near_enough_by_expression_answers_as_borrowed_and_says_so(read):
    question = read("NOTCH1 knockdown in MOLT-4: HES1")
    assert short(question) == "NOTCH1 knockdown Jurkat as MOLT-4: HES1"
    assert "r = 0.92" in question.assumptions[0]
    given = read("NQO1 after CUL3 loss in A549", cell_line="RPE1")
    assert given.perturbation.lesions == ("KEAP1", "CDKN2A", "STK11")


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        ("HSPA5 knockdown in K562: are there candidates?", "What 'candidates' asks"),
        ("knock out TP53 and activate MDM2 in RPE1: CDKN1A", "mixes kinds of perturbation"),
        ("re-express GATA1 in GATA1 knockout K562: HBB", "Rescue experiments"),
        ("CTNNB1 S33Y mutant in HepG2: AXIN2", "Point mutations such as 'S33Y'"),
    ],
)
def test_a_reading_that_leaves_something_out_is_refused(read, text, stops):
    with pytest.raises(QuestionError, match=stops):
        read(text)
