"""A text encoder without weights; run as a script, it builds an index slowly, to be killed.

python hash_encoder.py FOLDER DOCUMENTS SECONDS_PER_BATCH [FILE_SIZE_LIMIT]
"""

import hashlib
import re
import resource
import sys
import time
from pathlib import Path

import numpy as np

from knowledge.errors import KnockwiseError
from knowledge.texts.documents import Document


class HashEncoder:
    """Texts that share words get similar vectors; `name` seeds the words' directions."""

    def __init__(self, name="hash", dim=32, delay_s=0.0):
        self.name = name
        self.fingerprint = f"fingerprint of {name}"
        self.encoded = 0
        self._dim = dim
        self._delay_s = delay_s

    def encode(self, texts):
        time.sleep(self._delay_s)
        self.encoded += len(texts)
        return np.stack([self.encode_query(text) for text in texts])

    def encode_query(self, query):
        vector = np.full(self._dim, 1e-3, dtype=np.float32)
        for word in re.findall(r"\w+", query.lower()):
            seed = hashlib.sha256(f"{self.name} {word}".encode()).digest()[:8]
            rng = np.random.default_rng(int.from_bytes(seed))
            vector += rng.standard_normal(self._dim).astype(np.float32)
        return vector / np.linalg.norm(vector)


def many(number):
    return [
        Document(
            id=f"RefSeq:G{i}",
            kind="gene",
            text=f"G{i} (gene {i}): does number {i} of {number} things, modulo {i % 7}.",
            source="RefSeq",
            gene=f"G{i}",
        )
        for i in range(number)
    ]


def main(folder, number, delay_s, limit=None):
    from knowledge.texts.build import build_index

    def told(stage, done, total):
        sys.stdout.write(f"{stage} {done}/{total}\n")
        sys.stdout.flush()

    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        encoder = HashEncoder(delay_s=float(delay_s))
        report = build_index(Path(folder), many(int(number)), encoder, progress=told)
    except KnockwiseError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"encoded {report.encoded}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
