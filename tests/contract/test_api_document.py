"""The API's OpenAPI document."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import validate
from tests import support_web
from tests.support_web import Web

web = support_web.web


@pytest.fixture
def document(web: Web) -> dict[str, Any]:
    """Return the document as anybody gets it."""
    response = web.anonymous().get("/api/v1/openapi.json")
    assert response.status_code == 200
    return dict(response.get_json())


@pytest.mark.req("10.3", "one documented shape")
def test_the_document_is_valid(document: dict[str, Any]) -> None:
    """Whoever writes a client finds a valid OpenAPI document, without signing in."""
    validate(document)
    assert document["openapi"].startswith("3.")


@pytest.mark.req("10.3", "one documented shape")
def test_the_document_names_every_route(web: Web, document: dict[str, Any]) -> None:
    """No route of the API is left out, and none is invented."""
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in web.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("/openapi.json")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert described == served
    assert served


@pytest.mark.req("10.3", "one documented shape")
def test_every_operation_says_what_can_go_wrong(document: dict[str, Any]) -> None:
    """Each operation describes its refusals as problem documents, and both ways in."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["security"] == [{"token": []}, {"session": []}], where
            problems = {code for code in operation["responses"] if code >= "400"}
            assert {"401", "422", "503"} <= problems, where
            for code in problems:
                assert list(operation["responses"][code]["content"]) == [
                    "application/problem+json"
                ], where
            if "requestBody" in operation:
                assert {"400", "413", "415"} <= problems, where
