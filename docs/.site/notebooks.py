"""Makes pages of the notebooks, as they were kept, and of the scoreboard; mends links to them."""

import json
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

SCOREBOARD = "../evals/SCOREBOARD.md"
OUTSIDE = ("../NOTICE",)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every notebook."""
    for file in [one for one in files if one.src_uri.endswith(".ipynb")]:
        text = Path(file.abs_src_path or "").read_text(encoding="utf-8")
        made = file.src_uri.replace(".ipynb", ".md")
        files.append(File.generated(config, made, content=_page(json.loads(text))))
    board = Path(config.docs_dir, SCOREBOARD).read_text(encoding="utf-8")
    files.append(File.generated(config, "scoreboard.md", content=board))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:  # noqa: ANN401  # mkdocs' own arguments
    """Return a page whose links stay on the site: notebooks as pages, files as words."""
    markdown = markdown.replace(f"({SCOREBOARD})", "(scoreboard.md)")
    for link in OUTSIDE:
        markdown = markdown.replace(f"]({link})", "]")
    return markdown.replace(".ipynb)", ".md)")


def _page(notebook: dict[str, Any]) -> str:
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [_shown(output) for output in cell.get("outputs", [])]
    return "\n\n".join(parts) + "\n"


def _shown(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"```text\n{''.join(output['text'])}\n```"
    data = output.get("data", {})
    if "image/png" in data:
        image = "".join(data["image/png"]).replace("\n", "")
        return f'<img alt="Figure" src="data:image/png;base64,{image}">'
    if "image/svg+xml" in data:
        page = escape("".join(data["image/svg+xml"]), quote=True)
        return (
            '<iframe title="Figure" style="width:100%;height:320px;border:0" '
            f'srcdoc="{page}"></iframe>'
        )
    if "text/html" in data:
        return "".join(data["text/html"])
    return f"```text\n{''.join(data.get('text/plain', ''))}\n```"
