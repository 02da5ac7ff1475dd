"""Make a language model that knows nothing: a random-weight Qwen3 with its own tokenizer.

python tiny_model.py FOLDER STARTER_PACK    (in an environment with transformers and tokenizers)

It is for the tests: whatever it says is noise of the right form.
"""

import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

END = "<|im_end|>"
SPECIAL = ["<|endoftext|>", "<|im_start|>", END, "<think>", "</think>"]
ANSWERS = "yes no up down unchanged true false gene_knockout activates inhibits"
# ChatML with tools and thoughts, the way Qwen3 writes it: who must not think has thought nothing.
TEMPLATE = """\
{%- if tools %}
{{- '<|im_start|>system\\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
{{- '# Tools\\n\\nCall them with <tool_call>{"name": ..., "arguments": ...}</tool_call>.\\n' }}
{%- for tool in tools %}{{- tool | tojson + '\\n' }}{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'system' and tools and loop.first %}{%- continue %}{%- endif %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.role == 'assistant' and loop.last %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{{- message.content or '' }}
{%- for call in message.tool_calls or [] %}
{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments if call.function.arguments is string
    else call.function.arguments | tojson }}
{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and not enable_thinking %}
{{- '<think>\\n\\n</think>\\n\\n' }}
{%- endif %}
{%- endif %}
"""


def words(pack: Path) -> list[str]:
    """Return lines of the starter pack, and the words that prompts and answers are made of."""
    lines = [line for file in sorted(pack.rglob("*.yaml")) for line in file.read_text().split("\n")]
    return [*lines, *[ANSWERS] * 50, *[json.dumps({"a": [1, 2.5], "b": None})] * 20]


def tokenizer(pack: Path) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE: any text can be written with it, our words briefly."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=3072,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(words(pack), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=END, pad_token=SPECIAL[0], model_max_length=32_768
    )
    fast.chat_template = TEMPLATE
    return fast


def main(folder: Path, pack: Path) -> None:
    """Write the model and its tokenizer into `folder`."""
    words_to_tokens = tokenizer(pack)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(words_to_tokens),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=words_to_tokens.eos_token_id,
        pad_token_id=words_to_tokens.pad_token_id,
        dtype="bfloat16",
    )
    model = Qwen3ForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    words_to_tokens.save_pretrained(folder)
    print(f"{folder}: {model.num_parameters():,} parameters, {len(words_to_tokens):,} tokens")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
