"""Commands on users and their accounts."""

from __future__ import annotations

import secrets
from typing import Any

import click

from altwright.accounts.users import User
from altwright.cli.common import (
    OPERATOR,
    json_option,
    known_user,
    opened,
    secret,
    show,
    user_option,
)
from altwright.domain.caption import Role
from altwright.platforms.connect import PLATFORMS

#: Beside each option that is a secret.
ASKED = "Asked for, or read from stdin, unless given; `ps` shows arguments to everybody."
PASSWORD_HELP = f"Their password. {ASKED}"
_USER = {"id": "id", "username": "name", "role": "role", "is_active": "active"}
_ACCOUNT = {
    "id": "id",
    "platform": "platform",
    "acct": "account",
    "url": "server",
    "problem": "problem",
}


@click.group()
def user() -> None:
    """Create and list the people who may sign in."""


@user.command("create")
@click.argument("username")
@click.option("--admin", is_flag=True, help="May administer the service.")
@click.option("--email", help="For messages to them.")
@click.option("--password", envvar="ALTWRIGHT_PASSWORD", help=PASSWORD_HELP)
@click.option("--token", is_flag=True, help="Make a token for the REST API too, and print it.")
@json_option
def create(
    username: str,
    email: str | None,
    password: str | None,
    *,
    admin: bool,
    token: bool,
    as_json: bool,
) -> None:
    """Create USERNAME.

    With --token and no password, none is asked for: they can use the REST API, and sign in once
    they have a password (`altwright user password`).
    """
    with opened() as services:
        if password is None and not token:
            password = secret("Password", twice=True)
        role = Role.ADMIN if admin else Role.USER
        # Nobody knows the password of a user who was made for the REST API only.
        password = password or secrets.token_urlsafe(32)
        data = _shown(services.users.create(username, password, role=role, email=email))
        services.audit.add(OPERATOR, "user created", username, role)
        if token:
            data["token"] = services.users.make_token(data["id"], "command line")
    if token and not as_json:
        click.echo(data["token"])
    else:
        show(data, as_json=as_json, columns=_USER)


@user.command("role")
@click.argument("username")
@click.argument("role", type=click.Choice([one.value for one in Role]))
def set_role(username: str, role: str) -> None:
    """Make USERNAME an administrator, a moderator (looks after everybody's tasks) or a user."""
    with opened() as services:
        user = known_user(services, username)
        services.users.set_role(user.id, Role(role))
        services.audit.add(OPERATOR, "role given", username, before=user.role, after=role)


@user.command("list")
@json_option
def list_users(*, as_json: bool) -> None:
    """List all users."""
    with opened() as services:
        people = [_shown(one) for one in services.users.all()]
    show(people, as_json=as_json, columns=_USER, empty="Nobody yet: altwright user create NAME")


@user.command("password")
@click.argument("username")
@click.option("--password", envvar="ALTWRIGHT_PASSWORD", help=PASSWORD_HELP)
def set_password(username: str, password: str | None) -> None:
    """Give USERNAME a new password."""
    with opened() as services:
        user_id = known_user(services, username).id
        services.users.set_password(user_id, password or secret("Password", twice=True))
        services.audit.add(OPERATOR, "password changed", username)


@user.command("token")
@click.argument("username")
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@json_option
def make_token(username: str, name: str, *, as_json: bool) -> None:
    """Make another token for the REST API and print it; it can't be shown again."""
    with opened() as services:
        token = services.users.make_token(known_user(services, username).id, name)
        services.audit.add(OPERATOR, "token made", username, name)
    if as_json:
        show({"username": username, "name": name, "token": token}, as_json=True, columns={})
    else:
        click.echo(token)


@user.command("deactivate")
@click.argument("username")
def deactivate(username: str) -> None:
    """Lock USERNAME out; their data stays."""
    with opened() as services:
        services.users.set_active(known_user(services, username).id, active=False)
        services.audit.add(OPERATOR, "user deactivated", username)


@user.command("activate")
@click.argument("username")
def activate(username: str) -> None:
    """Let USERNAME in again."""
    with opened() as services:
        services.users.set_active(known_user(services, username).id, active=True)
        services.audit.add(OPERATOR, "user activated", username)


@click.group()
def account() -> None:
    """Connect users to their Fediverse accounts."""


@account.command("add")
@user_option
@click.option(
    "--platform",
    type=click.Choice(PLATFORMS),
    default="mastodon",
    show_default=True,
    help="What the server speaks.",
)
@click.option("--url", required=True, help="Address of the server, https://…")
@click.option(
    "--token",
    envvar="ALTWRIGHT_ACCOUNT_TOKEN",
    help=f"Access token, with the rights to read and to write. {ASKED}",
)
@json_option
def add(username: str, platform: str, url: str, token: str | None, *, as_json: bool) -> None:
    """Connect an account; the server is asked whose token it is."""
    with opened() as services:
        user_id = known_user(services, username).id
        token = token or secret("Access token")
        made = services.accounts.add(user_id, platform, url, token).to_json()
    show(made, as_json=as_json, columns=_ACCOUNT)
    if made["drafts_only"]:
        click.echo(made["drafts_only"], err=True)


@account.command("list")
@user_option
@json_option
def list_accounts(username: str, *, as_json: bool) -> None:
    """List a user's accounts."""
    with opened() as services:
        user_id = known_user(services, username).id
        accounts = [one.to_json() for one in services.accounts.of_user(user_id)]
    show(accounts, as_json=as_json, columns=_ACCOUNT, empty="No account is connected.")


@account.command("remove")
@user_option
@click.argument("account_id", type=int)
@click.confirmation_option(prompt="Its token, pictures and drafts go, too. Remove it?")
def remove(username: str, account_id: int) -> None:
    """Disconnect an account; its posts stay as they are."""
    with opened() as services:
        services.accounts.remove(account_id, known_user(services, username).id)


def _shown(one: User) -> dict[str, Any]:
    return {
        "id": one.id,
        "username": one.username,
        "role": one.role.value,
        "is_active": one.is_active,
        "created_at": one.created_at.isoformat(),
    }
