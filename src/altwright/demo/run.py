"""The demo: Altwright with a pretend Fediverse server and an account on it."""

from __future__ import annotations

import json
import os
import secrets
import socket
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from altwright import config, folders, installed, telemetry
from altwright.config import Settings
from altwright.demo import server
from altwright.describers.offline.weights import fetch
from altwright.domain.caption import Role
from altwright.errors import ConfigError
from altwright.processes import serve
from altwright.processes.supervisor import Child, python

#: Where the pretend server listens unless the port is taken at the first start.
FIRST_PORT = 8089


@dataclass(frozen=True, slots=True)
class Login:
    """What the demo keeps between starts."""

    username: str
    password: str
    server_port: int


def run(*, check_only: bool = False) -> None:
    """Set up what is missing and serve until stopped.

    Raises:
        ConfigError: the settings are wrong, the demo's packages are missing, or pictures or models
            can't be had.
    """
    missing = installed.without_extra("demo")
    if missing:
        raise ConfigError([missing])
    settings = config.load()
    folders.prepare(settings.data_dir, "DATA_DIR")
    directory = settings.data_dir.absolute() / "demo"
    login = _kept_login(directory)
    url = f"http://127.0.0.1:{login.server_port}"
    allowed = settings.allowed_private_hosts | {f"127.0.0.1:{login.server_port}"}
    # The children read the same environment.
    os.environ["ALLOWED_PRIVATE_HOSTS"] = ",".join(sorted(allowed))
    settings = config.load()
    telemetry.configure("WARNING", settings.log_format)
    os.environ.setdefault("LOG_LEVEL", "WARNING")

    if "offline" in settings.describers:
        fetch.ensure(settings.models_dir, click.echo)
    server.get_pictures(directory / "pictures", click.echo)
    if check_only:
        click.echo("Everything is there.")
        return
    click.echo("Starting …")
    serve.serve(
        settings,
        before=[pretend_server(directory, login.server_port, url)],
        ready=lambda: _welcome(settings, login, url, directory / "pictures"),
    )


def pretend_server(directory: Path, port: int, url: str) -> Child:
    """Return the process of the Fediverse server; what workers call outlives them."""
    path = server.configuration(directory, port)
    return Child(
        "pretend Mastodon server",
        python("altwright.demo.pretend", str(path), str(port)),
        ready=lambda: serve.answers(f"{url}/api/v1/instance"),
        log_file=directory.parent / "log" / "mastodon-mock.log",
        rank=0,
    )


def _welcome(settings: Settings, login: Login, url: str, pictures: Path) -> None:
    """Fill the server, connect the account, and say where to go."""
    from altwright import bootstrap  # noqa: PLC0415 - see processes/preparation.py

    server.fill(url, pictures)
    with closing(bootstrap.build(settings)) as services:
        user = services.users.by_name(login.username)
        if user is None:
            user = services.users.create(login.username, login.password, role=Role.ADMIN)
        elif user.role is not Role.ADMIN:  # a demo of the version before
            services.users.set_role(user.id, Role.ADMIN)
        if not services.accounts.of_user(user.id):
            services.accounts.add(user.id, "mastodon", url, server.TOKEN)
    click.echo(
        f"""
Altwright is running.

  Address   http://{settings.host}:{settings.port}
  Name      {login.username}
  Password  {login.password}

Sign in and press "Describe my pictures". When drafts are there, review them, correct what you
like, approve and publish. "Admin" is what administrators see. The posts, with their alt texts,
are on a pretend Mastodon server:
{url}/@{server.USERNAME}
Ctrl-C stops everything; the next start goes on from there.
"""
    )


def _kept_login(directory: Path) -> Login:
    path = directory / "login.json"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        try:
            return Login(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise ConfigError([f"{path}: can't be read; delete it to start anew"]) from error
    login = Login("demo", secrets.token_urlsafe(9), _free_port())
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(login)))
    return login


def _free_port() -> int:
    for port in (FIRST_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ConfigError(["the pretend server: no port of 127.0.0.1 is free"])
