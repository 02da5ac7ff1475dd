"""How close a proposed name is to a human one: shared words, and words of similar meaning."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer

from knowledge.texts.encoder import Encoder

HOW = {
    "rouge_recall": "ROUGE-1 recall by rouge-score: lower case, split at anything but a-z and 0-9, "
    "Porter stems of words longer than three letters",
    "rouge_f1": "ROUGE-1 F1, the same words",
    "similarity": "BERTScore's greedy matching (F1) over single words, each encoded on its own by "
    "{encoder}: no context, no idf weights, no rescaling. Not the published BERTScore model",
    "cosine": "cosine of the two whole names, encoded by {encoder}",
}
"""What each measure is; `encoder` is the encoder's name."""
MEASURES = tuple(HOW)
FloatArray = NDArray[np.float64]


class Remembering:
    """An encoder that encodes each text once: many namers say the same words."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of texts, `(texts, dim)`."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def compare(
    proposed: Sequence[str], labels: Sequence[str], encoder: Encoder | Remembering
) -> dict[str, FloatArray]:
    """Return each measure of `HOW` for every pair of names.

    Args:
        proposed: Names to judge.
        labels: The human names, in the same order.
        encoder: Gives words and names their vectors.
    """
    scorer = RougeScorer(["rouge1"], use_stemmer=True)
    rouge = [
        scorer.score(label, name)["rouge1"] for name, label in zip(proposed, labels, strict=True)
    ]
    tokenizer = DefaultTokenizer(use_stemmer=False)
    texts = sorted({*proposed, *labels})
    tokens = {text: tokenizer.tokenize(text) or [text.lower()] for text in texts}
    vocabulary = sorted({word for found in tokens.values() for word in found} | set(texts))
    at = {word: i for i, word in enumerate(vocabulary)}
    vectors = encoder.encode(vocabulary)
    greedy, cosine = [], []
    for name, label in zip(proposed, labels, strict=True):
        mine, theirs = (vectors[[at[word] for word in tokens[text]]] for text in (name, label))
        alike = mine @ theirs.T
        precision, recall = float(alike.max(1).mean()), float(alike.max(0).mean())
        greedy.append(2 * precision * recall / max(precision + recall, 1e-9))
        cosine.append(float(vectors[at[name]] @ vectors[at[label]]))
    return {
        "rouge_recall": np.array([one.recall for one in rouge]),
        "rouge_f1": np.array([one.fmeasure for one in rouge]),
        "similarity": np.array(greedy),
        "cosine": np.array(cosine),
    }
