"""The tables of people, their accounts, posts, pictures and drafts (tasks: task_tables.py)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Computed, ForeignKey, Index, Integer, MetaData, String, Text
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from altwright.db.types import Instant, Json, now
from altwright.domain.caption import DraftStatus, Role

#: 64-bit ids; SQLite numbers rows by itself only when the column is called INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")
ID_MOST = 2**63 - 1
LongText = Text().with_variant(LONGTEXT(), "mysql", "mariadb")


class Base(DeclarativeBase):
    """All tables; constraint names are fixed, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UserRow(Base):
    """A person who signs in."""

    __tablename__ = "users"
    __table_args__ = (Index("uq_users_name_key", "name_key", unique=True),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    #: Names that differ in case only are one: what they are compared by.
    name_key: Mapped[str] = mapped_column(
        String(64), Computed("lower(username)", persisted=True), nullable=True
    )
    email: Mapped[str | None] = mapped_column(String(255))
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16), default=Role.USER)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=now())
    last_login_at: Mapped[datetime | None] = mapped_column(Instant)
    #: Runs that they may start within a day; None: as the setting says, 0: no limit.
    runs_per_day: Mapped[int | None] = mapped_column()
    #: Goes into the stamp of sessions: another one ends them all.
    session_salt: Mapped[str] = mapped_column(String(16), default="", server_default="")


class TokenRow(Base):
    """A bearer token of the REST API; only its SHA-256 is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=now())


class AccountRow(Base):
    """A user's connection to a platform; ``token`` is encrypted."""

    __tablename__ = "accounts"
    __table_args__ = (Index("uq_accounts_user_id_acct", "user_id", "acct", unique=True),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    platform: Mapped[str] = mapped_column(String(16))
    url: Mapped[str] = mapped_column(String(255))
    token: Mapped[str] = mapped_column(Text)
    remote_id: Mapped[str] = mapped_column(String(64))
    acct: Mapped[str] = mapped_column(String(190))
    display_name: Mapped[str] = mapped_column(String(255), default="")
    avatar_url: Mapped[str] = mapped_column(Text, default="")
    max_alt_length: Mapped[int] = mapped_column(default=1500)
    #: Why the server refused us last ("": it didn't); the page asks the user to reconnect.
    problem: Mapped[str] = mapped_column(String(255), default="")
    #: What the server runs, as it said last ("": not known).
    software: Mapped[str] = mapped_column(String(32), default="", server_default="")
    software_version: Mapped[str] = mapped_column(String(64), default="", server_default="")
    #: What its owner wants to be known of its pictures, encrypted (accounts/context.py); None:
    #: nothing.
    context: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant, default=now())


class ServerRow(Base):
    """How alt texts get into the posts of a server, as far as that had to be found out."""

    __tablename__ = "servers"

    #: With its port, where it has one of its own.
    host: Mapped[str] = mapped_column(String(255), primary_key=True)
    way: Mapped[str] = mapped_column(String(32))
    #: What it ran then, with the version: an update makes it unknown again.
    software: Mapped[str] = mapped_column(String(128), default="")
    is_proved: Mapped[bool] = mapped_column(default=False)
    #: Why it can't be done, for people ("": it can).
    reason: Mapped[str] = mapped_column(Text, default="")
    learned_at: Mapped[datetime] = mapped_column(Instant, default=now())


class PostRow(Base):
    """A post of an account, as it was when last read."""

    __tablename__ = "posts"
    __table_args__ = (
        Index("uq_posts_account_id_remote_id", "account_id", "remote_id", unique=True),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    remote_id: Mapped[str] = mapped_column(String(64))
    url: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(LongText)
    spoiler_text: Mapped[str] = mapped_column(Text, default="")
    sensitive: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str | None] = mapped_column(String(16))
    visibility: Mapped[str] = mapped_column(String(16), default="public")
    posted_at: Mapped[datetime] = mapped_column(Instant)
    #: How many pictures it had when last read, of which some may have no row here.
    picture_count: Mapped[int] = mapped_column(default=1)


class PictureRow(Base):
    """A picture in a post; ``file`` names its prepared copy in the picture store ("": none)."""

    __tablename__ = "pictures"
    __table_args__ = (Index("uq_pictures_post_id_remote_id", "post_id", "remote_id", unique=True),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    remote_id: Mapped[str] = mapped_column(String(64))
    position: Mapped[int] = mapped_column(default=0)
    url: Mapped[str] = mapped_column(Text)
    published_text: Mapped[str] = mapped_column(LongText, default="")
    file: Mapped[str] = mapped_column(String(128), default="", index=True)
    #: Its small copy in the picture store ("": none).
    thumbnail: Mapped[str] = mapped_column(String(128), default="", index=True)
    media_type: Mapped[str] = mapped_column(String(32), default="")
    width: Mapped[int | None] = mapped_column()
    height: Mapped[int | None] = mapped_column()
    #: Since when no run could describe it; None: the last one that tried could.
    failed_at: Mapped[datetime | None] = mapped_column(Instant)


class PictureHashRow(Base):
    """What a picture is found by among its user's others (captions/pictures/likeness.py)."""

    __tablename__ = "picture_hashes"
    __table_args__ = (
        Index(None, "user_id", "digest", "picture_id"),
        Index(None, "user_id", "band_1", "picture_id"),
        Index(None, "user_id", "band_2", "picture_id"),
        Index(None, "user_id", "band_3", "picture_id"),
        Index(None, "user_id", "band_4", "picture_id"),
    )

    picture_id: Mapped[int] = mapped_column(
        ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    #: SHA-256 of its kept copy.
    digest: Mapped[str] = mapped_column(String(64))
    #: 128 bits, in hexadecimal digits ("": nothing may be taken for nearly the same).
    shape: Mapped[str] = mapped_column(String(32), default="")
    #: The first half of ``shape`` in four parts: of what differs in three bits, one is the same.
    band_1: Mapped[int | None] = mapped_column()
    band_2: Mapped[int | None] = mapped_column()
    band_3: Mapped[int | None] = mapped_column()
    band_4: Mapped[int | None] = mapped_column()


class DraftRow(Base):
    """The one alt text that a picture has in Altwright, from draft to published."""

    __tablename__ = "drafts"
    __table_args__ = (Index("ix_drafts_user_id_status_id", "user_id", "status", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    picture_id: Mapped[int] = mapped_column(
        ForeignKey("pictures.id", ondelete="CASCADE"), unique=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    status: Mapped[str] = mapped_column(String(16), default=DraftStatus.DRAFT)
    #: Raised by every change; a change that names an older version is refused.
    version: Mapped[int] = mapped_column(default=1)
    text: Mapped[str] = mapped_column(LongText)
    #: Which text of its history that is. No foreign key, since each table would need the other.
    text_id: Mapped[int | None] = mapped_column(Id)
    #: The language (BCP 47) that the text is in, and the one that was asked for ("": not known).
    language: Mapped[str] = mapped_column(String(16), default="", server_default="")
    asked_language: Mapped[str] = mapped_column(String(16), default="", server_default="")
    #: The text that no person has written: the describer's, with what one key has mended in it.
    #: While ``text`` is the same, what the describer said of it (``level``) holds.
    described_text: Mapped[str] = mapped_column(LongText)
    describer: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(128))
    level: Mapped[str | None] = mapped_column(String(8))
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    #: What filters ask for, as captions/drafts/checks.py found it at ``checked_version``: the codes
    #: of what there is to look at, each framed by commas, and what the picture was taken for.
    warnings: Mapped[str] = mapped_column(String(255), default="", server_default="")
    kind: Mapped[str] = mapped_column(String(32), default="", server_default="")
    checked_version: Mapped[int] = mapped_column(default=0, server_default="0")
    #: Why publishing failed last ("": it didn't).
    problem: Mapped[str] = mapped_column(Text, default="")
    task_id: Mapped[str | None] = mapped_column(String(36), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=now())
    updated_at: Mapped[datetime] = mapped_column(Instant, default=now(), onupdate=now())
    published_at: Mapped[datetime | None] = mapped_column(Instant)


class DraftTextRow(Base):
    """A text that a draft has had, so that none is lost when another one takes its place."""

    __tablename__ = "draft_texts"
    __table_args__ = (Index("ix_draft_texts_draft_id_id", "draft_id", "id"),)

    #: Rises with time: the newest text of a draft has the highest.
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(LongText)
    #: BCP 47 ("": not known).
    language: Mapped[str] = mapped_column(String(16), default="", server_default="")
    #: Which describer wrote it and how sure it was; empty when it was none.
    describer: Mapped[str] = mapped_column(String(32), default="")
    model: Mapped[str] = mapped_column(String(128), default="")
    level: Mapped[str | None] = mapped_column(String(8))
    #: Who wrote it, or had a describer's text mended by one key; None: not a person.
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    task_id: Mapped[str | None] = mapped_column(String(36), index=True)
    at: Mapped[datetime] = mapped_column(Instant, default=now())
    #: Whether its writer's next words replace it; nobody has decided about it yet.
    is_open: Mapped[bool] = mapped_column(default=False)
