"""Looks at the report in a real browser: a figure that is not drawn is no figure."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from app.show.pages import html_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTH, HEIGHT = 1280, 3000
UP, DOWN = (184, 74, 0), (0, 96, 156)
MEASURE = """<script>
document.title = JSON.stringify(Object.fromEntries(
  [...document.querySelectorAll(".figure svg")].map(svg => {
    const box = svg.getBoundingClientRect(), frame = svg.parentElement;
    return [svg.getAttribute("class"), [box.left, box.top, box.right, box.bottom,
      frame.scrollWidth - frame.clientWidth]];
  }).reverse()));
</script></body>"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install)"),
]


@pytest.fixture
def browse(tmp_path):
    def run(page, *flags):
        file = tmp_path / "page.html"
        file.write_text(page)
        command = [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            f"--window-size={WIDTH},{HEIGHT}",
            f"--user-data-dir={tmp_path / 'profile'}",
            *flags,
            file.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    return run


def close_to(pixels, colour):
    return (np.abs(pixels.astype(int) - colour).max(axis=-1) < 24).any(axis=None)


@pytest.mark.parametrize("name", ["answer", "large_answer"])
def test_cascade_and_effects_are_drawn_across_their_boxes(name, request, browse, tmp_path):
    page = html_page(request.getfixturevalue(name))
    dom = browse(page.replace("</body>", MEASURE), "--dump-dom")
    boxes = json.loads(re.search(r"<title>(.*)</title>", dom)[1])
    shot = tmp_path / "shot.png"
    browse(page, f"--screenshot={shot}")
    pixels = np.asarray(Image.open(shot).convert("RGB"))
    for figure in ("cascade", "effects"):
        left, top, right, bottom, _ = map(round, boxes[figure])
        assert right <= WIDTH
        assert right - left > 600
        box = pixels[top : min(bottom, HEIGHT), left:right]
        background = box[2, 2]
        drawn = np.abs(box.astype(int) - background).max(axis=-1) > 24
        assert 0.02 < drawn.mean() < 0.6
        columns = np.flatnonzero(drawn.any(axis=0))
        rows = np.flatnonzero(drawn.any(axis=1))
        assert columns[-1] - columns[0] > 0.8 * (right - left)
        assert rows[-1] - rows[0] > 0.6 * box.shape[0]
        assert close_to(box, UP)
    left, top, right, bottom, _ = map(round, boxes["cascade"])
    perturbation = pixels[top:bottom, left : left + (right - left) // 5]
    assert close_to(perturbation, DOWN)


@pytest.mark.parametrize("name", ["answer", "large_answer"])
def test_a_cascade_shrinks_to_the_page_and_is_an_outline_where_that_would_be_too_small(
    name, request, browse
):
    page = html_page(request.getfixturevalue(name))

    def seen(width):
        """What the drawing hides, how wide the outline is, and whether the page is too wide."""
        script = """<script>
        const figure = document.querySelector("#cascade-figure");
        document.title = JSON.stringify([figure.scrollWidth - figure.clientWidth,
          document.querySelector(".outline").getBoundingClientRect().width,
          document.documentElement.scrollWidth - document.documentElement.clientWidth]);
        </script></body>"""
        flags = (f"--window-size={width},{HEIGHT}", "--dump-dom")
        dom = browse(page.replace("</body>", script), *flags)
        return json.loads(re.search(r"<title>(.*)</title>", dom)[1])

    hidden, outline, beyond = seen(1100)
    assert (hidden, outline, beyond) == (0, 0, 0)
    hidden, outline, beyond = seen(600)
    assert outline > 300
    assert (hidden, beyond) == (0, 0)
