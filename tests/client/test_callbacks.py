from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import queue

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.client import Listener, verify_callback
from runflow_widgets.errors import SignatureError

SECRET = "whsec_0123456789"
PAYLOAD = {"event": "run.completed", "run_id": "r-1", "status": "succeeded"}
BODY = json.dumps(PAYLOAD).encode()


def signed(body, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_genuine_callback_is_read():
    assert verify_callback({"Runflow-Signature": signed(BODY)}, BODY, SECRET) == PAYLOAD


def test_the_name_of_the_header_is_found_in_any_spelling():
    assert verify_callback({"runflow-signature": signed(BODY)}, BODY, SECRET) == PAYLOAD


def test_the_signature_is_hex_of_hmac_sha256_over_the_raw_bytes():
    body = b'{"run_id":"r-1"}'
    known = "a2988ad2505b6dc9e686a8ede5f569fd3068339f44274923e1a5bc2909bbb395"

    assert verify_callback({"Runflow-Signature": known}, body, SECRET) == {"run_id": "r-1"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Runflow-Signature": ""},
        {"Runflow-Signature": "0" * 64},
        {"Runflow-Signature": signed(BODY, "whsec_other")},
        {"Runflow-Signature": "ünsinn"},
    ],
)
def test_anything_else_is_refused(headers):
    with pytest.raises(SignatureError):
        verify_callback(headers, BODY, SECRET)


@given(position=st.integers(0, len(BODY) - 1), flip=st.integers(1, 255))
def test_a_single_changed_byte_breaks_the_signature(position, flip):
    changed = bytearray(BODY)
    changed[position] ^= flip

    with pytest.raises(SignatureError):
        verify_callback({"Runflow-Signature": signed(BODY)}, bytes(changed), SECRET)


def test_a_signed_body_that_is_no_object_is_refused():
    with pytest.raises(SignatureError, match="not a JSON object"):
        verify_callback({"Runflow-Signature": signed(b"[1]")}, b"[1]", SECRET)


def test_a_listener_takes_what_is_signed_and_refuses_the_rest():
    received = queue.Queue()

    with Listener(received.put, secret=SECRET) as listener:
        good = httpx.post(listener.url, content=BODY, headers={"Runflow-Signature": signed(BODY)})
        bad = httpx.post(listener.url, content=BODY)
        forged = httpx.post(listener.url, content=BODY, headers={"Runflow-Signature": "0" * 64})

    assert (good.status_code, bad.status_code, forged.status_code) == (200, 401, 401)
    assert received.get_nowait() == PAYLOAD
    assert received.empty()


def test_without_a_secret_every_readable_callback_is_taken():
    received = queue.Queue()

    with Listener(received.put) as listener:
        answers = [httpx.post(listener.url, content=body).status_code for body in (BODY, b"no json")]

    assert answers == [200, 401]
    assert "not checked" in repr(listener)


def test_a_listener_listens_on_this_machine_only():
    with Listener(print) as listener:
        assert listener.url.startswith("http://127.0.0.1:")


def test_a_huge_body_is_not_read():
    with Listener(print) as listener:
        port = int(listener.url.rstrip("/").rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(10**9))
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()

    assert status == 413
