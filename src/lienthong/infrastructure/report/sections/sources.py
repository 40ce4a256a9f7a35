"""Sources and units of built-in coefficients and prices in Vietnamese; what is not known stays."""

from __future__ import annotations

UNITS = {
    "share/year": "tỷ lệ/năm",
    "share/day": "tỷ lệ/ngày",
    "share": "tỷ lệ",
    "probability": "xác suất",
    "years": "năm",
    "days/year": "ngày/năm",
    "days": "ngày",
    "copies": "bản",
    "min/day": "phút/ngày",
    "min": "phút",
    "GB/year": "GB/năm",
    "1/h": "1/giờ",
    "1/day": "1/ngày",
    "1": "lần",
}

SOURCES = {
    "illustrative": "minh họa",
    "Illustrative band": "Khoảng minh họa",
    "Planning assumption": "Giả định quy hoạch",
    "life of site equipment": "tuổi thọ thiết bị tại điểm",
    "life of active equipment": "tuổi thọ thiết bị chủ động",
    "permanent records go to the archive": "hồ sơ vĩnh viễn chuyển về lưu trữ",
    "replace by the survey's waves": "thay bằng số liệu các đợt khảo sát",
    "replace by the measured index": "thay bằng số đo thực tế",
    "replace by the exchange's own counts": "thay bằng số đếm của trục liên thông",
    "the others are recorded at the site": "số còn lại ghi hình tại chỗ",
    "province-wide meetings call every room": "họp toàn tỉnh dùng mọi phòng họp",
    "delay grows fast beyond it": "vượt mức này độ trễ tăng nhanh",
    "TCP/IP, TLS and IPsec headers": "phần đầu gói TCP/IP, TLS và IPsec",
    "weekly for a month": "hằng tuần trong một tháng",
    "data centre and recovery site": "trung tâm dữ liệu và điểm dự phòng",
    "720p, ITU-T H.264": "720p, ITU-T H.264",
    "1080p, ITU-T H.264, with audio and slides": "1080p, ITU-T H.264, kèm tiếng và trang chiếu",
    "1080p, 25 frames a second, ITU-T H.265 to H.264": "1080p, 25 hình/giây, ITU-T H.265 đến H.264",
    "elastic traffic of many sites does not peak together": "lưu lượng nhiều điểm không cùng đỉnh",
    "drafts with tracked changes and the final": "các bản thảo có dấu sửa và bản chính",
    "sent, received, read again": "gửi, nhận, đọc lại",
    "Labour Code 2012: 52 weeks of five days, less ten public holidays": "Bộ luật Lao động 2012: 52 tuần năm "
    "ngày, trừ mười ngày lễ",
    "Cisco VNI 2016–2021: global IP traffic, 24 % a year": "Cisco VNI 2016–2021: lưu lượng IP toàn cầu tăng "
    "24 % mỗi năm",
    "ITU-T E.520: 1 % loss in the mean busy hour for automatic operation": "ITU-T E.520: mất 1 % trong giờ "
    "cao điểm trung bình khi khai thác tự động",
    "Busy hour as in ITU-T E.600; the share is a planning assumption (0.125 = flat over eight hours)": "Giờ "
    "cao điểm theo ITU-T E.600; tỷ lệ là giả định quy hoạch (0,125 = đều trong tám giờ)",
    "ITU-T G.711 in 20 ms packets with RTP/UDP/IPv4 headers; low: G.729; high: with Ethernet frames": "ITU-T "
    "G.711, gói 20 ms với RTP/UDP/IPv4; thấp: G.729; cao: kèm khung Ethernet",
}


def source_of(said: str, lang: str) -> str:
    """A source in the report's language; of "Planning assumption: …" both halves are looked up."""
    if lang == "en" or said in SOURCES:
        return said if lang == "en" else SOURCES[said]
    for mark in (": ", "; "):
        first, found, second = said.partition(mark)
        if found and first in SOURCES:
            return f"{SOURCES[first]}{mark}{SOURCES.get(second, second)}"
    return said


def unit_of(unit: str, lang: str) -> str:
    """A coefficient's unit in the report's language; a plain number has none in English."""
    if lang == "en":
        return "" if unit == "1" else unit
    return UNITS.get(unit, unit)
