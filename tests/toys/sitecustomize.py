"""Puts toys to work on into every process of a service under test: PYTHONPATH=tests/toys:ROOT."""

from __future__ import annotations

from tests.support_toys import Toy

from altwright import bootstrap
from altwright.bootstrap import Services
from altwright.config import Settings

_build = bootstrap.build


def _build_with_toys(settings: Settings) -> Services:
    services = _build(settings)
    # The REST API accepts captions only; here they are toys, too.
    services.kinds["toy"] = services.kinds["captions"] = Toy()
    return services


bootstrap.build = _build_with_toys
