"""Every file of every shipped model is damaged; the model, and `doctor`, say so in one sentence."""

import gzip
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from knowledge.errors import DataError
from knowledge.files import replacing_folder
from models.checkpoint import Format, read_checkpoint, write_checkpoint
from models.expression import checkpoint as expression
from models.expression.model import ExpressionModel
from models.fusion import Fusion
from models.fusion import checkpoint as fusion
from models.genen import checkpoint as genen
from models.genen.model import GenenModel
from models.genepheno import checkpoint as genepheno
from models.genepheno.model import GenePhenoModel
from models.programmes import checkpoint as programmes
from models.programmes.model import ProgrammeModel
from models.response import ResponseModel
from models.response import checkpoint as response

WEIGHTS = Path(response.SHIPPED).parent
MODELS = {
    "expression": (ExpressionModel.load, expression.FORMAT),
    "fusion": (partial(Fusion.load, "full"), fusion.FORMAT),
    "genen": (GenenModel.load, genen.FORMAT),
    "genepheno": (GenePhenoModel.load, genepheno.FORMAT),
    "programmes": (ProgrammeModel.load, programmes.FORMAT),
    "response": (ResponseModel.load, response.FORMAT),
}
SHAPED = {
    "expression": ("norman/response",),
    "fusion": ("habit",),
    "genen": ("solubility/weights",),
    "genepheno": ("mp/layer",),
    "programmes": ("loadings",),
    "response": ("de_loadings",),
}
NESTED = b"[" * 100_000


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(share: float):
    """Flip one bit that is not between words, at some share of the file."""

    def flip(data: bytes) -> bytes:
        at = int(share * (len(data) - 1))
        while data[at : at + 1].isspace():
            at -= 1
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    return flip


def other_arrays(change):
    """Store the arrays anew with one changed: a whole safetensors file, of other content."""

    def stored(data: bytes) -> bytes:
        arrays = load(data)
        numbers = [n for n, a in sorted(arrays.items()) if a.dtype.kind == "f" and a.ndim <= 2]
        name = max(numbers, key=lambda n: arrays[n].ndim)
        return save({**arrays, name: np.ascontiguousarray(change(arrays[name]))})

    return stored


def with_nan(array):
    found = array.copy()
    found.flat[0] = np.nan
    return found


ANY = {
    "cut": cut,
    "a byte longer": lambda data: data + b"x",
    "flipped at the start": flipped(0.0),
    "flipped in the middle": flipped(0.5),
    "flipped at the end": flipped(1.0),
    "emptied": lambda _: b"",
    "zeroed": lambda data: bytes(len(data)),
}
JSON = {
    "of format 99": lambda _: b'{"format": 99}',
    "a list": lambda _: b"[]",
    "null": lambda _: b"null",
    "half an object": lambda _: b'{"format": 2, ',
    "nested": lambda _: NESTED,
    "not UTF-8": lambda _: b'{"format": "\xff"}',
    "without files": lambda data: json.dumps({**json.loads(data), "files": {}}).encode(),
    "with a number changed": lambda data: data.replace(b"0.", b"1.", 1),
}
ARRAYS = {
    "wrong shape": other_arrays(lambda array: array[1:]),
    "NaN": other_arrays(with_nan),
}
GZIP = {
    "other words": lambda data: gzip.compress(gzip.decompress(data)[7:]),
    "no gzip": gzip.decompress,
}


def damages(file: str):
    if file.endswith(".json"):
        return ANY | (JSON if file == "config.json" else {"a list": JSON["a list"]})
    return ANY | (ARRAYS if file.endswith(".safetensors") else GZIP)


def shipped_files(model: str) -> list[str]:
    return sorted(path.name for path in (WEIGHTS / model).iterdir() if path.suffix != ".md")


CASES = [
    pytest.param(model, file, id=f"{model}-{file}")
    for model in MODELS
    for file in shipped_files(model)
]


def linked(model: str, folder: Path) -> Path:
    """Return a folder that holds a model's files without copying them."""
    folder.mkdir(exist_ok=True)
    for path in (WEIGHTS / model).iterdir():
        (folder / path.name).symlink_to(path)
    return folder


def refusal(model: str, folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        MODELS[model][0](folder)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith(f"The {MODELS[model][1].name} in {folder} ")
    assert sentence.endswith(f"with `{MODELS[model][1].command}`, or restore the shipped weights.")
    return sentence


@pytest.mark.parametrize(("model", "file"), CASES)
def test_damage_to_any_file_is_one_sentence(tmp_path, model, file):
    folder = linked(model, tmp_path)
    whole = (folder / file).read_bytes()
    for name, damage in damages(file).items():
        (folder / file).unlink()
        (folder / file).write_bytes(damage(whole))
        assert "damaged" in refusal(model, folder), name
    (folder / file).unlink()
    assert f"lacks {file}" in refusal(model, folder)
    (folder / file).mkdir()
    assert f"lacks {file}" in refusal(model, folder)


@pytest.mark.parametrize("model", MODELS)
def test_what_was_written_wrong_is_refused_though_its_hashes_are_right(tmp_path, model):
    """As another program, or a training that went astray, would leave it."""
    form = MODELS[model][1]
    stored = read_checkpoint(WEIGHTS / model, form)
    careless = Format(form.name, form.command, form.config, gaps=frozenset(stored.arrays))
    for name in SHAPED[model]:
        array = stored.arrays[name]
        for other in (array[1:], array[None], np.full_like(array, np.nan), None):
            arrays = {key: value for key, value in stored.arrays.items() if key != name}
            changed = replace(stored, arrays=arrays if other is None else {**arrays, name: other})
            write_checkpoint(tmp_path, careless, changed, {})
            assert name in refusal(model, tmp_path)
            with pytest.raises(DataError, match=f"was not written: {name}"):
                write_checkpoint(tmp_path / "no", form, changed, {})


@pytest.mark.parametrize("model", MODELS)
def test_the_same_content_gives_the_same_bytes_and_the_same_version(tmp_path, model):
    form = MODELS[model][1]
    stored = read_checkpoint(WEIGHTS / model, form)
    for name in ("one", "two"):
        write_checkpoint(tmp_path / name, form, stored, {"date": "today"})
    for file in shipped_files(model):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert read_checkpoint(tmp_path / "one", form).version == stored.version


def test_all_shipped_weights_together_stay_small():
    assert sum(p.stat().st_size for p in WEIGHTS.rglob("*") if p.is_file()) < 60e6


def test_a_folder_is_exchanged_whole_and_keeps_what_is_not_replaced(tmp_path):
    folder = tmp_path / "model"
    (folder / "partial").mkdir(parents=True)
    (folder / "partial" / "fold-1").write_text("work")
    (folder / "MODEL_CARD.md").write_text("card")
    (folder / "config.json").write_text("old")
    with replacing_folder(folder) as draft:
        (draft / "config.json").write_text("new")
        assert (folder / "config.json").read_text() == "old"
    assert (folder / "config.json").read_text() == "new"
    assert (folder / "MODEL_CARD.md").read_text() == "card"
    assert (folder / "partial" / "fold-1").read_text() == "work"
    with pytest.raises(FileNotFoundError), replacing_folder(folder) as draft:
        (draft / "half").with_suffix(".json").joinpath("of").write_text("a model")
    assert (folder / "config.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_folders_change_places_on_a_system_that_cannot_do_so_in_one_step(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "other")
    test_a_folder_is_exchanged_whole_and_keeps_what_is_not_replaced(tmp_path)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    stored = read_checkpoint(WEIGHTS / "expression", expression.FORMAT)
    with pytest.raises(DataError, match="cannot be written to"):
        write_checkpoint(tmp_path / "file" / "model", expression.FORMAT, stored, {})
