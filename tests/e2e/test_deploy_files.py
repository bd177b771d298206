"""The files in deploy/: checked by the programs that will read them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from tests.support_deploy import (
    COMMANDS,
    DEPLOY,
    SECRETS,
    SPARE_S,
    is_command,
    known_variables,
    settings_of,
)
from tests.support_nginx import Nginx
from tests.support_web import Web

UNITS = sorted((DEPLOY / "systemd").iterdir())


def missing(what: str) -> NoReturn:
    """Skip, or fail a complete run, for want of a program."""
    if os.environ.get("ALTWRIGHT_REQUIRE_ALL") == "1":
        pytest.fail(f"NOT INSTALLED: {what}", pytrace=False)
    pytest.skip(f"NOT INSTALLED: {what}")


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


def test_the_compose_file_is_one_that_starts(web: Web) -> None:
    """Each service of ours runs a known command with settings that production bears, and in time.

    Its ports are those of the settings, and what its health is asked of is there.
    """
    text = (DEPLOY / "compose.yaml").read_text()
    filled = re.sub(r"\$\{(\w+):\?\}", lambda found: SECRETS[found[1]], text)
    compose = yaml.safe_load(filled)
    services = compose["services"]
    ours = {name: one for name, one in services.items() if one.get("image") == "altwright"}
    assert sorted(ours) == ["web", "workers"]
    for service in ours.values():
        assert is_command(service["command"])
        settings = settings_of(service["environment"])
        assert settings.profile == "production"
        grace_s = int(service["stop_grace_period"].removesuffix("s"))
        assert grace_s > settings.rq_shutdown_timeout + SPARE_S
        assert set(service["depends_on"]) <= set(services)
        assert settings.plaintext_hosts <= set(services)
    settings = settings_of(ours["web"]["environment"])
    ports = {int(one.rpartition(":")[2]) for one in ours["web"]["ports"]}
    assert ports == {settings.port, settings.sockets_port}
    asked = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", ours["web"]["healthcheck"]["test"][-1])
    assert asked is not None
    assert int(asked[1]) == settings.port
    assert web.app.test_client().get(asked[2]).status_code == 200
    volumes = {
        volume.split(":")[0] for one in services.values() for volume in one.get("volumes", [])
    }
    assert volumes == set(compose["volumes"])
    if has_compose():
        argv = ["docker", "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet"]
        environment = {**os.environ, **SECRETS}
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
