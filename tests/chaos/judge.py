"""What was promised, against what was seen: the checker of a total queue.

Texts repeat, so a text alone proves nothing: of each conversation the whole sequence is
compared. Which of two equal texts in a row is missing nobody can tell, nor need to.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter, itemgetter


@dataclass(frozen=True)
class Said:
    text: str
    # Not so where the bot was told that it failed or that its outcome is unknown.
    is_promised: bool = True


@dataclass(frozen=True, kw_only=True)
class Tally:
    accepted: int = 0
    seen: int = 0
    # Not seen, and not promised.
    reported: int = 0
    # Not seen: an end came first, and nobody was there any more.
    cut_off: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    unexpected: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        names = [one.name for one in fields(self)]
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return Tally(**sums)

    @property
    def violations(self) -> int:
        return self.lost + self.duplicated + self.reordered + self.unexpected


def compare(said: Sequence[Said], seen: Sequence[str]) -> Tally:
    """Count what is wrong in one direction of one conversation.

    What was not promised counts as arrived where that explains what was seen.
    """
    arrived = _arrived(said, seen)
    expected = [said[place].text for place in sorted(arrived)]
    wanted, shown = Counter(expected), Counter(seen)
    more = shown - wanted
    unexpected = sum(count for text, count in more.items() if text not in wanted)
    in_order = _explained([Said(text) for text in expected], seen)
    return Tally(
        accepted=len(said),
        seen=len(seen),
        reported=len(said) - len(arrived),
        lost=(wanted - shown).total(),
        duplicated=more.total() - unexpected,
        reordered=(wanted & shown).total() - len(in_order),
        unexpected=unexpected,
    )


def compare_cut(
    said: Sequence[Said], seen: Sequence[str], *, least: int, most: int
) -> Tally:
    """Compare where an end has cut off what was said last.

    Nobody can tell after which it came; at least so many were there before it, and at
    most so many. What is missing before something that was seen is lost all the same.
    """
    tallies = []
    for kept in range(most, least - 1, -1):
        rest = Tally(accepted=most - kept, cut_off=most - kept)
        tallies.append(compare(said[:kept], seen) + rest)
    return min(tallies, key=attrgetter("violations"))


def _arrived(said: Sequence[Said], seen: Sequence[str]) -> set[int]:
    """Return the places of what was promised, and of what came all the same."""
    promised = {place for place, one in enumerate(said) if one.is_promised}
    arrived = promised | _explained(said, seen)
    surplus = Counter(seen) - Counter(said[place].text for place in arrived)
    for place, one in enumerate(said):
        if place not in arrived and surplus[one.text]:
            surplus[one.text] -= 1
            arrived.add(place)
    return arrived


def _explained(said: Sequence[Said], seen: Sequence[str]) -> set[int]:
    """Return the places of the longest part of what was said that was seen in order.

    What was promised comes first: any number of the others is worth less than one.
    """
    nothing: tuple[int, tuple[int, ...]] = (0, ())
    row = [nothing] * (len(seen) + 1)
    for place, one in enumerate(said):
        worth = len(said) + 1 if one.is_promised else 1
        above, row = row, [nothing]
        for column, text in enumerate(seen):
            value, places = above[column]
            longer = (value + worth, (*places, place)) if text == one.text else nothing
            row.append(max(longer, above[column + 1], row[column], key=itemgetter(0)))
    return set(row[-1][1])
