"""Migrations are called by the numbers that their files begin with: so alembic needn't be asked."""

from __future__ import annotations

from alembic.config import Config
from alembic.script import ScriptDirectory

from altwright.db import migrate


def test_the_newest_file_is_the_newest_migration() -> None:
    """Alembic, which reads the files, goes from one to the next in the order of their names."""
    config = Config()
    config.set_main_option("script_location", "altwright:db/migrations")
    script = ScriptDirectory.from_config(config)
    walked = [one.revision for one in script.walk_revisions()]
    assert walked == sorted(walked, reverse=True)
    assert migrate.head() == script.get_current_head() == walked[0]
