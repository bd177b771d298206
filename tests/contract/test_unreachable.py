"""Who can't be reached, and why, in words."""

from __future__ import annotations

import pytest
import requests
from tests.support import free_port
from tests.support_leaves import Exchange, serving
from tests.support_outbound import LOCAL, fetch

from altwright.describers.model_servers.ollama import Ollama
from altwright.errors import (
    DescriberUnavailable,
    ImageUnavailable,
    PlatformUnavailable,
)
from altwright.platforms.connect import connect


def test_a_server_that_answers_nothing_is_named_with_the_reason() -> None:
    """To whoever named it, and for a picture as for an account."""
    why = "can't be reached: the connection ended before there was a whole answer."
    with serving(Exchange.drop) as server:
        host = f"127.0.0.1:{server.port}"
        with pytest.raises(PlatformUnavailable) as account:
            connect("mastodon", f"http://{host}", "token", LOCAL).introduction()
        assert str(account.value) == f"{host} {why}"
        with pytest.raises(ImageUnavailable) as fetched:
            fetch(LOCAL, f"http://user:sesame@{host}/a.png")
        assert str(fetched.value) == f"The picture's server {why}"
        assert fetched.value.operator_detail == f"It is {host}."


def test_a_host_that_is_not_there_is_named_with_the_reason() -> None:
    """Nothing listens, or nobody knows the name."""
    host = f"127.0.0.1:{free_port()}"
    with pytest.raises(
        PlatformUnavailable, match=f"^{host} can't be reached: nothing listens there"
    ):
        connect("mastodon", f"http://{host}", "token", LOCAL).introduction()
    # Without a network nobody can say that there is no such name. Source of ".invalid": RFC 6761.
    with pytest.raises(PlatformUnavailable, match=r"^m.invalid can't be reached: .*\bname\b"):
        connect("mastodon", "https://m.invalid", "token", LOCAL).introduction()


def test_behind_a_redirect_the_other_host_is_named() -> None:
    """The one that was typed is well."""
    gone = f"127.0.0.1:{free_port()}"

    def leads_on(exchange: Exchange) -> None:
        exchange.answer(302, Location=f"http://{gone}/a.png")

    with (
        serving(leads_on) as server,
        pytest.raises(ImageUnavailable, match="can't be reached: nothing listens there") as error,
    ):
        fetch(LOCAL, f"{server.url}/a.png")
    assert error.value.operator_detail == f"It is {gone}."


def test_the_operator_hears_why_a_model_server_cannot_be_reached() -> None:
    """Users hear that it can't: its address is none of theirs."""
    describer = Ollama(f"http://127.0.0.1:{free_port()}", "eyes:7b", 30)
    with pytest.raises(DescriberUnavailable) as error:
        describer.probe()
    assert "127.0.0.1" not in str(error.value)
    assert error.value.operator_detail == "OLLAMA_URL: nothing listens there."


def test_nobody_there_is_unavailable() -> None:
    """A refused connection and an unknown name may be different tomorrow."""
    with pytest.raises(ImageUnavailable):
        fetch(LOCAL, f"http://127.0.0.1:{free_port()}/a.png")
    with pytest.raises(ImageUnavailable):
        fetch(LOCAL, "http://no-such-host.invalid/a.png")
    with LOCAL.exchange(), LOCAL.session() as session:
        with pytest.raises(requests.ConnectionError, match=r"no connection: .*refused"):
            session.get(f"http://127.0.0.1:{free_port()}/")
        with pytest.raises(requests.ConnectionError, match=r"resolve 'no-such-host\.invalid'"):
            session.get("http://no-such-host.invalid./")
