"""The tables of the survey. Sites, tenants, providers, circuits, devices, clusters, virtual machines and
wireless links follow NetBox's models and names (rates in kbit/s); the answers are the survey's own.
"""

from __future__ import annotations

from lienthong.infrastructure.survey.columns import MOST, Choice, Column, Table


def _choices(*items: tuple[str, str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(*item) for item in items)


def _count(name: str, vi: str, en: str, unit: str = "", *, high: float = 10_000_000, required: bool = False,
           at_most: str = "", netbox: tuple[str, ...] = ()) -> Column:  # fmt: skip
    return Column(name, vi, en, "integer", unit, required, low=0, high=high, at_most=at_most, netbox=netbox)


def _refers(name: str, vi: str, en: str, table: str, *netbox: str, required: bool = False) -> Column:
    return Column(name, vi, en, "reference", required=required, refers=table, netbox=netbox)


def _name(vi: str, en: str, *netbox: str) -> Column:
    return Column("name", vi, en, required=True, netbox=("name", *netbox))


def _position(*, netbox: bool = False) -> tuple[Column, Column]:
    """Degrees, WGS84; the bounds are those of Vietnam with its sea."""
    return (
        Column("longitude", "Kinh độ", "Longitude", "decimal", "°", low=102, high=118,
               netbox=("longitude",) if netbox else ()),
        Column("latitude", "Vĩ độ", "Latitude", "decimal", "°", low=6, high=24,
               netbox=("latitude",) if netbox else ()),
    )  # fmt: skip


LEVELS = _choices(
    ("province", "Cấp tỉnh", "Province"),
    ("district", "Cấp huyện", "District"),
    ("commune", "Cấp xã", "Commune"),
)
STATUS = Column(
    "status", "Trạng thái", "Status", "choice", netbox=("status",),
    choices=_choices(
        ("planned", "Dự kiến", "Planned"), ("staging", "Đang lắp đặt", "Staging"),
        ("active", "Đang hoạt động", "Active"), ("decommissioning", "Đang dỡ bỏ", "Decommissioning"),
        ("retired", "Đã ngừng", "Retired"),
    ),
)  # fmt: skip

REGIONS = Table("regions", "Địa bàn", "Regions", ("code",), (
    Column("code", "Mã đơn vị hành chính", "Code", required=True, length=50, netbox=("slug",)),
    _name("Tên", "Name"),
    Column("kind", "Cấp", "Kind", "choice", required=True, choices=_choices(
        ("province", "Tỉnh", "Province"), ("district", "Huyện", "District"), ("commune", "Xã", "Commune"))),
    _refers("parent", "Thuộc", "Parent", "regions", "parent"),
    *_position(),
    _count("people", "Dân số", "Population", "người"),
), netbox="dcim.region")  # fmt: skip

TENANTS = Table("tenants", "Cơ quan", "Agencies", ("code",), (
    Column("code", "Mã định danh", "Organ code", required=True, length=50, netbox=("slug",)),
    _name("Tên cơ quan", "Name"),
    Column("kind", "Loại", "Kind", "choice", netbox=("group",), choices=_choices(
        ("government", "Ủy ban nhân dân tỉnh", "Provincial government"),
        ("department", "Sở, ban, ngành", "Department"),
        ("district", "Ủy ban nhân dân cấp huyện", "District"),
        ("commune", "Ủy ban nhân dân cấp xã", "Commune"), ("party", "Cơ quan Đảng", "Party"),
        ("council", "Hội đồng nhân dân", "Council"),
        ("mass-organisation", "Đoàn thể", "Mass organisation"), ("other", "Khác", "Other"))),
    Column("level", "Cấp", "Level", "choice", choices=LEVELS),
    _refers("parent", "Cơ quan chủ quản", "Parent", "tenants"),
    Column("expected", "Phải trả lời", "Must answer", "yes"),
    Column("contact", "Đầu mối", "Contact", netbox=("contacts",)),
    Column("phone", "Điện thoại", "Telephone", length=50),
), netbox="tenancy.tenant")  # fmt: skip

SITES = Table("sites", "Địa điểm", "Sites", ("code",), (
    Column("code", "Mã địa điểm", "Code", required=True, length=100, netbox=("slug",)),
    _name("Tên địa điểm", "Name"),
    Column("kind", "Loại", "Kind", "choice", required=True, netbox=("group",), choices=_choices(
        ("commune", "Trụ sở xã", "Commune office"), ("agency", "Trụ sở cơ quan", "Agency"),
        ("node", "Nút mạng", "Network node"), ("tower", "Vị trí cột", "Tower"))),
    STATUS,
    _refers("tenant", "Cơ quan", "Agency", "tenants", "tenant"),
    _refers("commune", "Xã, phường, thị trấn", "Commune", "regions", "region"),
    _refers("district", "Huyện, thị xã, thành phố", "District", "regions"),
    Column("physical_address", "Địa chỉ", "Address", netbox=("physical_address",)),
    *_position(netbox=True),
    Column("position_source", "Nguồn tọa độ", "Source of the position", "choice", choices=_choices(
        ("surveyed", "Đo tại chỗ", "Surveyed"), ("map", "Lấy từ bản đồ", "From a map"),
        ("approximate", "Gần đúng", "Approximate"))),
    _count("people", "Dân số phục vụ", "People served", "người"),
), netbox="dcim.site")  # fmt: skip

PROVIDERS = Table("providers", "Nhà cung cấp", "Providers", ("code",), (
    Column("code", "Mã nhà cung cấp", "Code", required=True, length=100, netbox=("slug",)),
    _name("Tên nhà cung cấp", "Name"),
), netbox="circuits.provider")  # fmt: skip

CIRCUITS = Table("circuits", "Kênh truyền", "Circuits", ("provider", "cid"), (
    Column("cid", "Mã kênh", "Circuit ID", required=True, length=100, netbox=("cid", "circuit_id")),
    _refers("provider", "Nhà cung cấp", "Provider", "providers", "provider", required=True),
    Column("type", "Loại kênh", "Type", netbox=("type",)),
    Column("medium", "Môi trường truyền dẫn", "Medium", "choice", choices=_choices(
        ("fibre", "Cáp quang", "Fibre"), ("copper", "Cáp đồng", "Copper"),
        ("microwave", "Vi ba", "Microwave"),
        ("mobile", "Di động 3G/4G", "Mobile 3G/4G"), ("satellite", "Vệ tinh", "Satellite"))),
    Column("network", "Mạng", "Network", "choice", choices=_choices(
        ("wan", "Mạng truyền số liệu chuyên dùng", "Provincial network"),
        ("internet", "Internet", "Internet"),
        ("other", "Khác", "Other"))),
    Column("status", "Trạng thái", "Status", "choice", netbox=("status",), choices=_choices(
        ("planned", "Dự kiến", "Planned"), ("provisioning", "Đang mở", "Provisioning"),
        ("active", "Đang hoạt động", "Active"), ("offline", "Mất kết nối", "Offline"),
        ("deprovisioning", "Đang hủy", "Deprovisioning"), ("decommissioned", "Đã hủy", "Decommissioned"))),
    _refers("tenant", "Cơ quan", "Agency", "tenants", "tenant"),
    _refers("site_a", "Điểm đầu", "Side A", "sites", "termination_a", "side_a"),
    _refers("site_z", "Điểm cuối", "Side Z", "sites", "termination_z", "side_z"),
    _count("port_speed", "Tốc độ cổng", "Port speed", "kbps", high=10**10,
           netbox=("port_speed", "port_speed_kbps")),
    _count("upstream_speed", "Tốc độ chiều lên", "Upstream speed", "kbps", high=10**10,
           netbox=("upstream_speed", "upstream_speed_kbps")),
    _count("commit_rate", "Tốc độ cam kết", "Commit rate", "kbps", high=10**10, at_most="port_speed",
           netbox=("commit_rate", "commit_rate_kbps")),
    Column("install_date", "Ngày lắp đặt", "Installed", "date", netbox=("install_date", "installed")),
    _count("monthly_fee", "Cước hằng tháng", "Monthly fee", "VND", high=10**12),
), netbox="circuits.circuit")  # fmt: skip

DEVICES = Table("devices", "Thiết bị", "Devices", ("site", "name"), (
    _name("Tên thiết bị", "Name"),
    Column("role", "Vai trò", "Role", required=True, netbox=("role", "device_role")),
    Column("device_type", "Kiểu", "Type", netbox=("device_type", "type")),
    Column("manufacturer", "Hãng", "Manufacturer", netbox=("manufacturer",)),
    Column("serial", "Số máy", "Serial number", netbox=("serial", "serial_number")),
    Column("status", "Trạng thái", "Status", "choice", netbox=("status",), choices=_choices(
        ("offline", "Ngoại tuyến", "Offline"), ("active", "Đang hoạt động", "Active"),
        ("planned", "Dự kiến", "Planned"), ("staged", "Đã chuẩn bị", "Staged"), ("failed", "Hỏng", "Failed"),
        ("inventory", "Trong kho", "Inventory"), ("decommissioning", "Đang thanh lý", "Decommissioning"))),
    _refers("tenant", "Cơ quan", "Agency", "tenants", "tenant"),
    _refers("site", "Địa điểm", "Site", "sites", "site", required=True),
    Column("primary_ip", "Địa chỉ IP", "IP address", netbox=("primary_ip", "ip_address"), length=60),
    Column("purchase_year", "Năm mua", "Year of purchase", "integer", low=1980, high=2100),
), netbox="dcim.device")  # fmt: skip

CLUSTERS = Table("clusters", "Cụm máy chủ", "Clusters", ("name",), (
    _name("Tên cụm", "Name"),
    Column("type", "Loại", "Type", netbox=("type",)),
    STATUS,
    _refers("tenant", "Cơ quan", "Agency", "tenants", "tenant"),
    _refers("site", "Địa điểm", "Site", "sites", "site", "scope"),
), netbox="virtualization.cluster")  # fmt: skip

VIRTUAL_MACHINES = Table("virtual_machines", "Máy ảo", "Virtual machines", ("cluster", "name"), (
    _name("Tên máy ảo", "Name"),
    _refers("cluster", "Cụm", "Cluster", "clusters", "cluster"),
    Column("status", "Trạng thái", "Status", "choice", netbox=("status",), choices=_choices(
        ("offline", "Ngoại tuyến", "Offline"), ("active", "Đang hoạt động", "Active"),
        ("planned", "Dự kiến", "Planned"), ("staged", "Đã chuẩn bị", "Staged"), ("failed", "Hỏng", "Failed"),
        ("decommissioning", "Đang thanh lý", "Decommissioning"), ("paused", "Tạm dừng", "Paused"))),
    _refers("tenant", "Cơ quan", "Agency", "tenants", "tenant"),
    Column("vcpus", "Số CPU ảo", "vCPUs", "decimal", low=0, high=10_000, netbox=("vcpus",)),
    _count("memory", "Bộ nhớ", "Memory", "MB", high=10**9, netbox=("memory", "memory_mb")),
    _count("disk", "Ổ đĩa", "Disk", "MB", high=10**12, netbox=("disk", "disk_mb")),
), netbox="virtualization.virtualmachine")  # fmt: skip

WIRELESS_LINKS = Table("wireless_links", "Tuyến vô tuyến", "Wireless links", ("ssid",), (
    Column("ssid", "Tên tuyến", "SSID", required=True, netbox=("ssid",)),
    Column("status", "Trạng thái", "Status", "choice", netbox=("status",), choices=_choices(
        ("connected", "Đang hoạt động", "Connected"), ("planned", "Dự kiến", "Planned"),
        ("decommissioning", "Đang dỡ bỏ", "Decommissioning"))),
    _refers("tenant", "Cơ quan", "Agency", "tenants", "tenant"),
    _refers("site_a", "Điểm đầu", "Side A", "sites", "device_a", required=True),
    _refers("site_b", "Điểm cuối", "Side B", "sites", "device_b", required=True),
    Column("distance", "Cự ly", "Distance", "decimal", "m", low=0, high=500_000, netbox=("distance",)),
    Column("frequency", "Tần số", "Frequency", "decimal", "GHz", low=0.03, high=300),
    _count("rate", "Tốc độ", "Rate", "kbps", high=10**10),
), netbox="wireless.wirelesslink")  # fmt: skip

SOFTWARE = Table("software", "Phần mềm, bản quyền", "Software and licences", ("tenant", "name"), (
    _refers("tenant", "Cơ quan", "Agency", "tenants", required=True),
    Column("name", "Tên phần mềm", "Name", required=True),
    Column("kind", "Loại", "Kind", "choice", choices=_choices(
        ("system", "Hệ điều hành", "Operating system"), ("office", "Văn phòng", "Office"),
        ("documents", "Quản lý văn bản", "Document management"), ("one-stop", "Một cửa", "One-stop shop"),
        ("accounting", "Kế toán", "Accounting"), ("database", "Cơ sở dữ liệu", "Database"),
        ("antivirus", "Chống mã độc", "Antivirus"), ("other", "Khác", "Other"))),
    Column("version", "Phiên bản", "Version", length=50),
    Column("licence", "Bản quyền", "Licence", "choice", choices=_choices(
        ("commercial", "Thương mại", "Commercial"), ("open-source", "Nguồn mở", "Open source"),
        ("none", "Không có", "None"), ("unknown", "Không rõ", "Unknown"))),
    _count("licences_owned", "Số bản quyền có", "Licences owned"),
    _count("licences_used", "Số đang dùng", "Licences used"),
    Column("expires_on", "Hết hạn", "Expires", "date"),
))  # fmt: skip

_MEASURED = (
    _count("users", "Số cán bộ, công chức dùng máy tính", "Users", "người", high=100_000, required=True),
    _count("seats", "Số chỗ làm việc", "Seats", "chỗ", high=100_000),
    _count("pcs", "Số máy tính", "PCs", "máy", high=100_000, required=True),
    _count("pcs_over_5_years", "Máy tính trên 5 năm", "PCs older than 5 years", "máy", at_most="pcs"),
    _count("servers", "Máy chủ vật lý", "Servers", "máy", high=100_000),
    _count("it_staff", "Cán bộ chuyên trách CNTT", "IT staff", "người", high=10_000),
    _count("trained_users", "Người đã tập huấn CNTT", "Users trained", "người", at_most="users"),
    _count("email_users", "Người dùng thư công vụ", "Users of official mail", "người", at_most="users"),
    _count("documents_users", "Người dùng quản lý văn bản", "Users of document management", "người",
           at_most="users"),
    _count("storage_total_gb", "Dung lượng lưu trữ", "Storage", "GB", high=10**9),
    _count("storage_used_gb", "Dung lượng đã dùng", "Storage used", "GB", high=10**9,
           at_most="storage_total_gb"),
    _count("storage_growth_gb", "Tăng thêm mỗi năm", "Storage growth a year", "GB/năm", high=10**9),
    Column("grid_hours", "Điện lưới mỗi ngày", "Grid power a day", "decimal", "giờ", low=0, high=24),
    _count("outages", "Số lần mất điện mỗi tháng", "Power cuts a month", "lần", high=1000),
    _count("ups_minutes", "Thời gian lưu điện UPS", "UPS runtime", "phút", high=10_000),
    Column("generator_kva", "Máy phát điện", "Generator", "decimal", "kVA", low=0, high=100_000),
    _count("antivirus_pcs", "Máy tính có chống mã độc", "PCs with antivirus", "máy", at_most="pcs"),
    _count("incidents", "Sự cố an toàn thông tin trong năm", "Security incidents in a year", "vụ",
           high=1_000_000),
)  # fmt: skip

ANSWERS = Table("answers", "Phiếu trả lời", "Answers", ("tenant",), (
    _refers("tenant", "Cơ quan", "Agency", "tenants", required=True),
    Column("answered_on", "Ngày trả lời", "Answered on", "date", required=True),
    Column("answered_by", "Người trả lời", "Answered by"),
    *_MEASURED,
    Column("lan", "Có mạng LAN", "Has a LAN", "yes"),
    Column("wifi", "Có Wi-Fi", "Has Wi-Fi", "yes"),
    Column("mobile_signal", "Sóng di động tại trụ sở", "Mobile signal", "choice", choices=_choices(
        ("none", "Không có", "None"), ("2g", "2G", "2G"), ("3g", "3G", "3G"), ("4g", "4G", "4G"))),
    Column("firewall", "Tường lửa", "Firewall", "choice", choices=_choices(
        ("none", "Không có", "None"), ("software", "Phần mềm", "Software"),
        ("appliance", "Thiết bị chuyên dụng", "Appliance"))),
    Column("system_level", "Cấp độ an toàn hệ thống thông tin (NĐ 85/2016)",
           "Level of information-system security (Decree 85/2016)", "choice", choices=_choices(
        ("none", "Chưa xác định", "Not determined"), ("1", "Cấp độ 1", "Level 1"),
        ("2", "Cấp độ 2", "Level 2"), ("3", "Cấp độ 3", "Level 3"), ("4", "Cấp độ 4", "Level 4"),
        ("5", "Cấp độ 5", "Level 5"))),
    Column("level_approved", "Hồ sơ cấp độ đã phê duyệt", "Level approved", "yes"),
    Column("backup", "Sao lưu", "Backup", "choice", choices=_choices(
        ("none", "Không", "None"), ("irregular", "Không định kỳ", "Irregular"),
        ("monthly", "Hằng tháng", "Monthly"), ("weekly", "Hằng tuần", "Weekly"),
        ("daily", "Hằng ngày", "Daily"))),
    Column("backup_offsite", "Có bản sao ở nơi khác", "A copy elsewhere", "yes"),
    Column("quality", "Chất lượng số liệu", "Quality of figures", "choice", required=True, choices=_choices(
        ("measured", "Đo đếm", "Measured"), ("records", "Theo sổ sách", "From records"),
        ("estimated", "Ước lượng", "Estimated"), ("synthetic", "Mô phỏng", "Synthetic"))),
    Column("doubtful", "Các số liệu chưa chắc chắn", "Doubtful figures", "many",
           choices=tuple(Choice(column.name, column.vi, column.en) for column in _MEASURED)),
    Column("note", "Ghi chú", "Note", length=2000),
))  # fmt: skip

WAVE = Table("wave", "Đợt khảo sát", "Survey wave", ("code",), (
    Column("code", "Mã đợt", "Code", required=True, length=40),
    Column("title", "Tên đợt", "Title"),
    Column("opens", "Bắt đầu", "Opens", "date"),
    Column("closes", "Kết thúc", "Closes", "date"),
    Column("synthetic", "Dữ liệu mô phỏng", "Synthetic", "yes"),
    Column("source", "Nguồn", "Source", length=500),
))  # fmt: skip

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        REGIONS, TENANTS, SITES, PROVIDERS, CIRCUITS, DEVICES, CLUSTERS, VIRTUAL_MACHINES, WIRELESS_LINKS,
        SOFTWARE, ANSWERS,
    )
}  # fmt: skip
"""Name → table, in the order in which they are written and shown."""

assert all(column.high is None or column.high < MOST for t in TABLES.values() for column in t.columns)
