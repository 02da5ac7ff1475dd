"""What the code imports is what the project declares: a transitive dependency may go away."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from knowledge.extras import EXTRAS

ROOT = Path(__file__).parents[2]
OURS = ("agent", "app", "evals", "knowledge", "models", "tools")
# Declared packages are built on these, and hand out their types and errors.
PART_OF = {
    "huggingface-hub": "sentence-transformers",
    "langchain-core": "langgraph",
    "markupsafe": "jinja2",
    "mcp-types": "mcp",
    "onnxruntime": "chromadb",
    "pil": "pillow",
    "skimage": "scikit-image",
    "transformers": "sentence-transformers",
    "typing-extensions": "pydantic",
}
# Imported by a script that another environment runs.
ELSEWHERE = {"cell_eval2", "gears"}


def imported(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def named(requirements):
    return {plain(re.match(r"[\w.-]+", line)[0]) for line in requirements}


def test_a_missing_library_is_told_with_the_extra_that_declares_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plainly, extras = named(project["dependencies"]), project["optional-dependencies"]
    for module, extra in EXTRAS.items():
        package = plain(module)
        assert package not in plainly
        assert PART_OF.get(package, package) in reachable(extras, extra)
    told = set().union(*(reachable(extras, extra) for extra in set(EXTRAS.values())))
    assert told == {PART_OF.get(plain(module), plain(module)) for module in EXTRAS}
    assert reachable(extras, "all") | reachable(extras, "lab") == told


def reachable(extras, extra):
    """Names of what an extra brings, itself or by way of the extras it builds on."""
    found = set()
    for line in extras[extra]:
        if mine := re.match(r"knockwise\[(.*)\]", line):
            found = found.union(*(reachable(extras, one) for one in mine[1].split(",")))
        else:
            found |= named([line])
    return found


def reachable_extras(extras, extra):
    """Names of an extra and of those it builds on."""
    found = {extra}
    for line in extras[extra]:
        if mine := re.match(r"knockwise\[(.*)\]", line):
            found = found.union(*(reachable_extras(extras, one) for one in mine[1].split(",")))
    return found


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", ["all"]), ("requirements-dev.lock", ["all", "dev"])]
)
def test_the_lock_holds_an_allowed_release_of_everything_declared(lock, extras):
    """When it does not, `make lock` writes it anew. torch alone is pinned by the Makefile."""
    text = (ROOT / lock).read_text()
    locked = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.M):
        locked.setdefault(plain(name), set()).add(version)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["dev"] * ("dev" in extras),
    ]
    optional = project["optional-dependencies"]
    brought = (reachable_extras(optional, one) for one in ("all", *["lab"] * ("dev" in extras)))
    wanted += [one for extra in set().union(*brought) for one in optional[extra]]
    for requirement in map(Requirement, wanted):
        if requirement.name == "knockwise":
            continue
        versions = locked.get(plain(requirement.name), set())
        assert versions, requirement
        assert all(requirement.specifier.contains(version) for version in versions), requirement


BLOCKED = """
import json, sys
from importlib.machinery import PathFinder
absent = set(json.loads(sys.argv[1]))
class Installed(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in absent:
            return PathFinder.find_spec(name, path, target)
sys.meta_path[:] = [Installed if one is PathFinder else one for one in sys.meta_path]
from typer.testing import CliRunner
from app.cli import app
results = [CliRunner().invoke(app, command) for command in json.loads(sys.argv[2])]
print(json.dumps([(result.exit_code, result.output) for result in results]))
"""
LIGHT = [
    ["ask", "Knock out HSPA5 in K562: what happens to DDIT3?"],
    ["predict", "--pert", "HSPA5", "--cell-line", "K562", "--readout", "DDIT3"],
    ["phenotype", "FGFR3"],
    ["express", "--pert", "STAT1", "--context", "papalexi"],
    ["doctor"],
]
HEAVY = {"index": ["index", "build"], "screens": ["express", "--pert", "STAT1", "--context",
         "papalexi", "--out", "x.h5ad"]}  # fmt: skip


def test_a_plain_install_answers_and_names_the_extra_it_misses():
    """As where nothing but `dependencies` is installed."""
    asked = [*LIGHT, *HEAVY.values()]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, json.dumps([*EXTRAS]), json.dumps(asked)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for command, (code, output) in zip(LIGHT, told, strict=False):
        assert code == 0, (command, output)
    assert "DDIT3" in told[0][1]
    for extra, (code, output) in zip(HEAVY, told[len(LIGHT) :], strict=True):
        assert code == 2, (extra, output)
        assert f"pip install '.[{extra}]'" in " ".join(output.split())


def test_every_imported_package_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = named(project["dependencies"]).union(
        *(named(project["optional-dependencies"][extra]) for extra in set(EXTRAS.values()))
    )
    distributions = packages_distributions()
    strangers = {}
    for file in (file for name in OURS for file in (ROOT / name).rglob("*.py")):
        for module in imported(file):
            top = module.partition(".")[0]
            if top in {*OURS, *ELSEWHERE, *sys.stdlib_module_names}:
                continue
            sources = {plain(name) for name in distributions.get(top, [top])}
            if not {PART_OF.get(name, name) for name in sources} & declared:
                strangers.setdefault(top, str(file.relative_to(ROOT)))
    assert strangers == {}
