"""JSON Schema 2020-12 of every JSON body of the interface."""

from __future__ import annotations

from typing import Any

from lienthong.exchange.receipts import RECEIPT_FORMAT
from lienthong.exchange.statuses import MEANINGS, REQUESTS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer", "minimum": 0}
CODE: Schema = {"type": "string", "pattern": "^[0-9A-Z.]{1,35}$"}
DIGEST: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
MILLISECONDS: Schema = {"type": "integer", "minimum": 0, "description": "Unix time in milliseconds"}
STATUS: Schema = {"type": "string", "enum": ["", *MEANINGS]}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _object(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_RECORD: dict[str, Schema] = {
    "index": INTEGER,
    "kind": {"type": "string", "enum": ["document", "status", "acknowledgement"]},
    "sender": CODE,
    "message_id": TEXT,
    "document_id": TEXT,
    "subject": _or_null(INTEGER)
    | {"description": "Index of the record that a status, request or acknowledgement is about"},
    "status": STATUS,
    "business": {"type": "integer", "enum": [0, 1, 2, 3]},
    "lane": {"type": "string", "enum": ["normal", "urgent"]},
    "accepted_ms": MILLISECONDS,
    "size": INTEGER,
    "digest": DIGEST,
    "summary": {"type": "object"},
}

_LEAF = _object(
    {
        "digest": DIGEST,
        "id": TEXT,
        "kind": {"type": "integer", "enum": [1, 2, 3]},
        "sender": CODE,
        "time": MILLISECONDS,
        "to": _list(CODE),
        "v": {"const": 1},
        "document": TEXT,
        "subject": INTEGER,
        "status": STATUS,
        "business": {"type": "integer", "enum": [1, 2, 3]},
        "lane": {"const": 1},
        "staff": TEXT,
        "forwarded": _list({"type": "array", "prefixItems": [TEXT, CODE], "minItems": 2, "maxItems": 2}),
    },
    optional=("document", "subject", "status", "business", "lane", "staff", "forwarded"),
)

SCHEMAS: dict[str, Schema] = {
    "Session": _object(
        {"token": TEXT, "expires_at": {"type": "string", "format": "date-time"}, "agency": CODE}
    ),
    "Receipt": _object(
        {
            "format": {"const": RECEIPT_FORMAT},
            "index": INTEGER,
            "leaf": _LEAF,
            "proof": _list({"type": "string", "contentEncoding": "base64"}),
            "checkpoint": TEXT,
        }
    ),
    "InboxLine": _object({**_RECORD, "acknowledged_ms": _or_null(MILLISECONDS)}),
    "InboxPage": _object({"items": _list(_ref("InboxLine")), "next": {"type": "integer", "minimum": -1}}),
    "Record": _object({**_RECORD, "recipients": _list(CODE)}),
    "SentPage": _object({"items": _list(_ref("Record")), "next": _or_null(INTEGER)}),
    "Delivery": _object(
        {
            "index": INTEGER,
            "recipient": CODE,
            "state": STATUS,
            "state_ms": _or_null(MILLISECONDS),
            "request": {"type": "string", "enum": ["", *REQUESTS.values()]},
            "acknowledged_ms": _or_null(MILLISECONDS),
            "recalled": {"type": "boolean"},
        }
    ),
    "Trace": _object(
        {
            "record": _ref("Record"),
            "deliveries": _list(_ref("Delivery")),
            "history": _list(_ref("Record")),
            "next": _or_null(INTEGER),
        }
    ),
    "Acknowledge": _object(
        {"indexes": _list(INTEGER) | {"minItems": 1, "maxItems": 1000}, "staff": TEXT | {"maxLength": 200}},
        optional=("staff",),
    ),
    "Acknowledged": _object({"acknowledged": _list(INTEGER)}),
    "Agency": _object(
        {
            "code": CODE,
            "name": TEXT,
            "kind": TEXT,
            "level": TEXT,
            "parent": _or_null(CODE),
            "aliases": _list(CODE),
            "locked": {"type": "boolean"},
            "can_unseal": {"type": "boolean"},
            "may_send": {"type": "boolean"},
        }
    ),
    "Agencies": _object({"items": _list(_ref("Agency")), "groups": _list(TEXT), "version": INTEGER}),
    "Consistency": _object(
        {
            "format": TEXT,
            "old": TEXT,
            "new": TEXT,
            "proof": _list({"type": "string", "contentEncoding": "base64"}),
        }
    ),
    "Cosigned": _object({"size": INTEGER}),
    "Statistics": _object(
        {
            "documents": INTEGER,
            "deliveries": INTEGER,
            "statuses": INTEGER,
            "acknowledgements": INTEGER,
            "tree_size": INTEGER,
            "payload_bytes": INTEGER,
            "log_bytes": INTEGER,
            "states": {"type": "object", "additionalProperties": INTEGER},
        }
    ),
    "Live": _object({"status": {"const": "ok"}}),
    "Ready": _object(
        {
            "status": {"type": "string", "enum": ["ok", "warning", "failing"]},
            "checks": _list(
                _object(
                    {
                        "name": TEXT,
                        "state": {"type": "string", "enum": ["ok", "warning", "failing"]},
                        "detail": TEXT,
                        "remedy": TEXT,
                    }
                )
            ),
        },
        optional=("checks",),
    ),
    "Problem": {
        "type": "object",
        "description": "RFC 9457. `code` is stable; scripts switch on it",
        "properties": {
            "type": {"type": "string", "pattern": "^urn:lienthong:problem:[a-z0-9-]+$"},
            "title": TEXT,
            "status": {"type": "integer"},
            "code": {"type": "string", "pattern": "^[a-z0-9-]+$"},
            "detail": TEXT,
            "place": TEXT,
            "remedy": TEXT,
            "retry_after_s": INTEGER,
            "recipients": _list(_object({"organ": TEXT, "status": TEXT, "reason": TEXT})),
        },
        "required": ["type", "title", "status", "code", "detail"],
        "additionalProperties": False,
    },
}
