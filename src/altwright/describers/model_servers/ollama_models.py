"""The vision models of an Ollama server: which it has, and getting one more."""

from __future__ import annotations

from typing import Final

from altwright.describers.model_servers.calls import ModelServer
from altwright.describers.model_servers.error_meanings import Names, Refused
from altwright.errors import ModelUnusable

#: Seconds that Ollama has to say what it has; it is asked while somebody waits for a page.
_ASK_S: Final = 3.0
#: Seconds that getting one may take; Ollama keeps what has arrived.
_PULL_S: Final = 6 * 3600.0
#: Models that are asked what they can; whoever has more knows their names.
_ASKED: Final = 30


class OllamaModels:
    """Those of the server at OLLAMA_URL."""

    def __init__(self, url: str) -> None:
        names = Names("Ollama", "OLLAMA_URL", "OLLAMA_URL", "OLLAMA_MODEL", "the model")
        self._server = ModelServer(names, url, _ASK_S)
        self._slow = ModelServer(names, url, _PULL_S)

    def vision(self) -> list[str]:
        """Return the names of those that see pictures.

        Raises:
            DescriberUnavailable, ConfigError: Ollama doesn't answer there.
        """
        try:
            listed = self._server.ask("/api/tags").get("models")
            if not isinstance(listed, list):
                raise self._server.unexpected()
            names = [str(one["name"]) for one in listed if isinstance(one, dict) and "name" in one]
            return [name for name in sorted(names)[:_ASKED] if self.sees(name)]
        except Refused as refused:
            raise self._server.meaning(refused) from refused

    def sees(self, name: str) -> bool:
        """Return whether a model is there and sees pictures; a name may lack its ":latest".

        Raises:
            DescriberUnavailable, ConfigError: Ollama doesn't answer there.
        """
        try:
            found = self._server.ask("/api/show", {"model": name}).get("capabilities")
        except Refused:
            return False  # removed meanwhile
        return isinstance(found, list) and "vision" in found

    def pull(self, name: str) -> None:
        """Let Ollama get a model; returns when it is there.

        Raises:
            ModelUnusable: its library has no such model.
            DescriberUnavailable, ConfigError: Ollama doesn't answer, or not to its end.
        """
        try:
            said = self._slow.ask("/api/pull", {"model": name, "stream": False})
        except Refused as refused:
            error = ModelUnusable(f"Ollama can't get {name}.")
            error.operator_detail = f"Ollama answered {refused.status}: {refused.said}"
            raise error from refused
        if said.get("status") != "success":
            raise self._slow.unexpected(str(said.get("status", ""))[:100])
