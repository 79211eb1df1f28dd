"""What pydantic refuses, in the kit's own words: which setting has which value, and the rule."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

WHOLE, NUMBER, LIST = "it must be a whole number", "it must be a number", "it takes a list of values"
RULES = {
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "finite_number": NUMBER,
    "string_type": "it must be text",
    "bool_type": "it must be true or false",
    "bool_parsing": "it must be true or false",
    "tuple_type": LIST,
    "list_type": LIST,
    "too_long": "it takes {max_length} values at most",
    "too_short": "it takes {min_length} values at least",
    "literal_error": "it must be {expected}",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be {le} or less",
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must be {ge} or more",
    "value_error": "{error}",
}


def refusal(error: "ValidationError") -> str:
    """Return the first thing that is wrong with settings, as a sentence.

    Args:
        error: what pydantic raised.
    """
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{where} is missing."
    rule = _rule(first["type"], first.get("ctx", {}), first["msg"])
    return f"{where} has {repr(first['input'])[:60]}: {rule}." if where else f"{rule}."


def _rule(kind: str, context: dict[str, Any], message: str) -> str:
    """Return a rule; one without words of its own keeps pydantic's."""
    return RULES[kind].format(**context) if kind in RULES else message.replace("Input should", "it should")
