"""Rounds that one process of the cluster makes at a time: the one that holds a lease."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from altwright.background import BackgroundLoop, attempted
from altwright.errors import DatabaseUnavailable
from altwright.tasks.cluster.role_leases import Leases

#: Seconds between two rounds, and after which another process takes over.
EVERY_S, ROLE_S = 1.0, 5.0


class Leader:
    """Runs in every process; a lease in the database lets one act."""

    def __init__(
        self,
        leases: Leases,
        role: str,
        owner: str,
        rounds: Sequence[Callable[[], None]],
        always: Sequence[Callable[[], None]] = (),
        heard: Callable[[DatabaseUnavailable | None], None] = lambda _: None,
    ) -> None:
        """Take ``rounds``, which the leader does, and ``always``, which every process does.

        ``heard`` is told after each pass whether the database had an answer for all of that.
        """
        self._leases = leases
        self._role = role
        self._owner = owner
        self._rounds = rounds
        self._always = always
        self._heard = heard
        #: Competes for the role, and gives it up at the end.
        give_up = partial(leases.release, [role], owner)
        self.loop = BackgroundLoop(role, self.tick, every_s=EVERY_S, at_end=give_up)

    def tick(self) -> bool:
        """Do one pass; return whether this process holds the role."""
        try:
            for call in self._always:
                call()
            is_leader = self._leases.hold(self._role, self._owner, ROLE_S)
        except DatabaseUnavailable as error:
            self._heard(error)
            raise
        self._heard(None)
        if not is_leader:
            return False
        for call in self._rounds:
            attempted(self._role, call)  # what one of them meets is no reason to leave out the next
        return True
