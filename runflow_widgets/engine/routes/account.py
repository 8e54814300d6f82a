"""Everything around a run: callback secrets, credit, who asks, and whether the service is well."""

from __future__ import annotations

import secrets

from starlette.responses import Response

from ...wire import Json
from ..call import Answer, Call
from ..filters import Columns
from ..ids import new_id
from ..pages import Source, list_answer
from ..refusal import Refusal
from ..run_record import money_text
from ..store import now
from .operation import Operation

_SECRET_COLUMNS: Columns = {
    **dict.fromkeys(("id", "org_id", "key_prefix", "label"), "text"),
    **dict.fromkeys(("disabled_at", "last_used_at", "created_at", "updated_at"), "time"),
    "is_current": "bool",
}


async def create_callback_secret(call: Call) -> Response:
    """Make a secret that callbacks are signed with from now on; it is shown this once."""
    if (replayed := await call.replayed()) is not None:
        return replayed
    body = await call.body()
    label = body.text("label", most=255)
    body.done()
    moment = now()
    plain = f"whsec_{secrets.token_hex(24)}"
    secret = {
        "id": new_id(),
        "org_id": call.service.organisation,
        "key_prefix": plain[:12],
        "is_current": True,
        "label": label,
        "disabled_at": None,
        "last_used_at": None,
        "created_at": moment,
        "updated_at": moment,
        "_plain": plain,
    }

    def make() -> tuple[int, Json]:
        call.service.store.add("secrets", secret)
        return 201, {"plain_secret": plain, **_shown(secret)}

    return await call.once(make)


async def list_callback_secrets(call: Call) -> Response:
    """The secrets without their text; the newest one signs."""
    store = call.service.store
    newest = store.newest("secrets")

    def present(secret: Json) -> Json:
        return {**_shown(secret), "is_current": newest is not None and secret["id"] == newest["id"]}

    return Answer(list_answer(store.connection, Source("secrets", _SECRET_COLUMNS), call.query, present))


async def delete_callback_secret(call: Call) -> Response:
    """Delete a secret; if it was the newest, the one before it signs again."""
    if not call.service.store.drop("secrets", call.part("secret_id")):
        raise Refusal(404, "There is no such callback secret.", code="CALLBACK_SECRET_NOT_FOUND")
    return Response(status_code=204)


async def get_health(_call: Call) -> Response:
    """Whether the service is up."""
    return Answer({"status": "ok", "ok": True})


async def get_readiness(call: Call) -> Response:
    """The same for each of its parts."""
    call.service.store.count_open_runs()
    return Answer({"status": "ok", "ok": True, "checks": {"database": "ok", "workers": "ok"}})


async def get_me(call: Call) -> Response:
    """Whom the key belongs to, and what it may do (nothing listed: everything)."""
    owner = call.service.organisation
    return Answer({"id": owner, "org_id": owner, "name": "embedded", "scopes": sorted(call.caller.scopes)})


async def get_balance(call: Call) -> Response:
    """The credit that is left; 0.00 where none was set, for then runs are free."""
    return Answer(_balance(call))


async def list_credit_balances(call: Call) -> Response:
    """The same as a list."""
    balance = _balance(call)
    item = {**balance, "balance_usd": balance["balance"]}
    return Answer({"items": [item], "first": None, "next": None, "previous": None})


def _balance(call: Call) -> Json:
    service = call.service
    credit = 0 if service.credit is None else int(service.credit * 1_000_000) - service.store.committed_micros()
    owner = service.organisation
    return {
        "id": owner,
        "org_id": owner,
        "balance": money_text(credit),
        "low_balance_threshold": None,
        "low_balance_notified_at": None,
        "created_at": None,
        "updated_at": None,
    }


def _shown(secret: Json) -> Json:
    return {name: value for name, value in secret.items() if not name.startswith("_")}


OPERATIONS = (
    Operation("GET", "/v1/callback-secrets", list_callback_secrets, "runs:execute"),
    Operation("POST", "/v1/callback-secrets", create_callback_secret, "runs:execute"),
    Operation("DELETE", "/v1/callback-secrets/{secret_id}", delete_callback_secret, "runs:execute"),
    Operation("GET", "/v1/health", get_health, None),
    Operation("GET", "/v1/readiness", get_readiness, None),
    Operation("GET", "/v1/auth/me", get_me),
    Operation("GET", "/v1/billing/balance", get_balance, "credit_balance:read"),
    Operation("GET", "/v1/credit-balances", list_credit_balances, "credit_balance:read"),
)
