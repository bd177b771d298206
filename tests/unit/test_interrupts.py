"""An interrupt reaches whatever waits in its thread, and nothing else."""

from __future__ import annotations

import socket
import threading

import pytest

from altwright import interrupts
from altwright.interrupts import Interrupt, Interrupted


def test_a_wait_ends_with_the_interrupt() -> None:
    """Nobody waits out a pause of an hour after a cancel."""
    interrupt = Interrupt()
    thread = threading.Thread(target=interrupt.interrupt)
    thread.start()
    with pytest.raises(Interrupted):
        interrupt.wait(3600)
    thread.join()


def test_a_blocked_read_is_broken_off() -> None:
    """A server that sends nothing holds a worker no longer than nobody interrupts."""
    interrupt = Interrupt()
    ours, theirs = socket.socketpair()
    with ours, theirs, interrupts.interruptible(interrupt):
        breaking = interrupts.current().breaking_off(lambda: ours.shutdown(socket.SHUT_RDWR))
        with breaking:
            thread = threading.Thread(target=interrupt.interrupt)
            thread.start()
            assert ours.recv(1) == b""
            thread.join()
    with pytest.raises(Interrupted):
        interrupt.check()


def test_what_begins_after_the_interrupt_does_not_begin() -> None:
    """A wait that starts a moment too late ends as well."""
    interrupt = Interrupt()
    interrupt.interrupt()
    with pytest.raises(Interrupted), interrupt.breaking_off(lambda: None):
        pytest.fail("the wait began")


def test_a_thread_that_works_on_no_task_is_never_interrupted() -> None:
    """Web requests and maintenance threads ask as well, and go on."""
    interrupt = Interrupt()
    interrupt.interrupt()
    with interrupts.interruptible(interrupt), pytest.raises(Interrupted):
        interrupts.current().check()
    interrupts.current().check()
