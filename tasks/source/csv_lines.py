"""One CSV line that the fast path leaves aside: it has quotes, or too few or too many fields."""

import csv


def parse_odd_line(line: str, delimiter: str, width: int) -> tuple[list[str], str]:
    """The fields of a line and an empty problem, or no fields and what is wrong with the line."""
    try:
        # strict: a quote in the middle of a field or one that never closes is an error, not a guess.
        fields = next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return [], _problem_of_quotes(str(error))
    if len(fields) != width:
        return [], f"the line has {len(fields)} fields, the header has {width}"
    return fields, ""


def _problem_of_quotes(error: str) -> str:
    if "unexpected end" in error:
        return "a quote is opened on this line and never closed; a record has to be on one line"
    return f"the quotes on this line do not fit ({error}); double a quote inside a quoted field"
