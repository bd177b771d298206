"""What is installed: whether needed packages are there, and whether Altwright is another by now.

Only the standard library is used: any other package may be the one that is missing.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata

#: Makes the installation anew; `make setup` alone takes one that it has made for whole.
REPAIR = "`make clean setup` in Altwright's folder installs everything anew; your data stays"


def fault(error: ImportError) -> str | None:
    """Return what is missing and what to do; None: it is a module of Altwright's own."""
    module = (error.name or "").partition(".")[0]
    if module == "altwright":
        return None
    missing = missing_packages()
    if missing:
        return missing
    what = f"the Python module {module} is missing or damaged" if module else str(error)
    return f"{what}; {REPAIR}"


def missing_packages() -> str | None:
    """Return which required packages aren't installed and what to do, None if all are."""
    missing = [name for name in _required() if not _is_installed(name)]
    if not missing:
        return None
    noun, verb = ("packages", "are") if len(missing) > 1 else ("package", "is")
    return f"the Python {noun} {', '.join(missing)} {verb} missing; {REPAIR}"


def without_extra(name: str) -> str | None:
    """Return which packages of an extra aren't installed and what to do, None if all are."""
    missing = [one for one in _required(name) if not _is_installed(one)]
    if not missing:
        return None
    return (
        f"the extra {name} isn't installed ({', '.join(missing)} missing); `make run` in "
        f"Altwright's folder installs it, elsewhere `pip install 'altwright[{name}]'` does"
    )


def _required(extra: str = "") -> list[str]:
    try:
        lines = metadata.requires("altwright") or []
    except metadata.PackageNotFoundError:  # run from its folder, without an installation
        return []
    # A line with a condition is for an extra, or not for every Python.
    wanted = re.compile(rf"extra == ['\"]{extra}['\"]" if extra else r"^[^;]*$")
    found = (re.match(r"[\w.-]+", line) for line in lines if wanted.search(line))
    return [name[0] for name in found if name]


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def forget_imports() -> None:
    """Let this process import Altwright anew: what it was forked from may be of another version."""
    for name in [one for one in sys.modules if one.partition(".")[0] == "altwright"]:
        del sys.modules[name]
