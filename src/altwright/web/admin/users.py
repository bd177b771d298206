"""Who may sign in: a list, and a page for each with what administrators do to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urljoin

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from altwright.accounts.administration import Invited
from altwright.domain.caption import Role
from altwright.domain.counting import counted
from altwright.errors import Conflict, InvalidInput, NotFound
from altwright.web.admin.access import section
from altwright.web.auth import caller
from altwright.web.numbers import whole_number
from altwright.web.services import services

#: Users on a page of the list.
USERS_A_PAGE = 50
PATH = "/admin/users"

bp = section("users", PATH)


@bp.get("")
def show_all() -> str:
    """Show who may sign in, and a form for one more."""
    return _list()


@bp.post("")
def create() -> Response | tuple[str, int]:
    """Add a user, and show the link with which they choose their password."""
    form = request.form
    role = _role(form.get("role", Role.USER))
    email = form.get("email", "").strip() or None
    try:
        made = services().people.invite(
            form.get("username", "").strip(), role=role, email=email, by=caller()
        )
    except InvalidInput as refusal:
        return _list(form, refusal.fields), refusal.status
    return _with_link(made, f"{made.user.username} is added.")


@bp.get("/<int:user_id>")
def show(user_id: int) -> str:
    """Show a user: role, accounts, tokens."""
    return _page(user_id)


@bp.post("/<int:user_id>/role")
def set_role(user_id: int) -> Response | tuple[str, int]:
    """Give a user another role."""
    role, people = _role(request.form.get("role", "")), services().people
    return _tried(
        user_id,
        lambda: people.set_role(user_id, role, by=caller()),
        f"The role of {people.get(user_id).username} is {role} now.",
    )


@bp.post("/<int:user_id>/active")
def set_active(user_id: int) -> Response | tuple[str, int]:
    """Lock a user out, or let them in again."""
    is_active, people = request.form.get("active") == "yes", services().people
    words = "may sign in again" if is_active else "is locked out, at once; their data stays"
    return _tried(
        user_id,
        lambda: people.set_active(user_id, active=is_active, by=caller()),
        f"{people.get(user_id).username} {words}.",
    )


@bp.post("/<int:user_id>/email")
def set_email(user_id: int) -> Response | tuple[str, int]:
    """Note a user's e-mail address."""
    email = request.form.get("email", "").strip() or None
    return _tried(
        user_id,
        lambda: services().people.set_email(user_id, email, by=caller()),
        "The e-mail address is noted." if email else "The e-mail address is removed.",
    )


@bp.post("/<int:user_id>/password")
def reset_password(user_id: int) -> Response:
    """End a user's password and sessions, and show the link for a new one."""
    reset = services().people.reset_password(user_id, by=caller())
    return _with_link(reset, f"The old password of {reset.user.username} counts no longer.")


@bp.post("/<int:user_id>/sessions/end")
def end_sessions(user_id: int) -> Response:
    """Sign a user out everywhere."""
    user = services().people.end_sessions(user_id, by=caller())
    return _done(user_id, f"{user.username} is signed out everywhere; the password stays.")


@bp.post("/<int:user_id>/limit")
def limit(user_id: int) -> Response | tuple[str, int]:
    """Say how many runs a user may start within a day."""
    typed = request.form.get("runs_per_day", "").strip()
    if typed and not typed.isdecimal():
        return _page(user_id, {"runs_per_day": "should be a whole number, or nothing"}), 422
    # Longer ones are no limits, and Python reads none of thousands of digits.
    runs = int(typed[:9]) if typed else None
    words = "as many runs within a day as the setting says"
    if runs is not None:
        words = f"{counted(runs, 'run')} within a day" if runs else "any number of runs"
    return _tried(
        user_id,
        lambda: services().people.limit_runs(user_id, runs, by=caller()),
        f"They may start {words}.",
    )


@bp.post("/<int:user_id>/tokens/<int:token_id>/revoke")
def revoke_token(user_id: int, token_id: int) -> Response:
    """Let a token of the REST API count no longer."""
    token = services().people.revoke_token(user_id, token_id, by=caller())
    return _done(user_id, f"The token “{token.name}” counts no longer.")


def _list(typed: Mapping[str, str] | None = None, faults: Mapping[str, str] | None = None) -> str:
    asked = request.args
    part, after_id = asked.get("name", "").strip(), whole_number(asked.get("after", "")) or 0
    found = services().users.search(part, after_id=after_id, limit=USERS_A_PAGE + 1)
    page = found[:USERS_A_PAGE]
    older = {"name": part, "after": page[-1].id} if len(found) > len(page) else None
    return render_template(
        "admin/users.html",
        users=page,
        roles=list(Role),
        typed=typed or {},
        faults=faults or {},
        more=f"{PATH}?{urlencode(older)}" if older else None,
    )


def _page(user_id: int, faults: Mapping[str, str] | None = None) -> str:
    user = services().people.get(user_id)
    return render_template(
        "admin/user.html",
        user=user,
        roles=list(Role),
        is_self=user.id == caller().id,
        accounts=[one.to_json() for one in services().accounts.of_user(user_id)],
        tokens=services().users.tokens(user_id),
        runs_of_setting=services().live.current.user_runs_per_day,
        typed=request.form,
        faults=faults or {},
    )


def _tried(user_id: int, action: Callable[[], object], words: str) -> Response | tuple[str, int]:
    """Do what may be refused; then the page says what is wrong with which field."""
    try:
        action()
    except InvalidInput as refusal:
        return _page(user_id, refusal.fields), refusal.status
    except Conflict as refusal:
        words = f"Nothing was done: {refusal}"
    return _done(user_id, words)


def _with_link(invited: Invited, words: str) -> Response:
    answer = _done(
        invited.user.id,
        f"{words} Give them this link, which is shown once, works once and for three days:",
    )
    flash(urljoin(request.host_url, invited.link), "link")
    return answer


def _done(user_id: int, words: str) -> Response:
    """Say what was done, on the user's page."""
    flash(words)
    return redirect(f"{PATH}/{user_id}", 303)


def _role(name: str) -> Role:
    """Return a role. Raises NotFound."""
    try:
        return Role(name)
    except ValueError:
        raise NotFound("There is no such role.") from None
