"""The replaced system's database, made from what is known of its tables, with their oddities."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy import Engine
from werkzeug.security import generate_password_hash

#: Made up for tests.
OLD_KEY = "qJ5zUG-gvfYUlsNiNKDi2RvQ_rgEijS6b3gpCSkfRDE="
MAY = "2026-05-03 12:00:00"
#: Columns that older dumps don't have.
LATER = {
    *("priority", "admin_notes", "cancelled_by_admin", "admin_user_id", "cancellation_reason"),
    *("retry_count", "max_retries", "resource_usage", "admin_managed"),
}


def tables(*, older: bool) -> sa.MetaData:
    """Return the tables, of a dump before some columns came or of the last version."""
    metadata = sa.MetaData()
    text, moment, short = sa.Text, sa.DateTime, sa.String(64)
    sa.Table(
        "users",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("email", sa.String(120)),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("role", short),
        sa.Column("is_active", sa.Boolean, server_default="1"),
        sa.Column("email_verified", sa.Boolean, server_default="1"),
        sa.Column("created_at", moment),
        sa.Column("last_login", moment),
        sa.Column("account_locked", sa.Boolean, server_default="0"),
        sa.Column("failed_login_attempts", sa.Integer, server_default="0"),
    )
    sa.Table(
        "platform_connections",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("platform_type", sa.String(50), nullable=False),
        sa.Column("instance_url", sa.String(500), nullable=False),
        sa.Column("username", sa.String(200)),
        sa.Column("access_token", text, nullable=False),
        sa.Column("client_key", text),
        sa.Column("client_secret", text),
        sa.Column("is_active", sa.Boolean, server_default="1"),
        sa.Column("is_default", sa.Boolean, server_default="0"),
        sa.Column("created_at", moment),
    )
    tasks: list[sa.Column[Any]] = [
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("platform_connection_id", sa.Integer, nullable=False),
        sa.Column("status", short),
        sa.Column("settings_json", text),
        *(sa.Column(name, moment) for name in ("created_at", "started_at", "completed_at")),
        *(sa.Column(name, text) for name in ("error_message", "results_json", "admin_notes")),
        sa.Column("progress_percent", sa.Integer),
        sa.Column("current_step", sa.String(200)),
        sa.Column("priority", short),
        *(sa.Column(name, sa.Boolean) for name in ("cancelled_by_admin", "admin_managed")),
        sa.Column("admin_user_id", sa.Integer),
        *(sa.Column(name, text) for name in ("cancellation_reason", "resource_usage")),
        sa.Column("retry_count", sa.Integer),
        sa.Column("max_retries", sa.Integer, server_default="3"),
    ]
    kept = [one for one in tasks if not (older and one.name in LATER)]
    sa.Table("caption_generation_tasks", metadata, *kept)
    sa.Table(
        "posts",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("post_id", sa.String(500), nullable=False),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("post_url", text),
        sa.Column("post_content", text),
        sa.Column("platform_connection_id", sa.Integer),
        sa.Column("created_at", moment),
    )
    captions = ("original_caption", "generated_caption", "reviewed_caption", "final_caption")
    sa.Table(
        "images",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("post_id", sa.Integer, nullable=False),
        sa.Column("image_url", text),
        sa.Column("local_path", text, nullable=False),
        sa.Column("media_type", sa.String(100)),
        sa.Column("image_post_id", sa.String(100)),
        sa.Column("attachment_index", sa.Integer, nullable=False),
        *(sa.Column(name, text) for name in captions),
        sa.Column("image_category", sa.String(50)),
        sa.Column("status", short),
        *(sa.Column(name, moment) for name in ("reviewed_at", "posted_at", "original_post_date")),
        *(sa.Column(name, text) for name in ("reviewer_notes", "processing_error")),
        sa.Column("caption_quality_score", sa.Integer),
        sa.Column("needs_special_review", sa.Boolean),
    )
    sa.Table(
        "caption_generation_user_settings",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("platform_connection_id", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.Integer)
            for name in ("max_posts_per_run", "max_caption_length", "optimal_min_length")
        ),
        sa.Column("optimal_max_length", sa.Integer),
        sa.Column("reprocess_existing", sa.Boolean),
        sa.Column("processing_delay", sa.Float),
    )
    return metadata


@dataclass
class Vedfolnir:
    """An old database, which tests fill by raw values, as they are in the field."""

    engine: Engine
    older: bool = False

    @property
    def url(self) -> str:
        """Return its address."""
        return self.engine.url.render_as_string(hide_password=False)

    def make(self) -> Vedfolnir:
        """Make its tables, empty."""
        metadata = tables(older=self.older)
        metadata.drop_all(self.engine)
        metadata.create_all(self.engine)
        return self

    def add(self, table: str, **values: Any) -> Any:
        """Add a row by its raw values and return its id."""
        columns = sa.table(table, *(sa.column(name) for name in values))
        with self.engine.begin() as connection:
            made = connection.execute(columns.insert().values(**values))
        return values.get("id") or made.lastrowid

    def add_all(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Add rows at once, all with the same columns."""
        columns = sa.table(table, *(sa.column(name) for name in rows[0]))
        with self.engine.begin() as connection:
            connection.execute(columns.insert(), rows)

    def set(self, table: str, row_id: Any, **values: Any) -> None:
        """Change a row, as the replaced system would."""
        columns = sa.table(table, sa.column("id"), *(sa.column(name) for name in values))
        with self.engine.begin() as connection:
            changed = columns.update().where(columns.c.id == row_id).values(**values)
            connection.execute(changed)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return a table's rows as they are, by id."""
        query = sa.text(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608 - a name of ours
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Return all rows of all tables."""
        return {name: self.rows(name) for name in tables(older=self.older).tables}

    def user(self, name: str, **values: Any) -> int:
        """Add a user whose password is "secret of NAME"."""
        base = {
            "username": name,
            "email": f"{name}@example.org",
            "password_hash": generate_password_hash(f"secret of {name}", "pbkdf2:sha256:1"),
            "role": "REVIEWER",
            "created_at": MAY,
        }
        return int(self.add("users", **{**base, **values}))

    def connection(self, user_id: int, name: str, **values: Any) -> int:
        """Add a connection whose token is "token of NAME"."""
        base = {
            "user_id": user_id,
            "name": f"{name} at home",
            "platform_type": "mastodon",
            "instance_url": "https://home.example",
            "username": name,
            "access_token": closed(f"token of {name}"),
            "created_at": MAY,
        }
        return int(self.add("platform_connections", **{**base, **values}))

    def task(self, user_id: int, connection_id: int, **values: Any) -> str:
        """Add a task that waits."""
        base = {
            "id": str(uuid.uuid4()),
            "user_id": user_id,
            "platform_connection_id": connection_id,
            "status": "QUEUED",
            "created_at": MAY,
        }
        return str(self.add("caption_generation_tasks", **{**base, **values}))

    def image(self, connection_id: int, number: int, **values: Any) -> int:
        """Add a post with one picture."""
        url = f"https://home.example/@anna/{1000 + number}"
        post_id = self.add(
            "posts",
            post_id=url,
            user_id="anna",
            post_url=url,
            post_content=f"<p>Post {number}</p>",
            platform_connection_id=connection_id,
            created_at=MAY,
        )
        base = {
            "post_id": post_id,
            "image_url": f"https://home.example/media/{number}.jpg",
            "local_path": "",
            "media_type": "image/jpeg",
            "image_post_id": str(5000 + number),
            "attachment_index": 0,
            "status": "PENDING",
            "original_post_date": MAY,
        }
        return int(self.add("images", **{**base, **values}))


def closed(text: str, key: str = OLD_KEY) -> str:
    """Return a text as the replaced system encrypts it."""
    return Fernet(key).encrypt(text.encode()).decode("ascii")


def opened(token: str) -> str:
    """Return what the replaced system reads."""
    return Fernet(OLD_KEY).decrypt(token.encode()).decode()


def settings(**values: Any) -> str:
    """Return a task's settings as the replaced system writes them."""
    base = {"max_posts_per_run": 20, "max_caption_length": 400, "processing_delay": 0.5}
    base |= {"optimal_min_length": 80, "optimal_max_length": 200, "reprocess_existing": False}
    return json.dumps({**base, **values})
