"""/api/v1/drafts: review drafts, have pictures described again, publish."""

from __future__ import annotations

from typing import Any

from altwright.captions.drafts.draft import Draft
from altwright.captions.tasks.publishing import start_publishing
from altwright.captions.tasks.redescribe import DescribeAgain
from altwright.errors import InvalidInput
from altwright.web.api import responses
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.api.requests import (
    ApprovableQuery,
    DraftApprove,
    DraftChoice,
    DraftDescribe,
    DraftEdit,
    DraftIds,
    DraftMend,
    DraftPath,
    DraftsQuery,
    DraftTextPath,
    DraftVersion,
    LikeThis,
    SubmitHeaders,
)
from altwright.web.api.tasks import Answer, accepted
from altwright.web.auth import caller
from altwright.web.services import services

bp = blueprint("drafts", "Alt texts, from draft to published")
_DRAFT = answers({200: responses.Draft}, 404, 409, body=True)


@bp.get("", responses=answers({200: responses.DraftList}))
def list_drafts(query: DraftsQuery) -> Answer:
    """List drafts: newest post first."""
    user = caller()
    page = services().drafts.find(
        user.id,
        wanted=query.filter(
            statuses=query.status, was_published=query.was_published, since=query.updated_since
        ),
        ids=query.ids,
        cursor=query.cursor,
        limit=query.limit,
    )
    return {
        "drafts": [draft.to_json() for draft in page.drafts],
        "next_cursor": page.next_cursor,
        "counts": services().drafts.counts(user.id),
        "published_pictures": services().drafts.count_published(user.id),
    }


@bp.get("/<int:draft_id>", responses=answers({200: responses.Draft}, 404))
def show_draft(path: DraftPath) -> Answer:
    """Show a draft."""
    return services().drafts.get(path.draft_id, caller().id).to_json()


@bp.patch("/<int:draft_id>", responses=_DRAFT)
def edit_draft(path: DraftPath, body: DraftEdit) -> Answer:
    """Replace a draft's text."""
    return _changed(
        services().drafts.edit(path.draft_id, caller().id, text=body.text, version=body.version)
    )


@bp.post("/<int:draft_id>/mend", responses=_DRAFT)
def mend_draft(path: DraftPath, body: DraftMend) -> Answer:
    """Put the `mended` text of a warning in place; nobody has judged it, so its level stays."""
    return _changed(
        services().drafts.mend(path.draft_id, caller().id, body.code, version=body.version)
    )


@bp.post("/<int:draft_id>/approve", responses=_DRAFT)
def approve_draft(path: DraftPath, body: DraftApprove) -> Answer:
    """Approve a draft, with another text if one is given."""
    return _changed(
        services().drafts.approve(path.draft_id, caller().id, text=body.text, version=body.version)
    )


@bp.post("/<int:draft_id>/correct", responses=_DRAFT)
def correct_draft(path: DraftPath, body: DraftEdit) -> Answer:
    """Approve another text for a published draft: publishing puts it in place of the one there."""
    return _changed(
        services().drafts.correct(path.draft_id, caller().id, text=body.text, version=body.version)
    )


@bp.post("/<int:draft_id>/skip", responses=_DRAFT)
def skip_draft(path: DraftPath, body: DraftVersion) -> Answer:
    """Set a draft aside: its picture gets no alt text."""
    return _changed(services().drafts.skip(path.draft_id, caller().id, version=body.version))


@bp.post("/<int:draft_id>/reopen", responses=_DRAFT)
def reopen_draft(path: DraftPath, body: DraftVersion) -> Answer:
    """Make an approved or skipped draft one to review."""
    return _changed(services().drafts.reopen(path.draft_id, caller().id, version=body.version))


@bp.get("/<int:draft_id>/texts", responses=answers({200: responses.DraftTextList}, 404))
def list_texts(path: DraftPath) -> Answer:
    """List the texts that a draft has had, newest first: by whom and when."""
    found = services().drafts.texts(path.draft_id, caller().id)
    return {"texts": [text.to_json() for text in found]}


@bp.post("/<int:draft_id>/texts/<int:text_id>/restore", responses=_DRAFT)
def restore_text(path: DraftTextPath, body: DraftVersion) -> Answer:
    """Bring back one of a draft's texts; the one that it replaces stays in the list."""
    return _changed(
        services().drafts.restore(path.draft_id, caller().id, path.text_id, version=body.version)
    )


@bp.post("/<int:draft_id>/describe", responses=answers({202: responses.Task}, 404, 409, body=True))
def describe_again(
    header: SubmitHeaders, path: DraftPath, body: DraftDescribe
) -> tuple[Any, int, dict[str, str]]:
    """Have a draft's picture described again, by one describer beside the text that is there."""
    user = caller()
    draft = services().drafts.get(path.draft_id, user.id)
    known = [one.name for one in services().describer.describers]
    if body.describer and body.describer not in known:
        raise InvalidInput(
            "This picture can't be described again.",
            {"describer": f"should be one of {', '.join(known)}"},
        )
    task = services().queue.submit(
        DescribeAgain.name,
        user=user,
        account_id=draft.account_id,
        settings={"draft_id": draft.id, "hint": body.hint, "describer": body.describer},
        request_key=header.idempotency_key,
    )
    return accepted(task)


@bp.get("/approvable", responses=answers({200: responses.Approvable}))
def count_approvable(query: ApprovableQuery) -> Answer:
    """Count the drafts to review that a decision by this filter would take."""
    count, at = services().drafts.count_matching(
        caller().id, query.filter(), is_approval=query.decision == "approve"
    )
    return {"count": count, "at": at.isoformat()}


@bp.get("/counts", responses=answers({200: responses.DraftCounts}))
def count_drafts(query: LikeThis) -> Answer:
    """Count the drafts that are like this, by state."""
    wanted, user_id = query.filter(), caller().id
    return {
        "counts": services().drafts.counts(user_id, wanted),
        "published_pictures": services().drafts.count_published(user_id, wanted),
    }


@bp.get("/publishable", responses=answers({200: responses.Publishable}))
def list_publishable(query: LikeThis) -> Answer:
    """Name all approved drafts that are like this, in the order of the list of drafts."""
    return services().drafts.publishable(caller().id, query.filter()).to_json()


@bp.post("/approve", responses=answers({200: responses.Changed}, body=True))
def approve_drafts(body: DraftChoice) -> Answer:
    """Approve all of these drafts that can be; by a filter, never one that is unsure."""
    drafts, user_id = services().drafts, caller().id
    if body.filter is not None:
        return _changed_many(drafts.approve_matching(user_id, body.filter.filter()))
    return _changed_many(drafts.approve_many(user_id, body.ids or ()))


@bp.post("/skip", responses=answers({200: responses.Changed}, body=True))
def skip_drafts(body: DraftChoice) -> Answer:
    """Set all of these drafts aside that can be."""
    drafts, user_id = services().drafts, caller().id
    if body.filter is not None:
        return _changed_many(drafts.skip_matching(user_id, body.filter.filter()))
    return _changed_many(drafts.skip_many(user_id, body.ids or ()))


@bp.post("/reopen", responses=answers({200: responses.Changed}, body=True))
def reopen_drafts(body: DraftIds) -> Answer:
    """Make those of these drafts that are approved or skipped ones to review."""
    return _changed_many(services().drafts.reopen_many(caller().id, body.ids))


@bp.post("/publish", responses=answers({202: responses.Publishing}, 404, 409, body=True))
def publish_drafts(header: SubmitHeaders, body: DraftIds) -> tuple[Any, int, dict[str, str]]:
    """Publish approved drafts to their posts, each account's as a task of its own."""
    started = start_publishing(
        services().drafts, services().queue, caller(), body.ids, header.idempotency_key
    )
    _, status, headers = accepted(started.tasks[0])
    return started.to_json(), status, headers


def _changed(draft: Draft) -> Answer:
    """Tell the user's other pages, and answer."""
    services().progress.drafts_changed(draft.user_id, draft.id, draft.version)
    return draft.to_json()


def _changed_many(ids: list[int]) -> Answer:
    if ids:
        services().progress.drafts_changed(caller().id)
    return {"changed": len(ids), "ids": ids}
