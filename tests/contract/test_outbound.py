"""Outbound HTTP: private networks stay closed, and every exchange ends in bytes and in time."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.support import PATIENCE_S, free_port, wait_until
from tests.support_leaves import Exchange, LocalServer, serving

from altwright.describers.model_servers.ollama import Ollama
from altwright.errors import (
    Category,
    DescriberUnavailable,
    ImageUnavailable,
    ImageUnusable,
    OutboundRefused,
    PlatformUnavailable,
    RateLimited,
)
from altwright.net import ssrf_guard
from altwright.net.http import USER_AGENT, Fetched, Outbound
from altwright.net.ssrf_guard import MAX_ANSWER_BYTES, AnswerTooLarge, is_public
from altwright.net.unreachable import reason_of
from altwright.platforms.connect import connect

LOCAL = Outbound(frozenset({"127.0.0.1"}), timeout_s=30)
CLOSED = Outbound(frozenset(), timeout_s=30)


def fetch(
    outbound: Outbound, url: str, *, max_bytes: int = 10_000, timeout_s: float = 30
) -> Fetched:
    """Fetch with a test's limits."""
    return outbound.fetch(url, max_bytes=max_bytes, timeout_s=timeout_s)


def picture(exchange: Exchange) -> None:
    """Answer with something that calls itself a picture."""
    exchange.answer(200, b"pixels", Content_Type="Image/PNG; q=1")


# --- addresses ---


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.10",
        "0.0.0.0",  # noqa: S104 - refused here
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "192.0.0.192",  # Oracle's metadata service
        "168.63.129.16",  # Azure's wire server
        "192.88.99.1",
        "::ffff:168.63.129.16",
        "64:ff9b:1::a00:1",
        "3fff::1",
        "5f00::1",
    ],
)
def test_no_private_address_is_public(address: str) -> None:
    """Loopback, private, link-local, metadata, multicast: also when wrapped in IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_the_internet_is_public(address: str) -> None:
    """Real servers stay reachable."""
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433", "0"])
def test_a_private_address_is_refused_however_it_is_written(host: str) -> None:
    """Numbers, short forms and names that resolve to the loopback address get no connection."""
    with serving(picture) as server:
        with pytest.raises(ImageUnusable, match="private network"):
            fetch(CLOSED, f"http://{host}:{server.port}/a.png")
        with pytest.raises(OutboundRefused), CLOSED.session() as session:
            session.get(f"http://{host}:{server.port}/a.png")
    assert server.calls == []


def test_a_private_address_is_refused_for_https_too() -> None:
    """TLS makes no difference."""
    with serving(picture) as server, pytest.raises(ImageUnusable, match="private network"):
        fetch(CLOSED, f"https://127.0.0.1:{server.port}/a.png")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "LocalHost"])
def test_the_administrator_reads_what_would_allow_it(host: str) -> None:
    """The setting as it has to be, with what it allows already; nothing of it is for users."""
    outbound = Outbound(frozenset({"a.example", "z.example"}), timeout_s=30)
    with pytest.raises(ImageUnusable) as caught:
        fetch(outbound, f"http://{host}:81/a.png")
    hosts = f"a.example,{host.lower()}:81,z.example"
    detail = caught.value.operator_detail
    assert f"ALLOWED_PRIVATE_HOSTS={','.join(sorted(hosts.split(',')))} allows it" in detail
    assert "ALLOWED_PRIVATE_HOSTS" not in str(caught.value)


@pytest.mark.parametrize("name", ["127.0.0.1", "127.0.0.1:{port}", "localhost", "localhost:{port}"])
def test_an_administrator_can_allow_a_host_or_a_port_of_it(name: str) -> None:
    """What is named may be called, and says who calls."""
    with serving(picture) as server:
        allowed = name.format(port=server.port)
        host = allowed.split(":")[0].upper()
        outbound = Outbound(frozenset({allowed}), timeout_s=30)
        got = fetch(outbound, f"http://{host}:{server.port}/a.png")
    assert (got.data, got.media_type) == (b"pixels", "image/png")
    assert server.calls[0].headers["User-Agent"] == USER_AGENT
    assert USER_AGENT.startswith("Altwright/")


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="no IPv6 on this machine")
@pytest.mark.parametrize("name", ["::1", "[::1]", "::1:{port}", "[::1]:{port}"])
def test_an_ipv6_address_can_be_allowed_too(name: str) -> None:
    """With brackets or without; here somebody listens and never answers."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
        port = listening.getsockname()[1]
        outbound = Outbound(frozenset({name.format(port=port)}), timeout_s=30)
        with pytest.raises(ImageUnavailable):
            fetch(outbound, f"http://[::1]:{port}/a.png", timeout_s=0.4)
        listening.setblocking(False)  # noqa: FBT003 - the library's signature
        listening.accept()[0].close()  # the connection that was made


def test_a_dot_at_the_end_is_no_other_name() -> None:
    """Names with and without it are one."""
    with serving(picture) as server:
        outbound = Outbound(frozenset({f"localhost:{server.port}"}), timeout_s=30)
        assert fetch(outbound, f"http://localhost.:{server.port}/a.png").data == b"pixels"


def test_allowing_one_port_opens_no_other() -> None:
    """host:port means that port."""
    with serving(picture) as server:
        outbound = Outbound(frozenset({f"127.0.0.1:{server.port + 1}"}), timeout_s=30)
        with pytest.raises(ImageUnusable, match="private network"):
            fetch(outbound, f"http://127.0.0.1:{server.port}/a.png")


def test_a_redirect_into_the_private_network_is_refused() -> None:
    """Each hop is checked, not only the first, for fetches and for sessions."""
    with serving(picture) as secret:

        def redirect(exchange: Exchange) -> None:
            exchange.answer(302, Location=f"http://localhost:{secret.port}/keys")

        with serving(redirect) as server:
            with pytest.raises(ImageUnusable, match="private network"):
                fetch(LOCAL, server.url)
            with pytest.raises(OutboundRefused), LOCAL.session() as session:
                session.get(server.url)
    assert secret.calls == []


def test_redirects_are_followed_and_end() -> None:
    """A relative redirect works; a circle is an unusable picture."""

    def respond(exchange: Exchange) -> None:
        if exchange.path == "/a":
            exchange.answer(301, Location="b.png")
        elif exchange.path == "/b.png":
            picture(exchange)
        else:
            exchange.answer(302, Location="/circle")

    with serving(respond) as server:
        assert fetch(LOCAL, f"{server.url}/a").url == f"{server.url}/b.png"
        with pytest.raises(ImageUnusable, match="redirected too often"):
            fetch(LOCAL, f"{server.url}/circle")


def test_a_session_can_be_asked_to_follow_nothing() -> None:
    """Then the redirect itself is the answer."""
    redirect: Callable[[Exchange], None] = lambda one: one.answer(302, Location="/b")  # noqa: E731 - shorter
    with serving(redirect) as server, LOCAL.session() as session:
        assert session.get(server.url, allow_redirects=False).status_code == 302
    assert calls(server) == 1


def test_there_is_no_connection_outside_of_an_exchange() -> None:
    """Whoever forgets the guard gets nowhere."""
    with serving(picture) as server, requests.Session() as session:
        session.mount("http://", ssrf_guard.GuardedAdapter())
        with pytest.raises(requests.ConnectionError, match="outside of an exchange"):
            session.get(server.url)
    assert server.calls == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://m.example/a.png", "gopher://m.example", "data:image/png,a", "x"],
)
def test_only_http_and_https_are_called(url: str) -> None:
    """Other schemes are refused, at once and after a redirect."""
    with pytest.raises(ImageUnusable, match="http and https"):
        fetch(LOCAL, url)
    with (
        serving(lambda exchange: exchange.answer(302, Location=url)) as server,
        pytest.raises(ImageUnusable),
    ):
        fetch(LOCAL, server.url)


@pytest.mark.parametrize(
    "url", ["http://", "http://m.example:port/", "http://[::1/", "http://\x00"]
)
def test_what_is_no_address_is_unusable(url: str) -> None:
    """A broken address ends in a sentence."""
    with pytest.raises(ImageUnusable):
        fetch(LOCAL, url)


def certificate_for(name: str, directory: Path) -> Path:
    """Write a key and a certificate for a host, signed by itself, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = directory / f"{name}.pem"
    path.write_bytes(key.private_bytes(pem, form, plain) + certificate.public_bytes(pem))
    return path


@pytest.mark.parametrize("name", ["localhost", "other.example"])
def test_https_checks_the_name_that_was_asked_for(name: str, tmp_path: Path) -> None:
    """We connect to an address that we looked up; the certificate is still the name's."""
    certificate = certificate_for(name, tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    outbound = Outbound(frozenset({"localhost"}), timeout_s=30)
    with serving(picture) as server, outbound.session() as session:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        session.verify = str(certificate)
        url = f"https://localhost:{server.port}/a.png"
        if name == "localhost":
            assert session.get(url).content == b"pixels"
            with pytest.raises(ImageUnavailable, match="signed by itself"):
                fetch(outbound, url)
        else:
            with pytest.raises(requests.exceptions.SSLError) as error:
                session.get(url)
            assert reason_of(error.value) == "its certificate is another host's"


# --- why not ---


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


# --- limits ---


def test_a_file_over_the_limit_is_unusable() -> None:
    """Announced or not, no more than the limit is read."""

    def endless(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.end_headers()
        exchange.close_connection = True
        while not exchange.server.closing.is_set():
            exchange.wfile.write(b"x" * 65536)

    announced: Callable[[Exchange], None] = lambda exchange: exchange.answer(200, b"x" * 10_001)  # noqa: E731 - as short as its twin is long
    for respond in (announced, endless):
        with (
            serving(respond) as server,
            pytest.raises(ImageUnusable, match=r"than 0\.01 MB"),
        ):
            fetch(LOCAL, server.url)


def test_a_compressed_bomb_is_stopped_by_its_real_size() -> None:
    """Bytes count after decompression: 50 MB of zeros in 50 kB."""
    bomb = gzip.compress(bytes(50_000_000))
    with serving(lambda one: one.answer(200, bomb, Content_Encoding="gzip")) as server:
        with pytest.raises(ImageUnusable, match="larger than 1 MB"):
            fetch(LOCAL, server.url, max_bytes=1_000_000)
        with pytest.raises(AnswerTooLarge, match="more than"), LOCAL.session() as session:
            session.get(server.url)
    assert MAX_ANSWER_BYTES < 50_000_000


def hang(exchange: Exchange) -> None:
    """Never answer."""
    exchange.wait_for_end()


def dribble_head(exchange: Exchange) -> None:
    """Send a byte of the head now and then."""
    exchange.close_connection = True
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not exchange.server.closing.wait(0.05):
        exchange.wfile.write(b"x")


def dribble_body(exchange: Exchange) -> None:
    """Send a byte of the body now and then."""
    exchange.send_response(200)
    exchange.end_headers()
    exchange.close_connection = True
    while not exchange.server.closing.wait(0.05):
        exchange.wfile.write(b"x")


@pytest.mark.parametrize("respond", [hang, dribble_head, dribble_body])
def test_the_deadline_holds_from_beginning_to_end(respond: Callable[[Exchange], None]) -> None:
    """A server that hangs, or dribbles for ever, is given up."""
    hasty = Outbound(frozenset({"127.0.0.1"}), timeout_s=0.4)
    with serving(respond) as server:
        with pytest.raises(ImageUnavailable) as caught:
            fetch(hasty, server.url, timeout_s=0.4)
        with pytest.raises(requests.Timeout), hasty.session() as session:
            session.get(server.url)
    assert caught.value.category is Category.TIMEOUT


def test_a_handshake_that_never_ends_is_under_the_deadline_too() -> None:
    """A server that takes the connection and says nothing is given up as well."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ImageUnavailable) as caught,
    ):
        fetch(LOCAL, f"https://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=0.4)
    assert caught.value.category is Category.TIMEOUT


def test_a_kept_connection_is_under_the_deadline_too() -> None:
    """The second request of a session is watched like the first."""

    def respond(exchange: Exchange) -> None:
        if exchange.path == "/first":
            picture(exchange)
        else:
            dribble_head(exchange)

    with serving(respond) as server:
        for timeout_s in (1, 5, 60):  # a busy machine needs more for the first one
            hasty = Outbound(frozenset({"127.0.0.1"}), timeout_s=timeout_s)
            with contextlib.suppress(requests.Timeout), hasty.session() as session:
                assert session.get(f"{server.url}/first").content == b"pixels"
                with pytest.raises(requests.Timeout):
                    session.get(f"{server.url}/second", timeout=60)
                return
    pytest.fail("the first request isn't answered")


# --- what an answer means ---


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, ImageUnusable),
        (410, ImageUnusable),
        (401, ImageUnusable),
        (403, ImageUnusable),
        (451, ImageUnusable),
        (304, ImageUnusable),
        (408, ImageUnavailable),
        (500, ImageUnavailable),
        (503, ImageUnavailable),
        (206, ImageUnavailable),
        (429, RateLimited),
    ],
)
def test_a_status_says_whether_trying_again_can_help(status: int, error: type[Exception]) -> None:
    """Gone and forbidden are final, trouble passes, and "too many" says how long to wait."""
    with (
        serving(lambda exchange: exchange.answer(status, Retry_After="31")) as server,
        pytest.raises(error) as caught,
    ):
        fetch(LOCAL, server.url)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_in_s == 31
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(("lookup_s", "timeout_s"), [(30.0, 0.2), (0.2, 30.0)])
def test_a_name_that_nobody_answers_for_is_given_up(
    monkeypatch: pytest.MonkeyPatch, lookup_s: float, timeout_s: float
) -> None:
    """The resolver can't be told to stop; whoever asks it doesn't wait longer than they may."""
    given_up, answered = threading.Event(), threading.Event()

    def silent(*_args: object, **_named: object) -> list[object]:
        given_up.wait(PATIENCE_S)
        answered.set()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    monkeypatch.setattr(ssrf_guard, "LOOKUP_S", lookup_s)
    try:
        with pytest.raises(ImageUnavailable):
            fetch(LOCAL, "http://slow.example/a.png", timeout_s=timeout_s)
        assert not answered.is_set()
    finally:
        given_up.set()


def test_a_connection_that_comes_after_the_end_is_shut_at_once() -> None:
    """A deadline that passes between two connections of an exchange holds for the next."""
    ours, theirs = socket.socketpair()
    with ours, theirs, LOCAL.exchange(0.001) as exchange:
        wait_until(lambda: exchange.expired)
        exchange.watch(ours)
        theirs.settimeout(PATIENCE_S)
        assert theirs.recv(1) == b""


def test_an_address_that_never_answers_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A host's first address may be one that nothing comes back from, as IPv6 without a route."""
    with serving(picture) as server, contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.2", server.port), backlog=0))
        for _ in range(3):  # its queue is full: whoever connects now waits
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the library's signature
            waiting.connect_ex(silent.getsockname())
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, server.port))
            for address in ("127.0.0.2", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)
        two = Outbound(frozenset({"two.example"}), timeout_s=30)
        assert fetch(two, f"http://two.example:{server.port}/a.png", timeout_s=6).data == b"pixels"


@pytest.mark.parametrize("addresses", [("127.0.0.1", "2000::1"), ("2000::1", "127.0.0.1")])
def test_a_public_address_opens_no_private_one_of_the_same_name(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    """Of a name with both only the public one is called; here nobody has it, so nothing comes."""
    with serving(picture) as server:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, server.port))
            for address in addresses
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)
        with pytest.raises(ImageUnavailable):
            fetch(CLOSED, f"http://both.example:{server.port}/a.png", timeout_s=0.5)
    assert server.calls == []


def test_a_length_that_nobody_can_count_is_too_large() -> None:
    """Thousands of digits say that the file is large, not that its address is wrong."""
    with (
        serving(lambda exchange: exchange.answer(200, Content_Length="9" * 5_000)) as server,
        LOCAL.session() as session,
    ):
        with pytest.raises(ImageUnusable, match="larger than"):
            fetch(LOCAL, server.url)
        with pytest.raises(AnswerTooLarge, match="9 bytes announced"):
            session.get(server.url)


def test_an_answer_that_breaks_off_is_no_picture() -> None:
    """Half a file is never taken for the whole."""

    def respond(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Length", "1000")
        exchange.end_headers()
        exchange.wfile.write(b"half")
        exchange.drop()

    with serving(respond) as server:
        with pytest.raises(ImageUnavailable) as caught:
            fetch(LOCAL, server.url)
        with pytest.raises(requests.ConnectionError, match="broke off"), LOCAL.session() as session:
            session.get(server.url)
    assert caught.value.category is Category.NETWORK


def test_nobody_there_is_unavailable() -> None:
    """A refused connection and an unknown name may be different tomorrow."""
    with pytest.raises(ImageUnavailable):
        fetch(LOCAL, f"http://127.0.0.1:{free_port()}/a.png")
    with pytest.raises(ImageUnavailable):
        fetch(LOCAL, "http://no-such-host.invalid/a.png")
    with LOCAL.session() as session:
        with pytest.raises(requests.ConnectionError, match=r"no connection: .*refused"):
            session.get(f"http://127.0.0.1:{free_port()}/")
        with pytest.raises(requests.ConnectionError, match=r"resolve 'no-such-host\.invalid'"):
            session.get("http://no-such-host.invalid./")


def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect where we can't check; only the address itself is called."""
    with serving(picture) as server, serving(picture) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        fetch(LOCAL, server.url)
        with LOCAL.session() as session:
            session.get(server.url)
    assert (calls(server), calls(proxy)) == (2, 0)


def calls(server: LocalServer) -> int:
    """Count what a server was asked."""
    return len(server.calls)


def dribble_redirects(exchange: Exchange) -> None:
    """Lead from one address to the next, a little late each time."""
    exchange.server.closing.wait(0.15)
    number = int(exchange.path.rpartition("/")[2] or 0)
    exchange.answer(302, b"", Location=f"/{number + 1}")


def test_a_deadline_spans_all_redirects_of_a_sessions_request() -> None:
    """Each hop answers in time; together they don't."""
    hasty = Outbound(frozenset({"127.0.0.1"}), timeout_s=0.4)
    with serving(dribble_redirects) as server, hasty.session() as session:
        session.max_redirects = 1000
        with pytest.raises(requests.Timeout):
            session.get(server.url)
    assert len(server.calls) < 20
