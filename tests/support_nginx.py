"""nginx with the site of deploy/nginx, on ports and with a certificate of a test's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from tests import servers
from tests.support import free_port, wait_until
from tests.support_modes import children_of
from tests.support_redis import certificate
from tests.support_service import alive

SITE = Path(__file__).parent.parent / "deploy" / "nginx" / "altwright.conf"
#: One line of the access log for each request; nginx fills it in.
_CALL = (
    '{"at":$msec,"took_s":$request_time,"status":$status,"method":"$request_method",'
    '"path":"$uri","hosts":"$upstream_addr","answers":"$upstream_status"}'
)
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
#: Seconds to begin and to end.
UP_WITHIN_S, DOWN_WITHIN_S = 60.0, 60.0


@dataclass
class Nginx:
    """An nginx of a test's own; ``hosts`` and ``sockets`` are the ports that its upstreams name."""

    folder: Path
    hosts: Sequence[int] = (8080,)
    sockets: Sequence[int] = (8081,)
    plain_port: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    #: Ports of ``hosts`` and ``sockets`` that get no requests.
    down: frozenset[int] = frozenset()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Return the site's address."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        """Return what clients trust."""
        return self.folder / "cert.pem"

    def argv(self, *options: str) -> list[str]:
        """Return its command line."""
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if program is None:
            servers.missing("nginx")
        return [program, *options, "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder)]

    def configure(self) -> None:
        """Write the site as it is delivered, and around it what a package has there."""
        certificate(self.folder)
        (self.folder / "site.conf").write_text(self._site())
        lines = [
            f"pid {self.folder}/pid;",
            f"error_log {self.folder}/error.log;",
            *(["user root root;"] if os.geteuid() == 0 else []),  # its folder is the test's alone
            "events {}",
            "http {",
            *(f"{one}_temp_path {self.folder}/{one};" for one in _TEMPORARY),
            f"log_format calls escape=json '{_CALL}';",
            f"access_log {self.folder}/calls.log calls;",
            f"include {self.folder}/site.conf;",
            "}",
        ]
        (self.folder / "nginx.conf").write_text("\n".join(lines))

    def _site(self) -> str:
        site = SITE.read_text()
        for port, ports in ((8080, self.hosts), (8081, self.sockets)):
            named = "\n".join(self._named(one) for one in ports)
            assert site.count(f"    server 127.0.0.1:{port};") == 1
            site = site.replace(f"    server 127.0.0.1:{port};", named)
        site = re.sub(r"ssl_certificate +\S+;", f"ssl_certificate {self.folder}/cert.pem;", site)
        site = re.sub(
            r"ssl_certificate_key +\S+;", f"ssl_certificate_key {self.folder}/key.pem;", site
        )
        site = re.sub(r"\n *listen \[::\]:\S+.*;", "", site)
        site = re.sub(r"listen 80;", f"listen 127.0.0.1:{self.plain_port};", site)
        return re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;", site)

    def _named(self, port: int) -> str:
        return f"    server 127.0.0.1:{port}{' down' if port in self.down else ''};"

    def take_down(self, *ports: int) -> None:
        """Give these no requests, and all others; what they have in hand they may answer."""
        assert self.process is not None
        self.down = frozenset(ports)
        (self.folder / "site.conf").write_text(self._site())
        before = children_of(self.process.pid)
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: all(_takes_no_more(pid) for pid in before), UP_WITHIN_S)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.configure()
        argv = self.argv("-g", "daemon off;")
        self.process = servers.start(argv, self.folder / "out.log")
        wait_until(self._listens, UP_WITHIN_S)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self._said()
        try:
            requests.get(self.url, timeout=10, verify=str(self.certificate), allow_redirects=False)
        except requests.ConnectionError:
            return False
        return True

    def _said(self) -> str:
        logs = (self.folder / "out.log", self.folder / "error.log")
        return "".join(log.read_text() for log in logs if log.exists())

    def stop(self) -> None:
        """Let it answer what it has begun, and end."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(DOWN_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def calls(self) -> list[dict[str, Any]]:
        """Return every request that it has answered, in order."""
        log = self.folder / "calls.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def _takes_no_more(pid: int) -> bool:
    """Return whether a process of nginx is gone, or ends what it has in hand."""
    if not alive(pid):
        return True
    with suppress(OSError):
        return b"shutting down" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return True


@contextmanager
def nginx(folder: Path, hosts: Sequence[int], sockets: Sequence[int]) -> Iterator[Nginx]:
    """Run it before these hosts."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Nginx(folder, hosts, sockets)
    made.start()
    try:
        yield made
    finally:
        made.stop()
