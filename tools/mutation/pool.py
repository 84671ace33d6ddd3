"""Work in forked children: one child a task, its answer over a pipe, a few at a time."""

from __future__ import annotations

import json
import os
import resource
import selectors
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

Task = TypeVar("Task")
MEMORY = 3 << 30  # bytes of data a child may take: a mutant may shift by a million


@dataclass
class Child:
    """A running child: its task, its end of the pipe, what it has written."""

    task: Any
    process: int
    pipe: int
    text: bytes = b""


def forked(
    tasks: Iterable[Task], work: Callable[[Task], Any], jobs: int, limit: Callable[[Task], int]
) -> Iterator[tuple[Task, Any]]:
    """(task, what work(task) returned) as they finish, `jobs` at a time; None of a child that died.

    limit: seconds of processor time. The answer travels as JSON.
    """
    waiting, running = iter(tasks), 0
    with selectors.DefaultSelector() as selector:
        while True:
            while running < jobs and (task := next(waiting, None)) is not None:
                child = start(task, work, limit(task))
                selector.register(child.pipe, selectors.EVENT_READ, child)
                running += 1
            if not running:
                return
            for key, _ in selector.select():
                child = key.data
                part = os.read(child.pipe, 1 << 16)
                child.text += part
                if not part:
                    selector.unregister(child.pipe)
                    running -= 1
                    yield child.task, finished(child)


def start(task: Task, work: Callable[[Task], Any], limit: int) -> Child:
    """Fork; the child never returns. It and its own children die with the limit."""
    sys.stdout.flush()
    read, write = os.pipe()
    process = os.fork()
    if process:
        os.close(write)
        return Child(task, process, read)
    try:
        os.close(read)
        quiet()
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        try:
            answer = {"answer": work(task)}
        except Exception:  # the parent raises it
            answer = {"error": traceback.format_exc()}
        with os.fdopen(write, "wb") as pipe:
            pipe.write(json.dumps(answer).encode())
    finally:
        os._exit(0)


def quiet() -> None:
    """Nothing of a child's session reaches the terminal; SIGXCPU ends it, whatever was handled before."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)


def finished(child: Child) -> Any:
    """The answer, once the child is gone. Raises RuntimeError with the child's traceback if the work itself raised."""
    os.close(child.pipe)
    os.waitpid(child.process, 0)
    found = json.loads(child.text) if child.text else {"answer": None}
    if "error" in found:
        raise RuntimeError(found["error"])
    return found["answer"]
