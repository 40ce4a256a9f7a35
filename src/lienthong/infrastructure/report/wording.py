"""The words of maps and charts in Vietnamese and English, and how numbers and money are written in each."""

from __future__ import annotations

LANGUAGES = ("vi", "en")

MAP = {
    "vi": {
        "state title": "Hiện trạng: đường giao thông, cáp quang và điểm đã kết nối",
        "design title": "Phương án thiết kế mạng truyền dẫn",
        "years title": "Tiến độ xây dựng theo năm",
        "radio title": "Vùng phủ sóng di động ({band})",
        "north": "B",
        "existing": "Cáp quang hiện có",
        "used": "Cáp quang hiện có được dùng lại",
        "existing unused": "Cáp quang hiện có, không dùng",
        "new": "Cáp quang xây mới",
        "ring": "Đoạn khép vòng dự phòng",
        "microwave": "Vi ba điểm – điểm",
        "built": "Xây dựng năm {year}",
        "later": "Sau giai đoạn kế hoạch",
        "already": "Điểm đã kết nối trước kế hoạch",
        "national": "Quốc lộ",
        "provincial": "Đường tỉnh",
        "commune": "UBND xã, phường, thị trấn",
        "agency": "Cơ quan, đơn vị",
        "node": "Nút mạng hiện có",
        "core": "Trung tâm dữ liệu của tỉnh",
        "commune connected": "Xã, phường, thị trấn đã có cáp quang",
        "commune missing": "Xã, phường, thị trấn chưa có cáp quang",
        "agency connected": "Cơ quan, đơn vị đã có cáp quang",
        "agency missing": "Cơ quan, đơn vị chưa có cáp quang",
        "mast": "Trạm thu phát sóng hiện có",
        "new mast": "Trạm thu phát sóng xây mới",
        "reached": "Đã phủ sóng",
        "gained": "Được phủ sóng thêm nhờ trạm mới",
        "not reached": "Chưa phủ sóng",
    },
    "en": {
        "state title": "Today: roads, fibre in the ground and offices connected",
        "design title": "The transmission network as designed",
        "years title": "Construction by year",
        "radio title": "Mobile coverage ({band})",
        "north": "N",
        "existing": "Existing fibre",
        "used": "Existing fibre put to use",
        "existing unused": "Existing fibre, not used",
        "new": "New fibre",
        "ring": "Section that closes a ring",
        "microwave": "Point-to-point microwave",
        "built": "Built in {year}",
        "later": "After the plan's years",
        "already": "Connected before the plan",
        "national": "National road",
        "provincial": "Provincial road",
        "commune": "People's committee of a commune or ward",
        "agency": "Agency",
        "node": "Existing network node",
        "core": "Provincial data centre",
        "commune connected": "Commune with fibre today",
        "commune missing": "Commune without fibre",
        "agency connected": "Agency with fibre today",
        "agency missing": "Agency without fibre",
        "mast": "Existing mast",
        "new mast": "New mast",
        "reached": "Covered today",
        "gained": "Covered thanks to new masts",
        "not reached": "Not covered",
    },
}


def number(value: float, lang: str, places: int = 0) -> str:
    """1.234,5 in Vietnamese, 1,234.5 in English."""
    written = f"{value:,.{places}f}"
    return written.translate(str.maketrans(",.", ".,")) if lang == "vi" else written


def percent(share: float, lang: str, places: int = 1) -> str:
    """A share of one as a percentage."""
    return f"{number(100 * share, lang, places)}{' ' if lang == 'vi' else ''}%".replace(" %", "%")


def money(vnd: float, lang: str) -> str:
    """VND in the unit people speak in: tỷ or triệu đồng; billion or million VND."""
    size = abs(vnd)
    if size >= 1e9:
        places = 2 if size < 10e9 else 1
        return f"{number(vnd / 1e9, lang, places)} {'tỷ đồng' if lang == 'vi' else 'billion VND'}"
    if size >= 1e6:
        return f"{number(vnd / 1e6, lang, 1)} {'triệu đồng' if lang == 'vi' else 'million VND'}"
    return f"{number(vnd, lang)} {'đồng' if lang == 'vi' else 'VND'}"


def billions(vnd: float, lang: str, places: int = 2) -> str:
    """For tables whose heading names the unit, tỷ đồng or billion VND."""
    return number(vnd / 1e9, lang, places)


def millions(vnd: float, lang: str, places: int = 1) -> str:
    """For tables whose heading names the unit, triệu đồng or million VND."""
    return number(vnd / 1e6, lang, places)
