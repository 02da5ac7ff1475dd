"""A model's folder says how it is served: who writes calls how, how much it reads, in what numbers.

Configurations and templates are cut down from what the models' cards and repositories publish.
"""

import json
import shlex

import pytest
from typer.testing import CliRunner

from agent.llm.errors import LLMError
from agent.llm.model_folder import read_folder
from agent.llm.presets import family_of
from app.cli import app

TOOLS = "{%- if tools %}{{ tools | tojson }}{%- endif %}"
BEGIN = "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n"
CHATML = BEGIN + "' }}{%- endif %}"
HERMES = TOOLS + '<tool_call>{"name": <function-name>, "arguments": <args-json-object>}</tool_call>'
TAGS = TOOLS + "<tool_call><function=example_name><parameter=one>"
MAY_THINK = BEGIN + "' }}{%- if not enable_thinking %}{{ '<think>\\n\\n</think>' }}{%- endif %}"
# What a reader of thoughts in older turns looks for is no thought of the model's own.
EARLIER = "{%- if '</think>' in content %}{{ content.split('<think>')[0] }}{%- endif %}"
LLAMA = TOOLS + '{"name": function name, "parameters": dictionary}{{ "<|python_tag|>" }}'
MISTRAL = "[AVAILABLE_TOOLS]{{ tools }}[/AVAILABLE_TOOLS][TOOL_CALLS]"
HARMONY = TOOLS + "<|start|>assistant<|channel|>commentary to=functions.one<|message|>"
GEMMA = "<start_of_turn>{{ role }}\n{{ content }}<end_of_turn>"
BF16, FP32 = {"torch_dtype": "bfloat16"}, {"dtype": "float32"}
LONG = {"max_position_embeddings": 131_072}

FAMILIES = {
    "Qwen2.5-7B-Instruct": (
        {"model_type": "qwen2", "max_position_embeddings": 32_768} | BF16,
        HERMES + CHATML,
        ("hermes", "", False, 16_384),
    ),
    "Qwen3-8B": (
        {"model_type": "qwen3", "max_position_embeddings": 40_960} | BF16,
        HERMES + EARLIER + MAY_THINK,
        ("hermes", "qwen3", False, 16_384),
    ),
    "Qwen3-4B-Instruct-2507": (
        {"model_type": "qwen3", "max_position_embeddings": 262_144} | BF16,
        HERMES + EARLIER + CHATML,
        ("hermes", "", False, 16_384),
    ),
    "Qwen3-4B-Thinking-2507": (
        {"model_type": "qwen3", "max_position_embeddings": 262_144} | BF16,
        HERMES + EARLIER + BEGIN + "<think>\\n' }}",
        ("hermes", "qwen3", True, 16_384),
    ),
    "Qwen3-Coder-30B-A3B-Instruct": (
        {"model_type": "qwen3_moe", "max_position_embeddings": 262_144} | BF16,
        TAGS + CHATML,
        ("qwen3_xml", "", False, 16_384),
    ),
    "gpt-oss-20b": (
        {"model_type": "gpt_oss", "quantization_config": {"quant_method": "mxfp4"}} | LONG,
        HARMONY,
        ("openai", "openai_gptoss", True, 16_384),
    ),
    "gemma-3-27b-it": (
        {"model_type": "gemma3", "text_config": {"hidden_size": 5376}} | BF16,
        GEMMA,
        ("", "", False, 16_384),
    ),
    "gemma-3-1b-it": (
        {"model_type": "gemma3_text", "max_position_embeddings": 32_768} | BF16,
        GEMMA,
        ("", "", False, 16_384),
    ),
    "medgemma-27b-text-it": (
        {"model_type": "gemma3_text", "rope_scaling": {"factor": 8.0, "rope_type": "linear"}}
        | LONG,
        GEMMA,
        ("", "", False, 16_384),
    ),
    "Llama-3.1-8B-Instruct": (
        {"model_type": "llama", "rope_scaling": {"factor": 8.0, "rope_type": "llama3"}}
        | LONG
        | BF16,
        LLAMA,
        ("llama3_json", "", False, 16_384),
    ),
    "Mistral-Small-3.2-24B-Instruct-2506": (
        {"model_type": "mistral3", "text_config": LONG} | BF16,
        MISTRAL,
        ("mistral", "", False, 16_384),
    ),
    "SmolLM2-135M-Instruct": (
        {"model_type": "llama", "max_position_embeddings": 8192} | BF16,
        CHATML,
        ("", "", False, 8192),
    ),
    "SmolLM3-3B": (
        {"model_type": "smollm3", "max_position_embeddings": 65_536} | BF16,
        HERMES + MAY_THINK,
        ("hermes", "", False, 16_384),
    ),
    "Hermes-3-Llama-3.1-8B": (
        {"model_type": "llama"} | LONG | BF16,
        HERMES + CHATML,
        ("hermes", "", False, 16_384),
    ),
    "TinyLlama-1.1B-Chat-v1.0": (
        {"model_type": "llama", "max_position_embeddings": 2048} | BF16,
        "<|user|>\n{{ content }}",
        ("", "", False, 2048),
    ),
}


@pytest.fixture
def folder(tmp_path):
    """Write a model's folder under a name."""

    def write(config, template="", name="my-weights", file="chat_template.jinja"):
        made = tmp_path / name
        made.mkdir(exist_ok=True)
        (made / "config.json").write_text(json.dumps(config))
        if template:
            text = template if file.endswith("jinja") else json.dumps({"chat_template": template})
            (made / file).write_text(text)
        return made

    return write


def served(made, *words):
    """The command line that would serve a folder, or what was said instead."""
    done = CliRunner().invoke(app, ["serve", str(made), "--dry-run", *words])
    return shlex.split(done.stdout) if done.exit_code == 0 else done.stderr


def flag(words, name):
    return words[words.index(name) + 1] if name in words else ""


@pytest.mark.parametrize("model", FAMILIES)
@pytest.mark.parametrize("named", [True, False], ids=["named", "renamed"])
def test_a_folder_is_served_with_the_parsers_and_the_context_of_its_family(folder, model, named):
    config, template, (tools, thoughts, thinks, context) = FAMILIES[model]
    if named:
        made = folder(config, template, name=model)
    else:
        made = folder(config, template, file="tokenizer_config.json")
    words = served(made)
    assert flag(words, "--tool-call-parser") == tools
    assert flag(words, "--reasoning-parser") == thoughts
    assert flag(words, "--max-model-len") == str(context)
    family = family_of(str(made))
    assert (family is not None and family.thinks) == thinks


@pytest.mark.parametrize(
    ("model_type", "parser"),
    [("qwen2", "hermes"), ("qwen3", "hermes"), ("mistral", "mistral"), ("granite", "granite"),
     ("llama", ""), ("unheard-of", "")],
)  # fmt: skip
def test_without_a_template_the_type_of_the_model_says_who_reads_its_calls(
    folder, model_type, parser
):
    family = family_of(str(folder({"model_type": model_type})))
    assert (family.tool_parser if family else "") == parser


def test_a_family_that_writes_calls_is_served_without_them_if_its_template_names_no_tools(folder):
    assert "--enable-auto-tool-choice" not in served(folder({"model_type": "qwen2"}, CHATML))


@pytest.mark.parametrize(
    ("config", "cpu", "native", "wanted"),
    [
        (BF16, True, True, "bfloat16"),
        (BF16, True, False, "float32"),
        ({"torch_dtype": "float16"}, True, True, "bfloat16"),
        (FP32, True, True, "bfloat16"),
        (BF16, False, True, "auto"),
        (BF16, False, False, "auto"),
        ({"quantization_config": {"quant_method": "awq"}} | BF16, True, True, "auto"),
    ],
)
def test_on_a_cpu_weights_are_worked_with_in_the_numbers_it_is_fast_at(
    folder, monkeypatch, config, cpu, native, wanted
):
    monkeypatch.setattr("agent.llm.serving.computes_bfloat16", lambda: native)
    words = served(folder({"model_type": "llama"} | config), *["--cpu"] * cpu)
    assert flag(words, "--dtype") == wanted


def test_more_than_a_model_reads_is_refused_before_it_starts(folder):
    made = folder({"model_type": "llama", "max_position_embeddings": 8192}, name="small")
    assert flag(served(made, "--context-length", "4096"), "--max-model-len") == "4096"
    assert "small reads 8,192 tokens; leave out `--context-length`" in served(
        made, "--context-length", "9000"
    )


def test_a_stretched_context_counts_as_vllm_counts_it(folder):
    read = {
        kind: read_folder(
            folder(
                {"max_position_embeddings": 4096, "rope_scaling": {"type": kind, "factor": 2.0}},
                name=kind,
            )
        ).context_length
        for kind in ("linear", "dynamic", "yarn", "llama3")
    }
    assert read == {"linear": 8192, "dynamic": 8192, "yarn": 4096, "llama3": 4096}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "holds no config.json, so no model can be served from it; name the folder"),
        ({"model.gguf": ""}, "(a GGUF file is to be unpacked to safetensors first)"),
        ({"config.json": "{"}, "config.json cannot be read"),
        ({"config.json": "[]"}, "config.json cannot be read"),
        ({"config.json": '{"max_position_embeddings": "many"}'}, "config.json cannot be read"),
        ({"config.json": "{}", "tokenizer_config.json": "{"}, "tokenizer_config.json cannot be"),
    ],
)
def test_a_folder_that_cannot_be_served_is_one_sentence(tmp_path, files, told):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(LLMError) as caught:
        read_folder(tmp_path)
    assert told in str(caught.value)
    assert told in " ".join(served(tmp_path).split())


def test_mistrals_own_layout_is_known(tmp_path):
    (tmp_path / "params.json").write_text("{}")
    (tmp_path / "tekken.json").write_text("{}")
    assert flag(served(tmp_path), "--tool-call-parser") == "mistral"
