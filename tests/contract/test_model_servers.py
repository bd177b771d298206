"""Describers that ask a model server: one suite for Ollama and OpenAI-compatible servers."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support import free_port, wait_until
from tests.support_leaves import Call, Exchange, LocalServer, picture_bytes, serving
from tests.support_models import (
    KEY,
    MISBEHAVIOURS,
    MODEL,
    PICTURE,
    Misbehaviour,
    ModelServerDouble,
    chats,
    dribble,
    make,
    never_answer,
)

from altwright.describers.port import Describer, Picture, Request
from altwright.errors import (
    CaptionUnusable,
    Category,
    ConfigError,
    DescriberUnavailable,
    TemporaryError,
)
from altwright.interrupts import Interrupt, Interrupted, interruptible


@dataclass
class Bench:
    """A describer, the double that it asks, and the double's server."""

    double: ModelServerDouble
    server: LocalServer
    describer: Describer

    def describe(self, **request: Any) -> str:
        """Return the text for the test's picture."""
        return self.describer.describe(PICTURE, Request(**request)).text


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
    assert base64.b64encode(PICTURE.data) in chats(bench.server)[0].body


PARTS = tuple(
    Picture(picture_bytes(size=(90, 60 + part)), "image/png", 90, 60) for part in range(6)
)
LONG = replace(PICTURE, width=100, height=2000, parts=PARTS)


def images_of(call: Call) -> list[str]:
    """Return the images of a request, as they were sent."""
    if "messages" not in call.json:
        return []  # a question about the model
    _, user = call.json["messages"]
    if "images" in user:
        return list(user["images"])
    urls = [part["image_url"]["url"] for part in user["content"] if part["type"] == "image_url"]
    return [url.partition(",")[2] for url in urls]


def test_a_long_picture_is_shown_in_its_first_parts(bench: Bench) -> None:
    """The model reads what it couldn't in one picture of 100 by 2,000 pixels."""
    bench.describer.describe(LONG, Request())
    (call,) = chats(bench.server)
    shown = [base64.b64encode(part.data).decode() for part in PARTS[:4]]
    assert images_of(call) == shown
    assert b"very tall" in call.body


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "At most 1 image(s) may be provided in one request."),
        (500, "vision model only supports a single image per message"),
        (400, "this model only supports a single image"),
    ],
)
def test_a_server_that_takes_one_image_gets_the_first_part(
    bench: Bench, status: int, said: str
) -> None:
    """What can be read at the top is described, whatever way a server says that it takes one."""

    def fault(exchange: Exchange) -> None:
        if len(images_of(exchange.call)) > 1:
            exchange.answer(status, {"error": {"message": said}})
        else:
            bench.double.fault = None
            bench.double.respond(exchange)
            bench.double.fault = fault

    bench.double.fault = fault
    assert bench.describer.describe(LONG, Request()).text == "A black cat sleeps on a red chair."
    assert [len(images_of(call)) for call in chats(bench.server)] == [4, 1]


def test_the_server_is_asked_in_its_own_way(bench: Bench) -> None:
    """Model, limit, language, hint and picture stand where each API wants them."""
    bench.describe(language="de", max_length=300, hint="my cat Mia", post_text="Guten Morgen")
    call = chats(bench.server)[0]
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


@pytest.mark.parametrize("fault", MISBEHAVIOURS, ids=lambda fault: fault.name)
def test_a_fault_says_what_can_be_done(bench: Bench, fault: Misbehaviour) -> None:
    """Trouble passes, a wrong setting is named, a refused picture is given up.

    A user reads our words, the operator the server's; nobody a key, a path or an address.
    """
    bench.double.fault = fault.act
    with pytest.raises(fault.error) as caught:
        bench.describe()
    error = caught.value
    url, key = (
        ("OLLAMA_URL", "OLLAMA_URL")
        if bench.double.kind == "ollama"
        else (
            "OPENAI_BASE_URL",
            "OPENAI_API_KEY",
        )
    )
    model = "OLLAMA_MODEL" if bench.double.kind == "ollama" else "OPENAI_MODEL"
    wanted = fault.says
    if fault.error is ConfigError and ": " in wanted:
        name, _, rest = wanted.partition(": ")
        wanted = f"{ {'URL': url, 'KEY': key, 'MODEL': model}[name] }: {rest}"
    assert wanted in str(error)
    assert fault.tells in error.operator_detail
    assert fault.category in {None, error.category}
    if fault.tells:
        assert fault.tells not in str(error)
    for secret in (KEY, "/srv/models", "token=abc", "\x1b", "\u202e", "\x9b"):
        assert secret not in str(error) + error.operator_detail
    assert "127.0.0.1" not in str(error)
    if fault.retry_in_s:
        assert isinstance(error, TemporaryError)
        assert error.retry_in_s == fault.retry_in_s


@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_a_dribbling_server_is_given_up(kind: str) -> None:
    """A byte now and then holds nobody: the time counts from beginning to end."""
    with serving(dribble) as server, pytest.raises(DescriberUnavailable) as caught:
        make(kind, server.url, timeout_s=0.3).describe(PICTURE, Request())
    assert caught.value.category is Category.TIMEOUT


@pytest.mark.timeout(120)
@pytest.mark.parametrize("act", [dribble, never_answer], ids=["dribbles", "hangs"])
@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_an_interrupt_ends_the_wait_for_a_server(
    kind: str, act: Callable[[Exchange], None]
) -> None:
    """A cancel, a time limit or a stop reaches who waits for a model, and isn't translated."""
    interrupt = Interrupt()
    with serving(act) as server:
        describer = make(kind, server.url, timeout_s=3_600)

        def work() -> None:
            with interruptible(interrupt), contextlib.suppress(Interrupted):
                describer.describe(PICTURE, Request())
                pytest.fail("described")
            ended.set()

        ended = threading.Event()
        thread = threading.Thread(target=work)
        thread.start()
        wait_until(lambda: bool(server.calls), within_s=60)
        interrupt.interrupt()
        assert ended.wait(60)
        thread.join(60)


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where models are reached through a proxy only, they are."""
    double = ModelServerDouble("openai")

    def respond(exchange: Exchange) -> None:
        assert exchange.path.startswith("http://models.example/")
        exchange.path = urlsplit(exchange.path).path
        double.respond(exchange)

    with serving(respond) as server:
        monkeypatch.setenv("HTTP_PROXY", server.url)
        monkeypatch.setenv("http_proxy", server.url)
        assert make("openai", "http://models.example").describe(PICTURE, Request()).text


def test_a_proxy_that_refuses_is_named_to_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """It isn't the model server that takes no calls. The one here knows no CONNECT."""
    with serving(lambda exchange: exchange.answer(200)) as server:
        monkeypatch.setenv("https_proxy", server.url)
        with pytest.raises(DescriberUnavailable) as error:
            make("openai", "https://models.invalid").describe(PICTURE, Request())
    assert "the environment's proxy: " in error.value.operator_detail
    assert "Tunnel connection failed: " in error.value.operator_detail


# --- answers that aren't whole ---


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("ollama", {"done": False}),
        ("ollama", {"done_reason": "length"}),
        ("ollama", {"done_reason": "unload"}),
        ("openai", {"finish_reason": "length"}),
        ("openai", {"finish_reason": "error"}),
        ("openai", {"finish_reason": None}),
    ],
)
def test_what_is_not_said_to_be_whole_is_cut(kind: str, ending: dict[str, Any]) -> None:
    """An answer without its end gives its whole sentences, or nothing."""
    double = ModelServerDouble(kind, "A red door. Beside it sta", ending=ending)
    with serving(double.respond) as server:
        describer = make(kind, server.url)
        assert describer.describe(PICTURE, Request()).text == "A red door."
        double.answer = "A red door besi"
        with pytest.raises(CaptionUnusable, match="broke off"):
            describer.describe(PICTURE, Request())


def test_an_error_in_the_middle_of_an_answer_is_the_servers() -> None:
    """OpenRouter tells in the choice that the server behind it failed."""
    error = {"code": 502, "message": "Upstream error", "metadata": {"raw": "out of memory"}}
    double = ModelServerDouble("openai", "A red", ending={"error": error, "finish_reason": "error"})
    with serving(double.respond) as server, pytest.raises(DescriberUnavailable) as caught:
        make("openai", server.url).describe(PICTURE, Request())
    assert "out of memory" in caught.value.operator_detail


# --- probes after a failure ---


@pytest.mark.parametrize(
    "name",
    [
        *("500", "no credit", "wrong key", "blind", "hangs up", "another shape"),
        *("too small", "can't be read", "413", "400"),
    ],
)
def test_a_probe_tells_a_bad_server_from_a_bad_picture(bench: Bench, name: str) -> None:
    """After a failure it tries a picture of its own: only a server that is bad as a whole fails."""
    fault = next(one for one in MISBEHAVIOURS if one.name == name)

    def only_chats(exchange: Exchange) -> None:
        is_chat = exchange.path.endswith(("/chat", "/completions"))
        is_ours = base64.b64encode(PICTURE.data) in exchange.call.body
        if is_chat and (is_ours or every):
            fault.act(exchange)
        else:
            calm.respond(exchange)

    calm = ModelServerDouble(bench.double.kind)
    bench.double.fault = only_chats
    every = True
    with pytest.raises(fault.error):
        bench.describe()
    with pytest.raises(fault.error):
        bench.describer.probe()
    every = False
    with pytest.raises(fault.error):
        bench.describe()
    assert MODEL in bench.describer.probe()
    tried = len(chats(bench.server))
    assert MODEL in bench.describer.probe()
    assert len(chats(bench.server)) == tried


def test_a_server_without_a_list_of_models_is_probed_by_asking() -> None:
    """Not every server that describes lists its models."""
    double = ModelServerDouble("openai")

    def respond(exchange: Exchange) -> None:
        if exchange.path == "/v1/models":
            exchange.answer(404, b"no such page")
        else:
            double.respond(exchange)

    with serving(respond) as server:
        assert MODEL in make("openai", server.url).probe()


@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_a_slow_server_is_given_up(kind: str) -> None:
    """The time that a description may take is the most that it takes."""
    with serving(never_answer) as server, pytest.raises(DescriberUnavailable) as caught:
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
    """Servers may send text as a list of parts; thoughts among them are left out."""
    parts = [
        {"type": "reasoning", "text": "It is a door, I think. "},
        {"type": "text", "text": "A red "},
        {"type": "text", "text": "door."},
    ]
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
