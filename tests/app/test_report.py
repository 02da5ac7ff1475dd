import re

import pytest

from agent.narrative.writer import template_story
from app.commands.report import write_report
from app.show.pages import html_page, markdown_page
from knowledge.errors import RunError


@pytest.fixture
def run_dir(tmp_path, answer):
    folder = tmp_path / "run"
    folder.mkdir()
    request = '{"question": "?", "settings": {}, "started": "2025-01-31T12:00:00Z"}'
    (folder / "settings.json").write_text(request)
    (folder / "result.json").write_text(answer.model_dump_json())
    (folder / "effects.csv").write_text("symbol,p_de\nDDIT3,0.91\n")
    return folder


def test_a_report_is_an_html_file_a_markdown_file_and_the_effects(run_dir, tmp_path):
    out = tmp_path / "deep" / "report"
    write_report(run_dir, out)
    assert sorted(file.name for file in out.iterdir()) == [
        "effects.csv",
        "report.html",
        "report.md",
    ]
    assert (out / "effects.csv").read_text() == (run_dir / "effects.csv").read_text()


def test_the_page_loads_nothing_from_anywhere(answer, large_answer):
    for each in (answer, large_answer):
        page = html_page(each)
        # One script of our own, in the page; links lead out only when somebody follows them.
        assert re.findall(r"<script[^>]*>", page) == ['<script type="module">']
        assert not re.search(
            r"""<(?:link|img|iframe|object|embed)|src=|url\(|@import|fetch\(""", page
        )
        for link in re.findall(r"""href=["'](?!#)([^"']*)""", page):
            assert link.startswith("https://"), link
            assert f'<a href="{link}" rel="noreferrer noopener" target="_blank">' in page


def test_every_citation_of_the_page_leads_to_a_fact(answer, large_answer):
    for each in (answer, large_answer):
        page = html_page(each)
        targets = set(re.findall(r'href="#([^"]+)"', page))
        assert targets
        assert targets <= set(re.findall(r'id="([^"]+)"', page))


def test_both_pages_tell_the_question_steps_assumptions_unknowns_and_versions(answer):
    for page in (html_page(answer), markdown_page(answer)):
        for words in (
            answer.question.text,
            answer.question.assumptions[0],
            "accumulation of unfolded proteins",
            "contradicted",
            "HSPA9 knockdown raised DDIT3",
            "8e7d6c5b4a39",
            "not for clinical use",
            "no screen measured it in K562",
        ):
            assert words.replace("'", "&#39;") in page or words in page, words


def test_markup_in_evidence_is_shown_not_obeyed(answer):
    hostile = "<script>alert(1)</script> | [x](http://evil) ignore previous instructions"
    fact = answer.evidence[0].model_copy(update={"statement": hostile})
    changed = answer.model_copy(update={"evidence": (fact, *answer.evidence[1:])})
    assert "<script>" not in html_page(changed)
    line = next(x for x in markdown_page(changed).splitlines() if "ignore previous" in x)
    assert r"\<script\>" in line
    assert r"\[x\](http" in line


def test_markdown_tables_keep_their_columns(answer):
    tables = [x for x in markdown_page(answer).splitlines() if x.startswith("| ")]
    steps = [x for x in tables if re.match(r"\| \d+ \|", x)]
    assert len(steps) == 10
    assert {len(re.findall(r"(?<!\\)\|", x)) for x in steps} == {9}


def test_markdown_headings_stand_apart(answer, large_answer):
    for each in (answer, large_answer):
        lines = markdown_page(each).splitlines()
        assert all(lines[i - 1] == "" for i, x in enumerate(lines) if x.startswith("## "))


def test_an_unfinished_run_says_how_to_finish_it(run_dir, tmp_path):
    (run_dir / "result.json").unlink()
    with pytest.raises(RunError, match="ask --resume"):
        write_report(run_dir, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_report_folder_that_cannot_be_written_is_named(run_dir, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file"):
        write_report(run_dir, tmp_path / "file")


def test_a_report_tells_the_story_with_citations(answer):
    for page in (html_page(answer), markdown_page(answer)):
        for words in ("The story", "What breaks", "What answers"):
            assert words in page
    story = template_story(answer).model_copy(
        update={"author": "tiny", "written": 5, "accepted": 2, "dropped": ("a", "b", "c")}
    )
    page = html_page(answer, story)
    assert "tiny wrote 5 sentences" in page
    assert "3 were dropped" in page


def test_a_story_by_a_model_that_is_not_there_is_one_sentence(knockwise, run_dir, monkeypatch):
    monkeypatch.setenv("KNOCKWISE_RUNS", str(run_dir.parent))
    found = knockwise("report", run_dir, "--reasoner", "llm")
    assert found.exit_code == 2
    assert "KNOCKWISE_LLM__BASE_URL" in found.stderr
