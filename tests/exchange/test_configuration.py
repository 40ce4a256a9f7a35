"""lienthong.toml: defaults that work, and errors that name the key and what it may be."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from lienthong.exchange import configuration
from lienthong.exchange.configuration import Configuration, ConfigurationError, parse, starter

DATA = Path("/data")
MINIMAL = '[hub]\norigin = "hub.example/log"\n'


def test_the_starter_file_is_a_valid_configuration() -> None:
    found = parse(starter("hub.example/log", 'Trục "liên thông" \\ tỉnh', exchange_port=9000, tls=True), DATA)

    assert found.hub.name == 'Trục "liên thông" \\ tỉnh'
    assert (found.exchange.port, found.exchange.tls) == (9000, True)


def test_what_is_left_out_keeps_its_default_and_paths_start_at_the_data_folder() -> None:
    found = parse(MINIMAL + "[sessions]\nlifetime_s = 60\n", DATA)

    assert found.sessions.lifetime_s == 60
    assert found.limits.concurrent == configuration.Limits().concurrent
    assert found.path(found.directory.file) == DATA / "directory/directory.p7m"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", "lienthong.toml", "[hub] is missing"),
        ("[hub]\n", "[hub]", "'origin' is missing"),
        ("[hub", "lienthong.toml", "not TOML"),
        (MINIMAL + "[exchnage]\n", "lienthong.toml", "did you mean 'exchange'"),
        (MINIMAL + "[exchange]\nprot = 1\n", "[exchange]", "did you mean 'port'"),
        (MINIMAL + "[exchange]\nport = 70000\n", "[exchange] port", "from 0 to 65535"),
        (MINIMAL + '[exchange]\nport = "80"\n', "[exchange] port", "a whole number"),
        (MINIMAL + "[exchange]\nport = true\n", "[exchange] port", "a whole number"),
        (MINIMAL + "[exchange]\ntls = 1\n", "[exchange] tls", "true or false"),
        (MINIMAL + '[store]\nengine = "mysql"\n', "[store] engine", "'postgresql'"),
        (MINIMAL + '[store]\nengine = "postgresql"\n', "[store] dsn", "postgresql://"),
        (MINIMAL + '[exchange]\nclient_certificates = "required"\n', "client_certificates", "client_ca"),
        (MINIMAL + "[proxy]\nclient_cert_header = true\n", "[proxy] trusted", "list the addresses"),
        (MINIMAL + '[proxy]\ntrusted = "10.0.0.1"\n', "[proxy] trusted", "a list of strings"),
        (MINIMAL + '[timestamps]\nauthority = "tsa"\n', "[timestamps] authority", "not a URL"),
        (MINIMAL + '[log]\nwitnesses = [{agency = "H61"}]\n', "[log] witnesses[0]", "'key' is missing"),
        (MINIMAL + "exchange = 3\n", "[hub]", "no key"),
        ("exchange = 3\n" + MINIMAL, "[exchange]", "a table is expected"),
    ],
)
def test_an_error_names_the_key_and_what_it_may_be(text: str, place: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        parse(text, DATA)
    assert place in (wrong.value.place or "")
    assert said in str(wrong.value)


def test_a_folder_without_configuration_is_told_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as missing:
        configuration.load(tmp_path)
    assert f"lienthong init --data {tmp_path}" in str(missing.value)


def test_the_passphrase_comes_from_the_environment_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = parse(MINIMAL, tmp_path)
    monkeypatch.delenv("LIENTHONG_PASSPHRASE", raising=False)
    assert found.passphrase() is None
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/passphrase").write_text("from the file\n")
    assert found.passphrase() == b"from the file"
    monkeypatch.setenv("LIENTHONG_PASSPHRASE", "from outside")
    assert found.passphrase() == b"from outside"


def test_every_key_and_its_default_is_described_in_the_reference() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/configuration.md").read_text()
    for table in fields(Configuration):
        if table.name == "data":
            continue
        section = re.search(rf"^## `\[{table.name}\]`\n(.*?)(?=^## |\Z)", page, re.M | re.S)
        assert section, table.name
        kind = type(table.default) if is_dataclass(table.default) else configuration.HubIdentity
        for key in fields(kind):
            row = re.search(rf"^\| `{key.name}` \| ([^|]*) \|", section[1], re.M)
            assert row, f"[{table.name}] {key.name}"
            assert row[1].strip() == described_default(key.default), f"[{table.name}] {key.name}"


def described_default(value: object) -> str:
    if value is None or value == () or value == "":
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str | Path):
        return f'`"{value}"`'
    if isinstance(value, int | float):
        return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    return "required"


def test_every_environment_variable_that_is_read_is_on_the_page() -> None:
    root = Path(__file__).parents[2]
    read = {
        name
        for path in (root / "src").rglob("*.py")
        for name in re.findall(r"[\"'](LIENTHONG_[A-Z_]+)[\"']", path.read_text("utf-8"))
    }
    page = (root / "docs/reference/configuration.md").read_text("utf-8")
    assert {"LIENTHONG_LANG", "LIENTHONG_DATA", "LIENTHONG_REGISTRY_URL"} <= read
    assert read == set(re.findall(r"^\| `(LIENTHONG_[A-Z_]+)`", page, re.M))
