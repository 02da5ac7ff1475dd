"""Replies of a server whose model babbles: each part of the protocol right, odd, or nonsense."""

import json
import random

GENES = ("TP53", "MDM2", "CDKN1A", "up", "down", "yes", "no", "NOGENE", "", "verified")
NUMBERS = (0, 1, -1, 7, 0.5, 2**80, 1e308, -1e308, 800, float("nan"), float("inf"), None, "9", True)


class Babble:
    """Makes up bodies of `POST /chat/completions`; the same seed says the same."""

    def __init__(self, seed):
        self.dice = random.Random(seed)

    def body(self, good="{}", tool="regulators"):
        """Return a body as text; `good` is what a sensible model would have said."""
        dice = self.dice
        if dice.random() < 0.1:
            return dice.choice(
                ["", "null", "[]", "{", "[" * 200_000, '{"a":' * 200_000, "<html></html>", "\x00",
                 'data: {"choices": [', "data: [DONE]\n\n", '"text"', json.dumps({"error": None})]
            )  # fmt: skip
        message = {"role": "assistant", "content": self.content(good)}
        if dice.random() < 0.4:
            message["tool_calls"] = self.calls(tool)
        if dice.random() < 0.1:
            message["function_call"] = self.call(tool).get("function")
        choice = {"index": 0, "message": message, "finish_reason": self.any_of("stop", "length", 3)}
        if dice.random() < 0.6:
            choice["logprobs"] = self.logprobs()
        whole = {"choices": dice.choice([[choice], [choice], [choice], [], None, choice])}
        if dice.random() < 0.8:
            number = dice.choice
            whole["usage"] = {
                "prompt_tokens": number(NUMBERS),
                "completion_tokens": number(NUMBERS),
                "prompt_tokens_details": number([None, {"cached_tokens": number(NUMBERS)}, 5, []]),
            }
        return json.dumps(whole)

    def any_of(self, *values):
        return self.dice.choice([*values, None])

    def content(self, good):
        words = " ".join(self.dice.choices(GENES, k=6))
        return self.dice.choice(
            [
                good,
                f"```json\n{good}\n```",
                f"<think>{words} {good}</think>{good}",
                f"<think>{good}",
                f"{words}</think>{good}",
                f"{words} {good} {words}",
                good.replace('"', "'"),
                good[: len(good) // 2],
                f"[{good}]",
                json.dumps(good),
                words,
                "[" * 200_000,
                "{" * 200_000 + "}" * 200_000,
                '{"a": ' * 50_000,
                "<think>" * 20_000,
                "```" * 20_000,
                "\ud800",
                None,
                5,
                [{"type": "text", "text": good}],
                [{"type": "text", "text": 3}, None, "x", [good]],
                {"text": good},
                {},
            ]
        )

    def call(self, tool):
        arguments = self.dice.choice(
            ['{"gene": "TP53"}', {"gene": "TP53"}, json.dumps('{"gene": "TP53"}'), "{", "", None, 3,
             [], "[" * 200_000, {"gene": {"gene": []}}, {"gene": 2**80}, '{"gene": NaN}']
        )  # fmt: skip
        name = self.dice.choice([tool, tool, "delete_everything", "", None, 3])
        return {"id": self.any_of("c1", 3), "function": {"name": name, "arguments": arguments}}

    def calls(self, tool):
        several = [self.call(tool) for _ in range(self.dice.randint(0, 4))]
        return self.dice.choice([several, several, None, [], {}, "calls", [None], self.call(tool)])

    def token(self):
        token = self.any_of("yes", "no", " up", 3)
        return {"token": token, "logprob": self.dice.choice(NUMBERS)}

    def logprobs(self):
        listed = [
            {**self.token(), "top_logprobs": [self.token() for _ in range(4)]} for _ in range(2)
        ]
        odd = [{}, None, 3, {"content": []}, {"content": None}, {"content": [{"token": "yes"}]}]
        return self.dice.choice([{"content": listed}, {"content": listed}, *odd])
