"""Log lines: structured, for whoever runs the hub; never a secret, never a document."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import httpx
from tests.exchange.conftest import NewProvince
from tests.exchange.province import COMMUNE, PASSPHRASE, PROVINCE, RunningHub

from lienthong.exchange.container import File
from lienthong.exchange.logs import without_secrets
from lienthong.trust.asic import MIMETYPE

SECRET_TEXT = "noi dung mat rieng tu"


def test_no_line_holds_a_token_a_key_or_a_word_of_a_document(new_province: NewProvince) -> None:
    province = new_province()
    province.configure(logging='level = "debug"\nform = "json"')
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "lienthong.exchange.server", str(province.data)],
        pass_fds=(write,),
        env={**os.environ, "LIENTHONG_READY_FD": str(write)},
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        url = json.loads(pipe.readline())["url"]
    hub = RunningHub(province)
    hub.url = url
    with httpx.Client(base_url=url, trust_env=False) as hub.http:
        bearer = hub.bearer(PROVINCE)
        document = province.document(PROVINCE, [COMMUNE], subject=SECRET_TEXT)
        file = File("van-ban.txt", "text/plain", SECRET_TEXT.encode())
        assert hub.send(document, files=[file]).status_code == 201
        assert hub.send(document, files=[file]).status_code == 409
        hub.post(PROVINCE, SECRET_TEXT.encode())
        hub.http.get("/v1/inbox", headers={"Authorization": "Bearer not-a-token-but-secret"})
        hub.http.post(
            "/v1/messages", content=b"x", headers={**bearer, "Content-Type": MIMETYPE, "X-Secret": "hush"}
        )
    process.terminate()
    lines = process.communicate(timeout=60)[1]
    token = bearer["Authorization"].removeprefix("Bearer ")
    for secret in (token, SECRET_TEXT, PASSPHRASE.decode(), "not-a-token", "hush", "PRIVATE", "nội dung"):
        assert secret not in lines
    events = [json.loads(line) for line in lines.splitlines()]
    assert {"serving", "refused", "stopped"} <= {event["event"] for event in events}
    refused = next(event for event in events if event.get("code") == "message-id-conflict")
    assert refused["agency"] == PROVINCE


def test_a_field_that_could_hold_a_secret_is_blanked_and_a_long_one_cut() -> None:
    event = without_secrets(
        None,
        "info",
        {"event": "e", "session_token": "abc", "Passphrase": "x", "detail": "y" * 9999, "count": 3},
    )
    assert (event["session_token"], event["Passphrase"], event["count"]) == ("…", "…", 3)
    assert len(event["detail"]) < 2100
