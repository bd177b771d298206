"""The files in deploy/: checked by the programs that will read them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import click
import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from tests.support_nginx import Nginx

from altwright.cli.main import altwright
from altwright.config import Settings

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
COMMANDS = altwright.list_commands(click.Context(altwright))
UNITS = sorted((DEPLOY / "systemd").iterdir())


def missing(what: str) -> NoReturn:
    """Skip, or fail a complete run, for want of a program."""
    if os.environ.get("ALTWRIGHT_REQUIRE_ALL") == "1":
        pytest.fail(f"NOT INSTALLED: {what}", pytrace=False)
    pytest.skip(f"NOT INSTALLED: {what}")


def known_variables() -> set[str]:
    """Return the names of all settings."""
    return {(field.alias or name).upper() for name, field in Settings.model_fields.items()}


@pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])
def test_systemd_finds_nothing_wrong_with_a_unit(unit: Path, tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing, and the unit's settings and commands exist."""
    program = shutil.which("systemd-analyze")
    if program is None:
        missing("systemd (systemd-analyze)")
    text = unit.read_text()
    for one in UNITS:  # a timer starts a service
        ours = one.read_text().replace("/opt/altwright/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / one.name).write_text(ours)
    here = tmp_path / unit.name
    done = subprocess.run(
        [program, "verify", str(here)], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    names = set(re.findall(r"^Environment=(\w+)=", text, re.MULTILINE)) - {"RQ_WORKER_CLASS"}
    assert names <= known_variables()
    for command in re.findall(r"/altwright (\S+)", text):
        assert command in COMMANDS


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    """`nginx -t` on the site, with a certificate and ports of the test's own."""
    made = Nginx(tmp_path)
    made.configure()
    done = subprocess.run(made.argv("-t"), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "test is successful" in done.stderr
    assert "[warn]" not in done.stderr


def test_the_compose_file_names_commands_and_settings_that_exist() -> None:
    """Each service of ours runs a known command with known settings; stops get their time."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    ours = [one for one in services.values() if one.get("image") == "altwright"]
    assert len(ours) == 2
    for service in ours:
        program, command = service["command"][:2]
        assert program == "altwright"
        assert command in COMMANDS
        assert set(service["environment"]) <= known_variables()
        grace_s = int(service["stop_grace_period"].removesuffix("s"))
        assert grace_s > Settings.model_fields["rq_shutdown_timeout"].default + 15
        assert set(service["depends_on"]) <= set(services)
    volumes = {
        volume.split(":")[0] for one in services.values() for volume in one.get("volumes", [])
    }
    assert volumes == set(compose["volumes"])
    if has_compose():
        argv = ["docker", "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet"]
        secrets = ("POSTGRES_PASSWORD", "PLATFORM_ENCRYPTION_KEY", "FLASK_SECRET_KEY")
        environment = {**os.environ, **dict.fromkeys(secrets, "x")}
        done = subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr


def has_compose() -> bool:
    """Say whether docker's compose is there; without it the file is only read."""
    if shutil.which("docker") is None:
        return False
    argv = ["docker", "compose", "version"]
    return subprocess.run(argv, capture_output=True, timeout=300, check=False).returncode == 0
