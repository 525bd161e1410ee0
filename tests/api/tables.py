"""Tables of statuses: who asks down the side, what is asked along the top."""


def statuses_of(table: str) -> dict[str, dict[str, int]]:
    """Return, for each caller, the status of each route."""
    head, *rows = [line.split() for line in table.strip().splitlines()]
    return {
        who: dict(zip(head, map(int, statuses), strict=True)) for who, *statuses in rows
    }
