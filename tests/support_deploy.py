"""What files in deploy/ are compared with: settings, commands, the image."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

import click
from cryptography.fernet import Fernet
from tests.support_pages import ROOT, parsed

from altwright.cli.main import altwright
from altwright.config import Settings, load

DEPLOY = ROOT / "deploy"
COMMANDS = altwright.list_commands(click.Context(altwright))
#: What an operator fills in.
SECRETS = {
    "POSTGRES_PASSWORD": "secret",
    "PLATFORM_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    "FLASK_SECRET_KEY": Fernet.generate_key().decode(),
}
#: Seconds beyond RQ_SHUTDOWN_TIMEOUT that a stop has to have.
SPARE_S = 15


def known_variables() -> set[str]:
    """Return the names of all settings."""
    return {(field.alias or name).upper() for name, field in Settings.model_fields.items()}


def image_variables() -> dict[str, str]:
    """Return the settings that the image has."""
    (line,) = re.findall(r"^ENV (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    pairs = dict(one.split("=", 1) for one in shlex.split(line))
    return {name: value for name, value in pairs.items() if name != "PATH"}


def settings_of(environment: Mapping[str, str]) -> Settings:
    """Return the settings of a container, as the service checks them at its start."""
    given = image_variables() | dict(environment)
    assert given.keys() <= known_variables()
    return load(_env_file=None, **given)


def is_command(words: Any) -> bool:
    """Return whether words are a command of ours, with options that it has; fails if not."""
    assert words[0] == "altwright", words
    parsed(shlex.join(words))
    return True
