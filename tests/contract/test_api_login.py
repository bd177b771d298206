"""Signing in and out, and the health checks."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from flask import request
from tests import support_web
from tests.servers import RedisServer
from tests.support_domain import FERNET_KEY
from tests.support_engine import NOWHERE
from tests.support_web import PASSWORD, Web, csrf_token, make_settings, make_web, sign_in

from altwright.errors import DatabaseUnavailable
from altwright.web.auth import local_path
from altwright.web.login_rate_limit import TRIES_OF_ADDRESS, TRIES_OF_NAME

web = support_web.web


def test_signing_in_leads_to_where_one_was_going(web: Web) -> None:
    """A page that needs a person sends them to sign in, and then back to itself."""
    client = web.app.test_client()
    refused = client.get("/?a=b")
    assert refused.status_code == 302
    assert refused.headers["Location"].startswith("/login?next=")
    page = client.get(refused.headers["Location"])
    assert 'name="next" value="/?a=b"' in page.text
    done = client.post(
        "/login",
        data={
            "username": "anna",
            "password": PASSWORD,
            "csrf_token": csrf_token(page.text),
            "next": "/?a=b",
        },
    )
    assert (done.status_code, done.headers["Location"]) == (302, "/?a=b")
    assert client.get("/").status_code == 200
    assert client.get("/login").headers["Location"] == "/"
    assert client.get("/login?next=/review").headers["Location"] == "/review"
    assert client.get("/login?next=//evil.example").headers["Location"] == "/"


def test_a_refusal_keeps_the_name_and_where_one_was_going(web: Web) -> None:
    """The form comes back with both; of the password nothing is in it."""
    client = web.app.test_client()
    refused = sign_in(client, " anna\0 ", "wrong password", next="/review?status=draft")
    assert refused.status_code == 401
    assert "Retry-After" not in refused.headers
    assert 'value="anna"' in refused.text
    assert 'value="/review?status=draft"' in refused.text
    assert "wrong password" not in refused.text
    done = sign_in(client, "anna\0 ", next="/review?status=draft")
    assert done.headers["Location"] == "/review?status=draft"
    assert '<span class="site-user__name">anna</span>' in client.get("/").text
    elsewhere = sign_in(web.app.test_client(), "anna", next="https://evil.example/")
    assert elsewhere.headers["Location"] == "/"


@pytest.mark.parametrize("kept", ["", ".", "x.y", "1", "1.", "1.wrong", "99.x", "\u00b2.x"])
def test_a_session_of_nobody_is_none(web: Web, kept: str) -> None:
    """Whatever a session says of its user, only an id with that user's stamp is one."""
    client = web.app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = kept
    assert client.get("/").status_code == 302
    assert client.get("/api/v1/tasks").get_json()["detail"] == "Sign in first."


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "//[evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "review",
        "",
        None,
    ],
)
def test_nobody_is_sent_away(target: str | None) -> None:
    """A link to the sign-in page can't send people to another site."""
    assert local_path(target) == "/"
    assert local_path("/review?status=draft") == "/review?status=draft"


def test_signing_in_again_never_keeps_the_old_session(web: Web) -> None:
    """What was in a session before a sign-in is gone after it, its CSRF token too."""
    client = web.app.test_client()
    with client.session_transaction() as session:
        session["planted"] = "by somebody"
    before = csrf_token(client.get("/login").text)
    sign_in(client, "anna")
    with client.session_transaction() as session:
        assert "planted" not in session
    headers = {"X-CSRFToken": before}
    assert client.post("/api/v1/drafts/skip", json={"ids": [1]}, headers=headers).status_code == 400


@pytest.mark.req("8.3", "profiles")
def test_the_cookie_is_kept_from_scripts_and_other_sites(web: Web) -> None:
    """The session's cookie is for HTTP alone, is not sent from other sites, and is renewed."""
    cookie = sign_in(web.app.test_client(), "anna").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Expires=" in cookie
    assert "Secure" not in cookie  # the profile is development: it works without TLS


def test_signing_out_needs_a_csrf_token_and_ends_the_session(web: Web) -> None:
    """Another site can't sign a person out; they themselves can."""
    browser = web.by_session(web.anna)
    assert browser.client.post("/logout").status_code == 400
    assert browser.get("/").status_code == 200
    with browser.client.session_transaction() as session:
        session["drawn"] = "something of anna's"
    done = browser.post("/logout")
    assert (done.status_code, done.headers["Location"]) == (302, "/login")
    assert browser.get("/").status_code == 302
    with browser.client.session_transaction() as session:
        assert "drawn" not in session


def test_a_new_password_ends_the_sessions_of_the_old_one(web: Web) -> None:
    """Whoever took a session over is out; signing in with the new password works."""
    anna = web.services.users.by_name("anna")
    assert anna is not None
    client = web.app.test_client()
    sign_in(client, "anna")
    assert client.get("/").status_code == 200
    web.services.users.set_password(anna.id, "another long password")
    assert client.get("/").status_code == 302
    assert client.get("/api/v1/tasks").status_code == 401
    sign_in(client, "anna", "another long password")
    assert client.get("/").status_code == 200


def test_wrong_passwords_and_unknown_names_look_the_same(web: Web) -> None:
    """A refusal doesn't tell whether the name exists."""
    pages = [
        sign_in(web.app.test_client(), name, "wrong password").text.replace(name, "NAME")
        for name in ("anna", "nobody")
    ]
    assert "The user name or the password is wrong." in pages[0]
    stripped = [page.replace(csrf_token(page), "") for page in pages]
    assert stripped[0] == stripped[1]
    assert sign_in(web.app.test_client(), "anna\0", "x").status_code in {302, 401}


@pytest.mark.parametrize("redis_is_there", [True, False])
def test_guessing_is_slowed_down(
    tmp_path: Path, valkey: RedisServer, *, redis_is_there: bool
) -> None:
    """After ten failures a name is closed at this address for a while, for a right password too.

    Another name at the address, and the name at another address, are not; without Redis the
    process itself counts.
    """
    settings = make_settings(tmp_path, valkey.url if redis_is_there else NOWHERE)
    with closing(make_web(settings)) as web:
        client = web.app.test_client()
        for _ in range(TRIES_OF_NAME):
            assert sign_in(client, "anna", "wrong password").status_code == 401
        refused = sign_in(client, "Anna")
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 60
        assert sign_in(web.app.test_client(), "bert").status_code == 302
        elsewhere = web.app.test_client()
        elsewhere.environ_base["REMOTE_ADDR"] = "192.0.2.7"
        assert sign_in(elsewhere, "anna").status_code == 302


def test_an_address_that_tries_many_names_is_slowed_down(web: Web) -> None:
    """Trying one password on many names ends as well."""
    limit = web.app.extensions["altwright_login_limit"]
    for number in range(TRIES_OF_ADDRESS):
        limit.enter(f"user{number}", "127.0.0.1")
    assert sign_in(web.app.test_client(), "bert").status_code == 429


def test_right_passwords_are_not_counted(web: Web) -> None:
    """Whoever signs in often and rightly is never slowed down."""
    for _ in range(TRIES_OF_NAME + 2):
        assert sign_in(web.app.test_client(), "anna").status_code == 302


@pytest.mark.req("8.3", "profiles")
@pytest.mark.parametrize("profile", ["staging", "production"])
def test_outside_development_cookies_need_tls(
    tmp_path: Path, valkey: RedisServer, profile: str
) -> None:
    """There the session's cookie is sent over TLS only, which browsers are told to keep.

    The proxy that ends TLS is believed as far as it is configured: what it says of the scheme, and
    of the address that tries passwords.
    """
    made = make_web(
        make_settings(
            tmp_path,
            valkey.url,
            ALTWRIGHT_PROFILE=profile,
            FLASK_SECRET_KEY="a secret of thirty-two characters",
            PLATFORM_ENCRYPTION_KEY=FERNET_KEY,
            TRUSTED_PROXIES=1,
        )
    )
    client = made.app.test_client()
    seen = []
    made.app.before_request(lambda: seen.append(request.remote_addr))
    page = client.get(
        "/login", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1, 192.0.2.7"}
    )
    assert "Secure" in page.headers["Set-Cookie"]
    assert page.headers["Strict-Transport-Security"]
    assert seen == ["192.0.2.7"]
    made.services.health.client.close()
    made.services.database.close()


@pytest.mark.req("1.4", "says so on /readyz")
def test_readiness_says_what_is_there(web: Web, valkey: RedisServer) -> None:
    """With Redis away the service is ready, and says that the database delivers."""
    anybody = web.anonymous()
    assert anybody.get("/healthz").get_json() == {"status": "ok"}
    assert anybody.get("/readyz").get_json() == {
        "status": "ok",
        "database": "up",
        "redis": "healthy",
        "delivery": "rq",
    }
    valkey.kill()
    for _ in range(2):
        web.services.health.check()
    response = anybody.get("/readyz")
    assert response.status_code == 200
    assert response.get_json() == {
        "status": "degraded",
        "database": "up",
        "redis": "down",
        "delivery": "database",
    }


def test_readiness_needs_the_database(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the database the service is up but not ready."""

    def away(_: object) -> None:
        raise DatabaseUnavailable("The database does not answer.")

    monkeypatch.setattr(web.services.database.__class__, "check_writable", away)
    assert web.anonymous().get("/healthz").status_code == 200
    response = web.anonymous().get("/readyz")
    assert response.status_code == 503
    assert response.get_json()["database"] == "down"
