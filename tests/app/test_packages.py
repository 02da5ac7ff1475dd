"""What the code imports is what the project declares: a transitive dependency may go away."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("agent", "app", "evals", "knowledge", "models", "tools")
# Declared packages are built on these, and hand out their types and errors.
PART_OF = {
    "huggingface-hub": "sentence-transformers",
    "langchain-core": "langgraph",
    "transformers": "sentence-transformers",
    "typing-extensions": "pydantic",
}
# Imported by a script that another environment runs.
ELSEWHERE = {"gears"}


def imported(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_imported_package_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {plain(re.match(r"[\w.-]+", line)[0]) for line in project["dependencies"]}
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
