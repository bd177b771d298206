"""/api/v1/admin/users: the people who sign in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urljoin

from flask import request
from pydantic import AfterValidator, BaseModel, Field

from altwright.accounts.administration import Invited
from altwright.accounts.users import NO_EMAIL, RUNS_MOST, User, is_email
from altwright.domain.caption import Role
from altwright.web.admin.access import require_role
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.api.requests import Body, Id, Limit, PathId, Query, Text
from altwright.web.api.responses import Account, Shape
from altwright.web.auth import caller
from altwright.web.services import services

bp = blueprint("admin/users", "The people who sign in; for administrators")
bp.before_request(require_role)


def _email(text: str) -> str:
    if text and not is_email(text):
        raise ValueError(NO_EMAIL)
    return text


Email = Annotated[Text, AfterValidator(_email)]


class UserPath(BaseModel):
    """The user that a path names."""

    user_id: PathId


class TokenPath(UserPath):
    """The token of a user that a path names."""

    token_id: PathId


class UsersQuery(Query):
    """Which users to list."""

    name: str = Field("", max_length=255, description="what their name or e-mail holds")
    after: Id | None = Field(None, description="the last user of the page before this one")
    limit: Limit = 50


class UserNew(Body):
    """A user to add; they choose their password by a link."""

    username: Text = Field(max_length=64)
    # By its name, which strict bodies don't make a member of it.
    role: Role = Field(Role.USER, strict=False)
    email: Email | None = Field(None, max_length=255)


class UserChange(Body):
    """What to change; what is left out stays."""

    role: Role | None = Field(None, strict=False)
    is_active: bool | None = Field(None, description="false: locked out at once, by token too")
    email: Email | None = Field(None, max_length=255, description="null or empty: none")
    runs_per_day: int | None = Field(
        None, ge=0, le=RUNS_MOST, description="null: as the setting says; 0: no limit"
    )


class UserShown(Shape):
    """A user, without what they sign in with."""

    id: int
    username: str
    email: str | None
    role: Role
    is_active: bool
    created_at: datetime
    last_login_at: datetime | None
    runs_per_day: int | None


class UserList(Shape):
    """Users, in the order in which they were added."""

    users: list[UserShown]


class TokenShown(Shape):
    """A token of the REST API, without what it is."""

    id: int
    name: str
    created_at: datetime


class UserDetails(UserShown):
    """A user with tokens and accounts."""

    tokens: list[TokenShown]
    accounts: list[Account]


class UserInvited(UserShown):
    """A user, and the link with which they choose their password: shown once."""

    link: str = Field(description="works once, for three days")


@bp.get("", responses=answers({200: UserList}, 403))
def list_users(query: UsersQuery) -> dict[str, Any]:
    """List users."""
    found = services().users.search(query.name, after_id=query.after or 0, limit=query.limit)
    return {"users": [one.to_json() for one in found]}


@bp.post("", responses=answers({201: UserInvited}, 403, body=True))
def add_user(body: UserNew) -> tuple[dict[str, Any], int]:
    """Add a user, who chooses their password by the link in the answer."""
    people = services().people
    made = people.invite(body.username, role=body.role, email=body.email or None, by=caller())
    return _invited(made), 201


@bp.get("/<int:user_id>", responses=answers({200: UserDetails}, 403, 404))
def show_user(path: UserPath) -> dict[str, Any]:
    """Show a user with tokens and accounts."""
    return _details(services().people.get(path.user_id))


@bp.patch("/<int:user_id>", responses=answers({200: UserDetails}, 403, 404, 409, body=True))
def change_user(path: UserPath, body: UserChange) -> dict[str, Any]:
    """Change a user's role, e-mail address, or whether they may sign in."""
    people = services().people
    # What may be refused comes first: all of it is done, or nothing.
    if body.role is not None:
        people.set_role(path.user_id, body.role, by=caller())
    if body.is_active is not None:
        people.set_active(path.user_id, active=body.is_active, by=caller())
    if "email" in body.model_fields_set:
        people.set_email(path.user_id, body.email or None, by=caller())
    if "runs_per_day" in body.model_fields_set:
        people.limit_runs(path.user_id, body.runs_per_day, by=caller())
    return _details(people.get(path.user_id))


@bp.post("/<int:user_id>/password", responses=answers({200: UserInvited}, 400, 403, 404))
def reset_user_password(path: UserPath) -> dict[str, Any]:
    """End a user's password and sessions; the answer has a link for a new password."""
    return _invited(services().people.reset_password(path.user_id, by=caller()))


@bp.post("/<int:user_id>/sign-out", responses=answers({204: None}, 400, 403, 404))
def sign_user_out(path: UserPath) -> tuple[str, int]:
    """Sign a user out everywhere; password and tokens stay."""
    services().people.end_sessions(path.user_id, by=caller())
    return "", 204


@bp.delete("/<int:user_id>/tokens/<int:token_id>", responses=answers({204: None}, 400, 403, 404))
def revoke_user_token(path: TokenPath) -> tuple[str, int]:
    """Let a token of the REST API count no longer."""
    services().people.revoke_token(path.user_id, path.token_id, by=caller())
    return "", 204


def _invited(made: Invited) -> dict[str, Any]:
    return made.user.to_json() | {"link": urljoin(request.host_url, made.link)}


def _details(user: User) -> dict[str, Any]:
    return user.to_json() | {
        "tokens": [one.to_json() for one in services().users.tokens(user.id)],
        "accounts": [one.to_json() for one in services().accounts.of_user(user.id)],
    }
