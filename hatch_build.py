"""Builds the wheel: the six folders become one package, `knockwise`.

In the repository the folders stand at the top and import each other by their names. A wheel that
installed them so would claim `models` and `tools` for everybody, and a user's own folder of that
name would hide ours. So they are copied into `knockwise/`, and their imports of each other are
written anew: `from models.response import X` becomes `from knockwise.models.response import X`, and
`import models.response` leaves `models` bound to `knockwise.models`.
An editable install is left as it is.
"""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PARTS = ("agent", "app", "evals", "knowledge", "models", "tools")
_IMPORT = re.compile(rf"^(\s*)from ({'|'.join(PARTS)})(?=[. ])", re.MULTILINE)
_DOTTED = re.compile(rf"^(\s*)import (({'|'.join(PARTS)})(?:\.\w+)+)[ \t]*$", re.MULTILINE)
_BARE = re.compile(rf"^\s*import ({'|'.join(PARTS)})\b", re.MULTILINE)


class WheelHook(BuildHookInterface):
    """Puts the assembled package into a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Assemble the package, unless the install is editable."""
        if version == "standard":
            self._draft = tempfile.TemporaryDirectory()
            package = Path(self._draft.name) / "knockwise"
            assemble(Path(self.root), package)
            build_data["force_include"][str(package)] = "knockwise"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the draft."""
        if version == "standard":
            self._draft.cleanup()


def assemble(root: Path, package: Path) -> None:
    """Copy the six folders of `root` into a new folder `package`, their imports written anew.

    Raises:
        ValueError: A file imports a folder by `import models`, which cannot be written anew.
    """
    skip = shutil.ignore_patterns("__pycache__", "bench.json", "held_out.parquet")
    shutil.copytree(root / "knockwise", package, ignore=skip)
    for part in PARTS:
        shutil.copytree(root / part, package / part, ignore=skip)
    for file in package.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        # `models.genen` is said in the file by that name, so `models` must be there.
        text = _DOTTED.sub(r"\1import knockwise.\2; from knockwise import \3", text)
        if _BARE.search(text):
            raise ValueError(f"{file.relative_to(package)}: write `from models import ...`")
        file.write_text(_IMPORT.sub(r"\1from knockwise.\2", text), encoding="utf-8")
