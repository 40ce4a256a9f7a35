"""Publishing gives each directory its own number, in place at once, and the hub believes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from lienthong.registry import actions, models, queries
from lienthong.registry.directory import Agency, Quota, QuotaRule, Right
from lienthong.registry.errors import CertificateRefused, RegistryError, RuleBroken
from lienthong.registry.snapshot import DirectoryHolder, load
from lienthong.trust.certificates import TrustStore
from lienthong.trust.keys import FileSigner
from lienthong.trust.profiles import Profile

DAY = timedelta(days=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "directory" / "directory.p7m"


@pytest.mark.django_db
def test_what_is_published_is_the_registry_as_it_stands(
    path: Path,
    directory_signer: FileSigner,
    new_signer: Callable[..., FileSigner],
    trust: TrustStore,
    now: datetime,
) -> None:
    actions.name_province("Vĩnh Long")
    actions.define_group("flood", "Phòng chống lụt bão")
    actions.add_agency(Agency("H61", name="Tỉnh", kind="government", groups=("flood",)))
    actions.grant_right(Right("group:flood", "send", "*"))
    actions.set_quota("H61", Quota(1, 2, 3))
    seals = {
        use: new_signer(profile).certificate
        for use, profile in (
            ("seal", Profile.SEAL),
            ("encryption", Profile.ENCRYPTION),
            ("tls", Profile.TLS_CLIENT),
        )
    }
    actions.add_certificates([("H61", use, der) for use, der in seals.items()], now=now)

    publication = actions.publish(path, directory_signer, now, DAY)

    directory = load(path, trust, now)
    assert (directory.version, directory.province) == (1, "Vĩnh Long")
    assert (directory.issued_at, directory.expires_at) == (now, now + DAY)
    assert directory.rights == (Right("group:flood", "send", "*"),)
    assert directory.quotas == (QuotaRule("H61", Quota(1, 2, 3)),)
    assert directory.group_titles == {"flood": "Phòng chống lụt bão"}
    for use, der in seals.items():
        owner = directory.by_fingerprint(sha256(der).digest(), use)  # type: ignore[arg-type]
        assert owner is directory.agencies["H61"]
    assert publication.digest == sha256(path.read_bytes()).hexdigest()
    assert publication.agencies == 1


@pytest.mark.django_db
def test_each_publication_has_the_next_number(
    path: Path, directory_signer: FileSigner, trust: TrustStore, now: datetime
) -> None:
    for expected in (1, 2, 3):
        assert actions.publish(path, directory_signer, now).version == expected
        assert load(path, trust, now).version == expected
    assert [e.target for e in queries.audit_events()] == ["directory 3", "directory 2", "directory 1"]


@pytest.mark.django_db
def test_a_registry_that_forgot_its_versions_goes_on_from_the_file_in_place(
    path: Path, directory_signer: FileSigner, trust: TrustStore, now: datetime
) -> None:
    for _ in range(3):
        actions.publish(path, directory_signer, now)
    holder = DirectoryHolder(path, trust, lambda: now, look_every_s=0)
    models.Publication.objects.all().delete()
    assert actions.publish(path, directory_signer, now).version == 4
    assert holder.current().version == 4


@pytest.mark.django_db
def test_withdrawn_and_expired_certificates_are_left_out(
    path: Path,
    directory_signer: FileSigner,
    new_signer: Callable[..., FileSigner],
    trust: TrustStore,
    now: datetime,
) -> None:
    actions.add_agency(Agency("H61", name="Tỉnh", kind="government"))
    kept, withdrawn, short = (new_signer(Profile.SEAL, days=days) for days in (30, 30, 2))
    for signer in (kept, withdrawn, short):
        actions.add_certificate("H61", "seal", signer.certificate, now=now)
    actions.withdraw_certificate(sha256(withdrawn.certificate).hexdigest()[:12], now=now)
    later = now + timedelta(days=3)
    actions.publish(path, directory_signer, later, DAY)
    (seal,) = load(path, trust, later).agencies["H61"].seals
    assert seal.der == kept.certificate


@pytest.mark.django_db
def test_a_directory_does_not_outlive_the_certificate_that_signed_it(
    path: Path, new_signer: Callable[..., FileSigner], now: datetime
) -> None:
    signer = new_signer(Profile.DIRECTORY, days=10)
    publication = actions.publish(path, signer, now, timedelta(days=365))
    assert publication.expires_at <= now + timedelta(days=10)
    with pytest.raises(CertificateRefused, match="expired on"):
        actions.publish(path, signer, now + timedelta(days=11))


@pytest.mark.django_db
def test_a_directory_that_would_be_expired_at_once_is_refused(
    path: Path, directory_signer: FileSigner, now: datetime
) -> None:
    with pytest.raises(RegistryError, match="before it is published"):
        actions.publish(path, directory_signer, now, timedelta(0))


@pytest.mark.django_db
def test_a_contradiction_is_never_published(path: Path, directory_signer: FileSigner, now: datetime) -> None:
    actions.add_agency(Agency("H61", name="Tỉnh"))
    row = models.Agency.objects.get()
    row.parent = row
    row.save()
    with pytest.raises(RuleBroken, match="its own ancestor"):
        actions.publish(path, directory_signer, now)
    assert not path.exists()
    assert models.Publication.objects.count() == 0


@pytest.mark.django_db
def test_a_file_that_cannot_be_put_in_place_is_an_error_and_its_number_is_never_used_again(
    path: Path, directory_signer: FileSigner, trust: TrustStore, now: datetime
) -> None:
    path.mkdir(parents=True)
    with pytest.raises(RegistryError) as error:
        actions.publish(path, directory_signer, now)
    assert error.value.code == "directory-not-written"
    path.rmdir()
    assert actions.publish(path, directory_signer, now).version == 2


@pytest.mark.django_db
def test_what_a_killed_publisher_left_is_cleared_away(
    path: Path, directory_signer: FileSigner, now: datetime
) -> None:
    path.parent.mkdir()
    (path.parent / f".{path.name}.0badcafe").write_bytes(b"half")
    actions.publish(path, directory_signer, now)
    assert sorted(p.name for p in path.parent.iterdir()) == [".publishing", path.name]


@pytest.mark.django_db(transaction=True)
def test_publishers_take_turns(
    path: Path, directory_signer: FileSigner, trust: TrustStore, now: datetime
) -> None:
    """Each in its own thread with its own connection; the highest number ends up in place."""
    from django.db import connection

    versions: list[int] = []

    def publish() -> None:
        try:
            for _ in range(4):
                versions.append(actions.publish(path, directory_signer, now).version)
        finally:
            connection.close()

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == list(range(1, 17))
    assert load(path, trust, now).version == 16
    assert [p.name for p in sorted(path.parent.iterdir())] == [".publishing", "directory.p7m"]
