"""The probability of an answer, read off the token it begins with.

Parsing prose for it goes wrong in ways nobody sees ("Notch" begins with "no"); a server that must
answer with one of a few words gives the probability of each of its first tokens.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agent.llm.wire import Position

# vLLM writes -9999 for a token that the constraint rules out.
RULED_OUT = -1000.0
AROUND = " \t\r\n\"'`*.,:;!"


@dataclass(frozen=True)
class Masses:
    """Where the probability of one token went.

    Attributes:
        option: The probability of the tokens that can only mean that option.
        begun: The probability of each beginning that several options share.
    """

    option: dict[str, float]
    begun: dict[str, float] = field(default_factory=dict)


def check(options: Sequence[str]) -> None:
    """Refuse options that could not be told apart.

    Raises:
        ValueError: There are less than two, or one begins like another ends up.
    """
    words = sorted(option.casefold() for option in options)
    if len(words) < 2 or not words[0]:
        raise ValueError(f"{list(options)} leaves nothing to choose")
    for one, other in pairwise(words):
        if other.startswith(one):
            raise ValueError(f"the option {one!r} is how {other!r} begins")


def constrained(position: Position, options: Sequence[str], begun: str = "") -> Masses:
    """Return where the probability went if the server could write nothing but an option.

    An option can be spelled in several ways (`y`, `ye`, `yes`), all of which mean it.

    Args:
        position: The first token after `begun`, with its alternatives.
        options: The words to choose from.
        begun: What of the answer is written already.
    """
    found = Masses(dict.fromkeys(options, 0.0))
    for token, probability in _alternatives(position).items():
        spelled = begun + token
        meant = [option for option in options if option.startswith(spelled)]
        if len(meant) == 1:
            found.option[meant[0]] += probability
        elif meant and spelled != begun:
            found.begun[spelled] = probability
    return found


def free(position: Position, options: Sequence[str]) -> Masses:
    """Return where the probability went if the server could write anything: whole words count."""
    found = Masses(dict.fromkeys(options, 0.0))
    for token, probability in _alternatives(position).items():
        word = token.strip(AROUND).casefold()
        for option in options:
            if option.casefold() == word:
                found.option[option] += probability
    return found


def first(positions: Sequence[Position], content: str) -> Position | None:
    """Return where `content` begins among the tokens of a reply that was thought about first."""
    wanted, text = content.strip(), ""
    for position in reversed(positions):
        text = position.token + text
        if wanted and text.strip().startswith(wanted):
            return position
    return None


def _alternatives(position: Position) -> dict[str, float]:
    """Return the probability of each token that may stand at `position`, the one there included."""
    listed = {one.token: one.logprob for one in (position, *position.top_logprobs)}
    # No probability is above 1; a server that says so is believed no further than that.
    return {
        token: math.exp(min(value, 0.0)) for token, value in listed.items() if value > RULED_OUT
    }
