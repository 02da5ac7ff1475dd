"""Runs one small batch against a server as a process of its own, which a test may kill.

python language_batch.py MIRROR HELD_OUT HOME URL ENGINE
"""

import sys
from pathlib import Path

from agent.settings import LLMSettings, Settings
from evals.language.run import LanguageRun, run_batch


def told(what: str, share: float) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    mirror, held_out, home, url, engine = sys.argv[1:]
    if engine == "ray":
        import ray

        ray.init(
            num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1"
        )
    run_batch(
        LanguageRun(
            data=Path(mirror),
            out=Path(home) / "run",
            settings=Settings(data=Path(home) / "data", llm=LLMSettings(base_url=url)),
            strategy="direct",
            cell_lines=("K562", "RPE1"),
            limit=60,
            concurrency=4,
            held_out=Path(held_out),
            engine=engine,
        ),
        told,
    )
