import pytest

from knowledge.expression import BaselineExpression
from knowledge.gene_sets import GeneSet, GeneSets

WIDE = GeneSet(id="r:1", name="p53", kind="pathway", source="R", members=("TP53", "MDM2", "ATM"))
NARROW = GeneSet(id="c:1", name="pair", kind="complex", source="C", members=("TP53", "MDM2"))


def test_the_sets_of_a_gene_come_most_specific_first():
    sets = GeneSets([WIDE, NARROW])
    assert sets.containing("TP53") == (NARROW, WIDE)
    assert sets.containing("ATM") == (WIDE,)
    assert sets.containing("NOBODY") == ()


def test_a_set_is_found_by_its_id():
    sets = GeneSets([WIDE, NARROW])
    assert sets.get("r:1") is WIDE
    assert len(sets) == len(list(sets)) == 2
    with pytest.raises(KeyError):
        sets.get("r:2")


def test_expression_is_unknown_where_it_was_not_measured():
    expression = BaselineExpression({"K562": {"GATA1": 6.0, "ALB": 0.2}})
    assert expression.value("GATA1", "K562") == 6.0
    assert expression.expressed("GATA1", "K562") is True
    assert expression.expressed("ALB", "K562") is False
    assert expression.expressed("NOBODY", "K562") is None
    assert expression.expressed("GATA1", "HepG2") is None
    assert expression.cell_lines == ("K562",)
