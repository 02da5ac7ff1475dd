"""Commands on a small world, run as a script so that they can be killed.

python kill_world.py WORDS...                 `knockwise WORDS...`: texts are encoded without
                                              weights, and of eight genes all is made up
python kill_world.py coins ANSWERS OUT        the benchmark of `tests/evals/test_harness.py`
"""

import sys
from pathlib import Path

import numpy as np

GENES = ("ATF4", "CHEK2", "ATM", "MDM2", "MDM4", "TP53", "CDKN1A", "GADD45A")
PERTURBED = GENES[:6]


def write_screen(path):
    """Write counts of cells whose six perturbed genes lower CDKN1A, and of controls."""
    import anndata
    import pandas as pd
    from scipy import sparse

    rng = np.random.default_rng(0)
    labels = [label for label in (*PERTURBED, "MDM2+MDM4", "NT") for _ in range(15)]
    rate = np.full((len(labels), len(GENES)), 40.0)
    rate[np.array(labels) != "NT", GENES.index("CDKN1A")] = 10
    anndata.AnnData(
        X=sparse.csr_matrix(rng.poisson(rate).astype(np.float32)),
        obs=pd.DataFrame({"gene": labels}, index=[f"c{i}" for i in range(len(labels))]),
        var=pd.DataFrame(index=list(GENES)),
    ).write_h5ad(path)


def made_up_genes():
    """What is known of the eight genes."""
    from models.expression.genes import GeneFeatures

    vectors = np.random.default_rng(1).normal(size=(len(GENES), 4)).astype(np.float32)
    return GeneFeatures(tuple(sorted(GENES)), vectors / np.linalg.norm(vectors, axis=1)[:, None])


def coins(answers, out):
    from tests.evals.test_harness import CoinEval, evaluate

    lines = tuple(f"line {number}" for number in range(12))
    evaluate(Path(answers), Path(out), CoinEval(lines=lines, draws=400))


def command():
    from app.cli import main

    if sys.argv[1] == "index":
        import knowledge.texts.build
        import knowledge.texts.encoder
        from tests.hash_encoder import HashEncoder

        for module in (knowledge.texts.encoder, knowledge.texts.build):
            module.load_encoder = lambda *_: HashEncoder()
    if sys.argv[1] == "train":
        from knowledge.schema import Gene
        from knowledge.symbols import SymbolTable
        from models.expression import training

        training.gene_features = lambda *_: made_up_genes()
        training.sources_root = lambda data: data
        training.annotations.FILES = ()
        training.read_symbols = lambda _: SymbolTable(Gene(symbol=symbol) for symbol in GENES)
    main()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    if sys.argv[1] == "coins":
        coins(*sys.argv[2:])
    else:
        command()
