"""Callbacks: what is posted when a run is over, how it is signed, and every attempt to bring it home."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any, Final

from ..wire import CANCELLED, FAILED, Json
from .ids import new_id
from .outside import Outside, OutsideError, PostAnswer
from .store import Store, now

#: Callbacks under way at once; a receiver that hangs must not hold up those of the others for long.
AT_ONCE: Final = 8
_MOST_BODY: Final = 2000


def envelope(subject: Json, output: Json | None) -> Json:
    """What is posted about a run or a batch that is over."""
    status = subject["status_code"]
    name = "batch_id" if "items_total" in subject else "run_id"
    if status in CANCELLED:
        event, output = "run.cancelled", None
    elif status in FAILED:
        event = "run.failed"
        error = {name: subject.get(f"failure_{name}") for name in ("code", "message")}
        output = output or {**error, "errors": None, "stage": subject.get("failure_stage_code")}
    else:
        event = "run.completed" if status == "succeeded" else "run.partial_succeeded"
    return {
        "event": event,
        name: subject["id"],
        "status": status,
        "output": output,
        "duration_ms": subject["duration_ms"],
        "created_at": subject["created_at"],
        "completed_at": subject["completed_at"],
        "metadata": subject["metadata"],
    }


def signature(secret: str, body: bytes) -> str:
    """What `Runflow-Signature` says: a lower-case hex HMAC-SHA256 over the very bytes that are sent."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_worth_repeating(answer: PostAnswer) -> bool:
    """Only no answer, or the receiver's own failure, may be different the next time."""
    return answer.status is None or answer.status >= 500


class Deliveries:
    """Bring callbacks home and remember every attempt.

    Args:
        store: Keeps the deliveries, so that a restart goes on with them.
        outside: Posts them.
        retry_waits_s: The pause before each further attempt; as many attempts follow the first one.
    """

    def __init__(self, store: Store, outside: Outside, retry_waits_s: Sequence[float]) -> None:
        self._store = store
        self._outside = outside
        self._waits_s = tuple(retry_waits_s)
        self._turns = asyncio.Semaphore(AT_ONCE)
        # The event loop keeps only a weak reference to a task: without the set, one may be collected before it ends.
        self.tasks: set[asyncio.Task[None]] = set()

    def add(self, subject: Json, payload: Json, *, automatic: bool) -> Json:
        """Keep a new delivery, its body frozen; to be called within the change that ends the run."""
        moment = now()
        body = json.dumps(payload, separators=(",", ":"))
        delivery = {
            "id": new_id(),
            "run_id": payload.get("run_id"),
            "batch_id": payload.get("batch_id"),
            "callback_url": subject["callback_url"],
            "payload_bytes": len(body),
            "payload": payload,
            "signing_secret_id": None,
            "is_automatic": automatic,
            "status_code": "pending",
            "failure_reason_code": None,
            "failure_detail": None,
            "attempt_count": 0,
            "max_attempts": len(self._waits_s) + 1,
            "next_attempt_at": moment,
            "created_at": moment,
            "updated_at": moment,
            "completed_at": None,
            "attempts": [],
            "_body": body,
            "_request_id": subject.get("request_id") or new_id(),
        }
        return self._store.add("deliveries", delivery, parent=subject["id"])

    def start(self, delivery: Json) -> None:
        """Set out; the answer is found in the delivery's record."""
        task = asyncio.create_task(self._deliver(delivery), name=f"callback {delivery['id']}")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _deliver(self, delivery: Json) -> None:
        for attempt in range(delivery["attempt_count"], delivery["max_attempts"]):
            if attempt:
                await asyncio.sleep(self._waits_s[min(attempt, len(self._waits_s)) - 1] if self._waits_s else 0)
            answer = await self._attempt(delivery)
            self._note(delivery, answer)
            if not is_worth_repeating(answer):
                break
        self._conclude(delivery)

    async def _attempt(self, delivery: Json) -> PostAnswer:
        body = delivery["_body"].encode()
        headers = {"Content-Type": "application/json", "Runflow-Request-Id": delivery["_request_id"]}
        secret = self._store.newest("secrets")
        if secret is not None:
            headers["Runflow-Signature"] = signature(secret["_plain"], body)
            delivery["signing_secret_id"] = secret["id"]
            self._store.put("secrets", {**secret, "last_used_at": now()})
        async with self._turns:
            try:
                return await self._outside.post(delivery["callback_url"], body, headers)
            except OutsideError as error:
                return PostAnswer(None, error=str(error))

    def _note(self, delivery: Json, answer: PostAnswer) -> None:
        delivery["attempt_count"] += 1
        delivery["updated_at"] = now()
        attempt: dict[str, Any] = {
            "id": new_id(),
            "delivery_id": delivery["id"],
            "attempt_number": delivery["attempt_count"],
            "status_code": answer.status,
            "response_body": answer.body[:_MOST_BODY],
            "response_time_ms": round(answer.elapsed_ms, 1),
            "error_message": answer.error,
            "created_at": delivery["updated_at"],
        }
        delivery["attempts"].append(attempt)
        self._store.put("deliveries", delivery)

    def _conclude(self, delivery: Json) -> None:
        last = delivery["attempts"][-1] if delivery["attempts"] else {"status_code": None, "error_message": None}
        status = last["status_code"]
        arrived = status is not None and 200 <= status < 300
        delivery |= {
            "status_code": "delivered" if arrived else "failed",
            "completed_at": now(),
            "next_attempt_at": None,
        }
        if not arrived:
            delivery["failure_reason_code"] = "network_error" if status is None else "http_error"
            delivery["failure_detail"] = last["error_message"] or f"The receiver answered {status}."
        self._store.put("deliveries", delivery)
