"""A language model that says anything at all: right forms, wrong forms, prose, calls, failures."""

import json
import random

from agent.llm.chat import Reply, ToolCall
from agent.llm.errors import LLMError, UnreachableError

GENES = ("TP53", "MDM2", "CDKN1A", "MYC", "HSPA5", "p53", "NOGENE", "MDM2-MDM4 complex", "", "K562")
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
            return dice.choice(["", "{", "null", "[]", '{"steps": 3}', self._words()])
        return json.dumps(self._filled(schema.model_json_schema(), schema.model_json_schema()))

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
        return self._random.choice([json.dumps({key: good[key] for key in keys}), "{", "3", ""])

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
