"""The page on which a person chooses their password, by a link from an administrator."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request
from flask_login import logout_user
from werkzeug.wrappers import Response

from altwright.accounts.password_links import PATH
from altwright.accounts.users import PASSWORD_LEAST
from altwright.errors import InvalidInput
from altwright.web.auth import LOGIN_PATH
from altwright.web.services import services

bp = Blueprint("password", __name__, url_prefix=PATH.rstrip("/"))


@bp.get("/<sealed>")
def ask(sealed: str) -> str:
    """Ask for a password."""
    user = services().people.links.user_of(sealed)
    return _page(user.username)


@bp.post("/<sealed>")
def choose(sealed: str) -> Response | tuple[str, int]:
    """Take the password, and lead to where one signs in with it."""
    people = services().people
    user = people.links.user_of(sealed)
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _page(user.username, "The two passwords differ; type the same one twice."), 422
    try:
        people.choose_password(sealed, password, address=request.remote_addr or "")
    except InvalidInput as refusal:
        return _page(user.username, f"It {refusal.fields['password']}."), refusal.status
    logout_user()  # whoever was signed in in this browser
    flash("Your password is set. Sign in with it.")
    return redirect(LOGIN_PATH, 303)


def _page(username: str, error: str = "") -> str:
    return render_template("password.html", username=username, error=error, least=PASSWORD_LEAST)
