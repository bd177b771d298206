"""Profiles: what is only good enough for trying out, and what staging keeps for a shorter time."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from altwright import database_url
from altwright.domain import redis_url

Profile = Literal["development", "staging", "production"]

#: Defaults that differ from the fields' own: a rehearsal works on copies of what people wrote.
DEFAULTS: Mapping[Profile, Mapping[str, int]] = MappingProxyType(
    {
        "development": {},
        "staging": {
            "task_retention_days": 7,
            "failed_task_retention_days": 30,
            "picture_retention_days": 7,
            "audit_retention_days": 90,
        },
        "production": {},
    }
)


@dataclass(frozen=True, slots=True)
class Exposed:
    """What may be unsafe. ``databases`` are addresses by the variable's name."""

    databases: Mapping[str, str]
    redis_url: str
    plaintext_hosts: Collection[str]
    host: str
    trusted_proxies: int
    log_level: str


def unsafe(profile: Profile, seen: Exposed) -> Iterator[str]:
    """Yield what a profile doesn't bear, each as a line that begins with the setting's name."""
    if profile == "development":
        return
    wants = f"ALTWRIGHT_PROFILE={profile}"
    for name, url in seen.databases.items():
        for host in database_url.hosts_without_tls(url):
            if not _may_be_plain(host, seen.plaintext_hosts):
                yield (
                    f"{name}: reaches another host without TLS, which {wants} doesn't bear; add "
                    f"{database_url.how_to_ask_for_tls(url)} behind its ?, or name {host} in "
                    "PLAINTEXT_HOSTS if the network is yours alone"
                )
                break
    for host in redis_url.hosts_without_tls(seen.redis_url):
        if not _may_be_plain(host, seen.plaintext_hosts):
            yield (
                f"REDIS_URL: reaches another host without TLS, which {wants} doesn't bear; write "
                f"rediss:// (rediss+sentinel://), or name {host} in PLAINTEXT_HOSTS if the network "
                "is yours alone"
            )
            break
    if not is_local(seen.host) and not seen.trusted_proxies:
        yield (
            f"HOST: can be reached from outside with no reverse proxy in front, which {wants} "
            "doesn't bear; put nginx or Caddy in front and set TRUSTED_PROXIES=1, or set "
            f"HOST=127.0.0.1 (it is {seen.host})"
        )
    if profile == "production" and seen.log_level == "DEBUG":
        yield f"LOG_LEVEL: DEBUG tells more of people than {wants} bears; set INFO"


def cookies_need_tls(profile: Profile) -> bool:
    """Return whether browsers send sessions' cookies with TLS only."""
    return profile != "development"


def is_local(host: str) -> bool:
    """Return whether only programs of this host get to an address: loopback, or a Unix socket."""
    if host in {"", "localhost"} or host.startswith("/"):
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _may_be_plain(host: str, plaintext_hosts: Collection[str]) -> bool:
    return is_local(host) or host.lower() in plaintext_hosts
