"""``lienthong keys``: an agency's keys and certificates, from the first request to revocation."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lienthong.cli import keys_trust
from lienthong.cli.agency import DataOption, data_folder
from lienthong.cli.output import JsonOption, note, print_json, say, table
from lienthong.core.errors import LienthongError

if TYPE_CHECKING:
    from lienthong.trust.ca import ProvinceCA

app = typer.Typer(
    name="keys",
    no_args_is_help=True,
    help="Keys and certificates: make, request, issue, list, revoke, renew; whom else to trust.",
)
app.add_typer(keys_trust.anchors, name="anchors")
app.add_typer(keys_trust.crl, name="crl")

KeyOption = Annotated[Path | None, typer.Option("--key", help="The key's file (encrypted PKCS#8).")]
ModuleOption = Annotated[
    Path | None, typer.Option("--module", help="A PKCS#11 module, for a key in a token.")
]
TokenOption = Annotated[str, typer.Option("--token", help="The token's label.")]
LabelOption = Annotated[str, typer.Option("--label", help="The key's label in the token.")]


class KeysUsage(LienthongError):
    code = "usage"


@app.command()
def new(
    key: KeyOption = None,
    module: ModuleOption = None,
    token: TokenOption = "",
    label: LabelOption = "",
    kind: Annotated[str, typer.Option("--kind", help="p256, rsa2048 or rsa3072.")] = "p256",
) -> None:
    """Make a key: a file encrypted with LIENTHONG_PASSPHRASE, or inside a token (LIENTHONG_PIN)."""
    from lienthong.trust.keys import generate_key, save_key

    if module is not None:
        _token(module, token).generate(_label(label), kind)
        say(f"[green]✓[/] Key {label} made in token {token}; it does not leave it.")
        return
    if key is None:
        raise KeysUsage(
            "where to put the key was not said", remedy="give --key FILE, or --module and --token"
        )
    if key.exists():
        raise KeysUsage("there is a file already", place=str(key), remedy="choose another name")
    save_key(key, generate_key(kind), _passphrase())  # type: ignore[arg-type]
    say(f"[green]✓[/] {key}")


@app.command()
def request(
    out: Annotated[Path, typer.Option("--out", help="Where to write the request (PKCS#10, PEM).")],
    name: Annotated[str, typer.Option("--name", help="The agency's name.")],
    code: Annotated[str, typer.Option("--code", help="The agency's code.")] = "",
    key: KeyOption = None,
    module: ModuleOption = None,
    token: TokenOption = "",
    label: LabelOption = "",
) -> None:
    """Ask the province's CA for a certificate: the request proves that you hold the key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    from lienthong.trust.keys import load_key, write_file

    private: Any
    if module is not None:
        private = _token(module, token).key(_label(label))
    elif key is not None:
        private = load_key(key, passphrase=_passphrase(needed=False))
    else:
        raise KeysUsage("no key was named", remedy="give --key FILE, or --module, --token and --label")
    names = [x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")]
    if code:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, code))
    names.append(x509.NameAttribute(NameOID.COMMON_NAME, _short(name)))
    made = (
        x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(private, hashes.SHA256())
    )
    write_file(out, made.public_bytes(Encoding.PEM))
    say(f"[green]✓[/] {out}: take it to whoever runs the province's CA (lienthong keys issue).")


@app.command()
def issue(
    request: Annotated[Path, typer.Argument(help="The request (PKCS#10).")],
    agency: Annotated[str, typer.Option("--agency", metavar="CODE", help="The agency it is for.")],
    use: Annotated[str, typer.Option("--use", help="seal, encryption or tls.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write the certificate and its chain (PEM).")],
    days: Annotated[int | None, typer.Option("--days", min=1, help="How long it is valid.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue a certificate from a request, note it in the registry and publish the directory."""
    from lienthong.cli import agency_keys, publishing
    from lienthong.core.clock import utc_now
    from lienthong.trust.ca import read_request
    from lienthong.trust.keys import write_file

    folder, ca, now = _authority(data)
    from lienthong.registry import actions  # Django must be set up before

    profiles = dict(agency_keys.USES)
    if use not in profiles:
        raise KeysUsage(f"{use!r} is not a use", place="--use", remedy=f"use {', '.join(profiles)}")
    public_key, _ = read_request(request.read_bytes())
    [owner] = agency_keys.agencies_of([agency], now)
    issued = ca.issue(
        profiles[use],
        subject_name=owner.name,
        organ_code=owner.code,
        public_key=public_key,
        now=now,
        days=days,
    )
    write_file(out, issued.pem())
    actions.add_certificate(owner.code, use, issued.certificate, now=utc_now(), actor="keys issue")
    publishing.renew(folder, now=utc_now())
    facts = {"agency": owner.code, "use": use, "serial": f"{issued.serial:x}", "certificate": str(out)}
    if as_json:
        print_json(facts)
    else:
        say(
            f"[green]✓[/] {out}: {use} of {owner.name}, serial {issued.serial:x}; the directory is published."
        )


@app.command("list")
def list_certificates(
    expiring: Annotated[
        int | None, typer.Option("--expiring", metavar="DAYS", help="Only what ends within so many days.")
    ] = None,
    agency: Annotated[str, typer.Option("--agency", metavar="CODE", help="Only this agency's.")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what the province's CA issued: for whom, until when, revoked or not.

    With --expiring it exits 1 when something ends that soon, so that a timer can warn.
    """
    _, ca, now = _authority(data, registry=False)
    rows = sorted(_issued(ca, now), key=lambda row: datetime.fromisoformat(row["until"]))
    if agency:
        rows = [row for row in rows if row["agency"] == agency]
    if expiring is not None:
        limit = now + timedelta(days=expiring)
        rows = [
            row for row in rows if row["state"] == "valid" and datetime.fromisoformat(row["until"]) <= limit
        ]
    if as_json:
        print_json(rows)
    else:
        table(
            "",
            ("agency", "for", "use", "until", "state", "serial"),
            [
                (r["agency"], r["subject"], r["use"], r["until"][:10], r["state"], r["serial"][:16])
                for r in rows
            ],
        )
    if expiring is not None and rows:
        ends = "1 ends" if len(rows) == 1 else f"{len(rows)} end"
        note(f"{ends} within {expiring} days. Remedy: lienthong keys renew --agency CODE, or --service NAME")
        raise typer.Exit(1)


@app.command()
def revoke(
    serial: Annotated[str, typer.Argument(help="The certificate's serial number, as `keys list` shows it.")],
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="key-compromise, affiliation-changed, superseded, cessation-of-operation, "
            "privilege-withdrawn or unspecified.",
        ),
    ] = "unspecified",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a certificate: the CRL is published at once, and the directory without it."""
    from lienthong.cli import publishing
    from lienthong.registry.errors import CertificateRefused

    folder, ca, now = _authority(data)
    from lienthong.registry import actions  # Django must be set up before

    found = [row for row in _issued(ca, now) if row["serial"].startswith(serial.lower())]
    if len({row["serial"] for row in found}) != 1 or len(serial) < 8:
        raise KeysUsage(
            f"{serial!r} is not the serial number of one certificate of this CA",
            remedy="see `lienthong keys list`",
            code="unknown-serial",
        )
    row = found[0]
    ca.revoke(int(row["serial"], 16), reason=reason, at=now)
    ca.publish_crls(now=now)
    try:
        actions.withdraw_certificate(row["fingerprint"], now=now, actor="keys revoke")
    except CertificateRefused:
        note("  The registry did not list it (any more).")
    publishing.renew(folder, now=datetime.now(UTC), force=True)
    if as_json:
        print_json(row | {"state": "revoked", "reason": reason})
    else:
        say(f"[green]✓[/] Revoked: {row['use']} of {row['subject']} ({row['agency']}).")
        say("  CRL and directory are published without it.")


@app.command()
def renew(
    agency: Annotated[
        str, typer.Option("--agency", metavar="CODE", help="An agency with a profile here.")
    ] = "",
    service: Annotated[
        list[str] | None,
        typer.Option(
            "--service",
            metavar="NAME",
            help="A service of the hub: tls-server, tsa, ocsp, directory or all. Repeat it.",
        ),
    ] = None,
    use: Annotated[
        str, typer.Option("--use", help="With --agency: seal, encryption, tls; all of them by default.")
    ] = "",
    hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            metavar="NAME",
            help="With --service tls-server: a name or address in it, not those of the old one. Repeat it.",
        ),
    ] = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="With --service: a new key too; the old pair stays beside it.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """New certificates before the old ones end: of an agency whose profile lies here, with new keys, or of
    the hub's own services (397 days), with the keys they have.

    An agency's old certificates stay registered, so that what is on its way can still be opened and checked.
    The hub takes a service's new certificate over when it is started again.
    """
    from lienthong.cli import agency_keys, service_keys

    if bool(agency) == bool(service):
        raise KeysUsage(
            "whose certificates to renew was not said",
            remedy="give --agency CODE or --service NAME, and not both",
        )
    if agency:
        uses = [use] if use else [name for name, _ in agency_keys.USES]
        if not set(uses) <= {name for name, _ in agency_keys.USES}:
            raise KeysUsage(f"{use!r} is not a use", place="--use", remedy="use seal, encryption or tls")
        folder, ca, now = _authority(data)
        agency_keys.renew_keys(folder, agency, uses, ca=ca, now=now)
        if as_json:
            print_json({"agency": agency, "uses": uses})
        else:
            say(f"[green]✓[/] {agency}: new {', '.join(uses)}; the directory is published.")
        return
    folder, ca, now = _authority(data, registry=False)
    known = [name for name, _, _ in service_keys.SERVICES]
    wanted = known if "all" in (service or ()) else list(dict.fromkeys(service or ()))
    done = []
    for name in wanted:
        issued = service_keys.renew_service(
            folder, name, ca=ca, now=now, hosts=tuple(hosts or ()), new_key=new_key
        )
        until = _ends(issued.certificate)
        done.append({"service": name, "serial": f"{issued.serial:x}", "until": until})
        if not as_json:
            say(f"[green]✓[/] {name}: valid until {until[:10]}, serial {issued.serial:x}")
    if as_json:
        print_json(done)
    elif set(wanted) - {"directory"}:
        note("  The hub takes it over when it is started again.")


def _ends(certificate: bytes) -> str:
    from cryptography import x509

    return x509.load_der_x509_certificate(certificate).not_valid_after_utc.isoformat()


def _authority(data: Path | None, *, registry: bool = True) -> tuple[Path, ProvinceCA, datetime]:
    from lienthong.cli.django import use_data_folder
    from lienthong.cli.publishing import passphrase
    from lienthong.core.clock import utc_now
    from lienthong.trust.ca import ProvinceCA

    folder = data_folder(data)
    if registry:
        use_data_folder(folder)
    return folder, ProvinceCA.open(folder / "pki", passphrase=passphrase(folder)), utc_now()


def _issued(ca: ProvinceCA, now: datetime) -> list[dict[str, Any]]:
    """What the ledgers of the issuing and the TLS authority say was issued, and what became of it."""
    rows = []
    for authority in (ca.issuing, ca.tls):
        revoked = authority.ledger.refresh().revoked
        for line in authority.ledger.path.read_bytes().splitlines():
            event = json.loads(line)
            if event["event"] != "issued":
                continue
            gone = revoked.get(int(event["serial"], 16))
            ended = datetime.fromisoformat(event["not_after"]) <= now
            state = f"revoked ({gone.reason})" if gone else "expired" if ended else "valid"
            rows.append(
                {
                    "serial": event["serial"],
                    "agency": event.get("organ", ""),
                    "subject": event["subject"],
                    "use": event["profile"],
                    "until": event["not_after"],
                    "state": state,
                    "fingerprint": event["fingerprint"],
                }
            )
    return rows


def _passphrase(*, needed: bool = True) -> bytes:
    given = os.environ.get("LIENTHONG_PASSPHRASE", "")
    if not given and needed:
        raise KeysUsage(
            "the passphrase for the key file is missing",
            place="LIENTHONG_PASSPHRASE",
            remedy="set this variable to the passphrase of your profile",
        )
    return given.encode()


def _token(module: Path, token: str) -> Any:
    from lienthong.exchange.client.profile import open_token

    if not token:
        raise KeysUsage("the token's label is missing", place="--token")
    return open_token(module, token, os.environ.get("LIENTHONG_PIN", ""))


def _label(label: str) -> str:
    if not label:
        raise KeysUsage("the key's label is missing", place="--label")
    return label


def _short(name: str) -> str:
    """At most 64 bytes: the bound of a common name. The CA writes the registry's name anyway."""
    return name.encode()[:64].decode(errors="ignore")
