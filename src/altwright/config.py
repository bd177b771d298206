"""The settings, read from the environment or `.env` and checked once at the start.

Nothing else reads environment variables.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from pydantic import ValidationError, model_validator
from sqlalchemy.engine import URL

from altwright import database_url, env_file, findings, profiles
from altwright.domain.counting import counted
from altwright.domain.worker import host_name
from altwright.domain.worker_mode import WorkerMode
from altwright.errors import ConfigError
from altwright.profiles import Exposed
from altwright.setting_fields import SettingFields
from altwright.setting_values import MAKES_ONE, NONE, DescriberName
from altwright.text import clean_line

#: Longest side in pixels that is given to a describer. Vision models scale to 1,568 or less.
IMAGE_SIDE_PX = 2000
#: The longest path of a Unix socket, in bytes, with the closing zero (unix(7): sun_path).
UNIX_SOCKET_PATH_BYTES = 108
#: The fewest characters of a secret that signs sessions: in hexadecimal digits, 128 bits.
SECRET_CHARACTERS = 32
#: The fewest of a token that reads metrics: nobody counts the guesses.
TOKEN_CHARACTERS = 16
#: Characters of a wrong value that are repeated.
VALUE_MOST = 200


class Settings(SettingFields):
    """The settings of a process: what goes together, and what follows from them."""

    @model_validator(mode="after")
    def _take_defaults_of_profile(self) -> Self:
        for name in profiles.DEFAULTS[self.profile].keys() - self.model_fields_set:
            self.__dict__[name] = self.default_of(name)
        return self

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if faults := self.faults():
            raise ValueError("\n".join(faults))
        return self

    def faults(self) -> list[str]:
        """Return what doesn't go together, each as a line that begins with names of settings."""
        return [*self._missing(), *self._unfit(), *profiles.unsafe(self.profile, self._exposed)]

    def _missing(self) -> Iterator[str]:
        """Yield what others need and isn't there."""
        wanted: dict[str, tuple[str, ...]] = {}
        for one, of_it in (
            ("openai", ("openai_base_url", "openai_model")),
            ("model", ("model_name",)),
        ):
            if one in self.describers:
                name = "DESCRIBER" if self.describer == one else "DESCRIBER_FALLBACKS"
                wanted[f"{name}={one}"] = of_it
        if self.alert_email_to:
            wanted["ALERT_EMAIL_TO"] = ("smtp_url",)
        if self.profile != "development":
            wanted[self._profile] = ("flask_secret_key", "platform_encryption_key")
        for what, names in wanted.items():
            missing = [name for name in names if not getattr(self, name)]
            if missing:
                listed = ", ".join(name.upper() for name in missing)
                made = f"; {MAKES_ONE}" if missing[0].endswith("_key") else ""
                yield f"{listed}: missing; needed by {what}{made}"

    def _unfit(self) -> Iterator[str]:
        """Yield what doesn't fit another setting."""
        fallbacks = self.describer_fallbacks.split(",")
        if self.describer in fallbacks:
            yield (
                f"DESCRIBER_FALLBACKS: {self.describer} is asked first already (DESCRIBER); a "
                f"fallback has to be another one, or {NONE}"
            )
        if twice := sorted({one for one in fallbacks if one and fallbacks.count(one) > 1}):
            yield f"DESCRIBER_FALLBACKS: names {', '.join(twice)} twice; once is enough"
        length = len(self.flask_secret_key.strip())
        if self.profile != "development" and 0 < length < SECRET_CHARACTERS:
            yield (
                f"FLASK_SECRET_KEY: is short ({counted(length, 'character')}); {self._profile} "
                f"needs {SECRET_CHARACTERS} or more; {MAKES_ONE}"
            )
        if self.worker_database_url and not database_url.are_alike(
            self.worker_database_url, self.database_url
        ):
            yield (
                "WORKER_DATABASE_URL: should be DATABASE_URL's database, on PostgreSQL or MariaDB, "
                "with another login"
            )
        length = len(self.metrics_token)
        if 0 < length < TOKEN_CHARACTERS:
            yield (
                f"METRICS_TOKEN: is short ({counted(length, 'character')}); should have "
                f"{TOKEN_CHARACTERS} or more; {MAKES_ONE}"
            )
        is_default = self.task_slice == type(self).model_fields["task_slice"].default
        if not is_default and 0 < self.task_slice < self._least_slice_s:
            yield (
                f"TASK_SLICE: should be {self._least_slice_s:g} or more, three times "
                f"PLATFORM_TIMEOUT, or 0 (it is {self.task_slice:g})"
            )
        scales = self.rq_enable_auto_scaling and self.worker_mode.has_processes
        if scales and self.external_processes_max < self.external_processes:
            yield (
                "EXTERNAL_PROCESSES_MAX: should be EXTERNAL_PROCESSES "
                f"({self.external_processes}) or more (it is {self.external_processes_max})"
            )

    def default_of(self, name: str) -> Any:
        """Return what a setting is in this profile if nobody sets it."""
        return profiles.DEFAULTS[self.profile].get(name, type(self).model_fields[name].default)

    @property
    def _exposed(self) -> Exposed:
        return Exposed(
            databases={
                "DATABASE_URL": self.database_url,
                "WORKER_DATABASE_URL": self.worker_database_url,
            },
            redis_url=self.redis_url,
            services={name.upper(): getattr(self, name) for name in self._services},
            plaintext_hosts=self.plaintext_hosts,
            host=self.host,
            trusted_proxies=self.trusted_proxies,
            log_level=self.log_level,
        )

    @property
    def _services(self) -> Iterator[str]:
        """Yield the settings whose addresses get pictures or alerts."""
        yield from ("rq_alert_webhook_url", "alert_slack_url", "alert_ntfy_url", "smtp_url")
        for describer, address in (("ollama", "ollama_url"), ("openai", "openai_base_url")):
            if describer in self.describers:
                yield address

    @property
    def _profile(self) -> str:
        return f"ALTWRIGHT_PROFILE={self.profile}"

    @property
    def _least_slice_s(self) -> float:
        # The account, a whole page, and a shorter one in its place.
        return 3 * self.platform_timeout

    def secrets(self) -> list[str]:
        """Return what no log line may hold, whatever it is about: keys, tokens, webhooks."""
        named = ("_key", "_token", "_dsn", "_headers", "webhook_url", "slack_url", "ntfy_url")
        given = (
            str(getattr(self, name)) for name in type(self).model_fields if name.endswith(named)
        )
        return [part for one in given for part in one.split(",") if part]

    @cached_property
    def resolved_database_url(self) -> str:
        """Return DATABASE_URL, or the SQLite file in DATA_DIR."""
        if self.database_url:
            return self.database_url
        path = self.data_dir.absolute() / "altwright.db"
        return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)

    def of_workers(self) -> Self:
        """Return the settings as a worker process has them: its login is the database's."""
        if not self.worker_database_url:
            return self
        settings = self.model_copy(update={"database_url": self.worker_database_url})
        settings.__dict__.pop("resolved_database_url", None)
        return settings

    @cached_property
    def run_dir(self) -> Path:
        """Return this host's folder for sockets and locks, whose path is short enough for them.

        Hosts that share DATA_DIR have one each. With the embedded Valkey there is one host only,
        and its lock has to keep others out.
        """
        wished = self.data_dir.absolute() / "run"
        if not self.embeds_valkey:
            wished /= host_name()
        if len(os.fsencode(wished / "describer.sock")) < UNIX_SOCKET_PATH_BYTES:
            return wished
        short = hashlib.sha256(os.fsencode(wished)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"altwright-{os.getuid()}-{short}"

    @property
    def slice_s(self) -> float:
        """Return TASK_SLICE; its default grows with PLATFORM_TIMEOUT."""
        return max(self.task_slice, self._least_slice_s) if self.task_slice else 0.0

    @property
    def embeds_valkey(self) -> bool:
        """Return whether the service runs a Valkey of its own."""
        return not self.redis_url

    @cached_property
    def resolved_redis_url(self) -> str:
        """Return REDIS_URL, or the embedded Valkey's socket."""
        return self.redis_url or f"unix://{quote(str(self.run_dir / 'valkey.sock'))}"

    @cached_property
    def models_dir(self) -> Path:
        """Return where the offline describer's weights lie."""
        return self.data_dir.absolute() / "models"

    @cached_property
    def vision_models_dir(self) -> Path:
        """Return where models lie that this host runs itself."""
        return self.data_dir.absolute() / "vision-models"

    @property
    def model_socket(self) -> Path:
        """Return where the host of those models listens."""
        return self.run_dir / "model.sock"

    @property
    def describers(self) -> tuple[DescriberName, ...]:
        """Return the describers in the order in which they are asked, each once."""
        fallbacks: Any = [
            one for one in self.describer_fallbacks.split(",") if one not in {"", NONE}
        ]
        return tuple(dict.fromkeys([self.describer, *fallbacks]))

    @property
    def offline_parallel(self) -> int:
        """Return how many pictures the offline describer of a host takes at a time."""
        return self.offline_processes or max(1, (os.cpu_count() or 1) // 2)

    @property
    def describer_socket(self) -> Path:
        """Return where the offline describer of this host listens, if `altwright serve` runs."""
        return self.run_dir / "describer.sock"

    @property
    def describes_here(self) -> bool:
        """Return whether the offline describer has to be at work on this host."""
        return "offline" in self.describers and self.worker_mode is not WorkerMode.OFF

    @property
    def media_dir(self) -> Path:
        """Return where prepared pictures lie."""
        return self.data_dir.absolute() / "pictures"


def load(**overrides: object) -> Settings:
    """Read and check the settings; ``overrides`` (variable names) win over the environment.

    Raises:
        ConfigError: one or more settings are wrong; all of them are named.
    """
    file = _file()
    encoding = env_file.encoding_of(file) if file else None
    values: dict[str, Any] = {name.lower(): value for name, value in overrides.items()}
    try:
        return Settings(_env_file_encoding=encoding, **values)  # type: ignore[call-arg] # pydantic's
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors()]
        raise ConfigError("\n".join(problems).splitlines()) from None


def misspelt() -> list[str]:
    """Return, in words, the names in the environment and in .env that were to be settings.

    Raises:
        ConfigError: .env can't be read, or holds lines that are no settings.
    """
    file = _file()
    ours = [(field.alias or name).upper() for name, field in Settings.model_fields.items()]
    in_file = env_file.names_in(file) if file else []
    return list(env_file.misspelt(os.environ, in_file, ours))


def _file() -> Path | None:
    name = Settings.model_config.get("env_file")
    return Path(str(name)) if name else None


def _problem(detail: Any) -> str:
    message = findings.worded(detail)
    if not detail["loc"]:
        return message
    name = str(detail["loc"][0]).upper()
    shown = "" if _is_secret(name) else f" (it is {clean_line(repr(detail['input']), VALUE_MOST)})"
    return f"{name}: {message}{shown}"


def _is_secret(name: str) -> bool:
    return name.endswith(("_KEY", "_URL", "_TOKEN", "_DSN", "_HEADERS"))
