"""Commands on users and their accounts."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import click

from altwright.cli.common import (
    OPERATOR,
    json_option,
    known_user,
    opened,
    secret,
    show,
    user_option,
)
from altwright.describers.style import Length, Tone
from altwright.domain.caption import Role
from altwright.platforms.connect import PLATFORMS

#: Beside each option that is a secret.
ASKED = "Asked for, or read from stdin, unless given; `ps` shows arguments to everybody."
PASSWORD_HELP = f"Their password. {ASKED}"
_USER = {"id": "id", "username": "name", "role": "role", "is_active": "active"}
_TOKEN = {"id": "token", "name": "name", "created_at": "made"}
_ACCOUNT = {
    "id": "id",
    "platform": "platform",
    "acct": "account",
    "url": "server",
    "problem": "problem",
}
_CONTEXT = {
    "names": "names",
    "length": "length",
    "tone": "tone",
    "never_name_people": "names nobody",
    "own_words": "own words",
    "reuse_texts": "takes known texts",
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
@click.option("--link", is_flag=True, help="Print a link with which they choose their password.")
@json_option
def create(
    username: str,
    email: str | None,
    password: str | None,
    *,
    admin: bool,
    token: bool,
    link: bool,
    as_json: bool,
) -> None:
    """Create USERNAME.

    With --link they choose their password themselves. With --token and no password, none is asked
    for: they can use the REST API, and sign in once they have one (`altwright user reset`).
    """
    with opened() as services:
        if password is None and not token and not link:
            password = secret("Password", twice=True)
        role = Role.ADMIN if admin else Role.USER
        user = services.people.create(
            username, password=password, role=role, email=email, by=OPERATOR
        )
        data = user.to_json()
        if link:
            data["link"] = services.people.links.make(user)
        if token:
            data["token"] = services.users.make_token(user.id, "command line")
    if as_json or not (token or link):
        show(data, as_json=as_json, columns=_USER)
        return
    if token:
        click.echo(data["token"])
    if link:
        _say_link(data["link"])


@user.command("role")
@click.argument("username")
@click.argument("role", type=click.Choice([one.value for one in Role]))
def set_role(username: str, role: str) -> None:
    """Make USERNAME an administrator, a moderator, a user, or a viewer, who may look only.

    A moderator looks after everybody's tasks.
    """
    with opened() as services:
        services.people.set_role(known_user(services, username).id, Role(role), by=OPERATOR)


@user.command("list")
@json_option
def list_users(*, as_json: bool) -> None:
    """List all users."""
    with opened() as services:
        people = [one.to_json() for one in services.users.all()]
    show(people, as_json=as_json, columns=_USER, empty="Nobody yet: altwright user create NAME")


@user.command("password")
@click.argument("username")
@click.option("--password", envvar="ALTWRIGHT_PASSWORD", help=PASSWORD_HELP)
def set_password(username: str, password: str | None) -> None:
    """Give USERNAME a new password."""
    with opened() as services:
        user_id = known_user(services, username).id
        password = password or secret("Password", twice=True)
        services.people.set_password(user_id, password, by=OPERATOR)


@user.command("reset")
@click.argument("username")
@json_option
def reset(username: str, *, as_json: bool) -> None:
    """Let USERNAME's old password and sessions count no longer; print a link for a new one.

    Whoever has the link chooses the password; it works once, and for three days.
    """
    with opened() as services:
        user_id = known_user(services, username).id
        link = services.people.reset_password(user_id, by=OPERATOR).link
    if as_json:
        show({"username": username, "link": link}, as_json=True, columns={})
    else:
        _say_link(link)


@user.command("show")
@click.argument("username")
@json_option
def show_user(username: str, *, as_json: bool) -> None:
    """Show USERNAME with tokens and accounts."""
    with opened() as services:
        one = known_user(services, username)
        data = one.to_json() | {
            "tokens": [token.to_json() for token in services.users.tokens(one.id)],
            "accounts": [account.to_json() for account in services.accounts.of_user(one.id)],
        }
    if as_json:
        show(data, as_json=True, columns={})
        return
    more = {"email": "e-mail", "created_at": "added", "last_login_at": "signed in last"}
    show(data, as_json=False, columns=_USER | more)
    show(data["tokens"], as_json=False, columns=_TOKEN, empty="No tokens of the REST API.")
    show(data["accounts"], as_json=False, columns=_ACCOUNT, empty="No account is connected.")


@user.command("email")
@click.argument("username")
@click.argument("email", required=False)
def set_email(username: str, email: str | None) -> None:
    """Note EMAIL as where messages to USERNAME go; left out: nowhere."""
    with opened() as services:
        services.people.set_email(known_user(services, username).id, email, by=OPERATOR)


@user.command("token")
@click.argument("username")
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@json_option
def make_token(username: str, name: str, *, as_json: bool) -> None:
    """Make another token for the REST API and print it; it can't be shown again."""
    with opened() as services:
        user_id = known_user(services, username).id
        token = services.people.make_token(user_id, name, by=OPERATOR)
    if as_json:
        show({"username": username, "name": name, "token": token}, as_json=True, columns={})
    else:
        click.echo(token)


@user.command("sign-out")
@click.argument("username")
def sign_out(username: str) -> None:
    """Sign USERNAME out everywhere; password and tokens stay."""
    with opened() as services:
        services.people.end_sessions(known_user(services, username).id, by=OPERATOR)


@user.command("limit")
@click.argument("username")
@click.argument("runs", metavar="RUNS|default")
def limit(username: str, runs: str) -> None:
    """Let USERNAME start so many runs within a day.

    0: any number; default: as USER_RUNS_PER_DAY says.
    """
    if runs != "default" and not runs.isdecimal():
        raise click.BadParameter(f"{runs!r} should be a whole number, or default.")
    with opened() as services:
        user_id = known_user(services, username).id
        most = None if runs == "default" else int(runs[:9])
        services.people.limit_runs(user_id, most, by=OPERATOR)


@user.command("revoke")
@click.argument("username")
@click.argument("token_id", type=int)
def revoke(username: str, token_id: int) -> None:
    """Let a token of USERNAME's count no longer; `altwright user show` has their ids."""
    with opened() as services:
        user_id = known_user(services, username).id
        services.people.revoke_token(user_id, token_id, by=OPERATOR)


@user.command("deactivate")
@click.argument("username")
def deactivate(username: str) -> None:
    """Lock USERNAME out; their data stays."""
    with opened() as services:
        user_id = known_user(services, username).id
        services.people.set_active(user_id, active=False, by=OPERATOR)


@user.command("activate")
@click.argument("username")
def activate(username: str) -> None:
    """Let USERNAME in again."""
    with opened() as services:
        user_id = known_user(services, username).id
        services.people.set_active(user_id, active=True, by=OPERATOR)


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


@account.command("context")
@user_option
@click.argument("account_id", type=int)
@click.option("--names", help="Who and what its pictures often show, a line each; - reads stdin.")
@click.option("--length", type=click.Choice([one.value for one in Length]))
@click.option("--tone", type=click.Choice([one.value for one in Tone]))
@click.option("--never-name-people/--name-people", default=None)
@click.option("--own-words", help="More on the style of its texts.")
@click.option(
    "--reuse-texts/--no-reuse-texts",
    default=None,
    help="Whether a picture that is there already gets the text that it has there.",
)
@json_option
def context(username: str, account_id: int, *, as_json: bool, **given: Any) -> None:
    """Show names and style of an account, after changing those that are given.

    They go to describers that can use them, with each picture of the account; `altwright account
    list` has its id.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    if changes.get("names") == "-":
        changes["names"] = sys.stdin.read()
    with opened() as services:
        user_id, contexts = known_user(services, username).id, services.accounts.contexts
        known = contexts.get(account_id, user_id)
        if changes:
            wanted = replace(known, **changes)
            known = contexts.put(account_id, user_id, wanted, version=known.version)
    show(known.to_json(), as_json=as_json, columns=_CONTEXT)


def _say_link(path: str) -> None:
    click.echo("Works once, for three days; put this service's address before it:", err=True)
    click.echo(path)
