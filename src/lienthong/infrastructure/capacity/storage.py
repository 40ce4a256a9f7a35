"""Storage by year: what is created and kept, its versions and index, headroom, copies and backups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lienthong.infrastructure.capacity.coefficients import Coefficients
from lienthong.infrastructure.capacity.errors import BadCapacityData


@dataclass(frozen=True)
class StorageYear:
    """GB (10⁹ bytes) at the end of a year.

    ``primary`` = existing + documents + versions + index + mail + databases + cameras, as used;
    ``provisioned`` has the headroom; ``replicated`` all full copies; ``total`` = replicated + backup.
    """

    year: int
    users: float
    existing: float
    documents: float
    versions: float
    index: float
    mail: float
    databases: float
    cameras: float
    provisioned: float
    replicated: float
    backup: float

    @property
    def primary(self) -> float:
        return (
            self.existing + self.documents + self.versions + self.index
            + self.mail + self.databases + self.cameras
        )  # fmt: skip

    @property
    def total(self) -> float:
        return self.replicated + self.backup


def storage_by_year(
    users: int,
    coefficients: Coefficients,
    years: Sequence[int],
    *,
    cameras: int = 0,
    existing_gb: float = 0.0,
) -> list[StorageYear]:
    """Storage at the end of each of ``years`` (ascending, the first is the first year of use).

    ``users`` are those of the first year; they grow by ``user_growth``. Documents, mail and databases of
    the last ``retention_years`` stay; ``existing_gb`` stays throughout. Cameras keep
    ``camera_retention_days``. Camera pictures are not backed up.
    """
    _check(users, cameras, existing_gb, years)
    c = coefficients.value
    growth = 1 + c("user_growth")
    intake = c("documents_per_user_day") * c("document_mb") / 1000 * c("working_days")
    pictures = (
        cameras
        * c("camera_central_share")
        * c("camera_mbps")
        / 8
        * 86_400
        * c("camera_retention_days")
        / 1000
    )
    result = []
    for year in years:
        at = year - years[0]
        kept = sum(
            users * growth**past * min(1.0, c("retention_years") - (at - past))
            for past in range(at + 1)
            if at - past < c("retention_years")
        )
        documents = kept * intake
        versions = documents * (c("versions_per_document") - 1) * c("version_share")
        index = (documents + versions) * c("index_share")
        mail, databases = kept * c("mail_gb_user"), kept * c("database_gb_user")
        backed_up = existing_gb + documents + versions + index + mail + databases
        provisioned = (backed_up + pictures) / (1 - c("storage_headroom"))
        copies = c("backup_full_copies") + c("backup_daily_copies") * c("backup_daily_change")
        result.append(
            StorageYear(
                year=year,
                users=users * growth**at,
                existing=existing_gb,
                documents=documents,
                versions=versions,
                index=index,
                mail=mail,
                databases=databases,
                cameras=pictures,
                provisioned=provisioned,
                replicated=provisioned * c("replicas"),
                backup=backed_up * copies * (1 - c("backup_reduction")),
            )
        )
    return result


def _check(users: int, cameras: int, existing_gb: float, years: Sequence[int]) -> None:
    for name, number in (("users", users), ("cameras", cameras), ("existing storage", existing_gb)):
        if not math.isfinite(number) or number < 0:
            raise BadCapacityData(f"{name}: {number}", place=name, remedy="give 0 or more")
    if not years or any(after <= before for before, after in pairwise(years)):
        raise BadCapacityData(
            f"the years are {', '.join(map(str, years)) or 'none'}",
            place="years",
            remedy="give them in ascending order, each once",
        )
