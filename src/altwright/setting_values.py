"""What single values of settings may be: numbers, addresses, hosts, keys."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal, get_args

from cryptography.fernet import Fernet
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_settings import NoDecode

from altwright import database_url
from altwright.domain import addresses, redis_url
from altwright.domain.limits import WORKERS_MOST
from altwright.domain.quiet_hours import QuietTimes

#: A year in seconds, and a century in days: further than that no wait and no date is counted;
#: timers and databases overflow beyond.
SECONDS_MOST, DAYS_MOST = 366 * 86_400, 36_525
#: The highest number of anything: databases and Redis keep it in four bytes.
COUNT_MOST = 2_000_000_000
MAKES_ONE = "`altwright key` makes one"
#: What an address is like, by setting.
_ADDRESSES = {
    "ollama_url": "http://127.0.0.1:11434",
    "openai_base_url": "http://127.0.0.1:8000/v1",
    "rq_alert_webhook_url": "https://chat.example/hooks/…",
    "otel_exporter_otlp_endpoint": "http://127.0.0.1:4318",
    "sentry_dsn": "https://key@sentry.example/1",
    "model_hub_url": "https://huggingface.co",
    "alert_slack_url": "https://hooks.slack.com/services/…",
    "alert_ntfy_url": "https://ntfy.sh/a-topic-of-yours",
}

Days = Annotated[int, Field(ge=0, le=DAYS_MOST)]
Seconds = Annotated[float, Field(gt=0, le=SECONDS_MOST)]
WholeSeconds = Annotated[int, Field(ge=0, le=SECONDS_MOST)]
#: What RQ keeps for no time at all it can't be asked about.
Kept = Annotated[int, Field(ge=1, le=SECONDS_MOST)]
Count = Annotated[int, Field(ge=1, le=COUNT_MOST)]
Workers = Annotated[int, Field(ge=0, le=WORKERS_MOST)]


def _private_hosts(value: Any) -> Any:
    if isinstance(value, str):
        value = frozenset(host.strip().lower() for host in value.split(",") if host.strip())
    for host in sorted(value):
        if not addresses.is_host(host):
            meant = addresses.meant_host(host) or (
                "each host as cloud.example, cloud.example:8080, 10.0.0.5 or [fd00::5]:8080 "
                "(other letters in their xn-- form)"
            )
            raise ValueError(f"{host} allows nothing: no host is called so; write {meant}")
    return value


def _networks(value: Any) -> Any:
    if isinstance(value, str):
        value = frozenset(one.strip() for one in value.split(",") if one.strip())
    for network in sorted(value):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ValueError(
                f"{network} is no network; write each as 10.1.0.0/16, 192.0.2.7 or fd00::/8"
            ) from None
    return value


def _database_url(value: str) -> str:
    return database_url.checked(value.strip()) if value.strip() else ""


def _redis_url(value: str) -> str:
    return redis_url.checked(value) if value.strip() else ""


def _smtp_url(value: str) -> str:
    wanted = "should be like smtp+starttls://user:password@host:587"
    return _checked_url(value, {"smtp", "smtps", "smtp+starttls"}, wanted)


def _http_url(value: str, info: ValidationInfo) -> str:
    wanted = f"should be an address like {_ADDRESSES[str(info.field_name)]}"
    return _checked_url(value, {"http", "https"}, wanted)


def _checked_url(value: str, schemes: set[str], wanted: str) -> str:
    value = value.strip()
    if not value:
        return value
    # RFC 3986, 3.3: an "@" is an ordinary letter of a path and a query.
    parts = addresses.split(value, wanted, at_may_follow="https" in schemes)
    addresses.port_of(parts, wanted)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(wanted)
    return value


def _api_key(value: str) -> str:
    value = value.strip()
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(
            "should be ASCII without blanks; this one holds a blank, a line break, a "
            "typographic quotation mark or a character that isn't seen"
        )
    return value


def _fernet_keys(value: str) -> str:
    for key in filter(None, value.split(",")):
        try:
            Fernet(key.strip())
        except ValueError:
            raise ValueError(f"should be Fernet keys of 44 characters; {MAKES_ONE}") from None
    return value


def _fallbacks(value: str) -> str:
    value = ",".join(name.strip().lower() for name in value.split(",") if name.strip())
    known = get_args(DescriberName)
    if value != NONE and any(name not in known for name in value.split(",") if value):
        raise ValueError(
            f"should be {NONE}, or some of {', '.join(known)} with commas between them"
        )
    return value


def _quiet_hours(value: str) -> str:
    QuietTimes.read(value)
    return value.strip()


PrivateHosts = Annotated[frozenset[str], NoDecode, BeforeValidator(_private_hosts)]
Networks = Annotated[frozenset[str], NoDecode, BeforeValidator(_networks)]
DatabaseURL = Annotated[str, AfterValidator(_database_url)]
RedisURL = Annotated[str, AfterValidator(_redis_url)]
SMTPURL = Annotated[str, AfterValidator(_smtp_url)]
WebURL = Annotated[str, AfterValidator(_http_url)]
#: One that paths are put behind.
BaseURL = Annotated[WebURL, AfterValidator(lambda url: url.rstrip("/"))]
APIKey = Annotated[str, AfterValidator(_api_key)]
FernetKeys = Annotated[str, AfterValidator(_fernet_keys)]
Hours = Annotated[str, AfterValidator(_quiet_hours)]
DescriberName = Literal["offline", "model", "ollama", "openai"]
#: The word for no fallback at all, where the environment names some.
NONE = "none"
Fallbacks = Annotated[str, AfterValidator(_fallbacks)]
