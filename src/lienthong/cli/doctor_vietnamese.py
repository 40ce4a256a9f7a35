"""What ``lienthong doctor`` finds, in Vietnamese, by the form of the English of ``server.diagnosis``."""

from __future__ import annotations

from lienthong.cli.vietnamese import in_vietnamese as detail_in_vietnamese
from lienthong.exchange.health_vietnamese import HEALTH, Form, in_vietnam_time, in_vietnamese

NAMES: dict[str, str] = {
    "python": "Python",
    "open files": "số tệp được mở",
    "configuration": "cấu hình",
    "folder": "thư mục dữ liệu",
    "secrets": "tệp bí mật",
    "passphrase": "mật khẩu mở khóa",
    "log key": "khóa nhật ký",
    "trust": "căn cứ tin cậy",
    "anchors": "chứng thư gốc",
    "revocation": "danh sách thu hồi",
    "services": "khóa của các dịch vụ",
    "key tls-server": "khóa máy chủ TLS",
    "key tsa": "khóa dịch vụ dấu thời gian (TSA)",
    "key ocsp": "khóa dịch vụ OCSP",
    "key directory": "khóa ký danh bạ",
    "directory": "danh bạ đang dùng",
    "registry": "cơ sở dữ liệu danh bạ",
    "network": "mạng",
    "TLS name": "tên trong chứng thư TLS",
    "profiles": "hồ sơ cơ quan",
    "store": "kho lưu văn bản",
    "timestamps": "dấu thời gian",
    "hub": "trục liên thông",
    "web": "trang web của trục",
}

_VERDICTS: tuple[Form, ...] = (
    (r"revoked", r"đã bị thu hồi"),
    (r"unknown", r"không rõ đã bị thu hồi hay chưa"),
    (r"expired", r"đã hết hạn"),
    (r"not-yet-valid", r"chưa có hiệu lực"),
    (r"untrusted", r"không đáng tin cậy"),
    (r"wrong-purpose", r"sai mục đích sử dụng"),
    (r"(revoked|unknown|expired|not-yet-valid|untrusted|wrong-purpose): (.+)", r"\1: \2"),
)

_FINDINGS: tuple[Form, ...] = (
    (r"(\d+) allowed", r"được mở \1 tệp"),
    (
        r"a process may hold (\d+) open; (\d+) are wanted for many connections",
        r"một tiến trình chỉ được mở \1 tệp; cần \2 khi có nhiều kết nối",
    ),
    (r"(.+) cannot be read and written by this user", r"người dùng này không đọc và ghi được \1"),
    (r"(.+) is writable, (\d+) MiB free", r"\1 ghi được, còn trống \2 MiB"),
    (
        r"others on this machine may read (.+) and (\d+) more",
        r"người khác trên máy này đọc được \1 và \2 tệp khác",
    ),
    (r"others on this machine may read (.+)", r"người khác trên máy này đọc được \1"),
    (r"(\d+) keys, readable by their owner alone", r"\1 khóa, chỉ chủ sở hữu đọc được"),
    (r"what opens the encrypted keys is not known", r"chưa biết mật khẩu mở các khóa đã mã hóa"),
    (r"it does not open the keys (.+)", r"mật khẩu không mở được các khóa \1"),
    (
        r"the key is that of (.+), \[hub\] origin is (.+)",
        r"đây là khóa của \1, trong khi [hub] origin là \2",
    ),
    (r"(\S+) is not the public half of (\S+)", r"\1 không phải khóa công khai của \2"),
    (r"(\d+) trusted, (\d+) CAs known", r"tin cậy \1 chứng thư gốc, biết \2 cơ quan chứng thực"),
    (r"(\S+) went stale at (.+)", r"\1 đã cũ từ \2"),
    (
        r"version (\d+), (\d+) agencies, until (.+); no agency has a seal, so nobody can send",
        r"phiên bản \1, \2 cơ quan, hiệu lực đến \3; chưa cơ quan nào có con dấu nên không ai gửi được",
    ),
    (r"version (\d+), (\d+) agencies, until (.+)", r"phiên bản \1, \2 cơ quan, hiệu lực đến \3"),
    (r"(\d+) agencies", r"\1 cơ quan"),
    (r"in PostgreSQL (\(.+\))", r"trong PostgreSQL \1"),
    (r"none here: another machine publishes the directory", r"không có ở đây: máy khác ban hành danh bạ"),
    (
        r"there is no (\S+), and the key that signs the directory is here; (.+)",
        r"không có \1, trong khi khóa ký danh bạ ở đây; \2",
    ),
    (
        r"there is no (\S+), and the key that signs the directory is here",
        r"không có \1, trong khi khóa ký danh bạ ở đây",
    ),
    (r"the published directory names (\d+) agencies", r"danh bạ đã ban hành có \1 cơ quan"),
    (r"(\S+) holds no agency; (.+)", r"\1 không có cơ quan nào; \2"),
    (
        r"(\S+) knows of version (\d+) of the directory, and (\d+) is published",
        r"\1 mới biết đến phiên bản \2 của danh bạ, trong khi đã ban hành phiên bản \3",
    ),
    (r"(.+) cannot be read: (.+)", r"không đọc được \1: \2"),
    (
        r"the exchange listens on (\S+) without TLS: tokens would travel in the clear",
        r"trục nghe tại \1 mà không có TLS: mã phiên làm việc sẽ truyền không mã hóa",
    ),
    (
        r"agencies sign requests for a name, and no name is configured",
        r"các cơ quan ký yêu cầu gửi đến một tên máy chủ, mà chưa cấu hình tên nào",
    ),
    (
        r"the certificate is for (.+), agencies call (\S+)",
        r"chứng thư cấp cho \1, các cơ quan lại gọi \2",
    ),
    (
        r"the agencies of this folder call (.+), the hub is (\S+)",
        r"các cơ quan trong thư mục này gọi \1, trong khi trục ở \2",
    ),
    (r"the agencies of this folder call (\S+)", r"các cơ quan trong thư mục này gọi \1"),
    (r"embedded, nothing accepted yet", r"lưu trong tệp, chưa nhận văn bản nào"),
    (
        r"embedded, (\d+) records?, (\d+) segments?, (\d+) MiB",
        r"lưu trong tệp: \1 bản ghi, \2 đoạn, \3 MiB",
    ),
    (r"embedded, (\d+) segments?, (\d+) MiB", r"lưu trong tệp: \1 đoạn, \2 MiB"),
    (
        r"the log was cut: its index has seen (\d+) records, up to offset (\d+) of segment (\d+), and the "
        r"segments end at offset (\d+) of segment (\d+)",
        r"nhật ký bị cắt: chỉ mục đã ghi nhận \1 bản ghi, đến vị trí \2 của đoạn \3, mà các đoạn dừng ở vị "
        r"trí \4 của đoạn \5",
    ),
    (r"PostgreSQL does not answer: (.+)", r"PostgreSQL không trả lời: \1"),
    (r"PostgreSQL (\d\S*.*)", r"PostgreSQL \1"),
    (r"built-in answers", r"dịch vụ cấp dấu thời gian có sẵn trả lời được"),
    (r"(\S+) answers", r"\1 trả lời được"),
    (r"something that is not a hub is at (\S+)", r"tại \1 có chương trình khác, không phải trục liên thông"),
    (
        r"something that is not the hub's web is at (\S+)",
        r"tại \1 có chương trình khác, không phải trang web của trục liên thông",
    ),
    (
        r"a hub's web is at (\S+), and the hub is not running",
        r"tại \1 có trang web của một trục liên thông, trong khi trục chưa chạy",
    ),
    (r"cannot listen on (\S+), port (\d+): (.+)", r"không mở được cổng \2 của \1: \3"),
    (r"not serving; (\S+) is free", r"chưa phục vụ; \1 còn trống"),
    (r"not serving; (\S+) is free: (.+)", r"chưa phục vụ; \1 còn trống: \2"),
    (r"serves at (\S+) and cannot accept now", r"phục vụ tại \1 nhưng hiện không nhận được văn bản"),
    (r"serves at (\S+)", r"phục vụ tại \1"),
)

_REMEDIES: tuple[Form, ...] = (
    (
        r"raise it: ulimit -n, or LimitNOFILE= of the service",
        r"tăng giới hạn: ulimit -n, hoặc LimitNOFILE= của dịch vụ",
    ),
    (r"chown -R the hub's user (.+)", r"giao lại cho người dùng chạy trục: chown -R NGƯỜI_DÙNG \1"),
    (r"make room, or give it a larger disk", r"dọn chỗ, hoặc chuyển sang ổ đĩa lớn hơn"),
    (r"chmod 600 .+", r"\g<0>"),
    (
        r"set LIENTHONG_PASSPHRASE, or put secrets/passphrase \(0600\) back from a backup; .+",
        r"đặt biến LIENTHONG_PASSPHRASE, hoặc khôi phục secrets/passphrase (quyền 0600) từ bản sao lưu; "
        r"thiếu mật khẩu thì chưa kiểm tra được các khóa và dấu thời gian",
    ),
    (
        r"set LIENTHONG_PASSPHRASE to the passphrase that `lienthong init` made, .+",
        r"đặt LIENTHONG_PASSPHRASE là mật khẩu do lienthong init tạo, hoặc bỏ biến này và khôi phục "
        r"secrets/passphrase từ bản sao lưu",
    ),
    (r"write (origin = .+) into lienthong.toml", r"ghi \1 vào lienthong.toml"),
    (r"write (\S+) into (.+)", r"ghi \1 vào \2"),
    (
        r"(lienthong init --data .+) publishes them anew; see (\S+)",
        r"chạy \1 để ban hành danh sách mới; xem \2",
    ),
    (
        r"restore (\S+) and (\S+), or move both away and run lienthong init again",
        r"khôi phục \1 và \2 từ bản sao lưu, hoặc chuyển cả hai đi nơi khác rồi chạy lại lienthong init",
    ),
    (
        r"lienthong init --agency CODE makes keys here; (\S+) tells the rest",
        r"lienthong init --agency MÃ tạo khóa ở đây; xem tiếp \1",
    ),
    (
        r"if another machine keeps the registry, take keys/directory.\* away from this one",
        r"nếu máy khác giữ danh bạ thì chuyển keys/directory.* khỏi máy này",
    ),
    (
        r"put (\S+) back from a backup, before anything is published",
        r"khôi phục \1 từ bản sao lưu, trước khi ban hành bất cứ gì",
    ),
    (
        r"an older registry was put back: put the newest one back, or enter again what is missing",
        r"đã khôi phục một bản cũ: khôi phục bản mới nhất, hoặc nhập lại phần còn thiếu",
    ),
    (
        r"set \[exchange\] tls = true, or listen on (\S+) behind a proxy that ends TLS",
        r"đặt [exchange] tls = true, hoặc chỉ nghe tại \1 sau một máy chủ ủy quyền kết thúc TLS",
    ),
    (r"set (\[exchange\] public_url = .+)", r"đặt \1"),
    (
        r"(lienthong init --data .+) writes its address into (.+)",
        r"chạy \1 để ghi địa chỉ của trục vào \2",
    ),
    (r"lienthong keys renew --service \S+ --host \S+ --data .+", r"cấp chứng thư mới: \g<0>"),
    (r"lienthong registry publish --data .+", r"ban hành lại danh bạ: \g<0>"),
    (r"check \[store\] dsn and the server", r"kiểm tra [store] dsn và máy chủ cơ sở dữ liệu"),
    (
        r"restore the segments from a backup \(lienthong restore\); if an older backup was put back on "
        r"purpose, remove (.+)",
        r"khôi phục các đoạn từ bản sao lưu (lienthong restore); nếu cố ý khôi phục bản cũ hơn thì xóa \1",
    ),
    (
        r"see which it is \((.+?)\) and stop it, or write another port into (.+)",
        r"xem đó là chương trình nào (\1) và dừng nó, hoặc đặt số cổng khác ở \2",
    ),
)

_FORMS: tuple[Form, ...] = (*_FINDINGS, *_REMEDIES, *_VERDICTS, *HEALTH)


def name(english: str) -> str:
    """The name of a check; its own word where there is none."""
    if english.startswith("hub: "):
        from lienthong.web.words import CHECKS

        check = english.removeprefix("hub: ")
        return f"trục liên thông: {CHECKS.get(check, check)}"
    return NAMES.get(english, english)


def told(english: str) -> str:
    """A finding or a remedy, its times as Vietnam's; a reason without a known form stays English."""
    words = in_vietnamese(english, _FORMS)
    if words is None:
        place, colon, reason = english.partition(": ")
        known = (in_vietnamese(reason, _FORMS) or detail_in_vietnamese(reason)) if colon else reason
        words = f"{place}: {known}" if colon else detail_in_vietnamese(english)
    return in_vietnam_time(words, vietnamese=True)
