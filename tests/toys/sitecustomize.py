"""Puts toys to work on into every process of a service under test: PYTHONPATH=tests/toys:ROOT."""

from __future__ import annotations

from flask import current_app
from tests.support_toys import Toy, ToyWork

from altwright import bootstrap
from altwright.bootstrap import Services
from altwright.config import Settings
from altwright.tasks.task_kind import Run

_build = bootstrap.build


class ToyInContext(Toy):
    """Toys that fail outside of a Flask app context: requirement 3.6."""

    def open(self, run: Run) -> ToyWork:
        """Begin an attempt."""
        assert current_app.name == "altwright.web"
        return super().open(run)


def _build_with_toys(settings: Settings) -> Services:
    services = _build(settings)
    # The REST API accepts captions only; here they are toys, too.
    services.engine.kinds["toy"] = services.engine.kinds["captions"] = ToyInContext()
    return services


bootstrap.build = _build_with_toys
