"""Names in the environment and in .env that were to be settings."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import rq
from tests import forked
from tests.support_service import Service

from altwright import env_file
from altwright.cli.main import altwright as altwright_command
from altwright.config import Settings

MISSPELT = {
    "ALLOWED_PRIVATE_HOST": "ALLOWED_PRIVATE_HOSTS",
    "ALTWRIGHT_LOG_LEVEL": "LOG_LEVEL",
    "DATABASE_URI": "DATABASE_URL",
    "DATADIR": "DATA_DIR",
    "DISCRIBER": "DESCRIBER",
    "HSOT": "HOST",
    "OPENAI_KEY": "OPENAI_API_KEY",
    "PORTT": "PORT",
    "PROT": "PORT",
    "REDIS_ULR": "REDIS_URL",
}


#: The same for names that begin as ours do, and of which nobody knows what they were to be.
UNKNOWN = {
    "ALTWRIGHT_FOO": "",
    "RQ_FOO": "",
    "RQ_WORKERS": "; settings like it: RQ_WORKER_COUNT, RQ_MIN_LOW_WORKERS, RQ_MAX_LOW_WORKERS",
}


#: What stands in the environments of desktops, servers, containers, CI and other programs.
ORDINARY = (Path(__file__).parent.parent / "data" / "environment_names.txt").read_text().split()


@pytest.mark.req("8.1", "validated and named")
def test_a_misspelt_setting_is_noticed(tmp_path: Path) -> None:
    """In the environment as in .env, with the name that was meant."""
    meant = {name: f"; did you mean {near}?" for name, near in MISSPELT.items()}
    ignored = {name: f", and is ignored{more}" for name, more in UNKNOWN.items()}
    said = [
        f"altwright: {name} is no setting{more}" for name, more in sorted((meant | ignored).items())
    ]
    wrong = [*MISSPELT, *UNKNOWN]
    service = Service(tmp_path, dict.fromkeys(wrong, "x"))
    # A name whose right spelling is set as well is somebody else's.
    for name in ("DATA_DIR", "PORT"):
        service.settings[name] = ""
    environment = {k: v for k, v in service.environment().items() if v}
    done = forked.command(["key"], tmp_path, environment)
    assert done.stderr.splitlines() == said
    (tmp_path / ".env").write_text("".join(f"{name}=x\n" for name in wrong))
    kept = {name: value for name, value in environment.items() if name not in wrong}
    assert forked.command(["key"], tmp_path, kept).stderr.splitlines() == said


def test_what_is_ignored_stands_in_the_check(tmp_path: Path) -> None:
    """As a warning, once; nothing is wrong on its account."""
    done = Service(tmp_path, {"RQ_WORKERS": "8"}).command("check", "--json")
    assert "RQ_WORKERS" not in done.stderr
    (row,) = (row for row in json.loads(done.stdout) if row["what"] == "settings")
    assert (row["ok"], row["state"]) == (True, "warning")
    assert "RQ_WORKERS is no setting, and is ignored" in row["found"]


def test_names_that_no_setting_has_and_others_read_are_let_be() -> None:
    """Those of our own commands, RQ's, and what Kubernetes makes of a service's name."""
    sources = "".join(path.read_text() for path in sorted(Path(rq.__path__[0]).rglob("*.py")))
    of_rq = {name for name in re.findall(r"['\"](RQ_[A-Z_]+)['\"]", sources) if name[-1] != "_"}
    assert "RQ_WORKER_CLASS" in of_rq
    of_click = {name for command in _commands(altwright_command) for name in _variables(command)}
    assert "ALTWRIGHT_DEBUG" in of_click
    others = {
        *("ALTWRIGHT_SERVICE_HOST", "ALTWRIGHT_PORT", "ALTWRIGHT_PORT_8080_TCP_ADDR"),
        *("ALTWRIGHT_WEB_SERVICE_HOST", "ALTWRIGHT_WEB_PORT", "ALTWRIGHT_WEB_PORT_80_SCTP"),
        "RQ_WORKER_SERVICE_PORT",
    }
    ours = [(field.alias or name).upper() for name, field in Settings.model_fields.items()]
    assert list(env_file.misspelt(of_rq | of_click | others, [], ours)) == []


def _commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            below = command.get_command(click.Context(command), name)
            assert below is not None
            yield from _commands(below)


def _variables(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        named = parameter.envvar or ()
        yield from [named] if isinstance(named, str) else named


def test_names_of_other_programs_are_let_be(tmp_path: Path) -> None:
    """What ordinary environments hold raises nothing."""
    assert len(ORDINARY) > 150
    others = {name: "1" for name in ORDINARY if name not in os.environ and name != "PYTHONPATH"}
    done = Service(tmp_path, others).command("key")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('# mine\nPORT=8080\n\nSMTP_URL="smtp://a:sesame@h\n', [4, "mark of SMTP_URL"]),
        ("PORT=8080\nHOST='0.0.0.0' all\n", [2, "mark of HOST"]),
        ("sesame\nPORT=8080\n", [1, "NAME=value"]),
        ("PORT=8080\nsesame words\nHOST=::1\n", [2, "NAME=value"]),
    ],
)
@pytest.mark.parametrize("command", ["check", "serve", "user list"])
def test_a_line_that_is_no_setting_is_named(
    text: str, said: list[object], command: str, tmp_path: Path
) -> None:
    """File and line, and nothing of what may be a secret."""
    (tmp_path / ".env").write_text(text)
    done = Service(tmp_path).command(*command.split())
    line, words = said
    assert done.returncode == 2
    assert done.stderr.startswith(f"altwright: .env: line {line}: ")
    assert str(words) in done.stderr
    assert done.stderr.count("\n") == 1
    assert "sesame" not in done.stderr
