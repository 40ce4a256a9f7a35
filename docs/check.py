"""Check the docs: every relative link leads somewhere, every anchor exists, every command is run by a test.

A fenced ``sh`` block is run by tests/acceptance/test_docs.py, page by page, unless the line above the
block names the test that runs it instead: ``<!-- run by tests/… -->`` (the file must exist and name the
page).
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|\!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S)
RUN_BY = re.compile(r"<!-- run by (?P<test>\S+) -->\s*$")


@dataclass(frozen=True)
class Block:
    """One fenced ``sh`` block: where it stands, its commands, and the test that runs it instead."""

    page: Path
    line: int
    commands: str
    run_by: str | None


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def anchor(heading: str) -> str:
    bare = re.sub(r"[`*_]", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", bare).replace(" ", "-")


def shell_blocks(page: Path) -> list[Block]:
    text = page.read_text()
    blocks = []
    for match in FENCE.finditer(text):
        if match["info"].strip() != "sh":
            continue
        before = RUN_BY.search(text[: match.start()].rstrip("\n"))
        body = "\n".join(line.removeprefix(match["indent"]) for line in match["body"].splitlines())
        blocks.append(
            Block(page, text.count("\n", 0, match.start()) + 1, body, before["test"] if before else None)
        )
    return blocks


def problems_of(page: Path) -> list[str]:
    text = page.read_text()
    prose = FENCE.sub("", text)
    found = []
    for match in LINK.finditer(prose):
        target = unquote(match[1] or match[2])
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            found.append(f"{page.relative_to(ROOT)}: link to {target}, which is not there")
        elif fragment and there.suffix == ".md":
            headings = re.findall(r"^#+ +(.+)$", FENCE.sub("", there.read_text()), re.M)
            if fragment not in {anchor(heading) for heading in headings}:
                found.append(f"{page.relative_to(ROOT)}: no heading for #{fragment} in {there.name}")
    for block in shell_blocks(page):
        if block.run_by is None:
            continue
        test = ROOT / block.run_by.split("::")[0]
        if not test.exists() or page.name not in test.read_text():
            place = f"{page.relative_to(ROOT)}:{block.line}"
            found.append(f"{place}: {block.run_by} does not exist or does not name {page.name}")
    return found


def main() -> int:
    found = [problem for page in pages() for problem in problems_of(page)]
    for problem in found:
        print(problem, file=sys.stderr)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
