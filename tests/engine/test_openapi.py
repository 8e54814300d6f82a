"""The description says exactly what is served."""

import pytest
from starlette.routing import Route

from runflow_widgets.engine.app import make_app


def resolve(spec, schema):
    while "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


@pytest.fixture
async def served(open_world):
    async with open_world() as world:
        spec = (await world.client.get("/v1/openapi.json")).json()
        yield spec, make_app(world.service.core)


async def test_paths_and_methods_are_those_of_the_routes(served):
    spec, app = served

    described = {(method.upper(), path) for path, methods in spec["paths"].items() for method in methods}
    routed = {
        (method, route.path.replace(":path}", "}"))
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods - {"HEAD"}
    }

    assert described == routed
    assert spec["openapi"] == "3.1.0"


async def test_everything_is_named_once_and_described(served):
    spec, _ = served
    operations = [operation for methods in spec["paths"].values() for operation in methods.values()]

    names = [operation["operationId"] for operation in operations]

    assert len(names) == len(set(names))
    assert all(operation["summary"] for operation in operations)


async def test_refusals_are_described_where_they_can_happen(served):
    spec, _ = served
    create = spec["paths"]["/v1/models/{owner}/{slug}/runs"]["post"]
    health = spec["paths"]["/v1/health"]["get"]

    assert {"201", "400", "401", "402", "403", "404", "409", "413", "422", "429", "503"} <= set(create["responses"])
    assert set(health["responses"]) == {"200"}
    assert health["security"] == []
    assert create["security"] == [{"HTTPBearer": []}]


async def test_every_reference_leads_somewhere(served):
    spec, _ = served
    answers = [
        content["schema"]
        for methods in spec["paths"].values()
        for operation in methods.values()
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
    ]

    assert all("type" in resolve(spec, schema) for schema in answers)


async def test_what_a_run_is_said_to_have_it_has(open_world):
    async with open_world() as world:
        spec = await world.get("/v1/openapi.json")
        run = await world.run()

        described = spec["components"]["schemas"]["Run"]["properties"]
        assert set(described) <= set(run)
        assert run["status_code"] in described["status_code"]["enum"]
