"""Where tasks are worked on."""

from __future__ import annotations

from enum import StrEnum


class WorkerMode(StrEnum):
    """Where tasks are worked on (docs/reference/settings.md)."""

    INTEGRATED = "integrated"
    EXTERNAL = "external"
    HYBRID = "hybrid"
    OFF = "off"

    @property
    def has_threads(self) -> bool:
        """Return whether threads of the web processes work on tasks."""
        return self in {WorkerMode.INTEGRATED, WorkerMode.HYBRID}

    @property
    def has_processes(self) -> bool:
        """Return whether processes of their own work on tasks."""
        return self in {WorkerMode.EXTERNAL, WorkerMode.HYBRID}
