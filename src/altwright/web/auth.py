"""Who is calling: sessions for people, bearer tokens for programs; the pages to sign in and out."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Flask, current_app, g, redirect, render_template, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from altwright.accounts.users import User
from altwright.domain.user import UserRef
from altwright.errors import NotAllowed, NotSignedIn, RateLimited
from altwright.web.login_rate_limit import LoginLimit
from altwright.web.problem_details import problem_of
from altwright.web.security import SAFE_METHODS, csrf
from altwright.web.services import services

HOME = "/"
LOGIN_PATH = "/login"
_LIMIT = "altwright_login_limit"

bp = Blueprint("auth", __name__)


class SignedIn(UserMixin):  # type: ignore[misc]  # it ships no types
    """Flask-Login's view of a user; pages see it as ``current_user``."""

    def __init__(self, user: User) -> None:
        """Take an active user."""
        self.user = user
        self.ref = user.ref
        self.username = user.username

    def get_id(self) -> str:
        """Return what the session keeps."""
        return f"{self.user.id}.{self.user.stamp}"


def init_app(app: Flask, limit: LoginLimit) -> None:
    """Set up sessions and the pages that begin and end them."""
    manager = LoginManager(app)
    manager.user_loader(_load)
    app.extensions[_LIMIT] = limit
    app.register_blueprint(bp)


def _load(kept: str) -> SignedIn | None:
    user_id, _, stamp = kept.partition(".")
    user = services().users.get(int(user_id)) if user_id.isdecimal() else None
    if user is None or not user.is_active or user.stamp != stamp:
        return None
    return SignedIn(user)


def caller() -> UserRef:
    """Return who makes this request. Raises NotSignedIn."""
    ref = g.get("caller")
    if ref is None:
        if not current_user.is_authenticated:
            raise NotSignedIn("Sign in first.")
        ref = _here(current_user.ref)
    assert isinstance(ref, UserRef)  # noqa: S101 - narrows what Flask keeps untyped
    return ref


def _here(ref: UserRef) -> UserRef:
    """Return a user with the address that this request came from, for the audit log."""
    return replace(ref, address=request.remote_addr or "")


def refuse_viewer(ref: UserRef) -> None:
    """Let those pass who may change something. Raises NotAllowed."""
    if ref.is_viewer:
        raise NotAllowed("You may look only; an administrator can give you another role.")


def identify() -> None:
    """Find out who calls the API, before a view runs.

    A bearer token is sent on purpose, so it needs no CSRF token; a cookie does. A wrong bearer
    token is refused even when a session would do, so that nobody gets round the CSRF check.

    Raises:
        NotSignedIn: no session, and no valid token.
        NotAllowed: a viewer wants to change something.
        CSRFError: an unsafe request of a session without its X-CSRFToken.
        BadRequest, UnsupportedMediaType, RequestEntityTooLarge: its body is no JSON, or too long.
    """
    if "Authorization" in request.headers:
        given = request.authorization
        token = given.token if given is not None and given.type == "bearer" else None
        user = services().users.by_token(token) if token else None
        if user is None:
            raise NotSignedIn("This token is not valid.")
        g.caller = _here(user.ref)
    else:
        g.caller = caller()
        csrf.protect()
    if request.method not in SAFE_METHODS:
        refuse_viewer(g.caller)
    if request.get_data():
        request.get_json()


def challenge(response: Response) -> Response:
    """Say how to authenticate, as RFC 9110 11.6.1 wants of a 401, the realm in quotes (11.5)."""
    if response.status_code == 401:  # noqa: PLR2004 - the status
        response.headers["WWW-Authenticate"] = 'Bearer realm="altwright"'
    return response


@bp.get("/login")
def login() -> Response | str:
    """Show the page to sign in."""
    target = local_path(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(target)
    return render_template("login.html", next=target, username="", error="")


@bp.post("/login")
def sign_in() -> Response | tuple[str, int, dict[str, str]]:
    """Sign in, and go where the person was going."""
    target = local_path(request.form.get("next"))
    username = request.form.get("username", "").replace("\0", "").strip()
    # The page shows a refusal beside its form, so it is answered here.
    try:
        user = _authenticated(username, request.form.get("password", ""))
    except (NotSignedIn, RateLimited) as refusal:
        problem = problem_of(refusal)
        page = render_template("login.html", next=target, username=username, error=problem.detail)
        return page, problem.status, dict(problem.headers)
    session.clear()  # whatever was in it before, its CSRF token too, was not this person's
    session.permanent = True
    login_user(SignedIn(user))
    return redirect(target)


@bp.post("/logout")
def logout() -> Response:
    """Sign out."""
    logout_user()
    session.clear()
    return redirect(LOGIN_PATH)


def _authenticated(username: str, password: str) -> User:
    """Return the user. Raises NotSignedIn, RateLimited."""
    limit: LoginLimit = current_app.extensions[_LIMIT]
    address = request.remote_addr or ""
    limit.enter(username, address)
    user = services().users.authenticate(username, password)
    limit.forgive(username, address)
    return user


def local_path(target: str | None) -> str:
    r"""Return ``target`` if it is a path of this site, the home page otherwise.

    Browsers read a backslash as a slash and drop control characters, so that "/\evil.example"
    and "/<tab>/evil.example" lead away. Source: WHATWG URL Standard, 4.4.
    """
    if target is None or not target.startswith("/") or not target.isprintable():
        return HOME
    return HOME if target.replace("\\", "/").startswith("//") else target
