"""The files of a message: the manifest's references and the contents carried beside the envelope."""

from __future__ import annotations

from lienthong.exchange.edxml import attachments, model
from lienthong.exchange.edxml.findings import Oversized, Unreadable, missing
from lienthong.exchange.edxml.names import XLINK
from lienthong.exchange.edxml.parsing import Limits
from lienthong.exchange.edxml.tree import Node, Notebook

HREF = f"{{{XLINK}}}href"


def bare_content_id(text: str) -> str:
    """A content id without ``cid:`` and angle brackets, by which the two sides are matched.

    >>> bare_content_id("cid:files/chi-thi.pdf")
    'files/chi-thi.pdf'
    """
    bare = text.strip()
    if bare[:4].lower() == "cid:":
        bare = bare[4:].strip()
    if bare.startswith("<") and bare.endswith(">"):
        bare = bare[1:-1]
    return bare


def read_references(notebook: Notebook, body: Node | None) -> tuple[model.Reference, ...]:
    """The manifest of a document message. A missing body or manifest is noted."""
    if body is None:
        notebook.findings.append(missing("edXMLBody", "edXMLBody", line=notebook.line("edXMLBody")))
        return ()
    name = "Manifest" if body.has("Manifest") else "edXMLManifest"
    node = body.needed(name, "edXMLManifest")
    body.close()
    references = tuple(map(_reference, node.many("Reference")))
    node.close()
    return references


def _reference(node: Node) -> model.Reference:
    content_id = bare_content_id(node.text("ContentId"))
    href = bare_content_id(node.notebook.composed(node.path, str(node.element.get(HREF, ""))))
    if content_id and href and content_id != href:
        node.notebook.note(
            f"{node.path}/ContentId",
            "two-contents",
            f"ContentId names {content_id[:60]!r} and xlink:href {href[:60]!r}",
            f"ContentId chỉ tới {content_id[:60]!r} còn xlink:href chỉ tới {href[:60]!r}",
        )
    found = model.Reference(
        content_id=content_id or href,
        content_type=node.text("ContentType"),
        name=node.text("AttachmentName"),
        description=node.text("Description"),
    )
    node.close()
    return found


def read_attachments(group: Node | None, limits: Limits) -> tuple[model.Attachment, ...]:
    """The files inside the message, decoded and unwrapped; each fault is noted at its attachment."""
    if group is None:
        return ()
    nodes = group.many("Attachment")
    group.close()
    if len(nodes) > limits.files:
        raise Oversized(
            f"the message carries more than {limits.files} files",
            f"bản tin mang hơn {limits.files} tệp",
            place="AttachmentEncoded",
        )
    return tuple(_attachment(node, limits) for node in nodes)


def _attachment(node: Node, limits: Limits) -> model.Attachment:
    name, content_type = node.text("AttachmentName"), node.text("ContentType")
    found = model.Attachment(
        content_id=bare_content_id(node.text("ContentId")),
        name=name,
        data=_content(node, name, content_type, limits),
        content_type=content_type,
        description=node.text("Description"),
        field_name=node.text("FieldName"),
        mime_type=node.text("MimeType"),
        format=node.text("Format"),
    )
    node.close()
    return found


def _content(node: Node, name: str, content_type: str, limits: Limits) -> bytes:
    encoded = node.one("ContentTransferEncoded")
    if encoded is None:
        node.missing("ContentTransferEncoded")
        return b""
    limit, place = limits.attachment_bytes, encoded.path
    try:
        data = attachments.decode(encoded.element.text or "", limit=limit, place=place)
        if not attachments.is_wrapped(content_type, name):
            return data
        file = attachments.unwrap(data, limit=limit, place=place)
    except (Unreadable, Oversized) as error:
        node.notebook.note(place, error.code, error.detail, error.detail_vi)
        return b""
    if file is data:
        node.notebook.note(
            place,
            "not-a-zip",
            f"ContentType says {content_type}, but the content is not a ZIP; it is taken as the file itself",
            f"ContentType là {content_type} nhưng nội dung không phải ZIP; được coi là chính tệp đó",
            severity="warning",
        )
    return file
