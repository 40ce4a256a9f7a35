"""``lienthong agencies``: whom an agency can write to, looked up by name or code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.agency import AsOption, DataOption, client_of
from lienthong.cli.language import LanguageOption, Speech
from lienthong.cli.misuse import near
from lienthong.cli.output import JsonOption, print_json, say, table
from lienthong.core.identifiers import nearest_code

if TYPE_CHECKING:
    from lienthong.registry.directory import Directory


def agencies(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD", help="Words of the name or the code; marks do not matter."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many.")] = 50,
    agency: AsOption = "",
    data: DataOption = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look up agencies to write to, and the groups (`--to group:NAME`). What begins with a word comes first.

    They are those of the signed directory that the hub has in force.
    """
    from lienthong.core.clock import VIETNAM, utc_now
    from lienthong.registry.directory import BUILT_IN_GROUPS

    with client_of(agency, data) as client:
        book, own = client.directory(), client.profile.code
    found = book.search(" ".join(words or ()), utc_now().astimezone(VIETNAM).date(), limit=limit)
    groups = [f"group:{name}" for name in sorted({*BUILT_IN_GROUPS, *book.group_titles})]
    may = {one.code: not one.locked and one.code != own and book.may(own, "send", one.code) for one in found}
    if as_json:
        print_json(
            {
                "items": [
                    {"code": one.code, "name": one.name, "kind": one.kind, "may_send": may[one.code]}
                    for one in found
                ],
                "groups": groups,
            }
        )
        return
    tr = Speech(lang)
    if not found:
        say(tr("No agency is called so.", "Không có cơ quan nào tên như vậy."))
        return
    table(
        "",
        (tr("code", "mã"), tr("name", "tên"), tr("can be sent to", "gửi được")),
        [(one.code, one.name, tr("yes", "có") if may[one.code] else tr("no", "không")) for one in found],
    )
    if not words:
        say(f"{tr('Groups', 'Nhóm')}: {', '.join(groups)}")


def meant(book: Directory, given: str) -> str | None:
    """The code or group of a directory that was probably meant by one it does not know; codes with names."""
    from lienthong.registry.directory import BUILT_IN_GROUPS

    if given.startswith("group:"):
        return near(given, [f"group:{name}" for name in (*BUILT_IN_GROUPS, *book.group_titles)])
    names = {code: one.name for code, one in book.agencies.items()}
    names |= {alias.code: one.name for one in book.agencies.values() for alias in one.aliases}
    code = nearest_code(given, names)
    return f"{code} ({names[code]})" if code else None
