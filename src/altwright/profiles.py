"""Profiles: what is only good enough for trying out, and what staging keeps for a shorter time."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

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

#: How an address without TLS begins, and the same with it.
_WITH_TLS = {"http": "https://", "smtp": "smtps:// or smtp+starttls://"}


@dataclass(frozen=True, slots=True)
class Exposed:
    """What may be unsafe. ``databases`` and ``services`` are addresses by the variable's name.

    The services are those in use, that get pictures, words of alerts, or a login.
    """

    databases: Mapping[str, str]
    redis_url: str
    services: Mapping[str, str]
    plaintext_hosts: Collection[str]
    host: str
    trusted_proxies: int
    log_level: str


def unsafe(profile: Profile, seen: Exposed) -> Iterator[str]:
    """Yield what a profile doesn't bear, each as a line that begins with the setting's name."""
    if profile == "development":
        return
    wants = f"ALTWRIGHT_PROFILE={profile}"
    for name, hosts, remedy in _without_tls(seen):
        for host in hosts:
            if not _may_be_plain(host, seen.plaintext_hosts):
                yield (
                    f"{name}: reaches another host without TLS, which {wants} doesn't bear; "
                    f"{remedy}, or name {host} in PLAINTEXT_HOSTS if the network is yours alone"
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


def _without_tls(seen: Exposed) -> Iterator[tuple[str, Collection[str], str]]:
    """Yield settings, the hosts that each reaches without TLS, and how to ask for it."""
    for name, url in seen.databases.items():
        if hosts := database_url.hosts_without_tls(url):
            yield name, hosts, f"add {database_url.how_to_ask_for_tls(url)} behind its ?"
    plain = redis_url.hosts_without_tls(seen.redis_url)
    yield "REDIS_URL", plain, "write rediss:// (rediss+sentinel://)"
    for name, url in seen.services.items():
        address = urlsplit(url)
        if address.scheme in _WITH_TLS:
            yield name, [address.hostname or ""], f"write {_WITH_TLS[address.scheme]}"


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
