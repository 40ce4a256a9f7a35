"""``lienthong infrastructure capacity``: the rate of every link, and storage by year."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lienthong.cli.output import JsonOption, note, print_json, say, table

if TYPE_CHECKING:
    from lienthong.infrastructure.capacity.coefficients import Coefficients
    from lienthong.infrastructure.capacity.tornado import Tornado

WORDS = {
    "vi": {
        "links": "Tốc độ đường truyền của {} điểm, năm thứ {:g}",
        "trunk": "Dồn về một đường trục: cần {} Mbit/s, chọn {} Mbit/s",
        "storage": "Lưu trữ theo năm, TB",
        "units": "Mbit/s trong giờ cao điểm; dữ liệu: 1 TB = 10¹² byte",
        "tornado": "Ảnh hưởng của từng hệ số: {}",
        "of_storage": "lưu trữ năm cuối, TB",
        "of_rate": "tổng tốc độ các điểm, Mbit/s",
        "written": "đã ghi: {}",
    },
    "en": {
        "links": "Rates of the links of {} sites, year {:g}",
        "trunk": "all on one trunk: {} Mbit/s needed, {} Mbit/s",
        "storage": "Storage by year, TB",
        "units": "Mbit/s in the busy hour; 1 TB = 10¹² bytes",
        "tornado": "What each coefficient does: {}",
        "of_storage": "storage in the last year, TB",
        "of_rate": "sum of the sites' needs, Mbit/s",
        "written": "written: {}",
    },
}
COLUMNS = {
    "vi": {
        "links": ("Mã", "Tên", "Văn bản", "Web", "Họp", "Camera", "Thoại", "Cần", "Chọn"),
        "storage": ("Năm", "Dữ liệu", "Có dự phòng", "Các bản sao", "Sao lưu", "Tổng"),
        "tornado": ("Hệ số", "Từ … đến", "Kết quả ở mức thấp", "Kết quả ở mức cao"),
    },
    "en": {
        "links": ("code", "name", "documents", "web", "meetings", "cameras", "voice", "needed", "rate"),
        "storage": ("year", "data", "with headroom", "all copies", "backup", "total"),
        "tornado": ("coefficient", "from … to", "result at low", "result at high"),
    },
}


def capacity(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.csv", help="code, users, seats; name, cameras, rooms.")
    ] = None,
    given: Annotated[
        Path | None, typer.Option("--coefficients", help="Your coefficients, TOML or CSV.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One coefficient; repeatable.")
    ] = None,
    first: Annotated[int, typer.Option("--from", metavar="YEAR", help="The first year of use.")] = 2017,
    years: Annotated[int, typer.Option("--years", min=1, max=50, help="How many years of storage.")] = 5,
    existing: Annotated[
        float, typer.Option("--existing", min=0, metavar="GB", help="Data there already.")
    ] = 0.0,
    sensitivity: Annotated[
        Literal["storage", "rate"] | None,
        typer.Option("--tornado", help="What each coefficient does to storage or to the rates."),
    ] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw the tornado chart here.")] = None,
    save: Annotated[
        Path | None, typer.Option("--save-coefficients", help="Write all coefficients, TOML or CSV, to edit.")
    ] = None,
    lang: Annotated[Literal["vi", "en"], typer.Option("--lang", help="Language of the tables.")] = "vi",
    as_json: JsonOption = False,
) -> None:
    """Size links by the busy hour, channels by Erlang B, and storage by year."""
    from lienthong.infrastructure.capacity.coefficients import Coefficients
    from lienthong.infrastructure.capacity.errors import BadCapacityData
    from lienthong.infrastructure.capacity.links import size_links, size_trunk
    from lienthong.infrastructure.capacity.load_files import read_loads
    from lienthong.infrastructure.capacity.storage import storage_by_year
    from lienthong.infrastructure.capacity.tornado import figure, tornado, tornado_svg

    words, columns = WORDS[lang], COLUMNS[lang]
    coefficients = _assigned(
        Coefficients.default() if given is None else Coefficients.load(given), assignments
    )
    if save is not None:
        coefficients.save(save)
        note(words["written"].format(save))
    if file is None:
        if save is None:
            raise BadCapacityData(
                "no file of sites is named", place="FILE.csv", remedy="give one, or --save-coefficients"
            )
        if as_json:
            print_json({"coefficients": [asdict(each) for each in coefficients.values()]})
        return
    sites = read_loads(file)
    users = sum(site.users for site in sites)
    cameras = sum(site.cameras for site in sites)
    calendar = range(first, first + years)
    links = size_links(sites, coefficients)
    trunk = size_trunk("all", links, coefficients)
    storage = storage_by_year(users, coefficients, calendar, cameras=cameras, existing_gb=existing)

    def outcome(changed: Coefficients) -> float:
        if sensitivity == "rate":
            return sum(link.needed for link in size_links(sites, changed))
        last = storage_by_year(users, changed, calendar, cameras=cameras, existing_gb=existing)[-1]
        return last.total / 1000

    found = tornado(coefficients, outcome) if sensitivity or svg else None
    title = words[f"of_{sensitivity or 'storage'}"]
    if svg is not None and found is not None:
        svg.write_text(tornado_svg(found, title=title, lang=lang), "utf-8")
    if as_json:
        print_json(
            {
                "links": [{**asdict(link), "utilisation": round(link.utilisation, 4)} for link in links],
                "trunk": asdict(trunk),
                "storage": [
                    {**asdict(each), "primary": each.primary, "total": each.total} for each in storage
                ],
                "tornado": None if found is None else asdict(found),
                "chart": None if svg is None else str(svg),
            }
        )
        return
    names = {site.code: site.name for site in sites}
    table(
        words["links"].format(len(sites), coefficients.value("design_years")),
        columns["links"],
        [
            (
                link.code,
                names[link.code],
                *(figure(mbps, lang, 1) for mbps in (
                    link.documents, link.web, link.meetings + link.rooms, link.cameras, link.voice,
                    link.needed,
                )),
                link.rate,
            )
            for link in links
        ],
    )  # fmt: skip
    say(words["trunk"].format(figure(trunk.needed, lang, 0), figure(trunk.rate, lang, 0)))
    table(
        words["storage"],
        columns["storage"],
        [
            (
                each.year,
                *(figure(gb / 1000, lang, 1) for gb in (
                    each.primary, each.provisioned, each.replicated, each.backup, each.total
                )),
            )
            for each in storage
        ],
    )  # fmt: skip
    note(words["units"])
    if found is not None:
        _show_tornado(found, title, lang)
    if svg is not None:
        say(words["written"].format(svg))


def _show_tornado(found: Tornado, title: str, lang: str) -> None:
    from lienthong.infrastructure.capacity.tornado import band, figure

    table(
        WORDS[lang]["tornado"].format(title),
        COLUMNS[lang]["tornado"],
        [
            (
                bar.name(lang),
                band(bar, lang),
                *(figure(end, lang, 1) for end in (bar.low_outcome, bar.high_outcome)),
            )
            for bar in found.bars
        ],
    )  # fmt: skip


def _assigned(coefficients: Coefficients, assignments: list[str] | None) -> Coefficients:
    from lienthong.infrastructure.capacity.errors import BadCoefficients

    for text in assignments or []:
        key, equals, number = text.partition("=")
        try:
            if not equals:
                raise ValueError
            coefficients = coefficients.with_(key.strip(), float(number))
        except ValueError:
            raise BadCoefficients(
                f"{text!r} sets nothing", place="--set", remedy="write KEY=VALUE, as --set web_mbps=0.8"
            ) from None
    return coefficients
