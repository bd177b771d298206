"""Redis servers with a password, with TLS, and in a group under a Sentinel."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests import servers
from tests.servers import RedisServer
from tests.support import free_port, wait_until

PASSWORD = "open sesame"


@dataclass
class Locked(RedisServer):
    """A server whose own client knows the password."""

    def client(self) -> redis.Redis:
        """Return a client for the test's own questions."""
        path = str(self.folder / "redis.sock")
        return redis.Redis(unix_socket_path=path, password=PASSWORD, socket_timeout=60)


@contextlib.contextmanager
def locked_server(
    folder: Path, *, tls: bool = False, port: int = 0, options: tuple[str, ...] = ()
) -> Iterator[Locked]:
    """Run a Redis with a password; with ``tls`` its port speaks TLS only."""
    server = Locked(
        _binary(),
        folder,
        0 if tls else port,
        options=("--requirepass", PASSWORD, "--masterauth", PASSWORD, *options),
    )
    if tls:
        certificate(folder)
        server.options += ("--tls-port", str(port), "--tls-auth-clients", "no")
        server.options += ("--tls-cert-file", str(folder / "cert.pem"))
        server.options += ("--tls-key-file", str(folder / "key.pem"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def group(folder: Path, name: str) -> Iterator[tuple[str, list[Locked]]]:
    """Run a master, a replica and a Sentinel; yield the group's address and the two servers."""
    ports = [free_port(), free_port()]
    folders = [folder / "a", folder / "b", folder / "sentinel"]
    for one in folders:
        one.mkdir()
    follow = ("--replicaof", "127.0.0.1", str(ports[0]))
    sentinel_port = free_port()
    with (
        locked_server(folders[0], port=ports[0]) as master,
        locked_server(folders[1], port=ports[1], options=follow) as replica,
    ):
        with contextlib.closing(replica.client()) as client:
            wait_until(lambda: client.info("replication")["master_link_status"] == "up")
        config = folders[2] / "sentinel.conf"
        config.write_text(
            f"port {sentinel_port}\nbind 127.0.0.1\ndir {folders[2]}\n"
            f"sentinel monitor {name} 127.0.0.1 {ports[0]} 1\n"
            f'sentinel auth-pass {name} "{PASSWORD}"\n'
            f"sentinel down-after-milliseconds {name} 800\n"
            f"sentinel failover-timeout {name} 4000\n"
        )
        with _sentinel(config, sentinel_port, name):
            password = PASSWORD.replace(" ", "%20")
            yield (
                f"redis+sentinel://:{password}@127.0.0.1:{sentinel_port}/{name}/0",
                [master, replica],
            )


@contextlib.contextmanager
def _sentinel(config: Path, port: int, name: str) -> Iterator[None]:
    watcher = Sentinel(_binary(), config.parent, port, config=config)
    watcher.start()
    try:
        with contextlib.closing(watcher.client()) as client:

            def knows_the_replica() -> bool:
                state: Any = client.sentinel_master(name)
                return bool(state["num-slaves"] == 1)

            wait_until(knows_the_replica)
        yield
    finally:
        watcher.stop()


@dataclass
class Sentinel(RedisServer):
    """A Sentinel, which reads everything from a file of its own."""

    config: Path = Path()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        argv = [self.binary, str(self.config), "--sentinel"]
        self.process = servers.start(argv, self.config.parent / "log")
        wait_until(self._answers, 180)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), contextlib.closing(self.client()) as client:
            return bool(client.ping())
        return False


def certificate(folder: Path) -> None:
    """Write a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _binary() -> str:
    binary = shutil.which("redis-server")
    if binary is None:
        servers.missing("Redis (redis-server)")
    return binary
