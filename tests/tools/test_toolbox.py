import json

import pytest

from knowledge.errors import TextIndexError
from knowledge.schema import Frozen
from tools.base import Tool, Toolbox, ToolError, ToolOutput
from tools.toolbox import build_toolbox

NAMES = {
    "gene",
    "neighbours",
    "paths",
    "memberships",
    "set_members",
    "analogous_experiments",
    "predict_effects",
    "predict_expression",
    "predict_phenotypes",
    "gene_properties",
    "predict_drug",
    "predict_morphology",
    "search_text",
}


class EchoArgs(Frozen):
    """Say it back."""

    word: str
    times: int | None = None


def test_every_schema_is_strict(p53_knowledge, told_predictor, shelf):
    box = build_toolbox(p53_knowledge, told_predictor, shelf)
    assert set(box.names) == NAMES
    for schema in box.schemas:
        function = schema["function"]
        parameters = function["parameters"]
        assert function["strict"] is True
        assert len(function["description"]) > 40
        assert parameters["additionalProperties"] is False
        assert parameters["required"] == list(parameters["properties"])
        assert "$defs" not in parameters
        for field in parameters["properties"].values():
            assert field["description"]
            assert not {"default", "title"} & set(field)


def test_what_may_be_left_out_is_nullable_in_the_schema_and_optional_in_the_call():
    tool = Tool("echo", EchoArgs, lambda args: ToolOutput(text=args.word * (args.times or 1)))
    assert tool.schema["function"]["parameters"]["required"] == ["word", "times"]
    assert Toolbox([tool]).call("echo", '{"word": "a"}').content == "a"
    assert Toolbox([tool]).call("echo", '{"word": "a", "times": null}', "c1").call_id == "c1"


@pytest.mark.parametrize("arguments", ["", "{", "[]", "{}", '{"word": "a", "x": 1}'])
def test_bad_arguments_are_an_error_the_model_reads(arguments):
    box = Toolbox([Tool("echo", EchoArgs, lambda args: ToolOutput(text=args.word))])
    result = box.call("echo", arguments)
    assert result.is_error
    assert "Invalid arguments" in result.content


def test_an_unknown_tool_is_answered_with_the_known_ones(call):
    result = call("no_such_tool")
    assert result.is_error
    assert "predict_effects" in result.content


@pytest.mark.parametrize("error", [ToolError("Try again."), TextIndexError("Try again.")])
def test_failures_one_can_act_on_become_results(error):
    def fail(args):
        raise error

    result = Toolbox([Tool("echo", EchoArgs, fail)]).call("echo", '{"word": "a"}')
    assert (result.is_error, result.content, result.evidence) == (True, "Try again.", ())


def test_a_bug_is_not_hidden():
    def fail(args):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        Toolbox([Tool("echo", EchoArgs, fail)]).call("echo", '{"word": "a"}')


def test_two_tools_of_one_name_are_refused():
    tool = Tool("echo", EchoArgs, lambda args: ToolOutput(text=""))
    with pytest.raises(ValueError, match="twice"):
        Toolbox([tool, tool])


def test_without_an_index_there_is_no_text_search(p53_knowledge, told_predictor):
    assert "search_text" not in build_toolbox(p53_knowledge, told_predictor, None).names


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("gene", {"gene": "TP53", "cell_line": "K562"}),
        ("neighbours", {"node": "TP53", "side": "upstream"}),
        ("paths", {"gene": "MDM2", "readout": "CDKN1A"}),
        ("memberships", {"gene": "TP53"}),
        ("analogous_experiments", {"gene": "MDM2", "readout": "CDKN1A", "cell_line": "RPE1"}),
        (
            "predict_effects",
            {"genes": ["MDM2"], "kind": "knockout", "cell_line": "RPE1", "readouts": ["CDKN1A"]},
        ),
        ("search_text", {"query": "p53"}),
    ],
)
def test_every_id_in_the_text_is_evidence_of_the_result(call, name, arguments):
    result = call(name, **arguments)
    assert not result.is_error
    assert result.evidence
    ids = [fact.id for fact in result.evidence]
    assert len(ids) == len(set(ids))
    assert all(f"[{one}]" in result.content for one in ids)
    assert json.loads(result.model_dump_json())["evidence"][0]["id"] == ids[0]
