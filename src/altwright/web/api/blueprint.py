"""The REST API's frame: blueprints, authentication, its OpenAPI document."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn

from flask import Response, current_app, jsonify
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.info import Info
from flask_openapi3.models.tag import Tag
from flask_openapi3.openapi import OpenAPI
from flask_openapi3.types import ParametersTuple, ResponseDict
from flask_openapi3.utils import parse_parameters
from pydantic import ValidationError

from altwright import findings
from altwright.errors import InvalidInput
from altwright.web.api import responses
from altwright.web.auth import challenge, identify
from altwright.web.security import csrf
from altwright.web.url_rule import UrlRule

PREFIX: Final = "/api/v1"
VERSION = "1.0.0"
#: The two ways in; each operation takes either.
SECURITY: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
_WHY = {
    400: "The body is no JSON, or the X-CSRFToken header of a session is missing or wrong.",
    401: "No session and no valid token came with the request.",
    403: "The caller's role doesn't allow this.",
    404: "There is none, or it is somebody else's.",
    409: "Its state doesn't allow this.",
    413: "The body is too long.",
    415: "The body isn't application/json.",
    422: "The input is wrong; fields says where.",
    429: "Too much for now; Retry-After says when to try again.",
    503: "Something that it needs is away; Retry-After says when to try again.",
}
_ALWAYS = (401, 422, 503)
_WITH_BODY = (400, 413, 415)
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


#: Held while a document is made.
_lock = threading.Lock()


class Blueprint(APIBlueprint):
    """Makes its part of the document when somebody asks for it: few processes are ever asked.

    Made while views are imported, it took a tenth of a process's start.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what Flask-OpenAPI takes."""
        super().__init__(*arguments, **options)
        self._undocumented: list[Callable[[], ParametersTuple]] = []

    def _collect_openapi_info(
        self, rule: str, func: Callable[..., Any], **options: Any
    ) -> ParametersTuple:
        describe = super()._collect_openapi_info
        self._undocumented.append(partial(describe, rule, func, **options))
        return parse_parameters(func, doc_ui=False)

    def document(self, app: OpenAPI) -> None:
        """Add the operations to an app's document, as ``register_api`` does with what is known."""
        while self._undocumented:
            self._undocumented.pop(0)()
        new = [tag for tag in self.tags if tag.name not in app.tag_names]
        app.tags += new
        app.tag_names += [tag.name for tag in new]
        app.paths.update(self.paths)
        app.components_schemas.update(self.components_schemas)


def blueprint(name: str, description: str) -> Blueprint:
    """Return a blueprint of the API whose views run for known callers only."""
    made = Blueprint(
        f"api_{name}",
        __name__,
        url_prefix=f"{PREFIX}/{name}",
        abp_tags=[Tag(name=name, description=description)],
        abp_security=SECURITY,
        operation_id_callback=lambda *, name, **_: name,
    )
    csrf.exempt(made)  # identify checks it, for those callers who need it
    made.before_request(identify)
    made.after_request(challenge)
    return made


def answers(success: dict[int, Any], *problems: int, body: bool = False) -> ResponseDict:
    """Return what an operation's document says of its answers."""
    codes = sorted({*_ALWAYS, *problems, *(_WITH_BODY if body else ())})
    return success | {code: {"description": _WHY[code], "content": _PROBLEM} for code in codes}


class App(OpenAPI):
    """A Flask app with this API."""

    url_rule_class = UrlRule


def new_app(import_name: str) -> OpenAPI:
    """Return a Flask app that can register blueprints of this API."""
    app = App(
        import_name,
        info=Info(
            title="Altwright",
            version=VERSION,
            description="Alt texts for every picture on a Fediverse account.",
        ),
        security_schemes={
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "altwright_session"},
        },
        validation_error_model=responses.Problem,
        validation_error_callback=refuse,
        doc_ui=False,  # its pages need inline code; the document itself is served below
        static_folder="static",
        template_folder="templates",
    )
    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", _document)
    return app


def _document() -> Response:
    app = current_app
    assert isinstance(app, OpenAPI)  # noqa: S101 - current_app is untyped
    with _lock:
        for one in () if app.spec_json else app.blueprints.values():
            if isinstance(one, Blueprint):
                one.document(app)
        response = jsonify(app.api_doc)
    response.cache_control.max_age = 3600
    return response


def refuse(error: ValidationError) -> NoReturn:
    """Turn pydantic's findings into ours. Raises InvalidInput."""
    fields = {
        ".".join(str(part) for part in finding["loc"]) or "body": findings.worded(finding)
        for finding in error.errors(include_url=False, include_input=False)
    }
    named = ", ".join(fields)
    raise InvalidInput(f"The request is wrong in: {named}.", fields) from error
