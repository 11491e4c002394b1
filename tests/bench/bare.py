"""The reference for ingest: a Litestar endpoint that reads and decodes a body, answers 202, and does nothing else.

python -m tests.bench.bare PORT
"""

import sys

import msgspec
import uvicorn
from litestar import Litestar, MediaType, Request, Response, get, post


@post("/api/v1/hooks/alertmanager", status_code=202)
async def decode(request: Request) -> Response[bytes]:
    """Decode, and forget."""
    msgspec.json.decode(await request.body())
    return Response(b"{}", status_code=202, media_type=MediaType.JSON)


@get("/-/ready")
async def ready() -> None:
    """It always is."""


app = Litestar([decode, ready], openapi_config=None)

if __name__ == "__main__":
    options = {"loop": "uvloop", "http": "httptools", "access_log": False, "log_level": "warning"}
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), **options)
