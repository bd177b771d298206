"""Redis away: no page and no question of a program fails for it."""

from __future__ import annotations

import pytest
from tests import support_web
from tests.servers import RedisServer
from tests.support_web import Web

from altwright.domain.caption import Role

web = support_web.web


def paths(web: Web) -> list[str]:
    """Return every address that can be asked for, about things that are there."""
    task = web.submit()["id"]
    values = {
        "<task_id>": task,
        "<int:account_id>": str(web.account_id),
        "<int:draft_id>": str(web.drafts()[0].id),
        "<int:user_id>": str(web.bert.id),
        "<name>": "low",
    }
    found = []
    for rule in web.app.url_map.iter_rules():
        path = rule.rule
        for name, value in values.items():
            path = path.replace(name, value)
        if "GET" in (rule.methods or ()) and "<" not in path:
            found.append(path)
    return sorted(found)


@pytest.mark.req("1.4", "no request fails")
@pytest.mark.parametrize("noticed", [True, False])
def test_no_page_fails_without_redis(web: Web, valkey: RedisServer, *, noticed: bool) -> None:
    """For nobody, whether its absence was noticed already or each request meets it."""
    asked = paths(web)
    mona = web.services.users.create("mona", support_web.PASSWORD, role=Role.MODERATOR)
    browsers = [web.by_session(user) for user in (web.root, mona, web.anna)]
    programs = [web.by_token(user) for user in (web.root, web.anna)]
    assert len(asked) > 40
    valkey.kill()
    while noticed and web.services.health.usable:
        web.services.health.note(answered=False)
    for path in asked:
        for who in (*browsers, *programs, web.anonymous()):
            answer = who.get(path)
            assert answer.status_code < 500, (path, answer.text)
