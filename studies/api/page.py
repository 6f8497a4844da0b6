"""The page that describes the read API: made from its own description, without a script."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studies.api.v1 import api

EXAMPLE = """\
import json, os, urllib.parse, urllib.request

base, asked = "{site}/api/v1/studies", {{"design": "randomised", "limit": 100}}
headers = {{"Authorization": f"Bearer {{token}}"}} if (token := os.environ.get("STRATUM_TOKEN")) else {{}}
while True:
    request = urllib.request.Request(f"{{base}}?{{urllib.parse.urlencode(asked)}}", headers=headers)
    page = json.load(urllib.request.urlopen(request))
    for study in page["results"]:
        print(study["id"], study["notice"], study["title"], sep="\\t")
    if not page["next"]:
        break
    asked["cursor"] = page["next"]
"""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: str
    says: str


@dataclass(frozen=True, slots=True)
class Operation:
    path: str
    name: str
    says: str
    parameters: tuple[Parameter, ...]


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    schema = api.get_openapi_schema()
    context = {
        "operations": tuple(_operations(schema)),
        "about": schema["info"]["description"],
        "example": EXAMPLE.format(site=settings.SITE_URL),
        "a_minute": settings.API_A_MINUTE,
        "token_a_minute": settings.API_TOKEN_A_MINUTE,
    }
    return render(request, "studies/api/docs.html", context)


def _operations(schema: Mapping[str, Any]) -> Iterator[Operation]:
    for path, verbs in schema["paths"].items():
        said = verbs["get"]
        parameters = tuple(map(_parameter, said.get("parameters", ())))
        yield Operation(path, said["summary"], said.get("description", ""), parameters)


def _parameter(said: Mapping[str, Any]) -> Parameter:
    schema = said["schema"]
    return Parameter(said["name"], _kind(schema), said.get("description") or schema.get("description", ""))


def _kind(schema: Mapping[str, Any]) -> str:
    """A parameter's kind in words: `text`, `a number from 1 to 200`, `any of: …`."""
    if "anyOf" in schema:
        return _kind(schema["anyOf"][0])
    if schema.get("type") == "array":
        return f"may be repeated; {_kind(schema['items'])}"
    if "enum" in schema:
        return "one of " + ", ".join(value or "(empty)" for value in schema["enum"])
    if "minimum" in schema and "maximum" in schema:
        return f"a number from {schema['minimum']} to {schema['maximum']}"
    return {"integer": "a number", "boolean": "true or false"}.get(schema.get("type", ""), "text")
