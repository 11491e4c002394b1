"""Applications to put before services. To make one takes longer than most tests do, so they are used again."""

from collections.abc import Iterator
from contextlib import contextmanager

from litestar import Litestar

from alertsvc.app import Seat, application, state_of
from alertsvc.engine.service import Service

_free: list[tuple[Litestar, Seat]] = []


@contextmanager
def application_of(service: Service) -> Iterator[Litestar]:
    """An application before `service`, which nobody else has meanwhile."""
    app, seat = _free.pop() if _free else _made(service)
    seat.service = service
    app.state.update(state_of(service))
    try:
        yield app
    finally:
        _free.append((app, seat))


def _made(service: Service) -> tuple[Litestar, Seat]:
    seat = Seat(service)
    return application(seat), seat
