from tools.memberships import membership_facts, programme_facts


def ids(facts):
    return [fact.id for fact in facts]


def test_each_kind_of_set_has_its_turn(p53_knowledge):
    assert ids(membership_facts(p53_knowledge, "TP53", 4)) == [
        "set:starter:p53:TP53",
        "set:R-1:TP53",
        "set:C-1:TP53",
        "go:GO:2:TP53",
    ]


def test_a_set_of_the_same_genes_is_listed_once_and_a_huge_one_never(p53_knowledge):
    found = ids(membership_facts(p53_knowledge, "TP53", 20))
    assert len({"set:R-1:TP53", "set:R-2:TP53"} & set(found)) == 1
    assert "set:R-4:TP53" not in found
    assert found[-1] == "set:R-3:TP53"


def test_a_place_in_the_cell_is_no_membership(p53_knowledge):
    assert "go:GO:3:TP53" not in ids(membership_facts(p53_knowledge, "TP53", 20))


def test_sets_shared_with_other_genes_come_first(call):
    first = call("memberships", gene="TP53", together_with=["p21"], k=2)
    assert [fact.id for fact in first.evidence] == ["set:starter:p53:TP53", "go:GO:2:TP53"]


def test_only_the_wanted_kind_is_listed(call):
    result = call("memberships", gene="TP53", kind="complex")
    assert [fact.id for fact in result.evidence] == ["set:C-1:TP53"]
    assert "No set" in call("memberships", gene="ATF4").content


def test_a_membership_is_an_annotation_that_names_its_source(p53_knowledge):
    fact = membership_facts(p53_knowledge, "TP53", 2)[1]
    assert (fact.kind, fact.source, fact.reference) == ("annotation", "Reactome", "R-HSA-1")
    assert fact.statement == "TP53 belongs to the pathway Stabilisation of p53 (6 genes)"
    assert 0.5 < fact.weight < 1


def test_the_members_of_a_set_are_listed_by_its_id(call):
    assert call("set_members", set_id="C-1").content.endswith("2 genes: TP53, MDM2")
    assert "400" not in call("set_members", set_id="R-4").content
    assert "and 341 more" in call("set_members", set_id="R-4").content
    assert call("set_members", set_id="R-9").is_error


def test_a_term_holds_the_genes_of_the_terms_below_it(call):
    assert (
        "5 genes: ATM, CDKN1A, CHEK2, GADD45A, TP53" in call("set_members", set_id="GO:1").content
    )


def test_the_starter_pack_places_flcn(ask_starter):
    assert "mTORC1" in ask_starter("memberships", gene="FLCN").content


def test_the_programme_that_holds_most_of_the_question_comes_first(starter):
    genes = ("HSPA5", "DDIT3", "HERPUD1")
    first = programme_facts(starter, genes, 1, of=("HSPA5",))[0]
    assert first.id == "txt:programme:unfolded-protein-response"
    assert programme_facts(starter, ("DDIT3",), 5, of=("NOT_A_GENE",)) == []
