"""Columns are the same wherever effects are written, and one page says what they mean."""

import os
from pathlib import Path

from app.show.columns import columns_page
from tools.effect_rows import COLUMNS, RUN_COLUMNS

PAGE = Path(__file__).parents[2] / "docs" / "columns.md"
AGREED = (
    "perturbation", "kind", "cell_line", "gene", "call", "p_de", "p_de_low", "p_de_high", "p_up",
    "p_up_low", "p_up_high", "seen_in_training", "reason", "path",
)  # fmt: skip


def test_every_table_of_effects_begins_with_the_agreed_columns():
    assert COLUMNS[: len(AGREED)] == AGREED
    assert RUN_COLUMNS[: len(COLUMNS)] == COLUMNS


def test_the_page_of_columns_says_what_the_code_writes():
    if os.environ.get("KNOCKWISE_REFRESH"):
        PAGE.write_text(columns_page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == columns_page()
    assert "|  |" not in columns_page()
