"""What the bot knows to say by itself."""

import re

NAME = "Bot"
GREETING = (
    "Hello! I can tell you our opening hours or where your order is. "
    "Say “agent” whenever you would rather talk to a person."
)
HANDING_OVER = "Of course. I am getting a person for you."
NO_PERSON = "I am sorry, I cannot reach a person at the moment."
BACK = "I'm back. Is there anything else? Say “help” to see what I can do."
NO_FILES = (
    "I cannot look into files. Say “agent”, and send it again to the person who comes."
)
LOST = "I did not understand; say “agent” to talk to a person."

_PERSON = re.compile(r"\b(agent|human|person)\b", re.IGNORECASE)
_ORDER_NUMBER = re.compile(r"\b\d{3,10}\b", re.ASCII)
_ANSWERS = {
    r"hours|open|close|closed|closing": (
        "We are open Monday to Friday from 9:00 to 18:00, and on Saturday until 14:00."
    ),
    r"order|parcel|delivery": "Gladly. What is the number of your order, please?",
    r"help": "Ask me for our opening hours or your order, or say “agent”.",
    r"hello|hi|hey|good (morning|afternoon|evening)": "Hello! How can I help you?",
    r"thanks|thank you": "You are welcome!",
    r"bye|goodbye": "Goodbye, and thank you for your visit.",
}


def asks_for_a_person(text: str) -> bool:
    """Tell whether the user wants to talk to somebody else than the bot."""
    return bool(_PERSON.search(text))


def reply(text: str) -> str:
    """Answer by keywords; an order number wins over all of them."""
    if number := _ORDER_NUMBER.search(text):
        return f"Order {number[0]} is on its way and should arrive tomorrow."
    for words, answer in _ANSWERS.items():
        if re.search(rf"\b({words})\b", text, re.IGNORECASE):
            return answer
    return LOST
