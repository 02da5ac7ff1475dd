from knowledge.schema import Perturbation


def experiment(call, gene="MDM2", cell_line="RPE1", **more):
    return call("analogous_experiments", gene=gene, readout="p21", cell_line=cell_line, **more)


def test_the_measured_row_comes_first_and_related_ones_are_contrasted(call):
    lines = experiment(call).content.splitlines()
    assert "[obs:MDM2>CDKN1A:RPE1] Knocking down MDM2 in RPE1 moved CDKN1A up" in lines[0]
    changed = lines.index("Related experiments that changed CDKN1A:")
    unchanged = lines.index("Related experiments that did not change CDKN1A:")
    assert "MDM4 resembles MDM2 (shared domains)" in lines[changed + 1]
    assert "did not change when ATF4" in lines[unchanged + 1]


def test_the_same_gene_in_another_line_is_not_said_to_resemble_itself(call):
    assert (
        "MDM2 was knocked down in HepG2; the same gene in another line" in experiment(call).content
    )


def test_what_was_not_measured_is_said_to_be_so(call):
    result = experiment(call, cell_line="K562", k=1)
    assert result.content.startswith("MDM2 > CDKN1A in K562: not measured.")
    assert [fact.sign for fact in result.evidence] == [1, 0]


def test_measurements_are_of_kind_measured(call):
    assert {fact.kind for fact in experiment(call).evidence} == {"measured"}


def test_a_screen_of_single_knockdowns_answers_for_nothing_else(told_predictor):
    def row(genes, kind):
        wanted = Perturbation(genes=genes, kind=kind, cell_line="RPE1")
        return told_predictor.measured(wanted, "CDKN1A")

    assert row(("MDM2",), "knockout") is not None
    assert row(("MDM2",), "activation") is None
    assert row(("MDM2", "MDM4"), "knockout") is None
