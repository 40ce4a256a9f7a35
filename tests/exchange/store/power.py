"""A disk that can lose power: it records every call of ``Files`` and shows what may be left of any prefix.

The model is harsher than real file systems: whatever was not synced may be there, be missing, or be there
in part, sector by sector and even torn inside a sector, in any order; a name that was not synced in its
folder may be there or not, independently of others.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lienthong.exchange.store.embedded.files import Buffer, Files

SECTOR = 512
FOLDER = 0


@dataclass(frozen=True)
class Call:
    """One recorded call. ``inode`` numbers a file for life; ``name`` and ``other`` are relative paths."""

    what: str
    inode: int = 0
    offset: int = 0
    data: bytes = b""
    name: str = ""
    other: str = ""


class UnsyncedFiles(Files):
    """For a state that was already chosen: nobody will cut its power, so nothing needs to be synced."""

    def sync_data(self, fd: int) -> None:
        """Nothing."""

    def sync(self, fd: int) -> None:
        """Nothing."""

    def sync_folder(self, path: Path) -> None:
        """Nothing."""


class RecordingFiles(UnsyncedFiles):
    """The calls, each noted after it was made; a sync is noted only. Files below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls: list[Call] = []
        self._inode_of_fd: dict[int, int] = {}
        self._inode_of_path: dict[str, int] = {}
        self._inodes = 0
        for path in sorted(root.rglob("*")) if root.exists() else ():
            if path.is_file():
                self._inode_of_path[self._name(path)] = self._new_inode()
        self.initial = {
            name: (inode, (root / name).read_bytes()) for name, inode in self._inode_of_path.items()
        }

    def _new_inode(self) -> int:
        self._inodes += 1
        return self._inodes

    def _name(self, path: Path) -> str:
        """Relative to the root; '' for the root itself, '/…' for what lies outside and is not recorded."""
        if not path.is_relative_to(self.root):
            return f"/{path}"
        return "" if path == self.root else str(path.relative_to(self.root))

    def open_new(self, path: Path) -> int:
        fd = super().open_new(path)
        if self._name(path).startswith("/"):
            return fd
        inode = self._inode_of_fd[fd] = self._inode_of_path[self._name(path)] = self._new_inode()
        self.calls.append(Call("create", inode, name=self._name(path)))
        return fd

    def open_existing(self, path: Path) -> int:
        fd = super().open_existing(path)
        if (name := self._name(path)) in self._inode_of_path:
            self._inode_of_fd[fd] = self._inode_of_path[name]
        return fd

    def open_to_append(self, path: Path) -> int:
        fd = super().open_to_append(path)
        if (name := self._name(path)) in self._inode_of_path:
            self._inode_of_fd[fd] = self._inode_of_path[name]
        return fd

    def close(self, fd: int) -> None:
        self._inode_of_fd.pop(fd, None)
        super().close(fd)

    def write(self, fd: int, buffers: Sequence[Buffer], offset: int) -> None:
        super().write(fd, buffers, offset)
        self._note("write", fd, offset, b"".join(buffers))

    def allocate(self, fd: int, offset: int, length: int) -> None:
        super().allocate(fd, offset, length)
        self._note("grow", fd, offset + length)

    def truncate(self, fd: int, length: int) -> None:
        super().truncate(fd, length)
        self._note("truncate", fd, length)

    def sync_data(self, fd: int) -> None:
        super().sync_data(fd)
        self._note("sync", fd)

    def sync(self, fd: int) -> None:
        super().sync(fd)
        self._note("sync", fd)

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        self._note_name("sync-folder", path)

    def create_folder(self, path: Path) -> None:
        super().create_folder(path)
        if path != self.root:
            self._note_name("create-folder", path)

    def _note_name(self, what: str, path: Path) -> None:
        if not (name := self._name(path)).startswith("/"):
            self.calls.append(Call(what, name=name))

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        before, after = self._name(source), self._name(target)
        if before in self._inode_of_path:
            inode = self._inode_of_path[after] = self._inode_of_path.pop(before)
            self.calls.append(Call("rename", inode, name=before, other=after))

    def remove(self, path: Path) -> None:
        super().remove(path)
        if self._inode_of_path.pop(self._name(path), None) is not None:
            self.calls.append(Call("remove", name=self._name(path)))

    def _note(self, what: str, fd: int, offset: int = 0, data: bytes = b"") -> None:
        inode = self._inode_of_fd.get(fd)
        if inode is not None:
            self.calls.append(Call(what, inode, offset, data))


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Call] = field(default_factory=list)


class Disk:
    """What the platters and the cache hold after a prefix of the calls."""

    def __init__(self, initial: dict[str, tuple[int, bytes]]) -> None:
        self._files: dict[int, _File] = {}
        self._names: dict[str, int] = {}
        self._durable_names: dict[str, int] = {}
        for name, (inode, content) in initial.items():
            for parent in Path(name).parents[:-1]:
                self._names[str(parent)] = self._durable_names[str(parent)] = FOLDER
            self._files[inode] = _File(bytearray(content))
            self._names[name] = self._durable_names[name] = inode

    def apply(self, call: Call) -> None:
        if call.what == "create":
            self._files[call.inode] = _File()
            self._names[call.name] = call.inode
        elif call.what == "create-folder":
            self._names[call.name] = FOLDER
        elif call.what == "rename":
            self._names[call.other] = self._names.pop(call.name)
        elif call.what == "remove":
            del self._names[call.name]
        elif call.what == "sync":
            file = self._files[call.inode]
            for each in file.pending:
                _put(file.durable, each)
            file.pending.clear()
        elif call.what == "sync-folder":
            for name in {*self._names, *self._durable_names}:
                if str(Path(name).parent) == (call.name or "."):
                    self._settle(name)
        else:
            self._files[call.inode].pending.append(call)

    def _settle(self, name: str) -> None:
        if name in self._names:
            self._durable_names[name] = self._names[name]
        else:
            self._durable_names.pop(name, None)

    def lose_power(self, luck: random.Random, keep: float, folder: Path) -> None:
        """Write one possible state into ``folder``. ``keep``: how likely each unsynced sector or name
        survived; 0 drops everything unsynced, 1 keeps it.
        """
        names = dict(self._durable_names)
        for name in {*self._names, *self._durable_names}:
            if self._names.get(name) != self._durable_names.get(name) and luck.random() < keep:
                if name in self._names:
                    names[name] = self._names[name]
                else:
                    names.pop(name, None)
        for name in sorted(names):
            path, inode = folder / name, names[name]
            if not path.parent.exists():
                continue  # The folder's own name is lost, and all that is in it.
            if inode == FOLDER:
                path.mkdir()
                continue
            path.write_bytes(self._remains(self._files[inode], luck, keep))

    def _remains(self, file: _File, luck: random.Random, keep: float) -> bytes:
        content = bytearray(file.durable)
        pieces = [piece for call in file.pending for piece in _pieces(call, luck, keep)]
        if 0 < keep < 1:
            luck.shuffle(pieces)
        for piece in pieces:
            _put(content, piece)
        return bytes(content)


def _pieces(call: Call, luck: random.Random, keep: float) -> list[Call]:
    """The parts of an unsynced call that reached the disk: whole sectors, now and then a torn one."""
    if call.what != "write":
        return [call] if luck.random() < keep else []
    pieces = []
    at = 0
    while at < len(call.data):
        upto = min(len(call.data), at + SECTOR - (call.offset + at) % SECTOR)
        if luck.random() < keep:
            torn = keep < 1 and luck.random() < 0.1
            end = luck.randint(at, upto) if torn else upto
            pieces.append(Call("write", call.inode, call.offset + at, call.data[at:end]))
        at = upto
    return pieces


def _put(content: bytearray, call: Call) -> None:
    if call.what == "truncate":
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
    elif call.what == "grow":
        content.extend(bytes(max(0, call.offset - len(content))))
    elif call.data:
        end = call.offset + len(call.data)
        content.extend(bytes(max(0, end - len(content))))
        content[call.offset : end] = call.data
