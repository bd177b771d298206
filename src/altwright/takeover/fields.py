"""What a row of the replaced system means here, and how it is written there: pure, no SQL.

``…_there`` reads a row of the old tables as they are in the field: columns missing, enums by name
or value in either case, times naive UTC. ``…_columns`` returns the columns that say the same, so
that reading them gives the same fields again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from altwright.captions.drafts.storable import clean
from altwright.captions.tasks.settings import (
    DELAY_MOST_S,
    LENGTH_LEAST,
    LENGTH_MOST,
    POSTS_LEAST,
    POSTS_MOST,
)
from altwright.crypto import Box
from altwright.db.tables import AccountRow, PostRow, UserRow
from altwright.domain.caption import DraftStatus, Role
from altwright.domain.task import Priority, Status
from altwright.platforms.connect import PLATFORMS
from altwright.platforms.reading.html_text import plain_text
from altwright.text import clean_line, clean_text

#: Years of which a date is believed: MySQL has a year 0, and clocks began anew in 1970.
YEARS = range(1990, 2200)
#: The replaced system's settings where neither a task nor its user has any.
OLD_SETTINGS = {"max_posts_per_run": 50, "max_caption_length": 500, "processing_delay": 1.0}
#: The most posts of a run there.
OLD_POSTS_MOST = 500
#: Characters of a reason that are kept.
REASON_MOST = 2_000
#: Said with a password that nothing verifies; no hash looks like it.
NO_PASSWORD = "!"  # noqa: S105 - it is none

#: A reviewer there works on what is their own, as a user does here.
_OLD_ROLES = {
    Role.ADMIN: "ADMIN",
    Role.MODERATOR: "MODERATOR",
    Role.USER: "REVIEWER",
    Role.VIEWER: "VIEWER",
}
_ROLES = {old.lower(): role for role, old in _OLD_ROLES.items()}
_DRAFTS = {
    "pending": DraftStatus.DRAFT,
    "reviewed": DraftStatus.DRAFT,
    "error": DraftStatus.DRAFT,
    "approved": DraftStatus.APPROVED,
    "rejected": DraftStatus.SKIPPED,
    "posted": DraftStatus.PUBLISHED,
}
#: No draft: nobody has described the picture yet.
NO_DRAFT = ""


class Unusable(Exception):
    """A row that isn't taken; ``str(error)`` says why."""


@dataclass(slots=True)
class Row:
    """A row's ``fields``, which both sides have; ``beside`` is needed when it is made anew.

    ``remarks`` say what of it isn't as it was; ``noted`` is remembered of it, and never goes over.
    """

    fields: dict[str, Any]
    beside: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    noted: dict[str, Any] = field(default_factory=dict)


def word(value: Any) -> str:
    """Return an enum's name or value in small letters."""
    return clean_line(value, 64).lower()


def instant(value: Any) -> datetime | None:
    """Return a naive UTC time, as drivers or text give it, to the second; None: it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime) or value.year not in YEARS:
        return None
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(microsecond=0)


def stored(at: datetime | None) -> str | None:
    """Return an instant as the replaced system stores it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else None


def number(value: Any, default: int) -> int:
    """Return a count of 0 or more."""
    try:
        return max(0, int(value))
    except (TypeError, ValueError, OverflowError):
        return default


def user_there(row: Mapping[str, Any]) -> Row:
    """Return a user. Raises Unusable."""
    name = clean_line(row.get("username"), UserRow.username.type.length)
    if not name or name != row.get("username"):
        raise Unusable("its user name is empty, too long or not printable")
    remarks = []
    role = _ROLES.get(word(row.get("role")))
    if role is None:
        said = word(row.get("role")) or "none"
        remarks.append(f"role {said}: a viewer here; altwright user role NAME user lets them work")
    locked = bool(row.get("account_locked"))
    if locked:
        remarks.append("locked there, so deactivated here: altwright user activate NAME")
    if row.get("email_verified") is not None and not row["email_verified"]:
        remarks.append("their e-mail address was never verified there")
    email = clean_line(row.get("email"), 1000) or None
    if email is not None and (len(email) > UserRow.email.type.length or "@" not in email):
        email = None
        remarks.append("their e-mail address is none")
    password = str(row.get("password_hash") or "")
    if not is_werkzeug(password):
        password = NO_PASSWORD
        remarks.append("their password can't be checked here: altwright user password NAME")
    fields = {
        "username": name,
        "email": email,
        "role": role or Role.VIEWER,
        "is_active": bool(row.get("is_active", True)) and not locked,
        "password": password,
    }
    times = {
        "created_at": instant(row.get("created_at")),
        "last_login_at": instant(row.get("last_login")),
    }
    return Row(fields, times, remarks)


def is_werkzeug(password_hash: str) -> bool:
    """Return whether both sides can check a password against this hash."""
    fits = len(password_hash) <= UserRow.password_hash.type.length
    return fits and password_hash.startswith(("scrypt:", "pbkdf2:")) and "$" in password_hash


def user_columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the old columns of those fields of a user that are given."""
    columns = {name: fields[name] for name in ("username", "email") if name in fields}
    if "role" in fields:
        columns["role"] = _OLD_ROLES[fields["role"]]
    if "is_active" in fields:
        columns["is_active"] = int(fields["is_active"])
        if fields["is_active"]:
            columns["account_locked"] = 0
    if "password" in fields:
        columns["password_hash"] = fields["password"]
    return columns


def token_there(row: Mapping[str, Any], box: Box) -> str | None:
    """Return a connection's token in clear, None: it can't be read with this key."""
    try:
        return box.decrypt(str(row.get("access_token") or ""))
    except ValueError:  # UnicodeDecodeError too
        return None


def account_there(row: Mapping[str, Any], box: Box) -> Row:
    """Return an account, with its token in clear if it can be read. Raises Unusable."""
    platform = word(row.get("platform_type"))
    if platform not in PLATFORMS:
        raise Unusable(f"its platform {platform or 'none'} isn't known here")
    try:
        parts = urlsplit(clean_line(row.get("instance_url"), 1000).lower())
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    url = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in {"https", "http"} or not parts.hostname or "@" in parts.netloc:
        raise Unusable("its server's address is none")
    acct = clean_line(row.get("username"), 1000).lstrip("@")
    if not acct:
        raise Unusable("it has no user name on its server")
    acct = acct if "@" in acct else f"{acct}@{parts.netloc}"
    if len(acct) > AccountRow.acct.type.length or len(url) > AccountRow.url.type.length:
        raise Unusable("its name or its server's address is too long")
    remarks: list[str] = []
    fields = {"platform": platform, "url": url, "acct": acct}
    token = token_there(row, box)
    if token is not None:
        fields["token"] = token
    else:
        remarks.append("its token can't be read with this key; it has to be connected again")
    if not row.get("is_active", True):
        remarks.append("it was switched off there; here it can be used")
    return Row(fields, {"created_at": instant(row.get("created_at"))}, remarks)


def account_columns(fields: Mapping[str, Any], box: Box) -> dict[str, Any]:
    """Return the old columns of those fields of an account that are given."""
    names = {"platform": "platform_type", "url": "instance_url"}
    columns = {old: fields[new] for new, old in names.items() if new in fields}
    if "acct" in fields:
        columns["username"] = fields["acct"].partition("@")[0]
    if "token" in fields:
        columns["access_token"] = box.encrypt(fields["token"])
    return columns


def task_there(row: Mapping[str, Any], of_user: Mapping[str, Any] | None) -> Row:
    """Return a task; ``of_user`` is what its user has set for the account. Raises Unusable.

    One that runs there counts as queued: it is begun again.
    """
    said = word(row.get("status"))
    if said not in set(Status):
        raise Unusable(f"its status {said or 'none'} isn't known")
    status = Status.QUEUED if said == Status.RUNNING else Status(said)
    remarks: list[str] = []
    wished = word(row.get("priority"))
    if wished and wished.upper() not in Priority.__members__:
        remarks.append(f"priority {wished} isn't known; it is normal")
    created = instant(row.get("created_at"))
    started, ended = instant(row.get("started_at")), instant(row.get("completed_at"))
    is_over = status is not Status.QUEUED
    fields = {
        "status": status,
        "priority": Priority.__members__.get(wished.upper(), Priority.NORMAL),
        "failures": number(row.get("retry_count"), 0),
        "max_retries": number(row.get("max_retries"), 3),
        "started_at": started if is_over else None,
        "finished_at": (ended or started or created) if is_over else None,
        "error": _why(row, status) if is_over else "",
    }
    if is_over and ended is None:
        remarks.append("it says no time of its end")
    notes = clean_text(row.get("admin_notes"), REASON_MOST)
    beside = {
        "created_at": created or started or ended,
        "settings": _settings(row.get("settings_json"), of_user or {}, remarks),
        "detail": notes,
        "step": _step(row, status),
    }
    return Row(fields, beside, remarks)


def _why(row: Mapping[str, Any], status: Status) -> str:
    cancelled = status is Status.CANCELLED and row.get("cancellation_reason")
    return clean_text(cancelled or row.get("error_message"), REASON_MOST).strip()


def _step(row: Mapping[str, Any], status: Status) -> str:
    results = _object(row.get("results_json"))
    made = results.get("captions_generated") if status is Status.COMPLETED else None
    if isinstance(made, int):
        return f"Described {number(made, 0):,} of {number(results.get('images_processed'), 0):,}."
    return clean_line(row.get("current_step"), 255)


def _object(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text) if text else {}
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _settings(text: Any, of_user: Mapping[str, Any], remarks: list[str]) -> dict[str, Any]:
    said = _object(text)
    if text and not said:
        remarks.append("its settings can't be read; it has its user's")
    said = said or {**OLD_SETTINGS, **{k: v for k, v in of_user.items() if v is not None}}
    kept: dict[str, Any] = {"reprocess_existing": bool(said.get("reprocess_existing"))}
    for name, least, most in (
        ("max_posts_per_run", POSTS_LEAST, POSTS_MOST),
        ("max_caption_length", LENGTH_LEAST, LENGTH_MOST),
    ):
        kept[name] = min(max(number(said.get(name), int(OLD_SETTINGS[name])), least), most)
    try:
        kept["processing_delay"] = min(max(float(said.get("processing_delay", 1)), 0), DELAY_MOST_S)
    except (TypeError, ValueError):
        kept["processing_delay"] = OLD_SETTINGS["processing_delay"]
    if math.isnan(kept["processing_delay"]):
        kept["processing_delay"] = OLD_SETTINGS["processing_delay"]
    return kept


def task_columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the old columns of a task's state."""
    status: Status = fields["status"]
    columns = {
        "status": status.name,
        "priority": Priority(fields["priority"]).queue,
        "retry_count": fields["failures"],
        "max_retries": fields["max_retries"],
        "started_at": stored(fields["started_at"]),
        "completed_at": stored(fields["finished_at"]),
        "error_message": fields["error"] or None,
        "cancellation_reason": fields["error"] or None if status is Status.CANCELLED else None,
    }
    if status is Status.COMPLETED:
        columns["progress_percent"] = 100
    if status is Status.QUEUED:
        columns |= {"progress_percent": 0, "current_step": ""}
    return columns


def settings_column(settings: Mapping[str, Any]) -> str:
    """Return a task's settings as the replaced system reads them."""
    most = settings.get("max_caption_length") or OLD_SETTINGS["max_caption_length"]
    posts = settings.get("max_posts_per_run") or OLD_POSTS_MOST
    return json.dumps(
        {
            "max_posts_per_run": min(posts, OLD_POSTS_MOST),
            "max_caption_length": most,
            "optimal_min_length": min(80, most // 2),
            "optimal_max_length": min(200, most),
            "reprocess_existing": bool(settings.get("reprocess_existing")),
            "processing_delay": settings.get("processing_delay") or 0.0,
        }
    )


def remote_id_of(url: Any, most: int = PostRow.remote_id.type.length) -> str:
    """Return the id that a post's address ends with. Raises Unusable: there is none."""
    last = urlsplit(clean_line(url, 2_000)).path.rstrip("/").rpartition("/")[2]
    if not last or len(last) > most:
        raise Unusable("its post's address has no id")
    return last


def picture_there(row: Mapping[str, Any], post: Mapping[str, Any]) -> Row:
    """Return a picture with its text, if it has one. Raises Unusable."""
    remote_id = clean_line(row.get("image_post_id"), 1000)
    if not remote_id or len(remote_id) > PostRow.remote_id.type.length:
        raise Unusable("its server's id of the picture (image_post_id) is missing or too long")
    generated, reviewed, final = (
        clean(str(row.get(f"{name}_caption") or "")) for name in ("generated", "reviewed", "final")
    )
    remarks: list[str] = []
    said = word(row.get("status"))
    status: str = _DRAFTS.get(said, DraftStatus.DRAFT)
    if said not in _DRAFTS:
        remarks.append(f"its status {said or 'none'} isn't known; its text waits for a decision")
    is_decided = status in {DraftStatus.APPROVED, DraftStatus.PUBLISHED}
    text = (final if is_decided else "") or reviewed or generated or final
    if not text and status != DraftStatus.SKIPPED:
        if is_decided:
            remarks.append(f"{said} without a text; it can be described again")
        status = NO_DRAFT
    posted = instant(row.get("posted_at")) or instant(row.get("reviewed_at"))
    published_at = posted if status == DraftStatus.PUBLISHED else None
    if status == DraftStatus.PUBLISHED and published_at is None:
        remarks.append("posted without a time")
    fields = {
        "status": status,
        "text": text,
        "described_text": generated,
        "published_at": published_at,
    }
    content = clean_text(post.get("post_content"), 100_000)
    content = plain_text(content) if "<" in content else content
    original = clean(str(row.get("original_caption") or ""))
    beside = {
        "post": {
            "remote_id": remote_id_of(post.get("post_id") or post.get("post_url")),
            "url": clean_line(post.get("post_url") or post.get("post_id"), 2_000),
            "text": content,
            "posted_at": instant(row.get("original_post_date")) or instant(post.get("created_at")),
        },
        "remote_id": remote_id,
        "local_path": clean_line(row.get("local_path"), 2_000),
        "position": number(row.get("attachment_index"), 0),
        "url": clean_line(row.get("image_url"), 2_000),
        "media_type": clean_line(row.get("media_type"), 32),
        "original": original,
        "reviewed": reviewed,
        "updated_at": instant(row.get("reviewed_at")) or instant(row.get("updated_at")),
        "problem": clean_text(row.get("processing_error"), 500) if said == "error" else "",
    }
    return Row(fields, beside, remarks)


def picture_columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the old columns of a picture's text and its state."""
    status, text, described = fields["status"], fields["text"], fields["described_text"]
    differs = text if text != described else None
    columns: dict[str, Any] = {
        "generated_caption": described or None,
        "reviewed_caption": differs,
        "final_caption": None,
        "posted_at": stored(fields["published_at"]),
    }
    match status:
        case DraftStatus.APPROVED | DraftStatus.PUBLISHED:
            old = "APPROVED" if status == DraftStatus.APPROVED else "POSTED"
            return {**columns, "status": old, "reviewed_caption": text, "final_caption": text}
        case DraftStatus.SKIPPED:
            return {**columns, "status": "REJECTED"}
        case _:
            return {**columns, "status": "REVIEWED" if differs else "PENDING"}
