"""`lienthong doctor` in the language of the operator: every finding, every remedy."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from tests.cli.conftest import free_port
from tests.cli.shell import open_shell

import lienthong.web
from lienthong.cli.doctor_vietnamese import NAMES, told
from lienthong.exchange.server import diagnosis, diagnosis_records, diagnosis_serving

MODULES = (diagnosis, diagnosis_records, diagnosis_serving)
PARTS = {"detail", "remedy", "back", "names", "without", "records", "files", "until"}
"""Variables of the diagnosis that hold a text, whole or in part."""


def texts(node: ast.expr, parts: dict[str, str]) -> list[str]:
    """What an expression may read, with 7 for whatever is filled in that is not one of ``parts``."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        return ["".join(filled(value, parts) for value in node.values)]
    if isinstance(node, ast.IfExp):
        return texts(node.body, parts) + texts(node.orelse, parts)
    if isinstance(node, ast.BinOp):
        return ["".join(pair) for pair in product(texts(node.left, parts), texts(node.right, parts))]
    return []


def filled(node: ast.expr, parts: dict[str, str]) -> str:
    value = node.value if isinstance(node, ast.FormattedValue) else node
    if isinstance(value, ast.Subscript):
        value = value.value  # the s of a plural
    if isinstance(value, ast.Constant):
        return str(value.value)
    return parts.get(value.id, "7") if isinstance(value, ast.Name) else "7"


def written() -> Iterator[str]:
    """Each detail and remedy in the source of the diagnosis."""
    for module in MODULES:
        parts: dict[str, str] = {}
        nodes = list(ast.walk(ast.parse(inspect.getsource(module))))
        for node in nodes:
            name = getattr(node.targets[0], "id", "") if isinstance(node, ast.Assign) else ""
            if isinstance(node, ast.Assign) and name in PARTS:
                found = texts(node.value, parts)
                parts |= {name: found[0]} if found else {}
                yield from found if name in ("detail", "remedy", "back") else ()
        for node in nodes:
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("HealthItem", "_failing"):
                for argument in node.args[2:]:
                    yield from texts(argument, parts)


ENGLISH = sorted({text for text in written() if re.search("[a-z]", text)})


def test_the_texts_of_the_diagnosis_are_found() -> None:
    assert "7 is writable, 7 MiB free" in ENGLISH
    assert "check [store] dsn and the server" in ENGLISH
    assert len(ENGLISH) > 50


@pytest.mark.parametrize("text", ENGLISH)
def test_each_thing_doctor_says_has_its_vietnamese(text: str) -> None:
    commands_alone = re.fullmatch(r"chmod 600 .*|PostgreSQL 7|7: 7|7, 7", text)
    assert commands_alone or told(text) != text


def test_each_check_of_doctor_has_a_vietnamese_name() -> None:
    sources = [inspect.getsource(module) for module in MODULES]
    names = {name for source in sources for name in re.findall(r'HealthItem\(\s*"([^"]+)"', source)}
    assert {"secrets", "hub", "web", "registry"} <= names
    assert names <= set(NAMES)
    assert {f"key {name}" for name, _ in diagnosis.SERVICES} <= set(NAMES)


def test_doctor_knows_the_web_by_the_page_that_it_does_not_have() -> None:
    templates = Path(lienthong.web.__file__).parent / "templates"
    for page in ("400.html", "404.html"):
        assert diagnosis_serving.WEB_TITLE in (templates / page).read_text(encoding="utf-8")


def test_reasons_inside_a_finding_are_translated_and_times_are_vietnam_s() -> None:
    assert told("revoked: nobody knows") == "đã bị thu hồi: nobody knows"
    assert told("version 3, 7 agencies, until 2026-12-31 18:30 UTC") == (
        "phiên bản 3, 7 cơ quan, hiệu lực đến 01:30 01/01/2027"
    )
    assert told("nobody has seen this") == "nobody has seen this"


def test_doctor_speaks_the_language_that_is_asked_for(tmp_path: Path) -> None:
    data = tmp_path / "province"
    with open_shell() as run:
        run("init", "--data", data, "--no-tls", "--port", free_port(), "--web-port", free_port())
        (data / "secrets/passphrase").chmod(0o644)
        text = (data / "lienthong.toml").read_text()
        (data / "lienthong.toml").write_text(text.replace('host = "127.0.0.1"', 'host = "0.0.0.0"', 1))
        vietnamese = " ".join(run("doctor", "--data", data, "--lang", "vi", "--all", code=1).out.split())
        english = " ".join(run("doctor", "--data", data, code=1, LIENTHONG_LANG="en").out.split())
        body = run("doctor", "--data", data, "--lang", "vi", "--json", code=1).json
    for words in (
        "tệp bí mật người khác trên máy này đọc được",
        "cần làm: chmod 600",
        "mạng trục nghe tại 0.0.0.0 mà không có TLS",
        "mục không đạt",
        "các danh sách thu hồi còn mới",
    ):
        assert words in vietnamese
    assert "to do" not in vietnamese
    assert "network the exchange listens on 0.0.0.0 without TLS" in english
    assert "1 failing" in english
    assert "network" in {check["name"] for check in body["checks"]}, "scripts read one language"


def test_a_hub_that_does_not_run_is_told_and_is_no_failure(tmp_path: Path) -> None:
    data = tmp_path / "province"
    with open_shell() as run:
        run("init", "--data", data, "--no-tls", "--port", free_port(), "--web-port", free_port())
        english = run("doctor", "--data", data, LIENTHONG_LANG="en").out
        vietnamese = run("doctor", "--data", data, "--lang", "vi").out
        everything = run("doctor", "--data", data, "--all", "--lang", "en").out
    assert f"the hub is not running: lienthong serve --data {data}" in " ".join(english.split())
    assert "checks are well" in english.splitlines()[-1]
    assert f"trục chưa chạy: lienthong serve --data {data}" in " ".join(vietnamese.split())
    assert "hub is not running" not in everything, "the list of all checks has it already"
    assert "not serving" in everything
