"""Containers put together to deceive: content that nobody signed, or a signature over something else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.trust.container_material import Item, container, craft, deflated, repack, signed_items, unpack
from tests.trust.container_signers import NOW, signer

from lienthong.trust import asic
from lienthong.trust.asic.layout import MANIFEST, SIGNATURE
from lienthong.trust.asic.manifest import write_manifest
from lienthong.trust.cms import sign_attached, sign_detached
from lienthong.trust.errors import ContainerError

FILES = {"edoc.xml": b"<edXML/>", "files/a.pdf": b"%PDF-1.7 a"}
FORGED = b"%PDF-1.7 b"


def refusal(data: bytes, tmp_path: Path, **limits: int) -> ContainerError:
    """The refusal, alike from memory, from a file, with and without CRC-32."""
    path = tmp_path / "hostile.asice"
    path.write_bytes(data)
    errors = []
    for source in (data, path):
        for check_crc in (True, False):
            with pytest.raises(ContainerError) as error:
                asic.read(source, limits=asic.Limits(check_crc=check_crc, **limits)).close()  # type: ignore[arg-type]
            errors.append(error.value)
    assert len({error.code for error in errors}) == 1
    return errors[0]


def test_the_material_itself_is_a_good_container() -> None:
    with asic.read(craft(*signed_items(FILES))) as opened:
        assert opened.names == tuple(FILES)


class TestSignatureWrapping:
    def test_a_file_put_in_after_signing_is_refused(self, tmp_path: Path) -> None:
        items = signed_items(FILES)
        for position in (1, 2, 3, 4, 5):
            added = [*items[:position], Item("files/b.pdf", FORGED), *items[position:]]
            error = refusal(craft(*added), tmp_path)
            assert error.code == "container-unsigned-file"
            assert error.place == "files/b.pdf"

    @pytest.mark.parametrize(
        "name",
        [
            "META-INF/hidden.pdf",
            "META-INF/files/a.pdf",
            "META-INF/ASiCManifest.xml.bak",
            "META-INF/signature.p7s.xml",
            "meta-inf/hidden.xml",
            "Meta-Inf/container.xml",
            "META-INF/ASiCManifest/x.xml",
            "META-INF/deep/signature.p7s",
        ],
    )
    def test_a_file_hidden_in_the_folder_of_signatures_is_refused(self, name: str, tmp_path: Path) -> None:
        error = refusal(craft(*signed_items(FILES), Item(name, FORGED)), tmp_path)
        assert error.code in ("container-unsigned-file", "container-malformed")

    def test_a_listed_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        items = signed_items(FILES)
        error = refusal(craft(*items[:2], *items[3:]), tmp_path)
        assert error.code == "container-missing-file"

    def test_a_file_exchanged_for_another_is_refused(self, tmp_path: Path) -> None:
        items = signed_items(FILES)
        items[2] = Item("files/a.pdf", FORGED)
        error = refusal(craft(*items), tmp_path)
        assert (error.code, error.place) == ("container-digest", "files/a.pdf")

    def test_two_files_that_change_places_are_refused(self, tmp_path: Path) -> None:
        items = signed_items(FILES)
        items[1], items[2] = replace(items[1], name="files/a.pdf"), replace(items[2], name="edoc.xml")
        assert refusal(craft(*items), tmp_path).code == "container-digest"

    def test_a_manifest_exchanged_for_a_fitting_one_is_refused(self, tmp_path: Path) -> None:
        items = signed_items(FILES)
        items[2] = Item("files/a.pdf", FORGED)
        items[3] = signed_items({**FILES, "files/a.pdf": FORGED})[3]
        assert refusal(craft(*items), tmp_path).code == "container-signature"

    def test_a_signature_of_another_container_is_refused(self, tmp_path: Path) -> None:
        items = signed_items(FILES)
        items[4] = signed_items({**FILES, "files/a.pdf": FORGED})[4]
        assert refusal(craft(*items), tmp_path).code == "container-signature"

    def test_a_second_manifest_without_a_signature_is_refused(self, tmp_path: Path) -> None:
        contents = unpack(container(FILES))
        extra = contents[MANIFEST].replace(b"signature.p7s", b"signature2.p7s")
        refusal(repack({**contents, "META-INF/ASiCManifest2.xml": extra}), tmp_path)
        refusal(repack({**contents, "META-INF/ASiCManifest2.xml": contents[MANIFEST]}), tmp_path)

    def test_a_signature_that_no_manifest_names_is_refused(self, tmp_path: Path) -> None:
        contents = unpack(container(FILES))
        refusal(repack({**contents, "META-INF/other.p7s": contents[SIGNATURE]}), tmp_path)

    def test_signatures_that_cover_a_part_each_are_refused(self, tmp_path: Path) -> None:
        """Two senders' signatures put together do not make one message of both."""
        first = unpack(container({"edoc.xml": FILES["edoc.xml"]}))
        second = unpack(container({"files/a.pdf": FILES["files/a.pdf"]}))
        manifest = second[MANIFEST].replace(b"META-INF/signature.p7s", b"META-INF/signature2.p7s")
        joined = {
            **first,
            "files/a.pdf": FILES["files/a.pdf"],
            "META-INF/ASiCManifest2.xml": manifest,
            "META-INF/signature2.p7s": sign_detached(manifest, signer(), signing_time=NOW),
        }
        error = refusal(repack(joined), tmp_path)
        assert error.code == "container-unsigned-file"
        assert "single" in error.detail

    def test_a_stranger_who_signs_over_a_message_does_not_become_its_sender(self) -> None:
        """The first signature that covers everything stays the container's."""
        contents = unpack(container(FILES))
        manifest = contents[MANIFEST].replace(b"META-INF/signature.p7s", b"META-INF/zz.p7s")
        stranger = signer(name="Người lạ")
        joined = {
            **contents,
            "META-INF/ASiCManifestZ.xml": manifest,
            "META-INF/zz.p7s": sign_detached(manifest, stranger, signing_time=NOW),
        }
        with asic.read(repack(joined)) as opened:
            assert opened.signature.certificate == signer().certificate
            assert [info.certificate for info in opened.signatures] == [
                signer().certificate,
                stranger.certificate,
            ]

    def test_an_attached_signature_is_refused(self, tmp_path: Path) -> None:
        items = signed_items(FILES)
        items[4] = Item(SIGNATURE, sign_attached(items[3].data, signer()))
        assert refusal(craft(*items), tmp_path).code == "container-signature"

    def test_a_manifest_that_lists_a_file_twice_is_refused(self, tmp_path: Path) -> None:
        manifest = unpack(container(FILES))[MANIFEST]
        line = next(line for line in manifest.splitlines(keepends=True) if b"a.pdf" in line)
        refusal(with_manifest(manifest.replace(line, line * 2)), tmp_path)

    def test_names_that_can_be_read_in_two_ways_are_refused(self, tmp_path: Path) -> None:
        """A literal ``%20`` beside a space: the manifest must not be able to mean either."""
        files = {"edoc.xml": b"<a/>", "a%20b": b"one", "a b": b"two"}
        error = refusal(craft(*signed_items(files)), tmp_path)
        assert error.code == "container-missing-file"


def with_manifest(manifest: bytes, files: dict[str, bytes] | None = None) -> bytes:
    """A container of FILES with that manifest, properly signed."""
    signature = sign_detached(manifest, signer(), signing_time=NOW)
    contents = {"mimetype": b"application/vnd.etsi.asic-e+zip", **(files or FILES)}
    return repack({**contents, MANIFEST: manifest, SIGNATURE: signature})


class TestManifest:
    """Signed, and still refused: a manifest that says something unclear."""

    GOOD = unpack(container(FILES))[MANIFEST]

    def test_the_material_itself_is_good(self) -> None:
        asic.read(with_manifest(self.GOOD)).close()

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"<asic:Sig", b"<!-- c --><asic:Sig"),
            (b"<asic:Sig", b"<?pi x?><asic:Sig"),
            (b"<asic:ASiC", b"<!DOCTYPE a [<!ENTITY b 'c'>]><asic:ASiC"),
            (b'URI="edoc.xml"', b'URI="nowhere.xml"'),
            (b'URI="edoc.xml"', b'URI=""'),
            (b'URI="edoc.xml"', b'URI="../edoc.xml"'),
            (b'URI="edoc.xml"', b'URI="file:///etc/passwd"'),
            (b'URI="edoc.xml"', b'URI="%FF"'),
            (b'URI="edoc.xml"', b'URI="' + b"%20" * 100_000 + b'"'),
            (b'URI="edoc.xml"', b'URI="mimetype"'),
            (b"xmlenc#sha256", b"xmldsig#sha1"),
            (b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1"),
            (b"<ds:DigestValue>", b"<ds:DigestValue>AA"),
            (b"=</ds:DigestValue>", b"</ds:DigestValue>"),
            (b"=</ds:DigestValue>", b"<b/>=</ds:DigestValue>"),
            (b"<ds:DigestValue>", b"<ds:DigestValue>!!!!"),
            (b"<asic:SigReference", b"<asic:Other"),
            (b"META-INF/signature.p7s", b"edoc.xml"),
            (b"META-INF/signature.p7s", b"META-INF/ASiCManifest.xml"),
            (b"02918/v1.2.1#", b"02918/v1.1.1#"),
            (b"</asic:ASiCManifest>", b""),
            (b"</asic:ASiCManifest>", b"</asic:ASiCManifest>x"),
            (b"</asic:ASiCManifest>", b"<x>" * 300 + b"</x>" * 300 + b"</asic:ASiCManifest>"),
            (b"edoc.xml", b"edoc.xml\xff"),
            (b"<asic:D", b"\0<asic:D"),
        ],
    )
    def test_an_unclear_manifest_is_refused(self, old: bytes, new: bytes, tmp_path: Path) -> None:
        bent = self.GOOD.replace(old, new, 1)
        assert bent != self.GOOD
        refusal(with_manifest(bent), tmp_path)

    def test_a_manifest_is_utf8_whatever_it_declares(self, tmp_path: Path) -> None:
        asic.read(with_manifest(self.GOOD.replace(b"UTF-8", b"UTF-7"))).close()
        utf16 = self.GOOD.decode().replace("UTF-8", "UTF-16").encode("utf-16")
        refusal(with_manifest(utf16), tmp_path)
        seven_bit = self.GOOD.replace(b"UTF-8", b"UTF-7").replace(b"edoc.xml", b"edoc+AC4-xml")
        refusal(with_manifest(seven_bit), tmp_path)

    def test_a_critical_extension_is_refused(self, tmp_path: Path) -> None:
        extension = (
            b'<asic:ASiCManifestExtensions><asic:Extension Critical="true"><x/></asic:Extension>'
            b"</asic:ASiCManifestExtensions></asic:ASiCManifest>"
        )
        bent = self.GOOD.replace(b"</asic:ASiCManifest>", extension)
        assert refusal(with_manifest(bent), tmp_path).code == "container-unsupported"
        asic.read(with_manifest(bent.replace(b'Critical="true"', b'Critical="false"'))).close()

    def test_an_entity_bomb_costs_nothing(self, tmp_path: Path) -> None:
        bomb = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(
            b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"&a;" * 10) for n in range(9)
        )
        refusal(with_manifest(self.GOOD.replace(b"<asic:ASiC", bomb + b"]><asic:ASiC", 1)), tmp_path)

    def test_too_many_manifests_are_refused(self, tmp_path: Path) -> None:
        contents = unpack(container(FILES))
        more = {f"META-INF/ASiCManifest{n}.xml": self.GOOD for n in range(20)}
        assert refusal(repack({**contents, **more}), tmp_path).code == "container-limit"

    def test_a_manifest_beyond_the_limit_is_refused(self, tmp_path: Path) -> None:
        assert refusal(container(FILES), tmp_path, manifest=100).code == "container-limit"
        assert refusal(container(FILES), tmp_path, signature=100).code == "container-limit"


class TestLayout:
    @pytest.mark.parametrize(
        "first",
        [
            Item("edoc.xml", b"<edXML/>"),
            Item("mimetype", b"application/zip"),
            Item("mimetype", b"application/vnd.etsi.asic-e+zip\n"),
            Item("mimetype", b"application/vnd.etsi.asic-s+zip"),
            Item("Mimetype", b"application/vnd.etsi.asic-e+zip"),
            Item(
                "mimetype",
                b"application/vnd.etsi.asic-e+zip",
                local={"extra": b"UT\x01\x00\x00"},
                central={"extra": b""},
            ),
        ],
    )
    def test_a_container_whose_first_file_is_not_its_type_is_refused(
        self, first: Item, tmp_path: Path
    ) -> None:
        rest = [item for item in signed_items(FILES)[1:] if item.name != first.name]
        refusal(craft(first, *rest), tmp_path)

    def test_a_packed_mimetype_is_refused(self, tmp_path: Path) -> None:
        refusal(
            craft(deflated("mimetype", b"application/vnd.etsi.asic-e+zip"), *signed_items(FILES)[1:]),
            tmp_path,
        )

    def test_the_type_must_come_first(self, tmp_path: Path) -> None:
        items = signed_items(FILES)
        refusal(craft(*items[1:], items[0]), tmp_path)

    def test_nothing_at_all_is_refused(self, tmp_path: Path) -> None:
        refusal(b"", tmp_path)
        refusal(craft(), tmp_path)
        refusal(craft(signed_items(FILES)[0]), tmp_path)
        refusal(craft(*signed_items(FILES)[:3]), tmp_path)
        refusal(craft(*signed_items({})), tmp_path)

    def test_a_container_without_a_signature_says_so(self, tmp_path: Path) -> None:
        assert refusal(craft(*signed_items(FILES)[:3]), tmp_path).code == "container-signature"

    def test_a_container_inside_a_container_is_a_file_like_any_other(self) -> None:
        inner = container(FILES)
        with asic.read(container({"edoc.xml": b"<a/>", "files/inner.asice": inner})) as opened:
            assert opened.names == ("edoc.xml", "files/inner.asice")
            assert opened.read("files/inner.asice") == inner


def test_names_and_types_that_a_reader_would_refuse_are_not_written() -> None:
    for name, media_type in (
        ("mimetype", "text/plain"),
        ("META-INF/a.xml", "text/xml"),
        ("meta-inf/a.xml", "text/xml"),
        ("../a", "text/plain"),
        ("a", "text"),
        ("a", 'text/plain" x="'),
        ("a", ""),
    ):
        with pytest.raises(ContainerError):
            asic.write([asic.Entry(name, media_type, b"")], signer(), signing_time=NOW)
    with pytest.raises(ContainerError):
        asic.write([], signer(), signing_time=NOW)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for made in (tmp_path / "nowhere.pdf", tmp_path):
        with pytest.raises(ContainerError) as error:
            asic.write([asic.Entry("a", "application/pdf", made)], signer(), signing_time=NOW)
        assert str(made) in str(error.value)


def test_a_container_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    entry = asic.Entry("a", "text/plain", b"x")
    with pytest.raises(ContainerError) as error:
        asic.write([entry], signer(), signing_time=NOW, out=tmp_path / "no" / "such" / "folder.asice")
    assert error.value.code == "container-unwritable"
    (tmp_path / "taken").mkdir()
    with pytest.raises(ContainerError):
        asic.write([entry], signer(), signing_time=NOW, out=tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_file_that_changes_after_it_was_verified_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.asice"
    path.write_bytes(container(FILES))
    with asic.read(path) as opened:
        data = path.read_bytes()
        path.write_bytes(data.replace(b"%PDF-1.7 a", FORGED))
        with pytest.raises(ContainerError) as error:
            opened.read("files/a.pdf")
        assert error.value.code == "container-digest"
        with pytest.raises(ContainerError), opened.open("files/a.pdf") as stream:
            stream.read()


def test_a_file_that_is_not_in_the_container_is_named() -> None:
    with asic.read(container(FILES)) as opened:
        for name in ("files/b.pdf", "mimetype", MANIFEST, SIGNATURE):
            with pytest.raises(ContainerError) as error:
                opened.read(name)
            assert error.value.place == name


def test_an_empty_manifest_covers_nothing(tmp_path: Path) -> None:
    refusal(with_manifest(write_manifest([])), tmp_path)


@pytest.mark.parametrize("names", [["META-INF/a.tst"], [f"META-INF/{n}.ers" for n in range(5)]])
def test_what_no_signature_needs_is_bounded(names: list[str], tmp_path: Path) -> None:
    items = signed_items(FILES)
    room = asic.Limits().beside
    each = room // len(names)
    within = [*items, *(Item(name, bytes(each)) for name in names)]
    asic.read(craft(*within)).close()
    beyond = [*within, Item("META-INF/manifest.xml", b"<x/>" + bytes(len(names)))]
    assert refusal(craft(*beyond), tmp_path).code == "container-limit"
