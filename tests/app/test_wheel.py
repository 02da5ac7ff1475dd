"""`from knockwise import` works beside a user's own `models` and `tools`, or names the clash."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[1]
PARTS = ("agent", "app", "evals", "knowledge", "models", "tools")


@pytest.fixture
def own(tmp_path):
    """A user's folder with packages of its own called `models` and `tools`."""
    for name in ("models", "tools"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("mine = True\n")
    return tmp_path


def python(code, folder, package):
    """Run code as a notebook does: the folder one stands in comes first on the path."""
    run = f"import sys; sys.path[:0] = ['', {str(package)!r}]\n{code}"
    return subprocess.run(
        [sys.executable, "-I", "-c", run], cwd=folder, capture_output=True, text=True, check=False
    )


def test_what_a_wheel_installs_answers_beside_folders_of_the_same_names(own, tmp_path_factory):
    sys.path.insert(0, str(ROOT))
    from hatch_build import assemble

    sys.path.remove(str(ROOT))
    site = tmp_path_factory.mktemp("site")
    assemble(ROOT, site / "knockwise")
    assert [path.name for path in site.iterdir()] == ["knockwise"]
    for file in (site / "knockwise").rglob("*.py"):
        assert not re.search(rf"^\s*(import|from) ({'|'.join(PARTS)})\b", file.read_text(), re.M)
    ours = (
        "import models, tools; assert models.mine and tools.mine\n"
        f"loaded = {{name.partition('.')[0] for name in sys.modules}} & {set(PARTS)!r}\n"
        "assert loaded == {'models', 'tools'}, loaded\n"
    )
    # A module that says `import models.response` finds it by that name.
    dotted = "import knockwise.evals.perturbqa.run as ran; assert ran.models.response\n"
    done = python(EXAMPLE + ours + dotted, own, site)
    assert done.returncode == 0, done.stderr
    assert re.search(r"LDLR +(up|down|unchanged|unknown) ", done.stdout), done.stdout


def test_in_a_checkout_the_folder_that_hides_a_part_is_named(own):
    done = python("from knockwise import Session", own, ROOT)
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("ImportError: ")]
    assert f"{own / 'models'} hides a part of Knockwise" in line


def test_in_a_checkout_both_names_are_one_module(tmp_path):
    code = (
        "from knockwise.knowledge.schema import Gene as a\n"
        "import knockwise.knowledge.schema, knowledge.schema as plain\n"
        "from knowledge.schema import Gene as b\n"
        "assert a is b and knockwise.knowledge.schema is plain\n"
        "assert plain.__spec__.name == 'knowledge.schema', plain.__spec__\n"
    )
    done = python(code, tmp_path, ROOT)
    assert done.returncode == 0, done.stderr
