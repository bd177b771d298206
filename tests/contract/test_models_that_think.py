"""Models that think before they answer: they get room for it, or are told not to."""

from __future__ import annotations

import pytest
from tests.support_leaves import Exchange, serving
from tests.support_models import (
    MODEL,
    PICTURE,
    ModelServerDouble,
    chats,
    make,
)

from altwright.describers.port import Request
from altwright.errors import CaptionUnusable


@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_a_model_that_thinks_gets_room_for_its_thoughts(kind: str) -> None:
    """Thoughts that use the answer up are switched off or given room, from then on."""
    double = ModelServerDouble(kind, thoughts="Hm. " * 500, always_thinks=True)
    with serving(double.respond) as server:
        describer = make(kind, server.url)
        for _ in range(2):
            assert describer.describe(PICTURE, Request()).text == double.answer
        assert len(chats(server)) == 3
        asked = chats(server)[-1].json
        if kind == "ollama":
            assert asked["think"] is False
        else:
            assert asked["reasoning_effort"] == "low"


def test_thinking_is_switched_off_where_the_server_says_that_a_model_thinks() -> None:
    """Ollama tells what a model can do; others are asked as before."""
    double = ModelServerDouble("ollama", thoughts="Hm. " * 500, capabilities=("vision", "thinking"))
    with serving(double.respond) as server:
        make("ollama", server.url).describe(PICTURE, Request())
        (asked,) = chats(server)
        assert asked.json["think"] is False
    double = ModelServerDouble("ollama")
    with serving(double.respond) as server:
        make("ollama", server.url).describe(PICTURE, Request())
        (asked,) = chats(server)
        assert "think" not in asked.json


@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_a_model_that_only_thinks_is_told_of(kind: str) -> None:
    """The message says why there is no text, and the operator which model it was."""
    double = ModelServerDouble(kind, thoughts="Hm. " * 5_000, always_thinks=True)
    with serving(double.respond) as server, pytest.raises(CaptionUnusable) as caught:
        make(kind, server.url).describe(PICTURE, Request())
    assert "thinking" in str(caught.value)
    assert MODEL in caught.value.operator_detail


def test_a_server_that_knows_no_switch_for_thoughts_is_asked_without() -> None:
    """What is refused is left out, the room for thoughts stays."""
    double = ModelServerDouble("openai", thoughts="Hm. " * 500, always_thinks=True)

    def respond(exchange: Exchange) -> None:
        for name in ("reasoning_effort", "chat_template_kwargs"):
            if name in exchange.call.json:
                message = f"Unrecognized request argument supplied: {name}"
                exchange.answer(400, {"error": {"message": message}})
                return
        double.respond(exchange)

    with serving(respond) as server:
        assert make("openai", server.url).describe(PICTURE, Request()).text == double.answer


def test_an_ollama_that_takes_no_switch_is_asked_without() -> None:
    """A refusal of "think" costs one call, not the picture."""
    double = ModelServerDouble("ollama", capabilities=("vision", "thinking"))

    def respond(exchange: Exchange) -> None:
        if exchange.path == "/api/chat" and "think" in exchange.call.json:
            exchange.answer(400, {"error": '"eyes:7b" does not support thinking'})
        else:
            double.respond(exchange)

    with serving(respond) as server:
        describer = make("ollama", server.url)
        for _ in range(2):
            assert describer.describe(PICTURE, Request()).text == double.answer
        assert len(chats(server)) == 3
