"""``--help`` in Vietnamese, by the English text: the commands of clerks, of checking, and of running a hub.

What has no entry is shown in English. English stays the language of the reference page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PANELS: dict[str, str] = {
    "Documents": "Văn bản",
    "Checking": "Kiểm tra",
    "Planning the network": "Quy hoạch mạng",
    "Running a province": "Vận hành một tỉnh",
}

COMMANDS: dict[str, str] = {
    "demo": "Cả một tỉnh cùng làm việc trên máy này.",
    "init": "Tạo một tỉnh: CA, danh bạ, khóa, cấu hình, hồ sơ cơ quan.",
    "serve": "Phục vụ một thư mục dữ liệu: trao đổi văn bản và trang theo dõi.",
    "registry": "Các cơ quan, mã, con dấu và quyền của cơ quan.",
    "keys": "Khóa và chứng thư: tạo, cấp, gia hạn, thu hồi, tin cậy.",
    "doctor": "Cho biết mọi thứ có ổn không, và cần làm gì nếu không.",
    "backup": "Sao lưu nhất quán thư mục dữ liệu, cả khi đang phục vụ.",
    "restore": "Khôi phục bản sao lưu vào thư mục dữ liệu mới và kiểm tra.",
    "send": "Đóng dấu các tệp thành văn bản và gửi đi.",
    "inbox": "Liệt kê văn bản đến.",
    "fetch": "Lấy về, kiểm tra và lưu văn bản đến.",
    "report": "Báo trạng thái (01 … 06, 15, 16) của văn bản đã nhận.",
    "recall": "Đề nghị thu hồi văn bản đã gửi.",
    "trace": "Xem toàn bộ quá trình của văn bản: ai làm gì, lúc nào.",
    "agencies": "Tra cứu nơi có thể gửi đến.",
    "outbox": "Hàng chờ gửi và các biên nhận.",
    "verify": "Kiểm tra ngoại tuyến gói văn bản, biên nhận, bằng chứng, nhật ký.",
    "log": "Nhật ký minh bạch: bản chốt, bằng chứng, bên làm chứng, lưu trữ.",
    "edxml": "Kiểm tra và hiển thị thông điệp edXML.",
    "infrastructure": "Quy hoạch mạng: cây cáp quang với cận đã chứng minh.",
}
"""What the list of commands says."""

_TEXTS: tuple[tuple[str, str], ...] = (
    (
        "Liên Thông: the official channel of a province, from the command line.",
        "Liên Thông: kênh trao đổi văn bản chính thức của một tỉnh, từ dòng lệnh.",
    ),
    ("Show the version.", "Hiển thị phiên bản."),
    ("Show this message and exit.", "Hiển thị hướng dẫn này."),
    ("Install completion for the current shell.", "Cài gợi ý lệnh cho shell đang dùng."),
    (
        "Show completion for the current shell, to copy it or customize the installation.",
        "Hiển thị mã gợi ý lệnh của shell đang dùng, để sao chép hoặc tự cài.",
    ),
    # send
    (
        "Seal files as a document and send it. It is kept until the hub's receipt is verified. Exits "
        "0 when the receipt is here, 3 when the hub could not be reached (the message waits in the "
        "outbox: `lienthong outbox deliver`), 1 when the hub refused it.",
        "Đóng dấu các tệp thành văn bản và gửi đi. Văn bản được giữ đến khi kiểm tra xong biên nhận "
        "của trục.\n\n"
        "Mã kết thúc: 0 khi đã có biên nhận; 3 khi không kết nối được với trục (văn bản nằm trong "
        "hàng chờ: `lienthong outbox deliver`); 1 khi bị trục từ chối.",
    ),
    ("The files of the document.", "Các tệp của văn bản."),
    (
        "A recipient: code, alias or group:NAME. Repeat it.",
        "Nơi nhận: mã, bí danh hoặc group:TÊN. Lặp lại được.",
    ),
    ("The abstract (trích yếu).", "Trích yếu."),
    ("The document's number.", "Số văn bản."),
    ("Its notation, such as CT-UBND.", "Ký hiệu, ví dụ CT-UBND."),
    ("Date of the document (today).", "Ngày văn bản (mặc định: hôm nay)."),
    ("Its type.", "Loại văn bản."),
    ("Place of issue.", "Nơi ban hành."),
    ("0 normal … 3 hỏa tốc, 4 hỏa tốc hẹn giờ.", "Độ khẩn: 0 thường … 3 hỏa tốc, 4 hỏa tốc hẹn giờ."),
    ("When an answer is due.", "Hạn trả lời."),
    ("The received document it answers.", "Văn bản đến mà văn bản này trả lời."),
    ("The sent document it updates.", "Văn bản đã gửi được cập nhật."),
    ("The sent document it replaces.", "Văn bản đã gửi được thay thế."),
    ("Why it is updated or replaced.", "Lý do cập nhật hoặc thay thế."),
    (
        "Take metadata and embedded files from an edXML message instead.",
        "Lấy thông tin và các tệp kèm theo từ một thông điệp edXML.",
    ),
    ("Encrypt the files end to end to the recipients.", "Mã hóa đầu cuối các tệp cho nơi nhận."),
    (
        "First sign each PDF with the agency's seal (PAdES).",
        "Trước hết ký số từng tệp PDF bằng con dấu của cơ quan (PAdES).",
    ),
    (
        "Your id for this message; sending it again changes nothing.",
        "Mã do bạn đặt cho thông điệp; gửi lại cùng mã không thay đổi gì.",
    ),
    # options of many commands
    ("Who acts, for the trace.", "Người xử lý, để ghi vào diễn biến."),
    (
        "The agency that acts: its profile's folder, or its code in the data folder.",
        "Cơ quan thực hiện: thư mục hồ sơ, hoặc mã cơ quan trong thư mục dữ liệu.",
    ),
    ("The data folder (default: ./var/demo).", "Thư mục dữ liệu (mặc định: ./var/demo)."),
    ("The data folder.", "Thư mục dữ liệu."),
    ("The data folder (see `lienthong init`).", "Thư mục dữ liệu (xem `lienthong init`)."),
    ("The new data folder.", "Thư mục dữ liệu mới."),
    (
        "The language of what is said (default: the terminal's).",
        "Ngôn ngữ hiển thị (mặc định: của thiết bị đầu cuối).",
    ),
    ("Print JSON for scripts.", "In JSON cho chương trình khác dùng."),
    ("At most so many.", "Nhiều nhất bấy nhiêu."),
    ("At most so many lines.", "Nhiều nhất bấy nhiêu dòng."),
    ("At most so many, newest first.", "Nhiều nhất bấy nhiêu, mới nhất trước."),
    # inbox, fetch, report, recall
    (
        "List what has arrived: what is not acknowledged yet, hỏa tốc first.",
        "Liệt kê văn bản đến chưa xác nhận, hỏa tốc trước.",
    ),
    (
        "Also what was acknowledged, in the order of arrival.",
        "Cả những văn bản đã xác nhận, theo thứ tự đến.",
    ),
    ("Only beyond this index.", "Chỉ những văn bản sau số nhật ký này."),
    ("Wait for something to come.", "Đợi văn bản đến."),
    (
        "Fetch records, verify seal, contents, receipt and log proof, keep them, then acknowledge "
        "them. What does not hold is put aside in the profile's inbox/rejected and is not "
        "acknowledged. What holds but cannot be unpacked stays in the profile's inbox. Either is "
        "told at the end, exit code 1, after the others.",
        "Lấy văn bản về, kiểm tra con dấu, nội dung, biên nhận và bằng chứng nhật ký, lưu lại rồi "
        "xác nhận.\n\n"
        "Văn bản không đạt được để riêng trong inbox/rejected của hồ sơ và không xác nhận. Văn bản "
        "đạt nhưng không mở gói được vẫn nằm trong inbox. Cả hai được báo ở cuối, mã kết thúc 1, sau "
        "các văn bản khác.",
    ),
    ("Indexes, as `lienthong inbox` lists them.", "Các số nhật ký, như `lienthong inbox` liệt kê."),
    ("Everything that is waiting.", "Mọi văn bản đang chờ."),
    ("Also write the files, unsealed, into DIR/INDEX/.", "Ghi cả các tệp, đã giải mã, vào DIR/SỐ_NHẬT_KÝ/."),
    ("Tell the hub that they are safely here.", "Xác nhận với trục rằng đã nhận an toàn."),
    ("Report status 01 on each new document.", "Báo trạng thái 01 cho từng văn bản mới."),
    (
        "Report a status on a received document; it travels back signed, with a receipt of its own.",
        "Báo trạng thái của văn bản đã nhận; trạng thái được ký, gửi về nơi gửi và có biên nhận riêng.",
    ),
    (
        "The index of the received document, fetched before.",
        "Số nhật ký của văn bản đã nhận và đã lấy về.",
    ),
    (
        "01 arrived, 02 refused, 03 entered, 04 assigned, 05 being handled, 06 completed, 15 agrees "
        "to a recall or update, 16 refuses it. 3 is 03.",
        "01 đã đến, 02 từ chối, 03 đã vào sổ, 04 đã phân công, 05 đang xử lý, 06 đã hoàn thành, 15 "
        "đồng ý thu hồi hoặc cập nhật, 16 từ chối thu hồi hoặc cập nhật. 3 là 03.",
    ),
    ("Why; 02 and 16 need one.", "Lý do; bắt buộc với 02 và 16."),
    (
        "Ask every recipient to give a document back. Each one agrees (15) or refuses (16); until "
        "then it keeps its copy. `lienthong trace` shows who answered what.",
        "Đề nghị mọi nơi nhận trả lại văn bản. Từng nơi đồng ý (15) hoặc từ chối (16); trước đó nơi "
        "nhận vẫn giữ bản của mình. Xem ai đã trả lời thế nào: `lienthong trace`.",
    ),
    ("The sent document's index in the log.", "Số nhật ký của văn bản đã gửi."),
    ("Why it is taken back.", "Lý do thu hồi."),
    # trace, agencies
    (
        "Show where a document stands with each recipient, and every message about it since.",
        "Xem văn bản đang ở trạng thái nào với từng nơi nhận, và mọi thông điệp về văn bản từ khi gửi.",
    ),
    (
        "Its index in the log, or the message id you gave it.",
        "Số nhật ký, hoặc mã thông điệp bạn đã đặt.",
    ),
    ("Every message about it, one line each.", "Mọi thông điệp về văn bản, mỗi thông điệp một dòng."),
    (
        "Also when the sender's system took each status.",
        "Cả lúc hệ thống bên gửi lấy từng trạng thái.",
    ),
    (
        "Look up agencies to write to, and the groups (`--to group:NAME`). What begins with a word "
        "comes first. They are those of the signed directory that the hub has in force.",
        "Tra cứu cơ quan để gửi văn bản, và các nhóm (`--to group:TÊN`). Tên bắt đầu bằng từ cần tìm "
        "đứng trước.\n\n"
        "Lấy từ danh bạ đã ký mà trục đang dùng.",
    ),
    (
        "Words of the name or the code; marks do not matter.",
        "Từ trong tên hoặc mã cơ quan; không cần gõ dấu.",
    ),
    # outbox
    (
        "What is waiting to be sent, and the receipts of what was sent.",
        "Hàng chờ gửi, và biên nhận của những gì đã gửi.",
    ),
    ("List messages, newest first.", "Liệt kê các thông điệp, mới nhất trước."),
    ("Only queued, sent or refused.", "Chỉ queued (đang chờ), sent (đã gửi) hoặc refused (bị từ chối)."),
    (
        "Try to deliver everything that is waiting. Exits 0 when nothing waits any more, else 3.",
        "Thử gửi mọi thông điệp đang chờ. Mã kết thúc 0 khi không còn gì chờ, nếu không thì 3.",
    ),
    ("Keep trying so long, with growing pauses.", "Thử lại trong khoảng thời gian này, thưa dần."),
    ("Try a refused message again, as it is.", "Gửi lại nguyên vẹn một thông điệp bị từ chối."),
    ("The message's id.", "Mã thông điệp."),
    (
        "Print the receipt of a sent message: JSON that `lienthong verify` checks without us.",
        "In biên nhận của thông điệp đã gửi: JSON mà `lienthong verify` kiểm tra được độc lập.",
    ),
    ("Write it there instead.", "Ghi vào tệp này."),
    (
        "Copy the sealed container of a message, as it was or will be sent.",
        "Sao chép gói văn bản đã đóng dấu, đúng như đã gửi hoặc sẽ gửi.",
    ),
    ("Where to write it.", "Nơi ghi tệp."),
    # verify
    (
        "Check a container, receipt, proof, checkpoint or whole log, offline, and say in plain words "
        "what was checked and what was not. Files given together are checked in the light of each "
        "other: a receipt proves when its container existed. Whom to believe comes from --data or "
        "--as (default: ./var/demo) or from --log-key and --ca, never from the files. Exits 0 when "
        "all of them hold: every check that decides is good. What is marked – is told and does not "
        "decide, such as when a container was sealed, which only its receipt proves. Exits 1 when "
        "one does not hold, or when something that decides could not be checked (NOT PROVEN).",
        "Kiểm tra ngoại tuyến gói văn bản, biên nhận, bằng chứng, bản chốt hoặc toàn bộ nhật ký, và "
        "nói rõ đã kiểm tra gì, chưa kiểm tra gì.\n\n"
        "Các tệp đưa cùng nhau được đối chiếu với nhau: biên nhận chứng minh gói văn bản đã có từ "
        "lúc nào. Căn cứ tin cậy lấy từ --data hoặc --as (mặc định: ./var/demo), hoặc từ --log-key "
        "và --ca, không bao giờ từ chính các tệp. Mã kết thúc 0 khi tất cả đều đúng: mọi kiểm tra "
        "quyết định đều đạt. Mục đánh dấu – chỉ để biết, không quyết định, như thời điểm ký, vốn chỉ "
        "biên nhận mới chứng minh. Mã kết thúc 1 khi có mục không đạt, hoặc có điều quyết định chưa "
        "kiểm tra được (CHƯA ĐỦ CĂN CỨ).",
    ),
    (
        "Containers, receipts, proofs, checkpoints, PDFs, or a log's folder.",
        "Gói văn bản, biên nhận, bằng chứng, bản chốt, tệp PDF, hoặc thư mục nhật ký.",
    ),
    ("A log's public key to believe. Repeat it.", "Khóa công khai của nhật ký cần tin. Lặp lại được."),
    ("A witness's public key. Repeat it.", "Khóa công khai của bên làm chứng. Lặp lại được."),
    ("How many of the witnesses must have cosigned.", "Bao nhiêu bên làm chứng phải cùng ký."),
    ("Logs, witnesses, quorum (C2SP tlog-policy).", "Nhật ký, bên làm chứng, túc số (C2SP tlog-policy)."),
    (
        "Authorities to trust, PEM, the root among them. Repeat it.",
        "Chứng thư của cơ quan chứng thực đáng tin (PEM), trong đó có chứng thư gốc. Lặp lại được.",
    ),
    ("A revocation list for --ca. Repeat it.", "Danh sách thu hồi cho --ca. Lặp lại được."),
    ("The signed directory of agencies.", "Danh bạ cơ quan đã ký."),
    ("Hash the containers of a whole log too.", "Tính cả mã băm các gói văn bản trong nhật ký."),
    # init, serve, doctor, backup, restore, demo
    (
        "Create a province: CA, registry, service keys, configuration, signed directory, agency "
        "profiles. Safe to run again: what is there stays as it is, what is missing or due (CRLs, "
        "directory) is made.",
        "Tạo một tỉnh: CA, danh bạ, khóa dịch vụ, cấu hình, danh bạ đã ký, hồ sơ cơ quan.\n\n"
        "Chạy lại không hại gì: cái đã có giữ nguyên, cái còn thiếu hoặc đến hạn (CRL, danh bạ) được tạo.",
    ),
    ("The province's name.", "Tên tỉnh."),
    (
        "Built-in agencies to begin with, such as vinhlong-2017; '' for none.",
        "Danh sách cơ quan có sẵn để bắt đầu, ví dụ vinhlong-2017; '' là không dùng.",
    ),
    (
        "Make keys and a profile for these (group:all too). Repeat it.",
        "Tạo khóa và hồ sơ cho các cơ quan này (cả group:all). Lặp lại được.",
    ),
    (
        "The log's name for ever, such as hub.tinh.example.",
        "Tên của nhật ký, không đổi về sau, ví dụ hub.tinh.example.",
    ),
    (
        "Name or address in the hub's TLS certificate. Repeat it.",
        "Tên hoặc địa chỉ trong chứng thư TLS của trục. Lặp lại được.",
    ),
    ("The exchange's port.", "Cổng trao đổi văn bản."),
    ("The web's port.", "Cổng trang theo dõi."),
    ("TLS at the hub, or at a proxy before it.", "TLS ở trục, hoặc ở máy chủ ủy quyền đứng trước."),
    (
        "Serve until Ctrl+C or SIGTERM: the exchange, and the web beside it. What falls is started "
        "again. Requests under way are answered before the end; whatever has a receipt is on the "
        "disk.",
        "Phục vụ đến khi Ctrl+C hoặc SIGTERM: trao đổi văn bản, và trang theo dõi. Phần nào ngừng sẽ "
        "được khởi động lại.\n\n"
        "Các yêu cầu đang xử lý được trả lời trước khi dừng; mọi thứ đã có biên nhận đều nằm trên "
        "đĩa.",
    ),
    (
        "Serve this one alone, in this process, without a supervisor.",
        "Chỉ phục vụ phần này, ngay trong tiến trình này, không có giám sát.",
    ),
    (
        "Written when everything listens: addresses and processes.",
        "Được ghi khi mọi phần đã sẵn sàng: địa chỉ và tiến trình.",
    ),
    (
        "Publish revocation lists and directory anew before they run out, if their keys are here.",
        "Ban hành lại danh sách thu hồi và danh bạ trước khi hết hạn, nếu khóa ở đây.",
    ),
    (
        "Look at a data folder and this machine, change nothing, and name the remedy of whatever is "
        "wrong. Ends with 0 when the folder can be served (warnings included), with 1 when it "
        "cannot.",
        "Xem xét thư mục dữ liệu và máy này, không thay đổi gì, và nêu cách khắc phục những gì chưa ổn.\n\n"
        "Mã kết thúc 0 khi thư mục phục vụ được (kể cả có cảnh báo), 1 khi không.",
    ),
    (
        "Also list what is well; otherwise it is only counted.",
        "Liệt kê cả những mục đạt; nếu không thì chỉ đếm.",
    ),
    (
        "Copy a data folder while it serves: the log and its containers, the registry, the CA, all "
        "keys, every agency's outbox and inbox. The copy holds every receipt that was given before "
        "it began. It also holds the keys and what opens them: keep it as safe as the data folder "
        "itself.",
        "Sao lưu thư mục dữ liệu trong khi phục vụ: nhật ký và các gói văn bản, danh bạ, CA, mọi "
        "khóa, văn bản đi và đến của từng cơ quan.\n\n"
        "Bản sao có mọi biên nhận đã cấp trước khi bắt đầu. Bản sao cũng có các khóa và mật khẩu mở "
        "khóa: giữ an toàn như chính thư mục dữ liệu.",
    ),
    ("Where to: a new folder, or an earlier backup.", "Nơi sao lưu: thư mục mới, hoặc bản sao lưu trước."),
    (
        "Put a backup into a new data folder and prove that nothing is missing: every file has its "
        "digest, every record of the log its hash, every container its digest, and the log its "
        "signed root.",
        "Khôi phục bản sao lưu vào thư mục dữ liệu mới và chứng minh không thiếu gì: mọi tệp đúng mã "
        "băm, mọi bản ghi nhật ký đúng mã băm, mọi gói văn bản đúng mã băm, và nhật ký đúng gốc đã "
        "ký.",
    ),
    ("The folder that `lienthong backup` wrote.", "Thư mục do `lienthong backup` ghi."),
    ("The new data folder; must be empty.", "Thư mục dữ liệu mới; phải trống."),
    (
        "A whole province at work on this machine: Vĩnh Long 2017, 136 agencies, real documents. A "
        "signed PDF directive goes from the Provincial People's Committee to all departments, 8 "
        "districts and 109 communes; each fetches, verifies, enters and answers it. Then a report "
        "upwards, an update, a recall, a sealed document and a hỏa tốc one. Run it again whenever "
        "you like: nothing is sent twice.",
        "Cả một tỉnh cùng làm việc trên máy này: Vĩnh Long 2017, 136 cơ quan, văn bản thật.\n\n"
        "Một chỉ thị PDF đã ký đi từ Ủy ban nhân dân tỉnh đến mọi sở, ngành, 8 huyện và 109 xã; từng "
        "nơi lấy về, kiểm tra, vào sổ và trả lời. Sau đó là một báo cáo lên cấp trên, một cập nhật, "
        "một đề nghị thu hồi, một văn bản mã hóa và một văn bản hỏa tốc. Chạy lại bao nhiêu lần cũng "
        "được: không gì bị gửi hai lần.",
    ),
    ("End when the story is told.", "Kết thúc khi diễn xong."),
)
TEXTS: dict[str, str] = dict(_TEXTS)


def in_vietnamese(text: str | None) -> str | None:
    return TEXTS.get(" ".join(text.split()), text) if text else text


def translate(command: Any) -> None:
    """Put a command's help, its options' and its subcommands' into Vietnamese, where there is any."""
    command.help = in_vietnamese(command.help)
    for one in getattr(command, "commands", {}).values():
        translate(one)
        one.rich_help_panel = one.rich_help_panel or "Lệnh"
    for parameter in command.params:
        _translate_parameter(parameter)
    made = command.get_help_option

    def help_option(context: Any) -> Any:
        option = made(context)
        if option is not None:
            _translate_parameter(option)
        return option

    command.get_help_option = help_option


def _translate_parameter(parameter: Any) -> None:
    parameter.help = in_vietnamese(getattr(parameter, "help", None))
    if not getattr(parameter, "rich_help_panel", None):
        argument = parameter.param_type_name == "argument"
        parameter.rich_help_panel = "Đối số" if argument else "Tùy chọn"


def translate_list(commands: Mapping[str, Any]) -> None:
    """The same for the list of commands that ``lienthong --help`` shows, none of which is loaded."""
    for name, command in commands.items():
        command.help = COMMANDS.get(name, command.help)
        command.rich_help_panel = PANELS.get(command.rich_help_panel, command.rich_help_panel)
