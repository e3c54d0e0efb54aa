"""How many SELECTs, INSERTs, UPDATEs and DELETEs it takes, counted in the product."""

from bench.stage import Stage, another
from bench.table import Row

TARGETS = {
    "Statements to accept a message": 6,
    "Statements to accept a callback": 4,
    "Statements to deliver a message, in a drain of 20": 8,
}


def rows(stage: Stage) -> list[Row]:
    with another(stage, "counted") as ours:
        counts = ours.ask(f"count_statements({stage.servicenow.url!r})")
    stage.servicenow.forget()
    return [
        Row(
            what=what,
            ours=f"{count:g}",
            beside="",
            ratio="",
            target=f"≤ {target}",
            met=count <= target,
        )
        for (what, target), count in zip(TARGETS.items(), counts, strict=True)
    ]
