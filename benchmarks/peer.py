"""A peer to compare with: the least that a Flask application with RQ does for a submit."""

from __future__ import annotations

import os
import uuid
from typing import Any

import redis
from flask import Flask, request
from rq import Queue

app = Flask(__name__)
queue = Queue("peer", connection=redis.Redis.from_url(os.environ["REDIS_URL"]))


@app.post("/api/v1/tasks")
def submit() -> tuple[dict[str, Any], int]:
    """Enqueue a job, and answer with its id: no user, no database, no promise."""
    job = queue.enqueue("benchmarks.peer.work", request.get_json(), job_id=str(uuid.uuid4()))
    return {"id": job.id}, 202


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that it is up."""
    return {"status": "ok"}
