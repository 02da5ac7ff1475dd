"""A language model that says anything at all: right forms, wrong forms, prose, calls, failures."""

import json
import random

from agent.llm.chat import Reply, ToolCall, Usage
from agent.llm.errors import LLMError, UnreachableError

GENES = ("TP53", "MDM2", "CDKN1A", "MYC", "HSPA5", "p53", "NOGENE", "MDM2-MDM4 complex", "", "K562")
# 200,000 nested brackets end a parser that trusts.
ENDLESS = ("[" * 200_000, '{"steps": ' * 200_000, "<think>" * 1_000, "```" * 1_000)
TOOLS = ("gene", "neighbours", "paths", "predict_effects", "delete_everything", "")


class RandomModel:
    """A script for `ScriptedChat`; the same seed says the same."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        # Some models are mostly well-behaved, some never.
        self._manners = self._random.random()

    def __call__(self, messages, schema, options):
        dice = self._random
        if dice.random() < 0.03:
            return UnreachableError("the server went away")
        if dice.random() < 0.05:
            return LLMError("the server refuses")
        if options:
            return {option: dice.random() + 1e-9 for option in options}
        if schema is None:
            return self._calls() if dice.random() < 0.7 else self._words()
        if dice.random() > self._manners:
            return dice.choice(["", "{", "null", "[]", '{"steps": 3}', self._words(), *ENDLESS])
        filled = json.dumps(self._filled(schema.model_json_schema(), schema.model_json_schema()))
        return self._dressed(filled)

    def _dressed(self, filled: str) -> str | Reply:
        """Return what a model writes around its answer, and what it says that this has cost."""
        dice = self._random
        words = self._words()
        said = dice.choice(
            [
                *[filled] * 6,
                f"```json\n{filled}\n```",
                f"<think>{words}</think>{filled}",
                f"<think>{filled}",
                f"{words}\n{filled}\n{words}",
                f"{words}</think>{filled}",
                f'{{"answer": {filled}}}',
                f"[{filled}]",
                json.dumps(filled),
            ]
        )
        if dice.random() < 0.8:
            return said
        usage = Usage(requests=1, prompt=dice.choice([0, 1, 2**40]), completion=2**40)
        return Reply(content=said, finish=dice.choice(["stop", "length", ""]), usage=usage)

    def _words(self) -> str:
        return " ".join(self._random.choices([*GENES, "verified", "is", "up", "down"], k=8))

    def _calls(self) -> Reply:
        calls = tuple(
            ToolCall(id=f"c{i}", name=self._random.choice(TOOLS), arguments=self._arguments())
            for i in range(self._random.randint(1, 6))
        )
        return Reply(content="", tool_calls=calls, finish="tool_calls")

    def _arguments(self) -> str:
        gene = self._random.choice(GENES)
        good = {"gene": gene, "node": gene, "side": "downstream", "readout": "CDKN1A"}
        keys = self._random.sample(sorted(good), self._random.randint(0, 4))
        whole = json.dumps({key: good[key] for key in keys})
        return self._random.choice(
            [whole, whole, json.dumps(whole), "{", "3", "", "[" * 200_000, '{"gene": NaN}', "null",
             json.dumps({"gene": 2**80}), json.dumps({"gene": {"gene": []}})]
        )  # fmt: skip

    def _filled(self, part, whole):
        """Return a random value of the form that a JSON schema asks for."""
        dice = self._random
        if "$ref" in part:
            return self._filled(whole["$defs"][part["$ref"].rsplit("/", 1)[-1]], whole)
        if "enum" in part:
            return dice.choice(part["enum"])
        if "anyOf" in part:
            return self._filled(dice.choice(part["anyOf"]), whole)
        match part.get("type"):
            case "object":
                return {key: self._filled(one, whole) for key, one in part["properties"].items()}
            case "array":
                most = min(part.get("maxItems", 4), 6)
                n = dice.randint(part.get("minItems", 0), most)
                return [self._filled(part["items"], whole) for _ in range(n)]
            case "integer":
                inside = dice.randint(part.get("minimum", 0), part.get("maximum", 99))
                return dice.choice([1, 2, 3, 4, inside, inside, -7])
            case "string":
                return dice.choice([*GENES, self._words()])[: part.get("maxLength", 99)]
            case _:
                return None
