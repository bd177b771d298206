"""URL rules whose builders are compiled when a URL is built for the first time.

Werkzeug compiles two functions for each rule as it is added: two thirds of what it took to put the
application together, while most of them are never called.
"""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import Rule


class UrlRule(Rule):
    """A rule that compiles its builders late."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002 - the base's
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, /, **values: object) -> tuple[str, str]:
            if not compiled:
                compiled.append(super(UrlRule, self)._compile_builder(append_unknown))
            return compiled[0](rule, **values)

        return build
