from itertools import chain, combinations, product

import pytest

from tests.chaos.judge import Said, Tally, compare, compare_cut


def judged(accepted: str, seen: str, *, open_ends: str = "") -> Tally:
    """Compare texts of one letter; those in `open_ends` were not promised."""
    said = [Said(text, is_promised=text not in open_ends) for text in accepted]
    return compare(said, list(seen))


@pytest.mark.parametrize(
    ("accepted", "seen", "wrong"),
    [
        ("", "", {}),
        ("yny", "yny", {}),
        ("yny", "yy", {"lost": 1}),
        ("yny", "", {"lost": 3}),
        ("yny", "ynyy", {"duplicated": 1}),
        ("yny", "yyn", {"reordered": 1}),
        ("yny", "ynyx", {"unexpected": 1}),
        ("yynh", "yhx", {"lost": 2, "unexpected": 1}),
        ("ynh", "hny", {"reordered": 2}),
        ("ynh", "nyy", {"lost": 1, "duplicated": 1, "reordered": 1}),
    ],
)
def test_what_was_seen_is_compared_with_what_was_accepted(accepted, seen, wrong):
    assert judged(accepted, seen) == Tally(
        accepted=len(accepted), seen=len(seen), **wrong
    )


@pytest.mark.parametrize(
    ("accepted", "seen", "open_ends", "more"),
    [
        ("ynh", "yn", "h", {"reported": 1}),
        ("ynh", "ynh", "h", {}),
        ("ynh", "yh", "n", {"reported": 1}),
        ("ynh", "", "nh", {"reported": 2, "lost": 1}),
        ("ynh", "ynhh", "h", {"duplicated": 1}),
        ("ynh", "yhn", "h", {"reordered": 1}),
    ],
)
def test_what_is_known_as_undelivered_may_be_there_or_not(
    accepted, seen, open_ends, more
):
    found = judged(accepted, seen, open_ends=open_ends)

    assert found == Tally(accepted=len(accepted), seen=len(seen), **more)


def test_tallies_of_conversations_add_up():
    both = judged("yn", "y") + judged("yn", "yny")

    assert both == Tally(accepted=4, seen=4, lost=1, duplicated=1)
    assert both.violations == 2


@pytest.mark.parametrize(
    ("accepted", "seen", "least", "wrong"),
    [
        ("ynh", "ynh", 0, {}),
        ("ynh", "y", 1, {"cut_off": 2}),
        ("ynh", "", 0, {"cut_off": 3}),
        # An end comes once: what is missing before something seen is lost.
        ("ynh", "yh", 0, {"lost": 1}),
        ("ynyh", "yyh", 0, {"lost": 1}),
        ("ynh", "yn", 3, {"lost": 1}),
        ("ynh", "y", 2, {"lost": 1, "cut_off": 1}),
        ("ynh", "ynn", 0, {"duplicated": 1, "cut_off": 1}),
        ("ynh", "ny", 0, {"reordered": 1, "cut_off": 1}),
    ],
)
def test_an_end_may_cut_off_the_last_ones_and_no_others(accepted, seen, least, wrong):
    said = [Said(text) for text in accepted]

    found = compare_cut(said, list(seen), least=least, most=len(said))

    known = {"accepted": len(accepted), "seen": len(seen)}
    assert found == Tally(**known, **wrong)


def test_nothing_is_wrong_exactly_where_what_was_promised_was_seen_in_order():
    """Of all short histories: against a definition that needs no cleverness."""
    for length, count in product(range(4), range(4)):
        for accepted, seen in product(
            product("yn", repeat=length), product("yn", repeat=count)
        ):
            for promised in product([True, False], repeat=length):
                said = [Said(*pair) for pair in zip(accepted, promised, strict=True)]
                is_right = seen in _what_may_be_seen(said)
                assert (compare(said, seen).violations == 0) == is_right, (said, seen)


def _what_may_be_seen(said: list[Said]) -> set[tuple[str, ...]]:
    """Return every selection, in order, that leaves out nothing promised."""
    places = range(len(said))
    promised = {place for place in places if said[place].is_promised}
    some = chain.from_iterable(combinations(places, n) for n in range(len(said) + 1))
    return {
        tuple(said[place].text for place in chosen)
        for chosen in some
        if promised <= set(chosen)
    }
