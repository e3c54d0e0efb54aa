"""What the two of them write and send: what a careless relay would spoil."""

from handoff.management.demo.files import File, picture

GREETING = "Hello"
GREETING_ANSWER = "How can I help you?"
QUESTION = "My order has not come yet. May I talk to an agent?"
# What the bot's configuration says at each stage, in the order they are reached.
STAGES = {
    "text_queued": "One moment please, I am looking for a colleague.",
    "text_accepted": "You are now talking to a colleague.",
    "text_ended": "The conversation with our colleague has ended.",
}
# What ServiceNow's virtual agent says once the user has told how it was.
THANKS = "Thank you."
LATER_QUESTION = "And what are your opening hours?"
LATER_ANSWER = "9:00"

NOTE = File(
    "Delivery note, café (1234).txt",
    "text/plain",
    'Order 1234\r\n1 red lamp, "as seen"\t€ 40\n'.encode(),
)
PICTURE = File("Parcel 1234.png", "image/png", picture())


def _long(word: str, *, length: int) -> str:
    """Return a text of exactly this length in which no part looks like another."""
    numbered = " ".join(f"{word} {number}," for number in range(length))
    return numbered[: length - 1] + "."


FROM_USER: tuple[str | File, ...] = (
    "It's order 1234, \"the red one\", `quoted`, 'twice' and with a \\backslash.",
    "First line\nsecond line\n\n    and a fourth one, indented",
    "Emoji: 😀 👩\u200d👩\u200d👧 🇨🇭, accents: é e\u0301 ñ, others: 漢字 Ω עברית",
    NOTE,
    "<b>not bold</b> <script>alert('no')</script> 1 < 2 > 0",
    "It cost $1, not ${amount}, $& or {0}, and 100 % of %s",
    _long("user", length=3900),
)
FROM_AGENT: tuple[str | File, ...] = (
    "Let me look: \"1234\", 'the red one', `here` it is, C:\\orders\\1234.",
    "One moment\nand another\n\n    and an indented one",
    "Found: 📦 🚚 👨\u200d👩\u200d👧 ✅, naïve café, 日本語",
    PICTURE,
    "<b>on its way</b> <img src=x onerror=alert(1)> 2 > 1",
    "You get $1 back, $1.00 exactly; no ${variable} and no {0}",
    _long("agent", length=3900),
)
