"""``lienthong keys anchors`` and ``crl``: authorities beyond the province's own, and what they revoked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lienthong.cli.agency import DataOption, data_folder
from lienthong.cli.misuse import Misuse
from lienthong.cli.output import JsonOption, note, print_json, say, table

anchors = typer.Typer(
    no_args_is_help=True, help="Authorities outside the province whose certificates are trusted."
)
crl = typer.Typer(no_args_is_help=True, help="Lists of revoked certificates of those authorities.")

OWN = ("root.pem",)
"""The province's own anchors: without them nothing here holds."""


@anchors.command("add")
def add_anchor(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Certificates, PEM (one or several) or DER.")
    ],
    intermediate: Annotated[
        bool,
        typer.Option(
            "--intermediate", help="They are authorities below a root that is trusted already, not roots."
        ),
    ] = False,
    name: Annotated[str, typer.Option("--name", help="How to call its file; its own name by default.")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trust an authority outside the province, such as the Government's: its root, then those below it.

    Compare the fingerprint with one from another way (telephone, paper) before you trust it. Its lists of
    revoked certificates are needed too: `lienthong keys crl import`.
    """
    from lienthong.core.clock import utc_now
    from lienthong.trust.anchors import import_anchor, import_intermediate
    from lienthong.trust.keys import read_file

    pki = _pki(data)
    bring = import_intermediate if intermediate else import_anchor
    written = [path for file in files for path in bring(pki, read_file(file), now=utc_now(), name=name)]
    rows = [_facts(path, "intermediate" if intermediate else "anchor") for path in written]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        say(f"[green]✓[/] {row['subject']}, until {row['until'][:10]}")
        say(f"    SHA-256 {row['fingerprint']}")
    note("  A hub takes it over when it is started again. Clients elsewhere need their own copy of pki/.")


@anchors.command("list")
def list_anchors(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the authorities that are trusted: the province's own, those brought in, and those below them."""
    pki = _pki(data)
    rows = [_facts(path, "anchor") for path in sorted((pki / "anchors").glob("*.pem"))]
    rows += [_facts(path, "intermediate") for path in sorted((pki / "intermediates").glob("*.pem"))]
    if as_json:
        print_json(rows)
        return
    table(
        "",
        ("authority", "what", "until", "SHA-256", "file"),
        [
            (
                row["subject"],
                "the province's own" if row["own"] else row["what"],
                row["until"][:10],
                row["fingerprint"][:16] + "…",
                Path(row["file"]).name,
            )
            for row in rows
        ],
    )


@anchors.command("remove")
def remove_anchor(
    which: Annotated[
        str,
        typer.Argument(
            metavar="FINGERPRINT|FILE", help="As `list` shows it; 8 digits of the fingerprint are enough."
        ),
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trust an authority no longer: nothing it issued is accepted any more, not even for the past.

    To revoke one certificate alone, its authority's list says so (`lienthong keys crl import`).
    """
    pki = _pki(data)
    here = [
        *((path, "anchor") for path in sorted((pki / "anchors").glob("*.pem"))),
        *((path, "intermediate") for path in sorted((pki / "intermediates").glob("*.pem"))),
    ]
    found = [row for row in (_facts(path, what) for path, what in here) if _means(which, row)]
    if len(found) != 1:
        raise Misuse(
            f"{which!r} means {len(found) or 'none'} of the authorities here",
            place=str(pki),
            remedy="see `lienthong keys anchors list`",
            code="unknown-anchor",
        )
    [row] = found
    if row["own"]:
        raise Misuse(
            "this is the province's own root: without it nothing here could be verified",
            place=row["file"],
            remedy="to begin with another CA, make a new province",
            code="own-anchor",
        )
    Path(row["file"]).unlink()
    if as_json:
        print_json(row)
    else:
        say(f"[green]✓[/] {row['subject']} is trusted no longer.")
        note("  A hub takes it over when it is started again.")


@crl.command("import")
def import_list(
    sources: Annotated[
        list[str], typer.Argument(metavar="FILE|URL", help="Revocation lists, PEM or DER, or where they are.")
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring in an authority's list of revoked certificates, from a file or over HTTP; for a timer, too.

    It must be signed by an authority that is trusted here, and no older than what is here. A running hub
    reads lists that changed by itself.
    """
    from lienthong.trust.anchors import fetch_crl, import_crl
    from lienthong.trust.crl import MAX_CRL
    from lienthong.trust.keys import read_file

    pki = _pki(data)
    rows = []
    for source in sources:
        if source.startswith(("http://", "https://")):
            path = fetch_crl(pki, source)
        else:
            path = import_crl(pki, read_file(Path(source), limit=MAX_CRL))
        rows.append(_list_facts(path))
        if not as_json:
            say(
                f"[green]✓[/] {rows[-1]['issuer']}: {rows[-1]['revoked']} revoked, next by {rows[-1]['next']}"
            )
    if as_json:
        print_json(rows)


@crl.command("list")
def list_lists(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the revocation lists at hand, and until when each is current."""
    rows = [_list_facts(path) for path in sorted((_pki(data) / "crl").glob("*.crl"))]
    if as_json:
        print_json(rows)
    else:
        table(
            "",
            ("authority", "made", "next by", "revoked", "file"),
            [(r["issuer"], r["made"], r["next"], r["revoked"], Path(r["file"]).name) for r in rows],
        )


def _pki(data: Path | None) -> Path:
    folder = data_folder(data)
    if not (folder / "pki" / "anchors").is_dir():
        raise Misuse(
            "there is no trust store here",
            place=str(folder / "pki"),
            remedy="name a data folder with --data (lienthong init makes one)",
        )
    return folder / "pki"


def _facts(path: Path, what: str) -> dict[str, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    from lienthong.trust.keys import load_certificates
    from lienthong.trust.paths import parse

    found = parse(load_certificates(path)[0])
    certificate: x509.Certificate = found.x509
    return {
        "file": str(path),
        "what": what,
        "own": what == "anchor" and path.name in OWN,
        "subject": found.common_name,
        "until": certificate.not_valid_after_utc.isoformat(),
        "fingerprint": certificate.fingerprint(hashes.SHA256()).hex(),
    }


def _means(which: str, row: dict[str, Any]) -> bool:
    plain = which.replace(":", "").lower()
    if Path(row["file"]).name == Path(which).name:
        return True
    return len(plain) >= 8 and row["fingerprint"].startswith(plain)


def _list_facts(path: Path) -> dict[str, Any]:
    from lienthong.core.clock import VIETNAM
    from lienthong.trust.crl import MAX_CRL, parse
    from lienthong.trust.keys import read_file

    found = parse(read_file(path, limit=MAX_CRL), place=str(path))
    return {
        "file": str(path),
        "issuer": found.parsed.issuer.rfc4514_string(),
        "made": f"{found.this_update.astimezone(VIETNAM):%Y-%m-%d %H:%M}",
        "next": f"{found.next_update.astimezone(VIETNAM):%Y-%m-%d %H:%M}",
        "revoked": len(found.parsed),
    }
