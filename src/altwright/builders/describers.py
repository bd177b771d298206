"""What describes pictures, put together from the settings; and what is asked of all of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial

from altwright.config import Settings
from altwright.describers.abilities import title
from altwright.describers.exchangeable import Makers
from altwright.describers.local_models.client import LocalModel, ModelHost
from altwright.describers.local_models.folder import ModelFolder
from altwright.describers.model_servers.ollama import Ollama
from altwright.describers.model_servers.openai import OpenAICompatible
from altwright.describers.offline.process.client import ModelsComing, OfflineDescriber
from altwright.describers.order import DescriberOrder
from altwright.describers.port import Describer
from altwright.errors import (
    AltwrightError,
    ConfigError,
    DescriberUnavailable,
    NotOnThisHost,
    RateLimited,
)
from altwright.setting_values import DescriberName


def parallel_of(settings: Settings, describer: Describer) -> int:
    """Return how many pictures of one run are described at a time."""
    most = describer.abilities.parallel
    return min(settings.describer_parallel, most) if most else settings.describer_parallel


def describers_of(settings: Settings) -> DescriberOrder:
    """Return the describers that DESCRIBER and DESCRIBER_FALLBACKS name."""
    return DescriberOrder([make() for make in makers(settings).values()])


def makers(settings: Settings) -> Makers:
    """Return what makes each describer, by what tells it from another while all runs."""
    return {
        _describer_key(settings, name): partial(_describer_of, settings, name)
        for name in settings.describers
    }


def model_host_of(settings: Settings) -> ModelHost:
    """Return how models are run on this host."""
    return ModelHost(
        ModelFolder(settings.vision_models_dir),
        settings.model_socket,
        settings.model_idle_s,
        settings.model_memory_limit,
    )


def _describer_key(settings: Settings, name: str) -> tuple[Hashable, ...]:
    match name:
        case "ollama":
            return (name, settings.ollama_model, settings.ollama_timeout)
        case "model":
            return (name, settings.model_name, settings.model_timeout)
        case "openai":
            return (name, settings.openai_model, settings.openai_timeout)
    return (name,)


def _describer_of(settings: Settings, name: DescriberName) -> Describer:
    match name:
        case "offline":
            return OfflineDescriber(
                settings.models_dir,
                idle_s=settings.offline_idle_s,
                host=settings.describer_socket,
                parallel=settings.offline_parallel,
            )
        case "model":
            return LocalModel(model_host_of(settings), settings.model_name, settings.model_timeout)
        case "ollama":
            return Ollama(settings.ollama_url, settings.ollama_model, settings.ollama_timeout)
        case "openai":
            return OpenAICompatible(
                settings.openai_base_url,
                settings.openai_api_key,
                settings.openai_model,
                settings.openai_timeout,
            )


def probe(settings: Settings, describers: Sequence[Describer]) -> None:
    """Ask each describer how it is; of an offline one only a host that describes can say.

    Raises:
        DescriberUnavailable: one doesn't answer; its words name it where there are others.
        ConfigError: the only one answers, but is wrongly configured; or models are missing.
    """
    problems: dict[str, AltwrightError] = {}
    for describer in describers:
        if describer.name == "offline" and not settings.describes_here:
            continue
        try:
            describer.probe()
        except (RateLimited, ModelsComing):
            continue  # it's there, and busy, or will be in a moment
        except NotOnThisHost:
            continue  # said of each host that works; others may have it
        except (DescriberUnavailable, ConfigError) as error:
            problems[describer.name] = error
    if not problems:
        return
    if len(describers) == 1:
        raise next(iter(problems.values()))
    words = " ".join(f"{name}: {said.rstrip('.')}." for name, said in _worded(problems))
    well = [title(one.name) for one in describers if one.name not in problems]
    rest = f"Meanwhile {well[0]} describes." if well else "None is left that describes."
    raise DescriberUnavailable(f"{words} {rest}")


def _worded(problems: Mapping[str, AltwrightError]) -> Iterator[tuple[str, str]]:
    for name, error in problems.items():
        yield name, "; ".join(error.problems) if isinstance(error, ConfigError) else str(error)
