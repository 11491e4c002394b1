"""Providers that remember what they were told."""

from dataclasses import dataclass

from tests.fakes.provider import Answer, Asked, Provider


@dataclass(frozen=True, slots=True)
class Told:
    """One message about an incident. `at` is monotonic, in seconds; `sequence` is its place in its lane."""

    id: str
    incident: str
    sequence: int
    reason: str
    n: str
    at: float


class Hook(Provider):
    """A webhook."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Told] = []

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        data = asked.json()["data"]
        n = str(data["labels"].get("n") or data["alerts"][0]["labels"]["n"])
        told = Told(asked.headers["webhook-id"], data["id"], data["sequence"], data["reason"], n, asked.at)
        self.told.append(told)
        return Answer(200)

    @property
    def once(self) -> list[Told]:
        """What it was told, without repeats."""
        return list({each.id: each for each in reversed(self.told)}.values())[::-1]

    @property
    def repeats(self) -> int:
        """How many messages it had had already."""
        return len(self.told) - len({each.id for each in self.told})

    def first(self) -> dict[str, float]:
        """When it heard of each alert for the first time."""
        return {each.n: each.at for each in reversed(self.told)}

    def disorder(self) -> list[str]:
        """Where a later message of a lane came before an earlier one."""
        last: dict[str, Told] = {}
        found: list[str] = []
        for each in self.once:
            before = last.get(each.incident)
            if before is not None and each.sequence <= before.sequence:
                found.append(f"{each.n}: {each.reason} came after {before.reason}")
            last[each.incident] = each
        return found

    def last(self) -> dict[str, str]:
        """What it heard last of each incident."""
        return {each.incident: each.reason for each in self.once}
