"""A `.mcpb` bundle: a file that a desktop client installs by a double click.

It starts the Knockwise of this installation, so it is small, holds no data, and works on this
machine only; `mcpb` is MCP's own format (a zip with `manifest.json`).
"""

import json
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from app.mcp.calls import CALLS
from app.mcp.prompts import PROMPTS
from knowledge.files import replacing

STARTER = """\
\"\"\"Starts the MCP server of the Knockwise that this Python has.\"\"\"

from knockwise.app.cli import main

main()
"""


def manifest(python: str) -> dict[str, Any]:
    """Return what the bundle says of itself; `python` is the interpreter that it starts."""
    return {
        "manifest_version": "0.3",
        "name": "knockwise",
        "display_name": "Knockwise",
        "version": version("knockwise"),
        "description": "Ask what happens in a human cell when a gene is knocked out, and why.",
        "long_description": "Calibrated predictions from CRISPR interference screens with a cited, "
        "signed cascade. It runs on this machine and sends nothing anywhere.",
        "author": {"name": "The Knockwise authors"},
        "license": "Apache-2.0",
        "server": {
            "type": "python",
            "entry_point": "server/main.py",
            "mcp_config": {
                "command": python,
                "args": ["${__dirname}/server/main.py", "mcp"],
                "env": {"KNOCKWISE_DATA": "${user_config.data}"},
            },
        },
        "user_config": {
            "data": {
                "type": "directory",
                "title": "Data folder",
                "description": "What `knockwise data pull` filled; without one, the built-in "
                "pathways answer.",
                "required": False,
                "default": str(_data_folder()),
            }
        },
        "tools": [{"name": one.name, "description": one.title} for one in CALLS],
        "prompts": [
            {
                "name": one.name,
                "description": one.description,
                "arguments": list(one.arguments),
                "text": one.text.replace("{", "${arguments."),
            }
            for one in PROMPTS
        ],
        "compatibility": {"platforms": [sys.platform], "runtimes": {"python": ">=3.11,<3.14"}},
    }


def write_bundle(out: Path) -> None:
    """Write the bundle, whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    text = json.dumps(manifest(sys.executable), indent=1, ensure_ascii=False) + "\n"
    with replacing(out) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("manifest.json", text)
        bundle.writestr("server/main.py", STARTER)


def client_configuration() -> dict[str, Any]:
    """Return what clients that are set up by a file want to hear, Claude Desktop and Cursor."""
    return {"mcpServers": {"knockwise": {"command": sys.executable, "args": [*MODULE, "mcp"]}}}


MODULE = ("-m", "knockwise")


def _data_folder() -> Path:
    from agent.settings import Settings

    return Settings().data
