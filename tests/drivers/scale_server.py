"""A scale on libmodbus, as a process of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path


class ScaleServer:
    """Registers from 100: weight (two, high word first), status, counter, pattern (two)."""

    def __init__(self, program: Path, *arguments: str) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([str(program), *arguments], stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def tell(self, *lines: str) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("".join(f"{line}\n" for line in lines))
        self._process.stdin.flush()
        self._process.stdout.readline()

    def weigh(self, grams: int, counter: int, status: int = 1) -> None:
        self.tell(f"100 {grams >> 16}", f"101 {grams & 0xFFFF}", f"102 {status}", f"103 {counter}")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        self.stop()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            stream.close()
