"""Settings that administrators change while all runs (requirement 8.2): the same in every process.

One rule: a value that was set here wins over the environment's, until somebody sets it back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field, TypeAdapter, ValidationError

from altwright import findings
from altwright.background import BackgroundLoop
from altwright.config import Settings
from altwright.db.session import Database
from altwright.domain.user import UserRef
from altwright.errors import InvalidInput
from altwright.tasks.audit_log import write
from altwright.tasks.cluster.service_state import ServiceState, put

_log = logging.getLogger(__name__)

#: What can be changed, under the headings of the page. Left to the environment are addresses and
#: secrets (whoever signs in as an administrator must not be able to lead pictures and keys
#: elsewhere), and what a process can only begin with.
CHANGEABLE = MappingProxyType(
    {
        "Tasks": (
            "rq_max_retries",
            "rq_retry_base_delay",
            "rq_retry_max_delay",
            "rq_outage_patience",
            "rq_default_timeout",
            "task_slice",
            "user_runs_per_day",
        ),
        "Delivery": ("dispatch_window",),
        "Describer": (
            "describer",
            "describer_fallbacks",
            "describer_parallel",
            "caption_max_length",
            "model_name",
            "model_timeout",
            "ollama_model",
            "ollama_timeout",
            "openai_model",
            "openai_timeout",
        ),
        "Pictures": ("image_max_bytes", "image_max_pixels", "image_timeout"),
        "Alerts": (
            "alert_backlog_tasks",
            "alert_backlog_age",
            "alert_dead_letters",
            "alert_failure_share",
            "alert_slow_item",
            "alert_database_slow",
            "alert_disk_free",
            "alert_clock_skew",
            "alert_stuck_task",
            "alert_failed_sign_ins",
            "alert_describer_slow",
            "alert_quiet_hours",
        ),
        "Retention": (
            "task_retention_days",
            "failed_task_retention_days",
            "draft_retention_days",
            "picture_retention_days",
            "audit_retention_days",
            "maintenance_every",
        ),
    }
)
NAMES = frozenset(name for names in CHANGEABLE.values() for name in names)
#: The row of service_state: what was set, by the field's name.
ROW = "settings"
#: What the audit log calls a change; its subject is the variable's name.
CHANGED = "setting changed"
#: Seconds between two looks of a process; with the wait for the database it stays below two.
EVERY_S = 1.0
#: The longest text of a setting, in characters.
TEXT_MOST = 255

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it stands. ``default`` is what counts when it isn't set here."""

    name: str
    group: str
    description: str
    value: Value
    environment: Value
    default: Value
    #: "page" (set here), "environment", or "default" (set nowhere).
    origin: str
    #: The words to choose from, if there is a choice of some.
    choices: tuple[str, ...] = ()
    is_number: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the shape that API and command line show."""
        names = ("name", "value", "origin", "environment", "default", "group", "description")
        return {name: getattr(self, name) for name in names}


class LiveSettings:
    """What counts in this process now, followed once a second; and what changes it everywhere."""

    def __init__(
        self, database: Database, environment: Settings, adopt: Callable[[Settings], None]
    ) -> None:
        """Take ``adopt``, which lets this process's parts go by other settings."""
        self._database = database
        self._state = ServiceState(database)
        self._environment = environment
        self._adopt = adopt
        self._one_at_a_time = threading.Lock()
        self._kept: dict[str, Any] = {}
        self.current = environment
        #: What was kept and can't be used, with the reason, by the variable's name.
        self.ignored: Mapping[str, str] = {}
        self.loop = BackgroundLoop("settings", self.follow, every_s=EVERY_S)

    def follow(self) -> None:
        """Take up what was changed. Raises DatabaseUnavailable: what was known goes on to count."""
        self._take(self._state.get(ROW))

    def _take(self, kept: Any) -> None:
        kept = _mapping(kept)
        with self._one_at_a_time:
            if kept == self._kept:
                return
            values, ignored = _usable(self._environment, kept)
            settings = self._environment.model_copy(update=values)
            for name, why in ignored.items():
                _log.error("the setting %s that was set while all runs is ignored: %s", name, why)
            self._adopt(settings)
            self.current, self.ignored, self._kept = settings, ignored, kept
            _log.warning(
                "settings that were set while all runs: %s", ", ".join(sorted(kept)) or "none"
            )

    def all(self) -> list[Setting]:
        """Return every setting that can be changed, in the order of the page."""
        return [self._setting(name, group) for group, names in CHANGEABLE.items() for name in names]

    def change(self, values: Mapping[str, Any], *, by: UserRef) -> list[str]:
        """Set values, by the variable's name; return which variables have another value now.

        None, or an empty text: the environment's again. Either all are taken up, or none. A value
        that is the environment's isn't kept.

        Raises:
            InvalidInput: its fields say what is wrong with which variable.
        """
        wanted = {name.lower(): None if value == "" else value for name, value in values.items()}
        checked = _checked(wanted)
        self._state.add(ROW, {})
        with self._database.write() as session:
            kept = _mapping(self._state.locked(session, ROW))
            before, _ = _usable(self._environment, kept)
            old = self._environment.model_copy(update=before)
            rest = {name: value for name, value in before.items() if name not in wanted}
            new = self._environment.model_copy(update=rest | checked)
            if faults := new.faults():
                raise _unfit(faults)
            changed = [name for name in wanted if getattr(old, name) != getattr(new, name)]
            for name in changed:
                write(
                    session,
                    by,
                    CHANGED,
                    name.upper(),
                    "" if name in checked else "the environment's again",
                    before=str(plain(getattr(old, name))),
                    after=str(plain(getattr(new, name))),
                )
            # What another version has set stays for that version.
            kept = {name: value for name, value in kept.items() if name not in wanted}
            kept |= {
                name: value
                for name, value in checked.items()
                if value != getattr(self._environment, name)
            }
            put(session, ROW, kept)
        self._take(kept)
        return [name.upper() for name in changed]

    def _setting(self, name: str, group: str) -> Setting:
        field = Settings.model_fields[name]
        value, environment = getattr(self.current, name), getattr(self._environment, name)
        default = self._environment.default_of(name)
        origin = "default" if environment == default else "environment"
        return Setting(
            name.upper(),
            group,
            field.description or "",
            plain(value),
            plain(environment),
            plain(default),
            "page" if name in self._kept and name.upper() not in self.ignored else origin,
            get_args(field.annotation) if get_origin(field.annotation) is Literal else (),
            is_number=field.annotation in {int, float},
        )


def _mapping(kept: Any) -> dict[str, Any]:
    return dict(kept) if isinstance(kept, dict) else {}


def plain(value: Value) -> Value:
    """Return a value as people write it: 60, not 60.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    field = Settings.model_fields[name]
    kind: Any = Annotated[(field.annotation, Field(), *field.metadata)]
    return TypeAdapter(kind)


def _read(name: str, value: Any) -> Value:
    """Return a value as the field reads it. Raises ValueError, in words."""
    if isinstance(value, str):
        value = value.strip()
    elif isinstance(value, bool):
        raise ValueError("should be a number or a text")  # noqa: TRY004 - a fault of the input
    try:
        read: Value = _adapter(name).validate_python(value)
    except ValidationError as error:
        raise ValueError(findings.worded(error.errors()[0])) from None
    if isinstance(read, str) and not (0 < len(read) <= TEXT_MOST and read.isprintable()):
        raise ValueError(f"should be 1 to {TEXT_MOST} printable characters")
    return plain(read)


def _checked(wanted: Mapping[str, Any]) -> dict[str, Value]:
    """Return those that aren't None as their fields read them. Raises InvalidInput."""
    checked, faults = {}, {}
    for name, value in wanted.items():
        if name not in NAMES:
            known = name in Settings.model_fields
            faults[name.upper()] = "can't be changed while all runs" if known else "is no setting"
            continue
        try:
            if value is not None:
                checked[name] = _read(name, value)
        except ValueError as error:
            faults[name.upper()] = str(error)
    if faults:
        raise InvalidInput("Some settings can't be changed like this.", faults)
    return checked


def _usable(
    environment: Settings, kept: Mapping[str, Any]
) -> tuple[dict[str, Value], dict[str, str]]:
    """Return the values that count, and what is wrong with the others, by the variable's name."""
    values: dict[str, Value] = {}
    ignored: dict[str, str] = {}
    for name, value in kept.items():
        if name not in NAMES:
            ignored[name.upper()] = "isn't known to this version"
            continue
        try:
            values[name] = _read(name, value)
        except ValueError as error:
            ignored[name.upper()] = str(error)
    while faults := environment.model_copy(update=values).faults():
        # The environment, which is checked at the start, has changed since. What it is about goes.
        about = [name for name in _named(faults[0]) if name in values] or list(values)
        if not about:
            break
        ignored |= {name.upper(): faults[0] for name in about}
        values = {name: value for name, value in values.items() if name not in about}
    return values, ignored


def _named(fault: str) -> list[str]:
    return [name.strip().lower() for name in fault.partition(":")[0].split(",")]


def _unfit(faults: list[str]) -> InvalidInput:
    fields = {name.upper(): fault.partition(": ")[2] for fault in faults for name in _named(fault)}
    return InvalidInput("These settings don't go together.", fields)
