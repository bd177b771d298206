"""What the scripts of pages import from each other is there: one wrong name, and a page is dead."""

from __future__ import annotations

import re
from pathlib import Path

import altwright

SCRIPTS = Path(altwright.__file__).parent / "web/static/js"
IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";', re.MULTILINE)


def test_scripts_import_what_there_is() -> None:
    """Every name that a script imports is exported there, and used."""
    faults, seen = [], 0
    for script in sorted(SCRIPTS.rglob("*.js")):
        text = script.read_text()
        for names, where in IMPORT.findall(text):
            exporter = (script.parent / where).read_text()
            for name in filter(None, re.split(r"[,\s]+", names)):
                seen += 1
                export = rf"^export (?:async )?(?:const|let|function|class) {name}\b"
                if not re.search(export, exporter, re.MULTILINE):
                    faults.append(f"{script.name}: {where} has no {name}")
                if len(re.findall(rf"\b{name}\b", text)) == 1:
                    faults.append(f"{script.name}: {name} is not used")
    assert faults == []
    assert seen > 30
