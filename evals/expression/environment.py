"""Other people's packages, run in a Python environment of their own and handed files."""

import os
import subprocess
from pathlib import Path

from knowledge.errors import KnockwiseError


def run_in(python: Path, package: str, *arguments: str) -> str:
    """Return what a command of an environment prints.

    Args:
        python: The interpreter of the environment.
        package: What is run there, for the sentence.
        arguments: Of the interpreter.

    Raises:
        KnockwiseError: It cannot be run, or fails; the sentence quotes its last line.
    """
    # One thread and one order of sets, for the same numbers again; our own packages kept away.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env = {**kept, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(
            [str(python), *arguments], env=env, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise _failed(python, package, error.strerror or str(error)) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it left with code {done.returncode}"]
        raise _failed(python, package, lines[-1])
    return done.stdout


def _failed(python: Path, package: str, reason: str) -> KnockwiseError:
    return KnockwiseError(
        f"{package} does not run with {python} ({reason.rstrip('.')}); docs/expression.md says how "
        "its environment is made."
    )
