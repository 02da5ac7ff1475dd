def predict(call, *readouts, genes=("MDM2",), cell_line="RPE1", kind="knockout"):
    return call(
        "predict_effects",
        genes=list(genes),
        kind=kind,
        cell_line=cell_line,
        readouts=list(readouts),
    )


def test_a_prediction_carries_probabilities_and_intervals(call):
    result = predict(call, "p21")
    assert "CDKN1A goes up: P(changes) 0." in result.content
    assert result.content.count("[0.") == 2
    (fact,) = result.evidence
    assert (fact.kind, fact.genes, fact.sign) == ("model", ("MDM2", "CDKN1A"), 1)


def test_where_nothing_supports_a_prediction_there_is_none(call):
    result = predict(call, "ATF4", "MDM2")
    assert "ATF4: no prediction, because no screen read it" in result.content
    assert "MDM2: no prediction, because it is the perturbed gene itself" in result.content
    assert result.evidence == ()


def test_readouts_are_asked_about_once_under_their_approved_symbols(call):
    assert len(predict(call, "p21", "CDKN1A", "CIP1").content.splitlines()) == 1


def test_too_many_or_no_readouts_are_refused(call):
    assert predict(call).is_error
    assert predict(call, *["CDKN1A"] * 21).is_error
    assert predict(call, "CDKN1A", kind="poison").is_error
