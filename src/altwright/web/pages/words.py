"""The words of tasks' kinds and states and of drafts' states, for templates and scripts alike.

Scripts read them from the block that base.html writes; static/js/words.js hands them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from altwright.captions.drafts.mending import Remedy
from altwright.captions.drafts.same_pictures import REUSED
from altwright.captions.tasks.generation import CaptionGenerationService
from altwright.captions.tasks.publishing import Publishing
from altwright.captions.tasks.redescribe import DescribeAgain
from altwright.describers.abilities import NAMES, title
from altwright.describers.local_models.getting import GetModel
from altwright.describers.model_servers.pulling import PullModel
from altwright.describers.port import Describer
from altwright.domain.caption import DraftStatus
from altwright.domain.counting import counted, listed
from altwright.domain.task import ACTIVE, Status
from altwright.tasks.bulk_task import BulkTask
from altwright.tasks.maintenance.task import Maintenance
from altwright.tasks.store.bulk_changes import BulkAction
from altwright.tasks.store.task_search import TaskFilter

#: What the items of a task are that has no word of its own for them.
PARTS = "Parts"


@dataclass(frozen=True, slots=True)
class Result:
    """Where what a task has done is found, and the words of the link to it.

    In all three, ``{task}`` stands for the task's id and ``{drafts}`` for "1 draft", "2 drafts".
    """

    href: str
    ended: str
    #: While the task is active; empty: there is no link before its end.
    active: str = ""


@dataclass(frozen=True, slots=True)
class KindWords:
    """How pages speak of a kind of task; without a result it has no card on the home page.

    ``items`` is what its items are, as a heading.
    """

    title: str
    result: Result | None = None
    items: str = "Pictures"


KINDS = MappingProxyType(
    {
        CaptionGenerationService.name: KindWords(
            "Describing pictures",
            # Not "Review {drafts}" alone: on the home page that leads to those of all runs.
            Result(
                "/review?task={task}",
                "Review {drafts} of this run",
                "Review {drafts} of this run so far",
            ),
        ),
        Publishing.name: KindWords(
            "Publishing alt texts",
            Result("/review?status=published", "See what is published"),
            "Posts",
        ),
        DescribeAgain.name: KindWords("Describing one picture again"),
        Maintenance.name: KindWords("Cleaning up", items=PARTS),
        BulkTask.name: KindWords("Changing many tasks", items="Steps"),
        GetModel.name: KindWords("Getting a vision model", items=PARTS),
        PullModel.name: KindWords("Ollama gets a vision model", items=PARTS),
    }
)
TASK_STATES = MappingProxyType(
    {
        Status.QUEUED: "Waiting",
        Status.RUNNING: "Running",
        Status.COMPLETED: "Done",
        Status.FAILED: "Failed",
        Status.CANCELLED: "Cancelled",
    }
)
#: What is done to many tasks, as buttons and headings say it.
BULK_ACTIONS = MappingProxyType(
    {
        BulkAction.CANCEL: "Cancel",
        BulkAction.REQUEUE: "Queue again",
        BulkAction.PRIORITY: "Change the priority",
        BulkAction.UNDO: "Give the priority back",
    }
)
#: Describers for people, and what a text is that none has written.
DESCRIBERS = MappingProxyType({**NAMES, REUSED: "you, for an earlier post"})
#: The state of a completed task that has done nothing but fail; it looks like a failed one.
NOTHING_DONE = "Nothing done"
DRAFT_STATES = MappingProxyType(
    {
        DraftStatus.DRAFT: "To review",
        DraftStatus.APPROVED: "Approved",
        DraftStatus.PUBLISHING: "Being published",
        DraftStatus.PUBLISHED: "Published",
        DraftStatus.SKIPPED: "Skipped",
    }
)
#: How sure a describer was of its words.
LEVELS = MappingProxyType({"high": "Quite sure", "medium": "Fairly sure", "low": "Unsure"})
#: The kinds of warnings by their codes, the gravest first, as captions/drafts/quality.py has them.
WARNINGS = MappingProxyType(
    {
        "empty": "No text yet",
        "too_long": "Too long",
        "incomplete": "Picture not whole",
        "file_name": "File name",
        "encoding": "Garbled characters",
        "too_short": "Very short",
        "language": "Another language",
        "remark": "Remark of the model",
        "invented": "Words that nobody read there",
        "guess": "Guess about people",
        "markup": "Markup",
        "like_post": "Repeats the post",
        "cut_off": "Cut off",
        "repetition": "Repetition",
        "missing_text": "Words of the picture missing",
        "poorer": "Says less than the server's",
        "opening": "Empty opening",
        "links": "Links or hashtags",
        "emoji": "Many emoji",
    }
)
#: What its button says, by who mends a warning.
WARNING_REMEDIES = MappingProxyType(
    {
        Remedy.REPLACE: "Mend",
        Remedy.WRITE: "Write",
        Remedy.DESCRIBE: "Describe again",
    }
)
#: The review page's tabs; "approved" has those that are being published, too.
VIEWS = MappingProxyType(DRAFT_STATES | {"all": "All"})


def for_scripts() -> dict[str, Any]:
    """Return all of them as JSON."""
    return {
        "kinds": {name: asdict(words) for name, words in KINDS.items()},
        "task_states": dict(TASK_STATES),
        "nothing_done": NOTHING_DONE,
        "active": ACTIVE,
        "draft_states": dict(DRAFT_STATES),
        "remedies": dict(WARNING_REMEDIES),
        "describers": dict(DESCRIBERS),
    }


def without_style(describers: Sequence[Describer]) -> str:
    """Return a sentence on who of those in use can't use names and style, or "": all can."""
    unable = [title(one.name) for one in describers if not one.abilities.takes_style]
    if not unable:
        return ""
    who = listed(unable)
    said = f"{who[0].upper()}{who[1:]} can't use names or a style."
    if len(unable) < len(describers):
        return f"{said} Other describers in use here can."
    return f"{said} What you write here is kept, and used once another describer is in use."


def filter_words(wanted: TaskFilter, username: str | None) -> str:
    """Return which tasks a filter wants, with the words of pages; ``username``: its user's."""
    return wanted.words(username, TASK_STATES | {name: one.title for name, one in KINDS.items()})


def kind_title(kind: str) -> str:
    """Return a kind as a heading; one of another version speaks for itself."""
    return KINDS[kind].title if kind in KINDS else kind


def kind_items(kind: str) -> str:
    """Return what a kind's items are, as a heading."""
    return KINDS[kind].items if kind in KINDS else PARTS


def has_card(kind: str) -> bool:
    """Return whether the home page shows tasks of this kind; static/js/words.js has the same."""
    return kind not in KINDS or KINDS[kind].result is not None


def task_state(task: Mapping[str, Any]) -> tuple[str, str]:
    """Return how a task's badge looks, and its words; static/js/words.js has the same."""
    status, items = task["status"], task["items"]
    if status == Status.COMPLETED and items["failed"] and not items["done"]:
        return Status.FAILED, NOTHING_DONE
    return status, TASK_STATES[status]


def result_link(task: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return where a task's result is, and the link's words; static/js/words.js has the same."""
    done, words = task["items"]["done"], KINDS.get(task["kind"])
    if not done or words is None or words.result is None:
        return None
    text = words.result.active if task["status"] in ACTIVE else words.result.ended
    if not text:
        return None
    fill = {"task": task["id"], "drafts": counted(done, "draft")}
    return words.result.href.format(**fill), text.format(**fill)
