"""Every setting, read from the environment or `.env` and checked once at the start.

Names that the replaced system's administrators have set already (REDIS_URL, WORKER_MODE, RQ_…,
OLLAMA_…) keep their meaning. Nothing else reads environment variables.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL

from altwright import database_url, env_file, findings, profiles
from altwright.domain.counting import counted
from altwright.domain.worker import host_name
from altwright.domain.worker_mode import WorkerMode
from altwright.errors import ConfigError
from altwright.profiles import Exposed, Profile
from altwright.setting_values import (
    COUNT_MOST,
    MAKES_ONE,
    NONE,
    SECONDS_MOST,
    SMTPURL,
    APIKey,
    BaseURL,
    Count,
    DatabaseURL,
    Days,
    DescriberName,
    Fallbacks,
    FernetKeys,
    Hours,
    Kept,
    Networks,
    PrivateHosts,
    RedisURL,
    Seconds,
    WebURL,
    WholeSeconds,
    Workers,
)
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


class Settings(BaseSettings):
    """All settings; the field's name in upper case is the variable's name."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    profile: Profile = Field(
        "development",
        alias="ALTWRIGHT_PROFILE",
        description="development, staging or production; the last two don't start with what is "
        "unsafe (docs/how-to/deploy.md)",
    )
    data_dir: Path = Field(
        Path("var"), description="folder for the database, pictures, keys and the embedded Valkey"
    )
    database_url: DatabaseURL = Field(
        "",
        description="SQLAlchemy URL: sqlite:///…, postgresql://… or mysql+pymysql://…; "
        "empty: SQLite in DATA_DIR",
    )
    worker_database_url: DatabaseURL = Field(
        "",
        description="the same database with the login of worker processes, whose rights are fewer "
        "(`altwright db roles`); empty: DATABASE_URL",
    )
    redis_url: RedisURL = Field(
        "",
        description="redis://, rediss:// (TLS), unix:// or redis+sentinel:// of a Redis or Valkey "
        "server; empty: the embedded Valkey; `altwright redis use` changes it while all runs",
    )
    plaintext_hosts: PrivateHosts = Field(
        frozenset(),
        description="hosts, with commas between them, of a database or Redis in a network of your "
        "own, that staging and production may reach without TLS",
    )
    host: str = Field("127.0.0.1", description="address that the web server listens on")
    port: int = Field(8080, ge=0, le=65535, description="port that the web server listens on")
    web_concurrency: int = Field(1, ge=1, le=256, description="Gunicorn worker processes")
    web_threads: int = Field(64, ge=8, le=1000, description="threads of each Gunicorn worker")
    web_max_requests: int = Field(
        0,
        ge=0,
        le=COUNT_MOST,
        description="requests after which a Gunicorn worker is replaced by a new one (a tenth "
        "more or less, so that they don't go together); 0: never",
    )
    sockets_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="port of a process for pages' WebSockets, to which the reverse proxy passes "
        "/socket.io/; 0: Gunicorn's threads hold them",
    )
    sockets_max: int = Field(
        5000, ge=1, le=50_000, description="open pages that the process for WebSockets holds"
    )
    compatible_routes: bool = Field(
        default=False,
        description="answer the routes and the Socket.IO events of the replaced system, too, for "
        "programs that know those",
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="reverse proxies in front of Gunicorn whose X-Forwarded headers are believed",
    )
    flask_secret_key: str = Field(
        "", description="secret that signs sessions; empty: made and kept in DATA_DIR"
    )
    platform_encryption_key: FernetKeys = Field(
        "",
        description="Fernet keys, comma-separated, newest first, that encrypt tokens and tasks; "
        "empty: made and kept in DATA_DIR",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO",
        description="least severe level that is logged; DEBUG shows stacks, paths and hosts, too",
    )
    log_format: Literal["console", "json"] = Field("console", description="shape of log lines")

    otel_exporter_otlp_endpoint: WebURL = Field(
        "", description="OTLP collector (HTTP) that gets traces; takes the extra otel"
    )
    otel_exporter_otlp_headers: str = Field("", description="headers for it, as name=value,…")
    sentry_dsn: WebURL = Field("", description="DSN for reports of errors; takes the extra sentry")

    worker_mode: WorkerMode = Field(
        WorkerMode.INTEGRATED,
        description="integrated (threads in Gunicorn), external (own processes), hybrid, off",
    )
    rq_worker_count: int = Field(
        2,
        ge=1,
        le=64,
        description="integrated workers in the whole service; of `altwright worker`, threads of "
        "each process",
    )
    external_processes: int = Field(
        1,
        ge=0,
        le=64,
        description="worker processes that `altwright serve` starts in the modes external and "
        "hybrid; 0: others start them",
    )
    external_processes_max: int = Field(
        4,
        ge=1,
        le=64,
        description="worker processes that `altwright serve` starts at most, with "
        "RQ_ENABLE_AUTO_SCALING",
    )
    rq_enable_auto_scaling: bool = Field(
        default=False,
        description="scale the worker processes with the backlog, between EXTERNAL_PROCESSES and "
        "EXTERNAL_PROCESSES_MAX",
    )
    rq_worker_memory_limit: int = Field(
        500,
        ge=0,
        le=COUNT_MOST,
        description="MB of memory over which a process with workers hands back and is replaced; "
        "0: no limit",
    )
    rq_max_urgent_workers: Workers = Field(0, description="urgent tasks at a time; 0: no limit")
    rq_max_high_workers: Workers = Field(0, description="high tasks at a time; 0: no limit")
    rq_max_normal_workers: Workers = Field(0, description="normal tasks at a time; 0: no limit")
    rq_max_low_workers: Workers = Field(0, description="low tasks at a time; 0: no limit")
    rq_min_urgent_workers: Workers = Field(0, description="workers kept for urgent tasks")
    rq_min_high_workers: Workers = Field(0, description="workers kept for high tasks")
    rq_min_normal_workers: Workers = Field(0, description="workers kept for normal tasks")
    rq_min_low_workers: Workers = Field(0, description="workers kept for low tasks")
    rq_queue_prefix: str = Field(
        "", pattern=r"^[A-Za-z0-9_.:-]*$", description="put before the four queue names"
    )
    rq_default_timeout: Seconds = Field(
        3600, description="seconds that one attempt may take before it is handed back"
    )
    task_slice: float = Field(
        300,
        ge=0,
        le=SECONDS_MOST,
        description="seconds after which a task gives way to other users' that wait, and goes on "
        "after them; three times PLATFORM_TIMEOUT or more, what a page of posts may take; "
        "0: never",
    )
    rq_result_ttl: Kept = Field(500, description="seconds that RQ keeps a finished job")
    rq_completed_tasks_ttl: WholeSeconds = Field(
        0, description="the same, where it is set: the replaced system's name"
    )
    rq_failed_tasks_ttl: Kept = Field(86400, description="seconds that RQ keeps a failed job")
    rq_job_ttl: int = Field(
        86400,
        ge=60,
        le=SECONDS_MOST,
        description="seconds that a waiting job lies in Redis; its task waits on, and is delivered "
        "again",
    )
    rq_health_check_interval: float = Field(
        1.0, ge=0.1, le=30, description="seconds between two pings of Redis"
    )
    rq_failure_threshold: int = Field(
        2, ge=1, le=20, description="failed pings in a row after which Redis counts as down"
    )
    rq_max_retries: int = Field(3, ge=0, le=20, description="retries of a task that failed")
    rq_retry_base_delay: Seconds = Field(
        60, description="seconds before the second retry; each later one waits four times longer"
    )
    rq_retry_max_delay: Seconds = Field(3600, description="longest wait before a retry, seconds")
    rq_outage_patience: Seconds = Field(
        21600,
        description="seconds in all that a task waits for servers that are down, without progress",
    )
    rq_shutdown_timeout: float = Field(
        30, ge=0, le=3600, description="seconds that running work gets to finish at a stop"
    )
    user_runs_per_day: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="runs over an account that a user may start within 24 hours, unless their own "
        "limit says otherwise; administrators may any number; 0: no limit",
    )
    dispatch_window: int = Field(
        1000, ge=1, le=100_000, description="jobs per queue that lie in Redis at most"
    )
    lease_s: float = Field(
        15, ge=1, le=600, description="seconds after which a silent worker's task is taken back"
    )

    describer: DescriberName = Field("offline", description="what writes the drafts")
    describer_fallbacks: Fallbacks = Field(
        "",
        description="other describers that are asked in this order where that one fails, with "
        "commas between them, or none",
    )
    describer_parallel: int = Field(
        1, ge=1, le=32, description="pictures of one run that are described at a time"
    )
    describer_probe_every: Seconds = Field(
        60, description="seconds between two questions to the describer how it is"
    )
    ollama_url: BaseURL = Field("http://127.0.0.1:11434", description="address of an Ollama server")
    ollama_model: str = Field("llava:7b", description="vision model that Ollama runs")
    ollama_timeout: Seconds = Field(120, description="seconds that one description may take")
    openai_base_url: BaseURL = Field(
        "", description="address of an OpenAI-compatible server, up to and with /v1"
    )
    openai_api_key: APIKey = Field("", description="its key, where it wants one")
    openai_model: str = Field("", description="vision model that it runs")
    openai_timeout: Seconds = Field(120, description="seconds that one description may take")
    model_name: str = Field(
        "",
        pattern=r"^([a-z0-9][a-z0-9._-]{0,63})?$",
        description="vision model that this host runs itself; `altwright model list` shows them",
    )
    model_timeout: Seconds = Field(300, description="seconds that one description may take")
    model_idle_s: Seconds = Field(
        600, description="idle seconds after which the model's server ends and its memory is free"
    )
    model_memory_limit: int = Field(
        0,
        ge=0,
        le=COUNT_MOST,
        description="MB of address space that the model's server may take; 0: what the model is "
        "expected to need, and room for its libraries",
    )
    model_hub_url: BaseURL = Field(
        "https://huggingface.co",
        description="hub that `altwright model get` asks, or a mirror of it",
    )
    model_hub_timeout: Seconds = Field(
        30, description="seconds without a byte after which a download counts as stalled"
    )
    offline_idle_s: Seconds = Field(
        600, description="idle seconds after which the offline describer's process ends"
    )
    offline_processes: int = Field(
        0, ge=0, le=64, description="such processes on a host, 600 MB each; 0: one for 2 processors"
    )
    offline_download: bool = Field(
        default=True,
        description="`altwright serve` gets the offline describer's models if they are missing",
    )
    caption_max_length: int = Field(
        500, ge=50, le=5000, description="longest draft in characters that a describer may write"
    )

    allowed_private_hosts: PrivateHosts = Field(
        frozenset(),
        description="comma-separated host or host:port on private addresses that may be called, "
        "and of accounts' servers that have no https",
    )
    platform_timeout: Seconds = Field(
        20, description="seconds that a Fediverse server has to answer"
    )
    image_max_bytes: Count = Field(40 * 1024 * 1024, description="largest picture that is fetched")
    image_max_pixels: Count = Field(
        100_000_000, description="most pixels that a picture may have to be decoded"
    )
    image_timeout: Seconds = Field(30, description="seconds that fetching one picture may take")

    metrics_token: APIKey = Field(
        "", description="bearer token with which Prometheus may read /metrics"
    )
    metrics_networks: Networks = Field(
        frozenset(),
        description="comma-separated networks from which /metrics is read without a token, as "
        "10.1.0.0/16; behind a reverse proxy set TRUSTED_PROXIES, or all come from the proxy",
    )
    rq_alert_webhook_url: WebURL = Field(
        "", description="address that alerts are posted to as JSON"
    )
    alert_slack_url: WebURL = Field(
        "", description="address of an incoming webhook of Slack, Mattermost or another like them"
    )
    alert_ntfy_url: WebURL = Field("", description="address of an ntfy topic that gets alerts")
    alert_ntfy_token: APIKey = Field("", description="access token for it, where it wants one")
    alert_email_to: str = Field("", description="comma-separated addresses that get alerts")
    alert_email_from: str = Field("altwright@localhost", description="their sender")
    smtp_url: SMTPURL = Field(
        "", description="smtp://, smtps:// or smtp+starttls://user:password@host:port for them"
    )
    alert_quiet_hours: Hours = Field(
        "",
        description="hours in which warnings wait, as 22:00-07:00 Europe/Berlin; behind a comma "
        "those of one channel (mail, ntfy, slack, webhook), as ntfy=20:00-09:00 or mail=never",
    )
    alert_backlog_tasks: Count = Field(1000, description="waiting tasks from which on to alert")
    alert_backlog_age: Seconds = Field(
        900, description="alert when a due task has waited longer (seconds)"
    )
    alert_dead_letters: Count = Field(1, description="failed tasks in a day from which on to alert")
    alert_failure_share: float = Field(
        0.5, gt=0, le=1, description="alert when a larger share of an hour's tasks fails"
    )
    alert_slow_item: Seconds = Field(
        120, description="alert when the median time per picture exceeds this (seconds)"
    )
    alert_database_slow: Seconds = Field(
        1, description="alert when the database takes longer for a small question (seconds)"
    )
    alert_disk_free: float = Field(
        0.05, gt=0, lt=1, description="alert when a smaller share of DATA_DIR's disk is free"
    )
    alert_clock_skew: Seconds = Field(
        10, description="alert when a host's clock differs more from the database's (seconds)"
    )
    alert_stuck_task: Seconds = Field(
        900, description="alert when a running task makes no progress for longer (seconds)"
    )
    alert_describer_slow: Seconds = Field(
        10, description="alert when the describer takes longer to say how it is (seconds)"
    )
    alert_failed_sign_ins: Count = Field(
        100, description="failed sign-ins within a quarter of an hour from which on to alert"
    )
    task_retention_days: Days = Field(30, description="days that ended tasks are kept; 0: for ever")
    failed_task_retention_days: Days = Field(90, description="the same for failed ones")
    draft_retention_days: Days = Field(0, description="the same for published texts")
    picture_retention_days: Days = Field(
        30, description="the same for copies of pictures whose text was published or skipped"
    )
    audit_retention_days: Days = Field(365, description="the same for audit entries and alerts")
    maintenance_every: Seconds = Field(3600, description="seconds between two clean-ups")

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
            plaintext_hosts=self.plaintext_hosts,
            host=self.host,
            trusted_proxies=self.trusted_proxies,
            log_level=self.log_level,
        )

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
