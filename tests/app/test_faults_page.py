"""The page of faults names tests that there are, and no text an install that is not ours."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_is_there():
    there = set()
    for path in (ROOT / "tests").rglob("*.py"):
        there |= set(re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8")))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 60
    assert named <= there


def test_every_numbered_fault_and_every_case_of_the_field_is_on_the_page():
    assert [int(n) for n in re.findall(r"^\| (\d+) \|", PAGE, re.M)] == list(range(1, 18))
    cases = set(re.findall(r"\b([A-F]\d+)\b", PAGE))
    field = (
        "A1 A3 A6 A8 A9 A11 A12 B1 B2 B4 B5 B7 B8 B9 B10 B12 B13 B16 C1 C3 C4 C5 C6 C7 "
        "D1 D3 D5 D7 D9 D11 D13 D14 E1 E3 E5 E6 E8 F1"
    )
    assert cases == set(field.split())


def test_no_text_names_a_package_that_is_not_ours():
    texts = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    texts += [p for part in ("agent", "app", "knowledge", "models", "tools")
              for p in (ROOT / part).rglob("*.py")]  # fmt: skip
    # Nobody has published Knockwise: an install by that name would fetch a stranger's package.
    strange = re.compile(r"(pip|uv|pipx|uvx|conda) (install |add |run )?['\"]?knockwise\b(?!\.whl)")
    for path in texts:
        assert not strange.search(path.read_text(encoding="utf-8")), path
