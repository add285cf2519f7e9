"""What Lambda's runtime sends: HTTP requests, lines and frames, however they are cut into pieces."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.lambda_.http_requests import RequestParser
from localcloud.lambda_.log_reader import FrameReader, LineReader

STREAM = (
    b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"
    b"POST /a/response HTTP/1.1\r\nContent-Length: 5\r\nX-One: 1 \r\n\r\nhello"
    b"POST /b/error HTTP/1.1\r\nContent-Length: 13\r\n\r\nabc0123456789"
    b"GET /c HTTP/1.1\r\n\r\n"
)


def frame(message: bytes, microseconds: int = 1_700_000_000_123_456) -> bytes:
    return struct.pack(">IIQ", 0xA55A0003, len(message), microseconds) + message


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.integers(min_value=0, max_value=10_000), max_size=12))
def test_requests_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    parser = RequestParser()
    requests = [request for piece in pieces_of(STREAM, cuts) for request in parser.feed(piece)]
    assert [(one.method, one.path, one.body) for one in requests] == [
        ("GET", "/2018-06-01/runtime/invocation/next", b""),
        ("POST", "/a/response", b"hello"),
        ("POST", "/b/error", b"abc0123456789"),
        ("GET", "/c", b""),
    ]
    assert requests[1].headers["x-one"] == "1"


def test_bytes_that_are_not_http_are_refused() -> None:
    with pytest.raises(ValueError):
        RequestParser().feed(b"nonsense\r\n\r\n")


@given(st.lists(st.integers(min_value=0, max_value=10_000), max_size=12))
def test_a_frame_of_several_lines_stays_one_event_however_it_is_cut(cuts: list[int]) -> None:
    reader = FrameReader()
    data = frame(b"first\nsecond\n") + frame(b"third", 5_000)
    events = [event for piece in pieces_of(data, cuts) for event in reader.feed(piece)]
    assert events == [(1_700_000_000_123, "first\nsecond"), (5, "third")]


def test_a_frame_that_was_cut_off_is_not_an_event() -> None:
    reader = FrameReader()
    assert reader.feed(frame(b"lost")[:-1]) == []
    assert reader.flush() == []
    assert reader.feed(frame(b"next", 1_000)) == [(1, "next")]


def test_every_printed_line_is_an_event_and_empty_ones_are_not() -> None:
    reader = LineReader()
    assert [text for _, text in reader.feed(b"a\n\nb\nhal")] == ["a", "b"]
    assert [text for _, text in reader.feed(b"f\n")] == ["half"]


def test_what_was_printed_without_a_line_break_is_an_event_at_the_end() -> None:
    reader = LineReader()
    reader.feed(b"no break")
    assert [text for _, text in reader.flush()] == ["no break"]
    assert reader.flush() == []


def test_a_message_too_long_for_one_event_is_split() -> None:
    texts = [text for _, text in LineReader().feed(b"x" * 600_000 + b"\n")]
    assert len(texts) == 3
    assert sum(map(len, texts)) == 600_000
