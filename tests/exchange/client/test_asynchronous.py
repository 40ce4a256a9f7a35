"""The asynchronous client says and does the same, for many agencies at once."""

from __future__ import annotations

import asyncio

import pytest
from tests.exchange.client.conftest import PDF, NewClient, a_document
from tests.exchange.province import COMMUNE, DEPARTMENT, OTHER_COMMUNE, PROVINCE, TestProvince

from lienthong.core.clock import utc_now
from lienthong.exchange.client import AsyncClient, Client
from lienthong.exchange.client.directory_copy import DirectoryCopy
from lienthong.exchange.client.errors import HubRefused
from lienthong.exchange.client.http import AsyncWire
from lienthong.exchange.client.profile import load_profile
from lienthong.exchange.client.session import Session
from lienthong.trust.certificates import TrustStore


def test_both_clients_offer_the_same_verbs():
    verbs = {name for name in vars(Client) if not name.startswith("_")} - {"close"}
    assert verbs <= {name for name in vars(AsyncClient) if not name.startswith("_")}


def test_several_agencies_share_a_wire_and_a_directory_and_answer_side_by_side(
    clients: NewClient, province: TestProvince
):
    codes = (COMMUNE, OTHER_COMMUNE, DEPARTMENT)
    sender = clients(PROVINCE)
    index = sender.send(a_document(sender, *codes), [PDF]).log_index
    assert index is not None

    async def play() -> list[str]:
        folder = province.data / "agencies"
        first = load_profile(folder / PROVINCE)
        trust = TrustStore.from_folder(first.pki)
        wire = AsyncWire(first)
        directory = DirectoryCopy(folder / "directory.p7m", trust, Session(first, utc_now), utc_now)

        async def clerk(code: str) -> str:
            async with AsyncClient(folder / code, wire=wire, trust=trust, directory=directory) as client:
                received = await client.fetch(index)
                await client.acknowledge([index])
                await client.report(received, "01")
                row = await client.report(received, "03")
                return row.state

        try:
            return await asyncio.gather(*map(clerk, codes))
        finally:
            await wire.aclose()

    assert asyncio.run(play()) == ["sent"] * 3
    assert {line.state for line in sender.trace(index).deliveries} == {"03"}


def test_an_error_reaches_the_one_who_awaits(clients: NewClient, province: TestProvince):
    clients(PROVINCE)

    async def ask() -> None:
        async with AsyncClient(province.data / "agencies" / COMMUNE) as client:
            await client.trace(10**9)

    with pytest.raises(HubRefused):
        asyncio.run(ask())


def test_files_are_streamed_both_ways(clients: NewClient, province: TestProvince, tmp_path):
    clients(PROVINCE)
    large = tmp_path / "so-lieu.bin"
    large.write_bytes(bytes(range(256)) * 10_000)
    from lienthong.exchange.container import File

    async def play() -> bytes:
        folder = province.data / "agencies"
        async with AsyncClient(folder / PROVINCE) as sender, AsyncClient(folder / COMMUNE) as clerk:
            row = await sender.send(
                a_document(sender, COMMUNE),
                [File("so-lieu.bin", "application/octet-stream", large)],  # type: ignore[arg-type]
            )
            assert row.log_index is not None
            received = await clerk.fetch(row.log_index)
            [path] = await clerk.extract(received, tmp_path / "out")
            return path.read_bytes()

    assert asyncio.run(play()) == large.read_bytes()
