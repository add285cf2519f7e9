"""What the language of checks allows, and what it says of the rest."""

import pytest

from trimtab.spec.expression import parse_expression

TYPES = {
    "delay": "number",
    "stops": "integer",
    "line": "string",
    "express": "boolean",
    "left": "timestamp",
    "came": "timestamp",
    "dep delay": "number",
}


@pytest.mark.parametrize(
    "text",
    [
        "delay >= -60 or express",
        "0 <= stops < 10",
        "not express and line in ('red', 'blue')",
        "came - left < 86400",
        "left > '2026-01-01' and came >= left",
        "delay is None or abs(delay) * 2 % 7 < 3",
        "`dep delay` < 3 or line == '`'",
        "starts_with(lower(line), 'r')",
        "stops or express",
        "length(line) != 3",
    ],
)
def test_a_condition_is_understood(text: str) -> None:
    assert parse_expression(text, TYPES).columns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dealy > 1", "no column is called 'dealy'; did you mean 'delay'?"),
        ("delay", "'delay' is a number; a condition is true or false"),
        ("delay > 'x'", "'delay' is a number and ''x'' a string"),
        ("line + 1 > 2", "calculates with a string and a number"),
        ("express > True", "true and false have no order"),
        ("left > 'soon'", "'soon' is no time"),
        ("line in 'red'", "a list of values in parentheses"),
        ("stops in (1, 'a')", "is no number"),
        ("delay is 3", "'is' and 'is not' are for None"),
        ("delay == None", "can only stand after 'is'"),
        ("__import__('os').system('x')", "the functions are abs"),
        ("line.upper() == 'X'", "the functions are abs"),
        ("(lambda: 1)() == 1", "the functions are abs"),
        ("[x for x in line] == 1", "not part of the language"),
        ("line[0] == 'a'", "not part of the language"),
        ("delay ** 9 > 1", "arithmetic is + - * / and %"),
        ("~stops > 1", "write 'not' in place of '~'"),
        ("abs(line) > 1", "is a string and must be a number"),
        ("contains(line, line)", "must be text in quotes"),
        ("delay >", "is no condition"),
        ("delay > 1e999", "no value of a column"),
        ("-" * 490 + "delay > 1", "nested too deeply"),
        ("(" * 250 + "delay", "is no condition"),
        ("delay > 1; stops", "is no condition"),
        ("delay := 3", "is no condition"),
        ("\x00", "is no condition"),
    ],
)
def test_what_is_not_in_the_language_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_expression(text, TYPES)
    assert message in str(caught.value)
