"""What the tests of all channels share: the event loop the service runs on."""

import pytest

UVLOOP = ("asyncio", {"use_uvloop": True})
BOTH_LOOPS = pytest.mark.parametrize("anyio_backend", [("asyncio", {}), UVLOOP], ids=["asyncio", "uvloop"])


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return UVLOOP
