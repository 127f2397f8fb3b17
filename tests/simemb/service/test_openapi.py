"""The OpenAPI document holds of the server: what fits it is answered in its shape, what does not is refused."""

from typing import Any

import httpx2
import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

PATHS = ["/v1/embeddings", "/embed", "/similarity", "/search"]
EXAMPLES = 40
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


@pytest.fixture(scope="session")
def api(url: str) -> Any:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_what_fits_is_answered_and_what_does_not_is_refused(api: Any, path: str, mode: GenerationMode) -> None:
    operation = api[path]["POST"]

    @hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
            case.body.pop("where", None)  # an expression: a string of a grammar that no schema can say
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)
        if mode is GenerationMode.POSITIVE:
            assert answer.status_code == 200, answer.text
        else:
            assert 400 <= answer.status_code < 500

    check()


def test_the_document_names_every_route_and_its_errors(url: str) -> None:
    document = httpx2.get(f"{url}/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert set(PATHS) | {"/info", "/health", "/metrics", "/v1/models", "/v1/models/{model}"} <= set(document["paths"])
    assert {"413", "429"} <= set(document["paths"]["/embed"]["post"]["responses"])


def test_the_page_shows_each_route_with_a_command(url: str) -> None:
    page = httpx2.get(f"{url}/docs").text
    assert all(f"POST {path}</code>" in page for path in PATHS)
    assert page.count("curl localhost:8000") == len([*PATHS, "/map"])
    assert "a whole number in 1 to 256" in page
