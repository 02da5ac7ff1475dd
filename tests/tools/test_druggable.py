"""Drugs beside searches of perturbations, and what a knockdown says of a drug."""

from knowledge.drugs import Drugs, given
from knowledge.schema import Perturbation
from tools.druggable import drug_facts, inferred_from, knockdown_of, relatives, with_drugs

DRUGS = Drugs.opened()


def test_what_stands_in_for_a_drug_is_the_knockdown_of_what_it_takes_away():
    arsenite = given(("arsenite",), DRUGS, "K562")
    assert arsenite.raised == ("EIF2AK1", "HSF1")
    assert knockdown_of(arsenite).genes == ("KEAP1",)
    agonist = given(("dexamethasone",), DRUGS, "HepG2")
    assert inferred_from(agonist) == "inferred from the activation of NR3C1"
    own = Perturbation(genes=("MYC",), cell_line="K562")
    assert knockdown_of(own) is own


def test_a_search_keeps_what_a_drug_does_by_the_sign_of_its_target():
    rows = [
        {"perturbation": "MDM2", "kind": "knockdown"},
        {"perturbation": "MRPL45", "kind": "knockdown"},
        {"perturbation": "NR3C1", "kind": "activation"},
        {"perturbation": "PSMB5", "kind": "activation"},
    ]
    shown = [{"Perturbed": row["perturbation"]} for row in rows]
    kept, told, dumped = with_drugs(DRUGS, rows, shown, {"rows": rows, "cell_line": "K562"}, 5)
    assert [row["perturbation"] for row in kept] == ["MDM2", "NR3C1"]
    assert "idasanutlin" in told[0]["Drugs"]
    assert dumped["cell_line"] == "K562"
    assert "budesonide" in dumped["rows"][1]["drugs"]


def test_a_drug_is_told_with_its_targets_or_its_process_and_with_its_relatives():
    (fact, *_) = drug_facts(DRUGS.find("jq1"))
    assert fact.statement == "JQ1 inhibits BRD4"
    assert fact.sign == -1
    (process,) = drug_facts(DRUGS.find("cisplatin"))
    assert "adducts" in process.statement
    assert "carfilzomib" in relatives(DRUGS.find("bortezomib"), DRUGS)
