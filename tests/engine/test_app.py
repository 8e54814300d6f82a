"""The API as a client meets it: keys, refusals, idempotency, lists, files, models."""

import asyncio
from decimal import Decimal

import pytest

TAGS = "/v1/models/runflow/tag-removal/runs"
KEYS = {"rf_all": frozenset(), "rf_read": frozenset({"runs:read"})}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def code_of(answer):
    body = answer.json()
    assert set(body) == {"code", "message", "errors"}
    return answer.status_code, body["code"]


async def test_a_key_is_asked_for_where_one_is_set(open_world):
    async with open_world(keys=KEYS) as world:
        get = world.client.get
        wrong = [{}, bearer("rf_wrong"), {"Authorization": "Basic rf_all"}, bearer(""), {"Authorization": "Bearer"}]
        refused = [await get("/v1/runs", headers=headers) for headers in wrong]

        assert {code_of(answer) for answer in refused} == {(401, "UNAUTHORIZED")}
        assert (await get("/v1/runs", headers=bearer("rf_all"))).status_code == 200
        assert code_of(await world.create(headers=bearer("rf_read"))) == (403, "PERMISSION_DENIED")
        assert (await get("/v1/runs", headers=bearer("rf_read"))).status_code == 200
        assert (await get("/v1/auth/me", headers=bearer("rf_read"))).json()["scopes"] == ["runs:read"]


@pytest.mark.parametrize("path", ["/v1/health", "/v1/readiness", "/v1/public/models", "/v1/openapi.json"])
async def test_some_things_are_open_to_all(open_world, path):
    async with open_world(keys=KEYS) as world:
        assert (await world.client.get(path)).status_code == 200


async def test_no_key_appears_in_what_is_kept(open_world, tmp_path):
    async with open_world(keys={"rf_very_secret": frozenset()}) as world:
        await world.create(headers={**bearer("rf_very_secret"), "Idempotency-Key": "k"})
        await world.service.idle()

    kept = b"".join(path.read_bytes() for path in (tmp_path / "service").glob("service.sqlite3*"))
    assert b"rf_very_secret" not in kept


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/nothing", (404, "NOT_FOUND")),
        ("GET", "/v1/runs/", (404, "NOT_FOUND")),
        ("GET", "/v1/evaluations", (404, "NOT_FOUND")),
        ("GET", "/v1/runs/nobody", (404, "RUN_NOT_FOUND")),
        ("GET", "/v1/runs/%00%ff", (404, "RUN_NOT_FOUND")),
        ("GET", "/v1/runs/nobody/logs", (404, "RUN_NOT_FOUND")),
        ("GET", "/v1/runs/nobody/node-runs", (404, "RUN_NOT_FOUND")),
        ("POST", "/v1/runs/nobody/cancellation", (404, "RUN_NOT_FOUND")),
        ("GET", "/v1/batches/nobody", (404, "BATCH_NOT_FOUND")),
        ("GET", "/v1/assets/nobody", (404, "ASSET_NOT_FOUND")),
        ("POST", "/v1/asset-uploads/nobody/confirmations", (404, "ASSET_NOT_FOUND")),
        ("GET", "/v1/models/a/b", (404, "MODEL_NOT_FOUND")),
        ("GET", "/v1/models/nobody/pricing", (404, "MODEL_NOT_FOUND")),
        ("GET", "/v1/models/any/examples/nobody", (404, "EXAMPLE_NOT_FOUND")),
        ("DELETE", "/v1/runs", (405, "METHOD_NOT_ALLOWED")),
        ("PUT", "/v1/uploads/nobody", (403, "PERMISSION_DENIED")),
        ("GET", "/v1/files/runs/a/b", (403, "PERMISSION_DENIED")),
        ("GET", "/v1/runs?limit=0", (422, "VALIDATION_ERROR")),
        ("GET", "/v1/runs?limit=501", (422, "VALIDATION_ERROR")),
        ("GET", "/v1/runs?limit=9" + "9" * 5000, (422, "VALIDATION_ERROR")),
        ("GET", "/v1/runs?sort_by=output", (422, "VALIDATION_ERROR")),
        ("GET", "/v1/runs?sort_by=cost:up", (422, "VALIDATION_ERROR")),
        ("GET", "/v1/runs?fields=nosuch", (422, "VALIDATION_ERROR")),
        ("GET", "/v1/runs?pq=nonsense", (422, "VALIDATION_ERROR")),
        ("GET", "/v1/runs?pq=WyJcdWQ4MDAiLCAiYSJd", (422, "VALIDATION_ERROR")),
        ("GET", "/v1/runs?from_prev=perhaps", (422, "VALIDATION_ERROR")),
        ("GET", "/v1/runs?q=(", (422, "VALIDATION_ERROR")),
    ],
)
async def test_every_refusal_has_the_same_envelope(open_world, method, path, refusal):
    async with open_world() as world:
        answer = await world.client.request(method, path)

        assert code_of(answer) == refusal
        assert answer.headers["runflow-request-id"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe{}", 400),
        (b'{"input": {"image_url": "\\ud800"}}', 400),
        (b'{"input": NaN}', 400),
        (b'{"input": {"a": 1e999}}', 400),
        (b'{"input": ' + b"[" * 200 + b"]" * 200 + b"}", 400),
        (b"[" * 100_000, 400),
        (b'{"input": ' + b"9" * 5000 + b"}", 400),
        (b"[]", 422),
        (b'"text"', 422),
        (b"", 422),
        (b'{"input": null}', 422),
        (b'{"input": []}', 422),
        (b'{"input": {}, "metadata": 1}', 422),
        (b'{"input": {}, "client_ref": "' + b"x" * 256 + b'"}', 422),
        (b'{"input": {}, "callback_url": "ftp://host"}', 422),
        (b'{"input": {}, "callback_url": "http://[broken"}', 422),
        (b'{"input": {}, "callback_url": "http://host:99999"}', 422),
    ],
)
async def test_a_body_that_cannot_be_taken_is_refused_and_leaves_nothing(open_world, body, status):
    async with open_world() as world:
        answer = await world.client.post(TAGS, content=body)

        assert answer.status_code == status
        code_of(answer)
        assert (await world.get("/v1/runs"))["items"] == []


@pytest.mark.parametrize(
    ("inputs", "loc", "sentence"),
    [
        ({}, ["image_url"], "is missing"),
        ({"image_url": "ftp://host/a.png"}, ["image_url"], "got 'ftp'"),
        ({"image_url": "runflow://assets/nobody"}, ["image_url"], "There is no asset"),
        ({"image_url": "data:text/html;base64,AAAA"}, ["image_url"], "text/html"),
        ({"image_url": "data:image/png;base64,%%%"}, ["image_url"], "not base64"),
        ({"image_url": "https://a.test/b", "config": {"aspect_ratio": 1}}, ["config", "aspect_ratio"], "takes text"),
        (
            {"image_url": "https://a.test/b", "config": {"aspect_ratio": "wide"}},
            ["config", "aspect_ratio"],
            "'wide' is not an aspect ratio",
        ),
        ({"image_url": "https://a.test/b", "image": 1}, ["image"], "did you mean 'image_url'?"),
    ],
)
async def test_wrong_inputs_are_named_by_their_place(open_world, inputs, loc, sentence):
    async with open_world() as world:
        answer = await world.create(input=inputs)

        [error] = answer.json()["errors"]
        assert answer.status_code == 422
        assert error["loc"] == ["body", "input", *loc]
        assert sentence in error["msg"]
        assert error["type"]


async def test_a_body_that_is_too_large_is_refused(open_world):
    async with open_world() as world:
        session = (
            await world.client.post(
                "/v1/asset-uploads", json={"filename": "a.png", "mime_type": "image/png", "size_bytes": 3}
            )
        ).json()

        answer = await world.client.put(session["upload_url"], content=b"12345", headers={"Content-Type": "image/png"})

        assert code_of(answer) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_model_that_cannot_run_here_says_which_can(open_world):
    async with open_world() as world:
        answer = await world.create("/v1/models/google/veo3.1/fast/runs", input={"prompt": "a cat"})

        assert code_of(answer) == (503, "MODEL_UNAVAILABLE")
        assert "runflow/tag-removal" in answer.json()["message"]
        assert "rf.connect(key=...)" in answer.json()["message"]


async def test_an_unknown_model_gets_a_hint(open_world):
    async with open_world() as world:
        answer = await world.create("/v1/models/runflow/tag-removel/runs")

        assert code_of(answer) == (404, "MODEL_NOT_FOUND")
        assert "runflow/tag-removal" in answer.json()["message"]


async def test_the_same_key_and_body_replay_the_first_answer(open_world):
    async with open_world() as world:
        headers = {"Idempotency-Key": "once"}
        answers = await asyncio.gather(*(world.create(headers=headers) for _ in range(5)))
        await world.service.idle()
        later = await world.create(headers=headers)

        assert {answer.status_code for answer in [*answers, later]} == {201}
        assert len({answer.text for answer in [*answers, later]}) == 1
        assert len((await world.get("/v1/runs"))["items"]) == 1
        assert len(world.pool.orders) == 1


async def test_the_same_key_with_another_body_or_path_is_a_conflict(open_world, photo_url):
    async with open_world() as world:
        headers = {"Idempotency-Key": "once"}
        await world.create(headers=headers)

        body = await world.create(headers=headers, client_ref="other")
        path = await world.create("/v1/models/bria/background/remove/runs", headers=headers)

        assert code_of(body) == code_of(path) == (409, "CONFLICT")
        assert len((await world.get("/v1/runs"))["items"]) == 1


async def test_a_replay_survives_a_restart_and_a_refusal_is_not_kept(open_world):
    async with open_world() as world:
        refused = await world.create(headers={"Idempotency-Key": "once"}, input={})
        first = await world.create(headers={"Idempotency-Key": "once"})

    async with open_world() as world:
        again = await world.create(headers={"Idempotency-Key": "once"})

    assert refused.status_code == 422
    assert again.json() == first.json()


async def test_a_data_uri_under_the_same_key_is_replayed_too(open_world, photo_data_uri):
    async with open_world() as world:
        headers = {"Idempotency-Key": "once"}
        sent = [world.create(headers=headers, input={"image_url": photo_data_uri}) for _ in range(3)]

        answers = await asyncio.gather(*sent)

        assert len({answer.json()["id"] for answer in answers}) == 1


async def test_two_keys_do_not_share_their_idempotency(open_world):
    async with open_world(keys={"rf_a": frozenset(), "rf_b": frozenset()}) as world:
        ids = {
            (await world.create(headers={**bearer(key), "Idempotency-Key": "once"})).json()["id"]
            for key in ("rf_a", "rf_b")
        }

        assert len(ids) == 2


async def test_too_many_open_runs_are_refused_with_a_pace(open_world):
    async with open_world(max_open_runs=1) as world:
        world.pool.go_on.clear()
        await world.create()
        refused = await world.create(headers={"Idempotency-Key": "later"})
        world.pool.go_on.set()
        await world.service.idle()
        taken = await world.create(headers={"Idempotency-Key": "later"})

        assert code_of(refused) == (429, "RATE_LIMITED")
        assert refused.headers["retry-after"] == "1"
        assert taken.status_code == 201


async def test_runs_are_paid_for_when_they_succeed_and_refused_when_the_credit_is_spent(open_world):
    async with open_world(credit=Decimal("0.30")) as world:
        paid = await world.run()
        failed = await world.run(input={"image_url": "https://pictures.test/gone.png"})
        balance = await world.get("/v1/billing/balance")
        await world.run()
        refused = await world.create()

        assert (paid["cost"], failed["cost"]) == ("0.14", "0.00")
        assert balance["balance"] == "0.16"
        assert (await world.get("/v1/credit-balances"))["items"][0]["balance_usd"] == "0.02"
        assert code_of(refused) == (402, "INSUFFICIENT_CREDIT")
        assert refused.json()["message"] == "This costs $0.14 and $0.02 of credit is left."


async def test_open_runs_reserve_what_they_will_cost(open_world):
    async with open_world(credit=Decimal("0.20")) as world:
        world.pool.go_on.clear()
        await world.create()

        assert (await world.create()).status_code == 402


async def test_pages_follow_one_another_both_ways(open_world):
    async with open_world() as world:
        ids = [(await world.create(client_ref=f"ref {n % 2}")).json()["id"] for n in range(5)]
        ids.reverse()

        first = await world.get("/v1/runs", limit=2)
        second = await world.get("/v1/runs", limit=2, pq=first["next"])
        third = await world.get("/v1/runs", limit=2, pq=second["next"])
        back = await world.get("/v1/runs", limit=2, pq=third["previous"], from_prev="true")
        start = await world.get("/v1/runs", limit=2, pq=third["first"])

        pages = [[run["id"] for run in page["items"]] for page in (first, second, third, back, start)]
        assert pages == [ids[:2], ids[2:4], ids[4:], ids[2:4], ids[:2]]
        assert first["previous"] is None
        assert third["next"] is None


async def test_pages_hold_for_any_order_and_for_nulls(open_world):
    async with open_world() as world:
        for ref in ("b", None, "a", "b", None):
            await world.create(client_ref=ref)

        seen, cursor = [], ""
        while cursor is not None:
            page = await world.get("/v1/runs", limit=2, sort_by="client_ref:desc,created_at", pq=cursor)
            seen += [run["client_ref"] for run in page["items"]]
            cursor = page["next"]

        assert seen == ["b", "b", "a", None, None]


async def test_a_run_is_found_by_its_reference_and_projected(open_world):
    async with open_world() as world:
        await world.create(client_ref="it's mine")
        await world.create(client_ref="other")

        page = await world.get("/v1/runs", q="client_ref.EQ:'it''s mine'", fields="client_ref,status_code")

        assert [*page["items"][0]] == ["client_ref", "status_code"]
        assert page["items"][0]["client_ref"] == "it's mine"
        assert len(page["items"]) == 1


async def test_models_are_listed_filtered_and_found_by_ids_of_any_length(open_world):
    async with open_world() as world:
        everything = await world.get("/v1/models", limit=500)
        found = await world.get("/v1/models", q="slug.eq:'tag-removal'")
        bria = await world.get("/v1/models/bria/background/remove")
        creators = await world.get("/v1/model-creators", q="slug:bria")
        public = await world.get("/v1/public/models", limit=1)

        assert len(everything["items"]) == 51
        assert found["items"][0]["name"] == "Tag Removal"
        assert bria["availability_status"] == "available"
        assert [entry["name"] for entry in bria["inputs"]] == ["image_url", "sync_mode"]
        assert creators["items"][0]["models"][0]["id"] == bria["id"]
        assert "is_public" not in public["items"][0]


async def test_prices_and_examples_are_found_by_any_uuid_or_name(open_world):
    async with open_world() as world:
        model = await world.get("/v1/models/runflow/tag-removal")
        every = await world.get("/v1/models/any/pricing", limit=500)
        by_uuid = await world.get(f"/v1/models/{model['id']}/pricing")
        by_name = await world.get("/v1/models/bria/background/remove/pricing")
        examples = await world.get(f"/v1/models/{model['id']}/examples")
        example = await world.get(f"/v1/models/any/examples/{examples['items'][0]['id']}")

        assert len(every["items"]) > 40
        assert [rule["price"] for rule in by_uuid["items"]] == ["0.14"]
        assert [rule["price"] for rule in by_name["items"]] == ["0.018"]
        assert example == examples["items"][0]
        assert set(example["input"]) == {"config", "image_url"}


async def test_an_asset_takes_three_steps(open_world, photo):
    async with open_world(keys=KEYS) as world:
        world.client.headers.update(bearer("rf_all"))
        body = {"filename": "../a b.png", "mime_type": "image/png", "size_bytes": len(photo)}
        session = (await world.client.post("/v1/asset-uploads", json=body)).json()
        early = await world.client.post(f"/v1/asset-uploads/{session['asset_id']}/confirmations", json={})
        del world.client.headers["authorization"]
        put = await world.client.put(session["upload_url"], content=photo, headers={"Content-Type": "image/png"})
        world.client.headers.update(bearer("rf_all"))
        asset = await world.client.post(f"/v1/asset-uploads/{session['asset_id']}/confirmations")
        again = await world.client.post(f"/v1/asset-uploads/{session['asset_id']}/confirmations", json={})
        file = await world.client.get(asset.json()["url"])

        assert code_of(early) == (409, "CONFLICT")
        assert put.status_code == 200
        assert asset.status_code == again.status_code == 201
        assert (asset.json()["size_bytes"], asset.json()["asset_type"]) == (len(photo), "image")
        assert asset.json()["id"] == again.json()["id"] == session["asset_id"]
        assert file.content == photo


async def test_an_upload_must_be_what_was_announced(open_world, photo):
    async with open_world() as world:
        body = {"filename": "a.png", "mime_type": "image/png", "size_bytes": len(photo)}
        url = (await world.client.post("/v1/asset-uploads", json=body)).json()["upload_url"]

        wrong = await world.client.put(url, content=photo, headers={"Content-Type": "text/html"})
        empty = await world.client.put(url, content=b"", headers={"Content-Type": "image/png"})
        forged = await world.client.put(url[:-1] + "x", content=photo, headers={"Content-Type": "image/png"})

        assert (wrong.status_code, empty.status_code, forged.status_code) == (422, 422, 403)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filename": "", "mime_type": "image/png", "size_bytes": 1},
        {"filename": "a", "mime_type": "text/html", "size_bytes": 1},
        {"filename": "a", "mime_type": "image/png", "size_bytes": 0},
        {"filename": "a", "mime_type": "image/png", "size_bytes": 52_428_801},
        {"filename": "a", "mime_type": "image/png", "size_bytes": True},
        {"filename": "a", "mime_type": "image/png", "size_bytes": 10**30},
        {"filename": 7, "mime_type": "image/png", "size_bytes": 1},
    ],
)
async def test_an_upload_that_cannot_be_taken_is_refused_before_it_is_sent(open_world, body):
    async with open_world() as world:
        answer = await world.client.post("/v1/asset-uploads", json=body)

        assert code_of(answer) == (422, "VALIDATION_ERROR")


async def test_assets_can_be_listed_filed_and_deleted(open_world):
    async with open_world() as world:
        folder = (await world.client.post("/v1/asset-folders", json={"name": "Shoes"})).json()
        asset = (await world.upload()).json()
        lost = await world.client.post(f"/v1/asset-uploads/{asset['id']}/confirmations", json={"folder_id": "nobody"})
        listed = await world.get("/v1/assets", q="mime_type:image/png")
        gone = await world.client.delete(f"/v1/assets/{asset['id']}")

        assert (await world.get("/v1/asset-folders"))["items"] == [folder]
        assert lost.status_code == 422
        assert [entry["id"] for entry in listed["items"]] == [asset["id"]]
        assert gone.status_code == 204
        assert (await world.client.get(asset["url"])).status_code == 404
        assert (await world.get("/v1/assets"))["items"] == []
        assert {"mime_type": "application/zip", "asset_type": "application"} in (await world.get("/v1/assets/types"))[
            "items"
        ]


async def test_links_expire_and_are_signed_anew(open_world):
    async with open_world(link_life_s=-1) as world:
        run = await world.run()
        expired = await world.client.get(run["output"]["image_urls"][0])

    async with open_world() as world:
        fresh = await world.get(f"/v1/runs/{run['id']}", add_signature="true")
        file = await world.client.get(fresh["output"]["image_urls"][0])

    assert code_of(expired) == (403, "PERMISSION_DENIED")
    assert "expired" in expired.json()["message"]
    assert file.status_code == 200


async def test_no_link_leads_out_of_the_folder(open_world):
    async with open_world() as world:
        links = world.service.core.links
        run_id = (await world.run())["id"]
        ways = [("runs", run_id, ".."), ("runs", "..", "service.sqlite3"), ("runs", run_id, "../../service.sqlite3")]

        answers = [await world.client.get(links.sign("http://engine.test", "/v1/files", *way)) for way in ways]

        assert {answer.status_code for answer in answers} <= {403, 404}


async def test_links_name_the_host_that_was_asked_or_the_one_that_was_set(open_world, tmp_path):
    async with open_world() as world:
        run = await world.run()
        other = await world.client.get(f"/v1/runs/{run['id']}", headers={"Host": "kernel.test:8787"})
        strange = await world.client.get(f"/v1/runs/{run['id']}", headers={"Host": "a b<script>"})

    async with open_world(tmp_path / "set", base_url="https://set.test/") as world:
        fixed = await world.run()

    links = [answer["output"]["image_urls"][0] for answer in (other.json(), strange.json(), fixed)]
    hosts = ["http://kernel.test:8787", "http://localhost", "https://set.test"]
    assert [link.partition("/v1")[0] for link in links] == hosts


async def test_one_line_of_a_log_is_read_by_its_id_and_only_under_its_run(open_world):
    async with open_world() as world:
        run, other = await world.run(), await world.run()
        line = (await world.get(f"/v1/runs/{run['id']}/logs"))["items"][0]

        same = await world.get(f"/v1/runs/{run['id']}/logs/{line['id']}")
        anywhere = await world.get(f"/v1/runs/any/logs/{line['id']}")
        strange = await world.client.get(f"/v1/runs/{other['id']}/logs/{line['id']}")

        assert same == anywhere == line
        assert strange.status_code == 404


async def test_there_are_no_node_runs(open_world):
    async with open_world() as world:
        answer = await world.client.get("/v1/runs/any/node-runs/0190a1b2-0000-7000-8000-000000000000")

        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_the_statuses_say_which_are_an_end(open_world):
    async with open_world() as world:
        statuses = {item["code"]: item["is_terminal"] for item in (await world.get("/v1/runs/statuses"))["items"]}

        assert statuses["running"] is False
        assert statuses["succeeded"] is True
        assert (await world.get("/v1/runs/any/node-runs"))["items"] == []
        assert (await world.get("/v1/runs/any/logs"))["items"] == []


async def test_a_closed_service_says_so(open_world):
    async with open_world() as world:
        await world.service.close()

        assert code_of(await world.client.get("/v1/runs")) == (503, "SERVICE_CLOSED")
