"""What stands beside the code comes with the package, for those who install a wheel."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_every_file_beside_the_code_is_packaged() -> None:
    """A pattern of pyproject.toml fits each tracked file that is no Python."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = known["tool"]["setuptools"]["package-data"]["altwright"]
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src/altwright"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    files = [Path(name) for name in listed.stdout.split() if not name.endswith(".py")]
    assert len(files) > 20
    left = [str(one) for one in files if not any(one.match(pattern) for pattern in patterns)]
    assert left == []
