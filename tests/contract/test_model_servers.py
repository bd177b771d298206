"""Describers that ask a model server: one suite for Ollama and OpenAI-compatible servers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support import free_port
from tests.support_leaves import Exchange, LocalServer, picture_bytes, serving
from tests.support_models import ModelServerDouble

from altwright.describers.ollama import Ollama
from altwright.describers.openai import OpenAICompatible
from altwright.describers.port import Describer, Picture, Request
from altwright.errors import (
    AltwrightError,
    CaptionUnusable,
    Category,
    ConfigError,
    DescriberUnavailable,
    RateLimited,
)

PICTURE = Picture(picture_bytes(), "image/png", 64, 48)
MODEL = "eyes:7b"
KEY = "sk-secret-key"


@dataclass
class Bench:
    """A describer, the double that it asks, and the double's server."""

    double: ModelServerDouble
    server: LocalServer
    describer: Describer

    def describe(self, **request: Any) -> str:
        """Return the text for the test's picture."""
        return self.describer.describe(PICTURE, Request(**request)).text


def make(kind: str, url: str, *, model: str = MODEL, timeout_s: float = 30) -> Describer:
    """Return a describer of a kind."""
    if kind == "ollama":
        return Ollama(url, model, timeout_s)
    return OpenAICompatible(f"{url}/v1", KEY, model, timeout_s)


@pytest.fixture(params=["ollama", "openai"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Run a model server of each kind."""
    double = ModelServerDouble(request.param)
    with serving(double.respond) as server:
        describer = make(request.param, server.url)
        yield Bench(double, server, describer)
        describer.close()


def test_a_picture_is_described(bench: Bench) -> None:
    """The description comes with who made it, and the server got the very picture."""
    description = bench.describer.describe(PICTURE, Request())
    assert description.text == "A black cat sleeps on a red chair."
    assert (description.describer, description.model) == (bench.double.kind, MODEL)
    assert base64.b64encode(PICTURE.data) in bench.server.calls[0].body


def test_the_server_is_asked_in_its_own_way(bench: Bench) -> None:
    """Model, limit, language, hint and picture stand where each API wants them."""
    bench.describe(language="de", max_length=300, hint="my cat Mia", post_text="Guten Morgen")
    call = bench.server.calls[0]
    body = call.json
    system, user = body["messages"]
    encoded = base64.b64encode(PICTURE.data).decode()
    assert (body["model"], system["role"], user["role"]) == (MODEL, "system", "user")
    assert "German" in system["content"]
    if bench.double.kind == "ollama":
        assert (body["stream"], body["options"]["num_predict"]) == (False, 500)
        assert user["images"] == [encoded]
        text = user["content"]
        assert "Authorization" not in call.headers
    else:
        assert body["max_tokens"] == 500
        assert user["content"][1]["image_url"]["url"] == f"data:image/png;base64,{encoded}"
        text = user["content"][0]["text"]
        assert call.headers["Authorization"] == f"Bearer {KEY}"
    assert '{"post": "Guten Morgen", "hint": "my cat Mia"}' in text


def test_the_answer_is_cleaned(bench: Bench) -> None:
    """What models wrap around a description comes off."""
    bench.double.answer = '<think>Hm.</think>**Alt text:** "A red door."'
    assert bench.describe() == "A red door."


def test_half_an_answer_ends_with_its_last_sentence(bench: Bench) -> None:
    """A model that ran out of tokens gives what it had finished, or nothing."""
    bench.double.cut_off = True
    bench.double.answer = "A red door. Beside it sta"
    assert bench.describe() == "A red door."
    bench.double.answer = "A red door besi"
    with pytest.raises(CaptionUnusable):
        bench.describe()


@pytest.mark.parametrize("answer", ["", "  ", "I'm sorry, I can't help with that.", "the " * 300])
def test_nonsense_is_no_description(bench: Bench, answer: str) -> None:
    """Empty answers, refusals and circles are refused, and nothing is invented for them."""
    bench.double.answer = answer
    with pytest.raises(CaptionUnusable):
        bench.describe()


def cut_midway(exchange: Exchange) -> None:
    """Die in the middle of the answer."""
    exchange.send_response(200)
    exchange.send_header("Content-Length", "5000")
    exchange.end_headers()
    exchange.wfile.write(b'{"message": {"content": "A bla')
    exchange.drop()


FAULTS: list[tuple[str, Callable[[Exchange], None], type[AltwrightError], Category]] = [
    (
        "500",
        lambda one: one.answer(500, {"error": "boom"}),
        DescriberUnavailable,
        Category.SERVICE_DOWN,
    ),
    ("503", lambda one: one.answer(503, b""), DescriberUnavailable, Category.SERVICE_DOWN),
    ("hangs up", lambda one: one.drop(), DescriberUnavailable, Category.NETWORK),
    ("dies midway", cut_midway, DescriberUnavailable, Category.NETWORK),
    ("page", lambda one: one.answer(200, b"<html>"), DescriberUnavailable, Category.SERVICE_DOWN),
    ("list", lambda one: one.answer(200, []), DescriberUnavailable, Category.SERVICE_DOWN),
    ("shape", lambda one: one.answer(200, {"x": 1}), DescriberUnavailable, Category.SERVICE_DOWN),
    ("429", lambda one: one.answer(429, {}, Retry_After="42"), RateLimited, Category.RATE_LIMIT),
    ("401", lambda one: one.answer(401, {"error": "key?"}), ConfigError, Category.FAULT),
    ("403", lambda one: one.answer(403, {"error": "key?"}), ConfigError, Category.FAULT),
    (
        "moved",
        lambda one: one.answer(301, Location="https://x.example"),
        ConfigError,
        Category.FAULT,
    ),
    ("404", lambda one: one.answer(404, b"not here"), ConfigError, Category.FAULT),
    (
        "blind",
        lambda one: one.answer(400, {"error": {"message": "this model does not support images"}}),
        ConfigError,
        Category.FAULT,
    ),
    ("400", lambda one: one.answer(400, {"error": "bad"}), CaptionUnusable, Category.BAD_INPUT),
    ("413", lambda one: one.answer(413, b"large"), CaptionUnusable, Category.BAD_INPUT),
]


@pytest.mark.parametrize(
    ("fault", "error", "category"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS]
)
def test_a_fault_says_what_can_be_done(
    bench: Bench,
    fault: Callable[[Exchange], None],
    error: type[AltwrightError],
    category: Category,
) -> None:
    """Trouble passes, a wrong setting is named, a refused picture is given up."""
    bench.double.fault = fault
    with pytest.raises(error) as caught:
        bench.describe()
    assert caught.value.category is category
    assert KEY not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_in_s == 42
    if isinstance(caught.value, ConfigError):
        assert caught.value.problems[0].startswith(("OLLAMA_", "OPENAI_"))


@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_a_slow_server_is_given_up(kind: str) -> None:
    """One that never answers fails as a time-out, which is tried again."""
    with (
        serving(lambda exchange: exchange.wait_for_end()) as server,
        pytest.raises(DescriberUnavailable) as caught,
    ):
        make(kind, server.url, timeout_s=0.3).describe(PICTURE, Request())
    assert caught.value.category is Category.TIMEOUT


@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_nobody_there_is_unavailable(kind: str) -> None:
    """A refused connection is tried again later, when describing and when probing."""
    describer = make(kind, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(DescriberUnavailable):
        describer.describe(PICTURE, Request())
    with pytest.raises(DescriberUnavailable):
        describer.probe()


def test_a_missing_model_is_the_operators_to_get(bench: Bench) -> None:
    """Describing and probing say which setting is wrong, and for Ollama the command to run."""
    describer = make(bench.double.kind, bench.server.url, model="absent:1b")
    for act in (lambda: describer.describe(PICTURE, Request()), describer.probe):
        with pytest.raises(ConfigError) as caught:
            act()
        (problem,) = caught.value.problems
        wanted = "OLLAMA_MODEL" if bench.double.kind == "ollama" else "OPENAI_MODEL"
        assert problem.startswith(wanted)
        assert ("ollama pull absent:1b" in problem) == (bench.double.kind == "ollama")


def test_a_probe_says_what_answers(bench: Bench) -> None:
    """An operator reads which server and model are there."""
    assert MODEL in bench.describer.probe()
    if bench.double.kind == "ollama":
        assert "0.9.1" in bench.describer.probe()


def test_a_probe_of_something_else_is_a_wrong_setting(bench: Bench) -> None:
    """A server that isn't this API is named by the setting that leads there."""
    bench.double.fault = lambda exchange: exchange.answer(404, b"nothing")
    with pytest.raises(ConfigError) as caught:
        bench.describer.probe()
    assert caught.value.problems[0].startswith(("OLLAMA_URL", "OPENAI_BASE_URL"))


def test_ollamas_latest_needs_no_tag() -> None:
    """A model without a tag is the one that Ollama calls latest."""
    double = ModelServerDouble("ollama", models=("eyes:latest",))
    with serving(double.respond) as server:
        assert "eyes" in make("ollama", server.url, model="eyes").probe()


def test_a_llama_cpp_answers_to_any_name() -> None:
    """A server with one model that calls it by its file isn't told that it lacks ours."""
    model = {"id": "/models/eyes.gguf", "owned_by": "llamacpp"}
    with serving(lambda exchange: exchange.answer(200, {"data": [model]})) as server:
        assert MODEL in make("openai", server.url).probe()


def test_parameters_that_a_model_does_not_take_are_left_out() -> None:
    """A refusal of max_tokens or temperature is learnt from, once and for all calls."""
    double = ModelServerDouble("openai")

    def respond(exchange: Exchange) -> None:
        body = exchange.call.json
        for name in ("max_tokens", "temperature"):
            if name in body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                exchange.answer(400, {"error": {"message": message}})
                return
        double.respond(exchange)

    with serving(respond) as server:
        describer = make("openai", server.url)
        describer.describe(PICTURE, Request(max_length=100))
        describer.describe(PICTURE, Request(max_length=100))
    assert len(server.calls) == 4
    assert server.calls[-1].json["max_completion_tokens"] == 300


def test_an_answer_in_parts_is_put_together() -> None:
    """Servers may send text as a list of parts."""
    parts = [{"type": "text", "text": "A red "}, {"type": "text", "text": "door."}]
    double = ModelServerDouble("openai", answer=parts)
    with serving(double.respond) as server:
        assert make("openai", server.url).describe(PICTURE, Request()).text == "A red door."


def test_a_filtered_answer_is_a_refusal() -> None:
    """What a server's filter holds back is no description."""
    choice = {"message": {"content": "A"}, "finish_reason": "content_filter"}
    with (
        serving(lambda exchange: exchange.answer(200, {"choices": [choice]})) as server,
        pytest.raises(CaptionUnusable, match="refused"),
    ):
        make("openai", server.url).describe(PICTURE, Request())


def test_a_login_in_netrc_does_not_replace_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key in the settings is the one that is sent."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    double = ModelServerDouble("openai")
    with serving(double.respond) as server:
        make("openai", server.url).describe(PICTURE, Request())
    assert server.calls[0].headers["Authorization"] == f"Bearer {KEY}"
