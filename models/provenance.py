"""Which state of the code made the weights."""

import subprocess
from pathlib import Path


def code_commit() -> str:
    """Return the git commit that is checked out, or `unknown` outside a checkout."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"
