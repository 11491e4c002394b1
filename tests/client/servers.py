"""Servers that misbehave, on real sockets of this machine."""

import contextlib
import socket
import threading
from collections.abc import Iterator

HANG = b""


@contextlib.contextmanager
def serving(answer: bytes, *, drip: float | None = None) -> Iterator[str]:
    """Take connections and answer each with these bytes: at once, or one each `drip` seconds; with nothing, never."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                if drip is None:
                    connection.sendall(answer)
                    if answer:
                        return
                for each in answer:
                    connection.sendall(bytes([each]))
                    if over.wait(drip):
                        return
                over.wait()

        def listen() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = server.accept()
                    helpers.append(threading.Thread(target=serve, args=(connection,)))
                    helpers[-1].start()

        helpers: list[threading.Thread] = []
        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            listener.join()
            for each in helpers:
                each.join()
