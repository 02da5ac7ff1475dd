"""What the pages of docs/ show works as they show it."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PARTS = "agent|app|evals|knowledge|models|tools"
RUN = ("expression.md", "genen.md", "phenotypes.md")


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_no_page_shows_an_import_that_works_in_a_checkout_alone(page):
    for code in blocks(page):
        assert not re.search(rf"^\s*(from|import) ({PARTS})\b", code, re.M), code


@pytest.mark.parametrize("page", RUN)
def test_the_python_of_a_page_runs(page, capsys):
    known = {}
    for code in blocks(page):
        if "load_encoder" not in code:  # in tests/models/test_genen_texts.py
            exec(code, known)
    assert known
