"""The examples of docs/reference/edxml.md are accepted, and are the least that is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from lienthong.exchange.edxml.model import Document, Status
from lienthong.exchange.edxml.reader import examine

PAGE = (Path(__file__).parents[3] / "docs/reference/edxml.md").read_text("utf-8")
EXAMPLES = [block.encode() for block in re.findall(r"```xml\n(.*?)\n```", PAGE, re.S)]
LIKED = {"TraceHeader/OrganId", "Reference/ContentType", "Reference/AttachmentName", "ResponseFor/OrganId"}
"""What the page names as dispensable."""


def test_the_page_shows_a_document_and_a_status() -> None:
    assert [type(examine(one).message) for one in EXAMPLES] == [Document, Status]


@pytest.mark.parametrize("example", EXAMPLES, ids=["document", "status"])
def test_an_example_is_accepted_without_a_remark(example: bytes) -> None:
    report = examine(example)
    assert report.acceptable
    assert report.findings == ()


@pytest.mark.parametrize("example", EXAMPLES, ids=["document", "status"])
def test_without_any_one_of_its_elements_an_example_is_refused(example: bytes) -> None:
    leaves = [one for one in etree.fromstring(example).iter() if not len(one)]
    dispensable = set()
    for at in range(len(leaves)):
        root = etree.fromstring(example)
        leaf = [one for one in root.iter() if not len(one)][at]
        parent = leaf.getparent()
        assert parent is not None
        parent.remove(leaf)
        if examine(etree.tostring(root)).acceptable:
            dispensable.add(f"{etree.QName(parent).localname}/{etree.QName(leaf).localname}")
    assert dispensable <= LIKED
