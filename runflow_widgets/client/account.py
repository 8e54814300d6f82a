"""The endpoints about everything around a run: evaluations, webhooks, callback secrets, money, health."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..wire import Json, Page, item_path, nested_path, read_money
from .http import idempotency
from .pages import Caller
from .runs import new_key


class AccountEndpoints(Caller):
    """Ask about, and change, what belongs to the account."""

    # ------------------------------------------------------------------ money and health

    async def balance(self) -> Decimal | None:
        """The money left, in US dollars; None if the service does not say."""
        raw: Json = dict(await self._get("/v1/billing/balance") or {})
        for name in ("balance", "balance_usd"):
            if (amount := read_money(raw.get(name))) is not None:
                return amount
        cents = read_money(raw.get("balance_cents"))
        return None if cents is None else cents / 100

    async def credit_balances(self) -> Any:
        """The balances as the service's plugins read them."""
        return await self._get("/v1/credit-balances")

    async def set_low_balance_alert(self, threshold_usd: Decimal | float, *, updated_at: str) -> Json:
        """Be told when the balance falls below this; `updated_at` is the one last read."""
        body = {"low_balance_threshold": float(threshold_usd), "updated_at": updated_at}
        return dict(await self._patch("/v1/billing/balance", body))

    async def health(self) -> Json:
        """Whether the service is up; needs no key."""
        return dict(await self._get("/v1/health"))

    async def readiness(self) -> Json:
        """The same, for each part of the service."""
        return dict(await self._get("/v1/readiness"))

    async def me(self) -> Json:
        """Whom the key belongs to."""
        return dict(await self._get("/v1/auth/me"))

    # ------------------------------------------------------------------ callback secrets

    async def create_callback_secret(self, label: str | None = None) -> Json:
        """Make a secret that callbacks are signed with; its `plain_secret` is shown this once."""
        return dict(await self._post("/v1/callback-secrets", {"label": label}))

    async def list_callback_secrets(self, **query: object) -> Page:
        """The secrets, without their text."""
        return await self._page("/v1/callback-secrets", **query)

    async def delete_callback_secret(self, secret_id: str) -> None:
        """Delete a secret; callbacks are no longer signed with it."""
        await self._delete(item_path("callback-secrets", secret_id))

    # ------------------------------------------------------------------ webhooks of the organisation

    async def list_webhooks(self, **query: object) -> Page:
        """The organisation's webhooks."""
        return await self._page("/v1/webhooks", **query)

    async def create_webhook(self, settings: Mapping[str, Any]) -> Json:
        """Make a webhook; the service wants at least `url` and `secret`, and names what else is missing."""
        return dict(await self._post("/v1/webhooks", settings))

    async def get_webhook(self, webhook_id: str) -> Json:
        """One webhook."""
        return dict(await self._get(item_path("webhooks", webhook_id)))

    async def update_webhook(self, webhook_id: str, changes: Mapping[str, Any]) -> Json:
        """Change a webhook."""
        return dict(await self._patch(item_path("webhooks", webhook_id), changes))

    async def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook."""
        await self._delete(item_path("webhooks", webhook_id))

    async def webhook_event_types(self, **query: object) -> Page:
        """The events that a webhook can be told of."""
        return await self._page("/v1/webhooks/event-types", **query)

    async def webhook_deliveries(self, webhook_id: str = "any", **query: object) -> Page:
        """What was sent to one webhook, or to all."""
        return await self._page(item_path("webhooks", webhook_id, "deliveries"), **query)

    async def webhook_attempts(self, delivery_id: str, webhook_id: str = "any", **query: object) -> Page:
        """Every attempt at one delivery."""
        return await self._page(nested_path("webhooks", webhook_id, "deliveries", delivery_id, "attempts"), **query)

    # ------------------------------------------------------------------ evaluations

    async def create_evaluation(
        self, image_url: str, task_type: str, *, key: str | None = None, **details: Any
    ) -> Json:
        """Have an image judged; billed at the price of the job class, and never sent twice by itself.

        Args:
            image_url: An https address, `runflow://assets/{id}` or a data URI.
            task_type: For instance `product_photography`.
            details: Anything else the service takes: `generation_prompt`, `reference_images`, `run_id`, …
        """
        key = key or new_key()
        body = {"generated_image_url": image_url, "task_type": task_type, "client_ref": key, **details}
        answer = await self.http.send(
            "POST", "/v1/evaluations", body=body, headers=idempotency(key), known={"key": key}
        )
        return dict(answer.json)

    async def get_evaluation(self, evaluation_id: str, *, embed: str | None = None) -> Json:
        """One evaluation; `embed="judges,action,gate_failures"` brings its reasons along."""
        return dict(await self._get(item_path("evaluations", evaluation_id), embed=embed))

    async def list_evaluations(self, **query: object) -> Page:
        """One page of evaluations."""
        return await self._page("/v1/evaluations", **query)

    async def evaluation_statuses(self) -> Any:
        """The statuses that an evaluation can have."""
        return await self._get("/v1/evaluations/statuses")

    async def evaluation_job_classes(self) -> Any:
        """What an evaluation can cost."""
        return await self._get("/v1/evaluations/job-classes")

    async def give_evaluation_feedback(self, evaluation_id: str, *, is_positive: bool | None, reason: str = "") -> Json:
        """Say whether an evaluation was right."""
        body = {"is_positive": is_positive, "reason": reason[:2000]}
        return dict(await self._patch(item_path("evaluations", evaluation_id, "feedback"), body))
