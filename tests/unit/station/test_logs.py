"""A log that nobody reads stops nobody."""

from __future__ import annotations

import logging
import os
import threading

from station.logs import MOST_WAITING, LogWriter


def logger(name: str, writer: LogWriter) -> logging.Logger:
    made = logging.getLogger(f"tests.logs.{name}")
    made.setLevel(logging.INFO)
    made.propagate = False
    made.addHandler(writer)
    return made


def test_lines_come_whole_and_in_order_and_the_last_before_the_end() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as out:
        writer = LogWriter(out)
        log = logger("order", writer)
        for number in range(50):
            log.info("line %d", number)
        writer.close()
    with os.fdopen(read) as text:
        assert [line.split(" I ")[1] for line in text.read().splitlines()] == [f"line {n}" for n in range(50)]


def test_behind_a_pipe_that_nobody_reads_nobody_waits_and_what_was_dropped_is_counted() -> None:
    read, write = os.pipe()
    many, lines = MOST_WAITING + 500, list[str]()
    with os.fdopen(write, "w") as out:
        writer = LogWriter(out)
        log = logger("blocked", writer)
        said = threading.Thread(target=lambda: [log.info("x" * 1000) for _ in range(many)], daemon=True)
        said.start()
        said.join(20)
        assert not said.is_alive()
        text = os.fdopen(read)
        reader = threading.Thread(target=lambda: lines.extend(text))
        reader.start()
        writer.close()
    reader.join(20)
    text.close()
    told = [int(line.split()[0]) for line in lines if "were dropped" in line]
    assert 0 < sum(told) < many
    assert len(lines) - len(told) + sum(told) == many
