"""The pages that people use; each is one look at the services, shaped by a template."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, render_template, request, send_file
from flask.typing import ResponseReturnValue

from altwright.captions.drafts.draft import Page
from altwright.captions.drafts.draft_filter import ALL, DraftFilter
from altwright.captions.drafts.draft_store import IDS_MOST
from altwright.captions.tasks.generation import CaptionGenerationService
from altwright.captions.tasks.publishing import Publishing
from altwright.describers.port import HINT_MOST, NAMES_MOST, STYLE_MOST
from altwright.domain.caption import OPEN, DraftStatus
from altwright.domain.task import ACTIVE, ItemStatus
from altwright.platforms.connect import PLATFORMS
from altwright.tasks.task import Item, Task
from altwright.web.auth import caller
from altwright.web.pages import template_filters, words
from altwright.web.pages.review_filter import VIEWS, ReviewFilter, asked_drafts, choices
from altwright.web.services import services

#: Tasks on a page of the history; drafts that a review page starts with and loads at a time.
TASKS_A_PAGE, DRAFTS_A_PAGE = 25, 40
#: Seconds that a browser keeps a picture; its address stays when it is fetched anew.
PICTURE_KEPT_S = 600

bp = Blueprint("pages", __name__)
template_filters.register(bp)


@bp.context_processor
def _navigation() -> dict[str, Any]:
    """Give every page of ours the number that its navigation shows, and which drafts are open."""
    to_review = services().drafts.counts(caller().id)[DraftStatus.DRAFT]
    describers = [one.name for one in services().describer.describers]
    return {"to_review": to_review, "open_states": OPEN, "describers": describers}


@bp.get("/")
def home() -> str:
    """Show accounts, drafts by state, and the run that is active or was the last."""
    user = caller()
    recent = services().store.recent(user.id, limit=TASKS_A_PAGE)
    shown = [task for task in recent if words.has_card(task.kind)]
    active = [task for task in shown if task.status in ACTIVE]
    return render_template(
        "home.html",
        accounts=_accounts(user.id),
        **_numbers(user.id),
        tasks=[task.to_json() for task in active or shown[:1]],
        starts=CaptionGenerationService.name,
        describer=services().describer,
        is_describing=any(task.kind == CaptionGenerationService.name for task in active),
        offers_models=user.is_admin and services().live.current.describer == "offline",
    )


@bp.get("/tasks")
def tasks() -> str:
    """Show the user's tasks, newest first."""
    user = caller()
    found = services().store.recent(
        user.id, limit=TASKS_A_PAGE + 1, before=request.args.get("before")
    )
    page = found[:TASKS_A_PAGE]
    return render_template(
        "tasks.html",
        tasks=[task.to_json() for task in page],
        accounts={account["id"]: account for account in _accounts(user.id)},
        older=page[-1].id if len(found) > len(page) else None,
        is_first=request.args.get("before") is None,
    )


@bp.get("/tasks/<task_id>")
def task(task_id: str) -> str:
    """Show one task: how it stands, what has happened, what failed and why."""
    user = caller()
    found = services().store.get(task_id, user.id)
    items = services().store.items(found.id, (ItemStatus.FAILED, ItemStatus.SKIPPED))
    left = (found.items_total or 0) - found.items_finished
    return render_template(
        "task.html",
        task=found.to_json(),
        account=next((one for one in _accounts(user.id) if one["id"] == found.account_id), None),
        settings=template_filters.settings_in_words(found.settings),
        failed=[item for item in items if item.status is ItemStatus.FAILED],
        skipped=[item for item in items if item.status is ItemStatus.SKIPPED],
        drafts_of=_drafts_of(found, items, user.id),
        left=left,
        waiting=services().waiting.of(found, for_staff=False),
        events=services().store.history(found.id),
    )


@bp.get("/review")
def review() -> str:
    """Show pictures beside their drafts."""
    return _review("draft", current=None)


@bp.get("/review/<int:draft_id>")
def review_one(draft_id: int) -> str:
    """Show one draft large, among those of its state."""
    draft = services().drafts.get(draft_id, caller().id)
    of_state = next(
        (name for name, statuses in VIEWS.items() if draft.status in statuses), "published"
    )
    return _review(of_state, current=draft.to_json())


@bp.get("/review/<int:draft_id>/card")
def review_card(draft_id: int) -> str:
    """Return one draft as it stands in the review page, to replace what stands there."""
    draft = services().drafts.get(draft_id, caller().id)
    view = asked_drafts(request.args, caller().id).view or "draft"
    return render_template("review_cards.html", drafts=[draft.to_json()], next_url=None, view=view)


@bp.get("/review/cards")
def review_cards() -> str:
    """Return the drafts that follow ``cursor``, as they stand in the review page.

    The first of them come with the page's numbers, which many decisions at once have changed.
    """
    at = services().database.now()
    found = _drafts("draft")
    if "cursor" not in request.args:
        wanted = found["asked"].of_view(found["view"])
        found |= {**_numbers(caller().id, wanted), "numbers_at": at}
    return render_template("review_cards.html", **found)


@bp.get("/accounts")
def accounts() -> str:
    """Show the user's accounts and a form to connect one."""
    return render_template("accounts.html", accounts=_accounts(caller().id), platforms=PLATFORMS)


@bp.get("/accounts/<int:account_id>")
def account(account_id: int) -> str:
    """Show what is known of an account's pictures, and a form to change it."""
    user = caller()
    found = services().accounts.get(account_id, user.id)
    return render_template(
        "account.html",
        account=found.to_json(),
        context=services().accounts.contexts.get(account_id, user.id),
        unable=words.without_style(services().describer.describers),
        names_most=NAMES_MOST,
        style_most=STYLE_MOST,
    )


@bp.get("/pictures/<int:picture_id>")
def picture(picture_id: int) -> ResponseReturnValue:
    """Send a picture's kept copy, or its small one, to its owner."""
    is_small = request.args.get("size") == "small"
    name, media_type = services().drafts.picture_file(picture_id, caller().id, small=is_small)
    response: Response = send_file(
        io.BytesIO(services().pictures.read(name)),
        mimetype=media_type,
        etag=name,
        max_age=PICTURE_KEPT_S,
    )
    response.cache_control.public = False
    response.cache_control.private = True
    return response


def _review(otherwise: str, *, current: dict[str, Any] | None) -> str:
    """Show the view that the address names, or the other one."""
    user = caller()
    at = services().database.now()  # before the query: what is written meanwhile is offered
    found = _drafts(otherwise)
    asked: ReviewFilter = found["asked"]
    wanted = asked.of_view(found["view"])
    if current and all(draft["id"] != current["id"] for draft in found["drafts"]):
        found["drafts"].insert(0, current)
    return render_template(
        "review.html",
        **found,
        current=current,
        accounts=_accounts(user.id),
        **_numbers(user.id, wanted),
        choices=choices(services().drafts.facets(user.id, wanted), asked.said),
        describer=services().describer,
        hint_most=HINT_MOST,
        ids_most=IDS_MOST,
        at=at,
        views=VIEWS,
        publishes=Publishing.name,
        describes=CaptionGenerationService.name,
        is_describing=not found["drafts"] and _is_describing(user.id),
    )


def _is_describing(user_id: int) -> bool:
    """Return whether a run describes pictures of a user now, or is about to."""
    recent = services().store.recent(user_id, limit=TASKS_A_PAGE)
    return any(
        task.kind == CaptionGenerationService.name and task.status in ACTIVE for task in recent
    )


def _drafts(otherwise: str) -> dict[str, Any]:
    """Return what the address asks for, of the other view where it names none."""
    asked = asked_drafts(request.args, caller().id)
    view = asked.view or otherwise
    page = Page([], None)
    if not asked.faults:
        page = services().drafts.find(
            caller().id,
            wanted=asked.of_view(view),
            cursor=request.args.get("cursor"),
            limit=DRAFTS_A_PAGE,
        )
    return {
        "account_id": asked.account_id,
        "task_id": asked.task_id,
        "faults": asked.faults,
        "asked": asked,
        "drafts": [draft.to_json() for draft in page.drafts],
        "next_url": template_filters.same_query(
            "/review/cards", status=view, cursor=page.next_cursor
        )
        if page.next_cursor
        else None,
        "view": view,
    }


def _accounts(user_id: int) -> list[dict[str, Any]]:
    return [account.to_json() for account in services().accounts.of_user(user_id)]


def _drafts_of(task: Task, items: Sequence[Item], user_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return the drafts that the items of a publishing task are about, by the items' keys."""
    if task.kind != Publishing.name:
        return {}
    post_ids = [int(item.key) for item in items if item.key.isdecimal()]
    by_item: dict[str, list[dict[str, Any]]] = {}
    drafts = services().drafts.of_posts(user_id, post_ids, task.settings.get("draft_ids", ()))
    for draft in drafts:
        by_item.setdefault(str(draft.post.id), []).append(draft.to_json())
    return by_item


def _numbers(user_id: int, wanted: DraftFilter = ALL) -> dict[str, Any]:
    """Return drafts by state, and how many drafts or published pictures each view shows.

    Only those that are like ``wanted``, whatever states it names.
    """
    counts = services().drafts.counts(user_id, wanted)
    in_views = {name: sum(counts[one] for one in statuses) for name, statuses in VIEWS.items()}
    in_views["published"] = services().drafts.count_published(user_id, wanted)
    return {"counts": counts, "in_views": in_views}
