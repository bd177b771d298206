"""Every setting: its name, what it takes, its default, and what it is for.

Names that the replaced system's administrators have set already (REDIS_URL, WORKER_MODE, RQ_…,
OLLAMA_…) keep their meaning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from altwright.domain.worker_mode import WorkerMode
from altwright.profiles import Profile
from altwright.setting_values import (
    COUNT_MOST,
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


class SettingFields(BaseSettings):
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
        description="hosts, with commas between them, of databases, Redis, model servers and what "
        "gets alerts in a network of your own, that staging and production may reach without TLS",
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
