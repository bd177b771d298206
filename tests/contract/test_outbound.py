"""Outbound HTTP: private networks stay closed, and every exchange ends in bytes and in time."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.support_leaves import Exchange, serving
from tests.support_outbound import CLOSED, LOCAL, calls, fetch, picture

from altwright.errors import (
    Category,
    ImageUnavailable,
    ImageUnusable,
    OutboundRefused,
    RateLimited,
)
from altwright.net.http import USER_AGENT, Outbound
from altwright.net.ssrf_guard import is_public
from altwright.net.unreachable import reason_of
from altwright.platforms.api import Api

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
    with serving(picture) as server, pytest.raises(ImageUnusable, match="private network"):
        fetch(CLOSED, f"http://{host}:{server.port}/a.png")
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
    for host in ("m.example", "m.example.", "M.Example"):
        assert not Outbound(frozenset({"m.example"}), timeout_s=30).is_overheard(f"http://{host}/")


def test_allowing_one_port_opens_no_other() -> None:
    """host:port means that port."""
    with serving(picture) as server:
        outbound = Outbound(frozenset({f"127.0.0.1:{server.port + 1}"}), timeout_s=30)
        with pytest.raises(ImageUnusable, match="private network"):
            fetch(outbound, f"http://127.0.0.1:{server.port}/a.png")


def test_a_redirect_into_the_private_network_is_refused() -> None:
    """Each hop is checked, not only the first, for fetches and for calls of an API."""
    with serving(picture) as secret:

        def redirect(exchange: Exchange) -> None:
            exchange.answer(302, Location=f"http://localhost:{secret.port}/keys")

        with serving(redirect) as server:
            with pytest.raises(ImageUnusable, match="private network"):
                fetch(LOCAL, server.url)
            with pytest.raises(OutboundRefused):
                Api(server.url, "token", LOCAL).get("/.well-known/nodeinfo")
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
        assert fetch(LOCAL, f"{server.url}/a").data == b"pixels"
        with pytest.raises(ImageUnusable, match="redirected too often"):
            fetch(LOCAL, f"{server.url}/circle")


def test_there_is_no_connection_outside_of_an_exchange() -> None:
    """Whoever forgets the guard gets nowhere."""
    with (
        serving(picture) as server,
        LOCAL.session() as session,
        pytest.raises(requests.ConnectionError, match="outside of an exchange"),
    ):
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
    with serving(picture) as server, outbound.exchange(), outbound.session() as session:
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


def test_a_file_of_exactly_the_limit_is_fetched() -> None:
    """Announced or not."""

    def unannounced(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.end_headers()
        exchange.wfile.write(b"pixels")
        exchange.drop()

    for respond in (picture, unannounced):
        with serving(respond) as server:
            assert fetch(LOCAL, server.url, max_bytes=6).data == b"pixels"
            with pytest.raises(ImageUnusable, match="larger than"):
                fetch(LOCAL, server.url, max_bytes=5)


def test_a_compressed_bomb_is_stopped_by_its_real_size() -> None:
    """Bytes count after decompression: 50 MB of zeros in 50 kB."""
    bomb = gzip.compress(bytes(50_000_000))
    with (
        serving(lambda one: one.answer(200, bomb, Content_Encoding="gzip")) as server,
        pytest.raises(ImageUnusable, match="larger than 1 MB"),
    ):
        fetch(LOCAL, server.url, max_bytes=1_000_000)


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
        pytest.raises(ImageUnusable, match="larger than"),
    ):
        fetch(LOCAL, server.url)


def test_a_request_leaves_at_once() -> None:
    """Without waiting for more to send, as urllib3 asks for."""
    with (
        serving(picture) as server,
        LOCAL.exchange(),
        LOCAL.session() as session,
        session.get(server.url, stream=True) as answer,
    ):
        connection = answer.raw.connection
        assert connection is not None
        assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_answer_that_breaks_off_is_no_picture() -> None:
    """Half a file is never taken for the whole."""

    def respond(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Length", "1000")
        exchange.end_headers()
        exchange.wfile.write(b"half")
        exchange.drop()

    with serving(respond) as server, pytest.raises(ImageUnavailable) as caught:
        fetch(LOCAL, server.url)
    assert caught.value.category is Category.NETWORK


def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect where we can't check; only the address itself is called."""
    with serving(picture) as server, serving(picture) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        fetch(LOCAL, server.url)
        with LOCAL.exchange(), LOCAL.session() as session:
            session.get(server.url)
    assert (calls(server), calls(proxy)) == (2, 0)
