"""Lists words in a sentence."""

from collections.abc import Sequence


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    words = list(words)
    return (
        f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
    )
