"""Puts toys to work on into every process of a service under test: PYTHONPATH=tests/toys:ROOT."""

from __future__ import annotations

import importlib
import os
import sys

from flask import current_app
from tests.support_toys import Toy, ToyWork

from altwright import bootstrap, installed
from altwright.bootstrap import Services
from altwright.config import Settings
from altwright.tasks.task_kind import Run

_build, _forget = bootstrap.build, installed.forget_imports


class ToyInContext(Toy):
    """Toys that fail outside of a Flask app context: requirement 3.6."""

    def open(self, run: Run) -> ToyWork:
        """Begin an attempt."""
        assert current_app.name == "altwright.web"
        return super().open(run)


def _build_with_toys(settings: Settings) -> Services:
    services = _build(settings)
    services.engine.kinds["toy"] = ToyInContext()
    # The REST API accepts captions only; here they are toys, too, unless a test wants real ones.
    if os.environ.get("TOYS") != "beside captions":
        services.engine.kinds["captions"] = services.engine.kinds["toy"]
    return services


def _forget_and_put_in_again() -> None:
    _forget()
    for name in [one for one in sys.modules if one.partition(".")[0] == "tests"]:
        del sys.modules[name]
    importlib.reload(sys.modules[__name__])


bootstrap.build, installed.forget_imports = _build_with_toys, _forget_and_put_in_again
