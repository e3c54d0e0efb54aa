import pytest

from tests.chaos.judge import Said, Tally, compare


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
