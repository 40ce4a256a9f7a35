"""Every write of the registry: one verb a function, the transaction and the audit event inside.

``actor`` is who acts, for the audit trail. Whatever would leave the registry contradicting itself raises
:class:`~lienthong.registry.errors.RuleBroken`, and nothing is written.
"""

from lienthong.registry.actions.agencies import (
    add_agency,
    add_alias,
    add_unit,
    change_agency,
    end_agencies,
    lock_agency,
    name_province,
    unlock_agency,
)
from lienthong.registry.actions.certificates import add_certificate, add_certificates, withdraw_certificate
from lienthong.registry.actions.importing import ImportReport, import_agencies, load_seed, seed_names
from lienthong.registry.actions.publishing import publish
from lienthong.registry.actions.rights import define_group, grant_right, set_quota, withdraw_right

__all__ = [
    "ImportReport",
    "add_agency",
    "add_alias",
    "add_certificate",
    "add_certificates",
    "add_unit",
    "change_agency",
    "define_group",
    "end_agencies",
    "grant_right",
    "import_agencies",
    "load_seed",
    "lock_agency",
    "name_province",
    "publish",
    "seed_names",
    "set_quota",
    "unlock_agency",
    "withdraw_certificate",
    "withdraw_right",
]
