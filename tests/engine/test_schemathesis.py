"""Nothing that anybody sends makes the service fail, and it answers as its description says."""

import asyncio
import json
import socket
import threading

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from runflow_widgets.catalogue import Catalogue
from runflow_widgets.engine import open_service
from runflow_widgets.engine.openapi import document
from runflow_widgets.engine.outside import OutsideError, PostAnswer
from runflow_widgets.engine.routes import OPERATIONS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # It knows how to write JSON and bytes, but not how to write a film.
    pytest.mark.filterwarnings("ignore:Skipped test cases with unsupported payload"),
]
BOUNDED = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


class Nothing:
    """No workers and no world outside."""

    size = 2

    async def fetch(self, url, *, limit_bytes):
        raise OutsideError("Nothing is outside.")

    async def post(self, url, body, headers):
        return PostAnswer(None, error="Nothing is outside.")

    async def run(self, order, on_progress):
        raise ZeroDivisionError

    async def close(self):
        pass


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The service on a real socket: also what a parser of HTTP lets through must not make it fail."""
    nothing = Nothing()
    service = open_service(
        tmp_path_factory.mktemp("service"),
        outside=nothing,
        pool=nothing,
        catalogue=Catalogue.bundled(),
        keys={"rf_test": frozenset()},
        retry_waits_s=(),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(service.app, log_level="critical", lifespan="off"))

    async def serve():
        await server.serve([listener])
        await service.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def client(api):
    with httpx.Client(base_url=api, headers={"Authorization": "Bearer rf_test"}) as client:
        yield client


schema = schemathesis.openapi.from_dict(document(OPERATIONS, "http://127.0.0.1"))


@schema.parametrize()
@settings(BOUNDED, max_examples=15)
def test_the_service_answers_as_described_whatever_is_sent(case, api):
    case.call_and_validate(base_url=api, checks=CHECKS, headers={"Authorization": "Bearer rf_test"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
ADDRESSES = st.sampled_from(
    [
        "runflow://assets/",
        "data:image/png;base64,AAAA",
        "data:,",
        "http://[",
        "https://a.test/v1/files/runs/a/b",
        "ftp:",
    ]
)
NAMES = ["image_url", "zip_url", "file_input", "file_mask", "config", "sync_mode", "aspect_ratio", "seed", "other"]
INPUTS = st.dictionaries(st.sampled_from(NAMES), JSON | ADDRESSES, max_size=5)
EMBEDDED = Catalogue.bundled().search(embedded=True).ids


@given(
    model=st.sampled_from(EMBEDDED),
    body=st.fixed_dictionaries(
        {"input": INPUTS | JSON},
        optional={"metadata": JSON, "client_ref": JSON, "callback_url": JSON | ADDRESSES, "items": JSON},
    ),
    many=st.booleans(),
    key=st.sampled_from(["", "one", "two"]),
)
@settings(BOUNDED, max_examples=120)
def test_no_run_and_no_batch_that_anybody_asks_for_makes_it_fail(client, model, body, many, key):
    sent = {**body, "input": [body["input"], body["input"]]} if many else body

    answer = client.post(
        f"/v1/models/{model}/{'batches' if many else 'runs'}",
        content=json.dumps(sent),
        headers={"Idempotency-Key": key},
    )

    assert answer.status_code in (201, 400, 409, 422), answer.text
    assert "id" in answer.json() or set(answer.json()) == {"code", "message", "errors"}


@given(
    query=st.dictionaries(st.sampled_from(["q", "limit", "sort_by", "fields", "pq", "from_prev"]), st.text(max_size=9))
)
@settings(BOUNDED, max_examples=100)
def test_no_query_makes_a_list_fail(client, query):
    answer = client.get("/v1/runs", params=query)

    assert answer.status_code in (200, 422)
