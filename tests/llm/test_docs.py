"""docs/llm.md says what is so."""

from pathlib import Path

from agent.llm.presets import presets
from agent.settings import LLMSettings
from agent.strategies import STRATEGIES

LINES = (Path(__file__).parents[2] / "docs" / "llm.md").read_text(encoding="utf-8").splitlines()


def rows(start):
    """The cells of every table row that begins with `start`."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in LINES
        if line.startswith(f"| {start}")
    ]


def test_the_presets_are_those_there_are():
    documented = {cells[0].strip("`"): cells for cells in rows("`")}
    assert list(documented) == list(presets())
    for name, preset in presets().items():
        weights = f"{preset.weights_gb:g} GB"
        assert documented[name][1:5] == [preset.model, weights, preset.gpus, preset.licence]
        assert preset.note in documented[name][5]
        assert preset.gated == ("ask for access" in documented[name][5])


def test_the_settings_are_those_there_are_with_their_defaults():
    documented = {cells[0]: cells[1] for cells in rows("KNOCKWISE_LLM__")}
    fields = LLMSettings.model_fields
    assert list(documented) == [f"KNOCKWISE_LLM__{name.upper()}" for name in fields]
    for name, field in fields.items():
        told = documented[f"KNOCKWISE_LLM__{name.upper()}"]
        if isinstance(field.default, bool):
            assert told == str(field.default).lower()
        elif isinstance(field.default, float | int):
            assert told == f"{field.default:g}"
        elif isinstance(field.default, str):
            assert told == field.default


def test_the_strategies_are_those_there_are():
    begin = LINES.index("| Strategy | What the model is shown and asked |") + 2
    assert tuple(line.split("|")[1].strip() for line in LINES[begin:][: len(STRATEGIES)]) == tuple(
        STRATEGIES
    )
    assert not LINES[begin + len(STRATEGIES)]
