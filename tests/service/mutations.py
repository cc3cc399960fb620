"""Requests to `/predict` for the default contract, most of them broken in one way or another; the same for a seed."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.schemas.bodies import APPLICATION, GOOD, NUMBERS, TEXTS, WRONG, body_of, pieces_of

# The default of SCORING_MAX_BODY_BYTES.
LIMIT = 16_384
FIELDS = {field.name: field for field in APPLICATION.fields}
PIECES = {name: pieces_of(field) for name, field in FIELDS.items()}
ID = "application_id"
NAMES = [*FIELDS, ID]
MEDIA_TYPES = [
    *("application/json; charset=utf-8", "APPLICATION/JSON", "application/json;", "Application/Json ;x=y"),
    *("text/plain", "", "application/jsonx", "application/problem+json", "json", "application/json, text/plain"),
    *(
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application /json",
        "a" * 3_000,
        "\xff/\xff",
    ),
]
WHOLE = [
    *(
        b"",
        b" ",
        b"\n\t\r ",
        b"[]",
        b"{}",
        b"null",
        b"true",
        b"0",
        b'"age"',
        b"\0",
        b"{",
        b"}",
        b'{"',
        b'{"age"',
        b'{"age":',
    ),
    *(
        b"[{}]",
        b"{} {}",
        b"{},",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"%7B%7D",
        b"age=35&income=1",
    ),
    *(
        b"<application/>",
        b"--x\r\n\r\n--x--",
        b"\x1f\x8b\x08\x00",
        b"\x80\x04}.",
        b"'",
        b'"',
        b"\\",
        b"\\u0000",
        b"{1: 2}",
    ),
]


@dataclass(frozen=True)
class Sent:
    """A request: its media type (None: no such header), its body, and in how many parts that arrives."""

    body: bytes
    media_type: str | None = "application/json"
    parts: int = 1


class Mutations:
    """Draws requests; `draw` is one of them, iterating never ends."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        ways: dict[Callable[[], bytes], int] = {
            self._good: 25,
            self._wrong_values: 25,
            self._wrong_names: 15,
            self._disturbed: 20,
            self._sized: 5,
            self._nested: 3,
            self._encoded: 3,
            self._whole: 4,
        }
        self._ways, self._weights = [*ways], [*ways.values()]

    def __iter__(self) -> Iterator[Sent]:
        while True:
            yield self.draw()

    def draw(self) -> Sent:
        """One request."""
        (way,) = self._random.choices(self._ways, self._weights)
        sent = Sent(way())
        if self._chance(0.04):
            sent = replace(sent, media_type=self._random.choice([None, *MEDIA_TYPES]))
        return replace(sent, parts=self._random.randint(2, 5)) if self._chance(0.1) else sent

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _values(self) -> dict[str, str]:
        """Valid values, each written in one of the ways there are."""
        values: dict[str, str] = {}
        for name, field in FIELDS.items():
            low, high = field.ge or 0, field.le or 0
            if field.nullable and self._chance(0.2):
                if self._chance(0.5):
                    values[name] = "null"
            elif field.kind == "integer":
                number = self._random.randint(int(low), int(high))
                values[name] = self._random.choice([str(number), f"{number}.0", f"{number}e0", f"{number * 10}E-1"])
            else:
                values[name] = repr(self._random.uniform(low, high))
        if self._chance(0.5):
            values[ID] = self._random.choice(['"A-1"', '" A:1 "', "null", '""', '"\\u00e9\\ud83d\\ude00"', '"É"'])
        return values

    def _members(self, values: dict[str, str]) -> list[tuple[str, str]]:
        members = [*values.items()]
        self._random.shuffle(members)
        return members

    def _written(self, members: list[tuple[str, str]]) -> bytes:
        spaces = [self._random.choice(["", " ", "\n", "\t ", "\r\n"]) for _ in range(4)]
        comma, colon = f"{spaces[0]},{spaces[1]}", f"{spaces[2]}:{spaces[3]}"
        return (
            "{" + spaces[0] + comma.join(f'"{name}"{colon}{value}' for name, value in members) + "}" + spaces[1]
        ).encode()

    def _good(self) -> bytes:
        return self._written(self._members(self._values()))

    def _piece(self, name: str) -> str:
        if self._chance(0.5):
            return self._random.choice(PIECES.get(name) or [json.dumps(text) for text in TEXTS])
        return self._random.choice(
            [*WRONG, *NUMBERS, '"\\u0000"', '"\\ud800"', '"x' + "y" * self._random.randrange(200) + '"']
        )

    def _wrong_values(self) -> bytes:
        values = self._values()
        for name in self._random.sample(NAMES, self._random.randint(1, 5)):
            if self._chance(0.15):
                values.pop(name, None)
            else:
                values[name] = self._piece(name)
        return self._written(self._members(values))

    def _wrong_names(self) -> bytes:
        members = self._members(self._values())
        for _ in range(self._random.randint(1, 3)):
            place = self._random.randrange(len(members))
            name, value = members[place]
            other = self._random.choice(NAMES)
            members[place : place + 1] = self._random.choice(
                [
                    [(name.upper(), value)],
                    [(name + " ", value)],
                    [(self._escaped(name), value)],
                    [(name, value), (name, value)],
                    [(name, value), (self._escaped(name), self._piece(name))],
                    [(other, value)],
                    [(name, value), ("x" * self._random.choice([0, 1, 99, 100, 101, 3_000]), "1")],
                    [(name, value), *((f"field_{number}", "{}") for number in range(self._random.choice([1, 3, 300])))],
                    [(name, value), (self._random.choice(["__proto__", "a\\u0000", "é", "\\ud800", "0"]), "null")],
                    [],
                ]
            ) or [(name[:-1], value)]
        return self._written(members)

    def _escaped(self, name: str) -> str:
        place = self._random.randrange(len(name)) if name and name.isascii() and "\\" not in name else -1
        return name if place < 0 else f"{name[:place]}\\u{ord(name[place]):04x}{name[place + 1 :]}"

    def _disturbed(self) -> bytes:
        body = bytearray(self._good() if self._chance(0.7) else self._wrong_values())
        for _ in range(self._random.choice([1, 1, 1, 2, 5, 30])):
            place = self._random.randrange(len(body) + 1)
            match self._random.randrange(6):
                case 0 if place < len(body):
                    body[place] ^= 1 << self._random.randrange(8)
                case 1:
                    del body[place:]
                case 2:
                    body[place:place] = self._random.randbytes(self._random.randint(1, 4))
                case 3:
                    del body[place : place + self._random.randint(1, 10)]
                case 4:
                    body[place:place] = body[place : place + self._random.randint(1, 60)]
                case _:
                    body[place:place] = self._random.choice(
                        [b",", b":", b'"', b"{", b"}", b"\\", b"0", b"-", b"e9", b"null"]
                    )
        return bytes(body)

    def _sized(self) -> bytes:
        """Bodies around the limit, some of them blown up by white space only."""
        size = self._random.choice([LIMIT - 1, LIMIT, LIMIT + 1, LIMIT * 2, LIMIT * 10, 8_000])
        body = self._good()
        match self._random.randrange(3):
            case 0:
                return body + b" " * (size - len(body))
            case 1:
                return b'{"' + b"n" * (size - 5) + b'":1}'
            case _:
                good = body_of(GOOD[APPLICATION.name])
                return good[:-1] + b', "application_id": "' + b"i" * (size - len(good) - 22) + b'"}'

    def _nested(self) -> bytes:
        """Shallow, or far deeper than any parser goes: where exactly one gives up is its own affair."""
        depth = self._random.choice([1, 2, 5, 50, 3_000, 8_000])
        opening, closing = self._random.choice([("[", "]"), ('{"a":', "}"), ('[{"age":', "}]")])
        deep = opening * depth + "1" + closing * depth
        if self._chance(0.3):
            return deep.encode()
        return self._written(self._members(self._values() | {self._random.choice([*NAMES, "other"]): deep}))

    def _encoded(self) -> bytes:
        text = self._good().decode()
        return self._random.choice(
            [
                b"\xef\xbb\xbf" + text.encode(),
                text.encode("utf-16"),
                text.encode("utf-16-le"),
                text.encode("utf-32-be"),
                text.replace("{", '{"application_id": "É",', 1).encode("latin-1", errors="replace"),
                text.encode() + b"\0",
                text.replace("{", '{"application_id": "\udcff",', 1).encode(errors="surrogatepass"),
            ]
        )

    def _whole(self) -> bytes:
        return self._random.choice([*WHOLE, self._random.randbytes(self._random.randint(1, 300))])
