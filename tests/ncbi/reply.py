"""What the local services answer with."""

import json
from dataclasses import dataclass, field

Params = dict[str, list[str]]


@dataclass(slots=True)
class Reply:
    """An HTTP answer; the body in parts, so that nobody copies it together."""

    body: list[bytes]
    content_type: str = "text/xml; charset=UTF-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def as_json(value: object, status: int = 200) -> Reply:
    return Reply([json.dumps(value).encode()], "application/json; charset=UTF-8", status)
