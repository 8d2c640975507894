"""What is remembered of mail under way: queue ids, hops through a content filter, SMTP sessions, verdicts.

Knows no file and no pattern of a line.  The methods that rules name as their step get what a line says and answer
which of its counters it is in the light of earlier lines; what an earlier line counted too soon is put into
``taken_back``.  All of it is bounded, expires by the stamps of the log, and is part of the checkpoint.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from mailgraph.digests import blake2b
from mailgraph.rules import RSPAMD_SYMBOLS
from mailgraph.schema import COUNTERS, DAY, STEP

Counters: TypeAlias = tuple[str, ...]

Key: TypeAlias = tuple[bytes | None, ...]
"""A host (None where lines name none) and what is unique on it: a queue id, a process id, a relay."""

REMEMBERED = 15 * STEP
"""How long the next line about a message is waited for: filters and clients give up after ten minutes."""

FILTER_REMEMBERED = DAY
"""How long a relay is known to be a content filter after the last message that went through it."""

LIMIT = 150_000
"""Entries of a kind at most, the newest ones: 15 minutes at 160 messages a second, as 500 hosts of one log have them.

That takes 125 MB and a checkpoint of 16 MB.  With 20,000, which last for two minutes there, 0.7 % more messages counted
as received, where one of 30 was refused or came back from a filter after more than three minutes.
"""

SESSION_LIMIT = 50
"""Messages of an SMTP session that are remembered at most."""

PAIRED = 2 * STEP
"""How far apart a filter's line without queue id and Postfix's line about the same message may be."""

CLIENT_STAGES = (b"CONNECT", b"HELO", b"EHLO", b"XCLIENT")
"""What is refused here is the client: all refusals of the session are one."""

MESSAGE_STAGES = (b"DATA", b"BDAT", b"END-OF-MESSAGE")
"""What is refused here is the message, not one of its recipients."""

VERDICTS = ("spam", "virus")

HERE = b"[local/]"
"""The relay of a message that does not leave the machine, in Postfix's way of writing a socket."""
_FAMILIES = {counter: counter.partition("_")[0].encode() for counter in COUNTERS}
"""Of the counters of one family (dkim_pass, dkim_fail) the first one of a message counts."""

_LOOPBACK = re.compile(rb"\[(?:127\.|::1\])")
_ADDRESS = re.compile(rb"\[[^\[\]]*+\]")
_STATISTICS = re.compile(rb" (data|bdat)=(\d{1,9})(?:/(\d{1,9}))?(?!\d)")
_LOCAL_RELAY = re.compile(rb"\[(?:127\.|::1\]|[^\]\n]*/)")

Arrival: TypeAlias = tuple[int, bytes | None, bytes, bool]
"""A message that came in: in which minute, in whose session, from which client, whether it counted as received."""


class Session(NamedTuple):
    """An SMTP session: the queue ids that it got, and how many of those count no more though they were accepted."""

    minute: int
    messages: tuple[bytes, ...] = ()
    uncounted: int = 0
    refused: bool = False
    discarding: bool = False
    begun: int = 0


_NO_SESSION = Session(0)
_NO_HOP = (0, b"")


class _Memory(dict[Key, Any]):
    """Values by key; each is a tuple of so many ``parts`` that begins with the minute in which it was set.

    When a minute begins, those that were set ``lasts`` seconds ago go, and the oldest of more than LIMIT; within a
    minute there may be twice as many.  They go many at a time: each look for a dict's oldest entry passes over those
    that went before.
    """

    def __init__(self, lasts: int, parts: int) -> None:
        self._lasts = lasts
        self._parts = parts

    def remember(self, key: Key, value: tuple[Any, ...]) -> None:
        if key in self:
            del self[key]
        elif len(self) >= 2 * LIMIT:
            self._forget(LIMIT)
        self[key] = value

    def expire(self, now: int) -> None:
        """A loop: functions of itertools would take twice the time."""
        expired = now - self._lasts
        number = 0
        for value in self.values():
            if value[0] >= expired:
                break
            number += 1
        self._forget(max(number, len(self) - LIMIT))

    def _forget(self, number: int) -> None:
        for key in list(islice(self, number)):
            del self[key]

    def state(self) -> list[tuple[Key, tuple[Any, ...]]]:
        return list(self.items())

    def restore(self, state: Iterable[tuple[Any, Any]]) -> None:
        for key, value in state:
            known = _bytes(value)
            if len(known) != self._parts or not isinstance(known[0], int):
                raise ValueError(f"not in {self._parts} parts, the minute first: {value!r}")
            self[_bytes(key)] = known


class Messages:
    """What earlier lines say about later ones.  ``taken_back`` holds minute and host of received mail that was none."""

    def __init__(self) -> None:
        self.taken_back: list[tuple[int, bytes | None]] = []
        self._newest = 0
        self._arrivals = _Memory(REMEMBERED, parts=4)
        self._sessions = _Memory(REMEMBERED, parts=6)
        self._hops = _Memory(REMEMBERED, parts=2)
        self._filters = _Memory(FILTER_REMEMBERED, parts=1)
        self._seen = _Memory(REMEMBERED, parts=1)
        self._unpaired = _Memory(PAIRED, parts=2)

    def pass_to(self, minute: int) -> None:
        """The log has come to ``minute``: forget what is too old."""
        if minute > self._newest:
            self._newest = minute
            for memory in self._memories().values():
                memory.expire(minute)

    # The steps.  Each gets the rule's counters, the line's minute, host and process id, and the text's groups.

    def received(
        self, counters: Counters, minute: int, host: bytes | None, process: bytes | None, queue_id: bytes, client: bytes
    ) -> Counters:
        """A message begins to come in from a client."""
        message = host, queue_id
        self._hops.pop(message, None)
        if process:
            key = host, process
            session = self._sessions.get(key)
            if session is None:
                self._sessions.remember(key, Session(minute, (queue_id,), 0, False, False, 1))
            elif session.discarding:
                self._sessions.remember(key, session._replace(minute=minute, discarding=False))
                return ()
            else:
                self._sessions.remember(key, self._with_message(session, minute, host, process, queue_id))
        self._arrivals.remember(message, (minute, process, client, bool(counters)))
        return counters

    def arrived(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        _process: bytes | None,
        queue_id: bytes,
        client: bytes,
    ) -> Counters:
        """A message is taken from a client; Exim says so when it has all of it, whatever becomes of the session."""
        return self.received(counters, minute, host, b"", queue_id, client)

    def reinjected(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        process: bytes | None,
        queue_id: bytes,
        client: bytes,
        first_id: bytes,
    ) -> Counters:
        """A message comes in that was in a queue as ``first_id`` before: in ours, if it was ours or came from here."""
        if (host, first_id) not in self._arrivals and not _LOOPBACK.search(client):
            return self.received(counters, minute, host, process, queue_id, client)
        for way in ((host, first_id), (host, first_id, queue_id)):
            self._hops.remember(way, (minute, client))
        self._arrivals.remember((host, queue_id), (minute, None, client, False))
        return ()

    def sent(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        _process: bytes | None,
        queue_id: bytes,
        relay: bytes | None,
        ended: bytes | None = None,
        next_id: bytes | None = None,
    ) -> Counters:
        """A recipient is accepted by the next server, or only handed to a filter.

        The filter's answer names the queue id under which the message came back (``next_id``) or says that the
        message ended there (``ended``); and a filter is one for the next message too.  Where the answer says neither,
        it takes a message that is known to have come back from there; its other recipients may go elsewhere.
        """
        if relay is None:
            return counters
        message, server = (host, queue_id), (host, relay)
        came_back = next_id is not None and self._came_back(host, queue_id, next_id, relay)
        is_filter = (
            came_back
            or (server in self._filters and (next_id is None or message in self._hops))
            or (ended is not None and _LOCAL_RELAY.search(relay) is not None)
        )
        if is_filter:
            if came_back and next_id:
                self._take_back(host, next_id, accepted=True)
            self._hops.remember(message, (minute, b""))
            self._filters.remember(server, (minute,))
        elif next_id is not None or not self._is_from(self._hops.get(message, _NO_HOP)[1], host, relay):
            return counters
        return ()

    def routed(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        process: bytes | None,
        queue_id: bytes,
        transport: bytes,
        relay: bytes,
        ended: bytes | None,
        next_id: bytes | None,
    ) -> Counters:
        """Exim hands on a recipient.

        It routes each one by itself, so only those of the same transport, relay and answer are of one hop.
        """
        if next_id == queue_id:
            return counters
        way = b"%b %b" % (transport, relay)
        message = b"%b %b %b" % (queue_id, way, next_id or b"")
        return self.sent(counters, minute, host, process, message, way, ended, next_id)

    def delivered(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        process: bytes | None,
        queue_id: bytes,
        transport: bytes,
        ended: bytes | None,
        next_id: bytes | None,
    ) -> Counters:
        """Exim hands a recipient to a socket or a command of this machine, which may be a filter's."""
        return self.routed(counters, minute, host, process, queue_id, transport, HERE, ended, next_id)

    def _came_back(self, host: bytes | None, queue_id: bytes, next_id: bytes, relay: bytes) -> bool:
        """Whether the message came in again as ``next_id``: from where it was sent to, or from here by what is here.

        Another machine may say any queue id; mail that this machine sends itself is none of its.  XFORWARD tells of
        one that came back from elsewhere than it was sent to, as from filters behind a common address.
        """
        arrival = self._arrivals.get((host, next_id))
        if arrival is None or next_id == queue_id:
            return False
        return (host, queue_id, next_id) in self._hops or self._is_from(arrival[2], host, relay)

    def _is_from(self, client: bytes, host: bytes | None, relay: bytes) -> bool:
        """Whether a message that a client sent may be one that went to the relay."""
        address = _ADDRESS.search(client)
        if address is None:
            return False
        if _LOCAL_RELAY.match(address[0]):
            return _LOCAL_RELAY.search(relay) is not None or (host, relay) in self._filters
        return address[0] in relay

    def disconnected(
        self, counters: Counters, _minute: int, host: bytes | None, process: bytes | None, statistics: bytes
    ) -> Counters:
        """A session ends; of its messages those were received that Postfix's statistics say were accepted."""
        session = self._sessions.pop((host, process), None)
        if session is None or (session.begun == 1 and b" data=1 " in statistics):
            return counters
        counted = [queue_id for queue_id in session.messages if self._is_of(host, queue_id, process)]
        if counted and b" commands=" in statistics:
            accepted = max(_accepted(statistics, session.begun) - session.uncounted, 0)
            for queue_id in counted[accepted:]:
                self._take_back(host, queue_id)
        return counters

    def hung_up(
        self, counters: Counters, _minute: int, host: bytes | None, process: bytes | None, _queue_id: bytes | None
    ) -> Counters:
        """The client is gone in the middle of a message."""
        session = self._sessions.get((host, process))
        if session and session.messages and self._is_of(host, session.messages[-1], process):
            self._take_back(host, session.messages[-1])
        return counters

    def refused(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        _process: bytes | None,
        queue_id: bytes | None = None,
        stage: bytes | None = None,
    ) -> Counters:
        """A recipient is refused, or (at some stages, or where none is named) the whole message, once."""
        if queue_id is None or (stage is not None and stage not in MESSAGE_STAGES):
            return counters
        self._take_back(host, queue_id)
        return counters if self._is_first("rejected", host, queue_id, minute) else ()

    def discarded(
        self, counters: Counters, minute: int, host: bytes | None, process: bytes | None, queue_id: bytes | None = None
    ) -> Counters:
        """A message is dropped, or, where it has no queue id yet, the next one of the session will be."""
        if queue_id is not None:
            self._take_back(host, queue_id, accepted=True)
        elif process:
            session = self._sessions.get((host, process), _NO_SESSION)
            self._sessions.remember((host, process), session._replace(minute=minute, discarding=True))
        return counters

    def milter_refused(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        process: bytes | None,
        queue_id: bytes | None,
        stage: bytes,
    ) -> Counters:
        """A milter refuses a client (once a session), a recipient or a message."""
        session = self._sessions.get((host, process), _NO_SESSION)
        if session.refused and stage != b"CONNECT":
            return ()
        if process and stage in CLIENT_STAGES:
            self._sessions.remember((host, process), Session(minute, refused=True))
        if queue_id is None:
            return counters
        if stage in MESSAGE_STAGES:
            self._take_back(host, queue_id)
        if counters == ("greylisted",):
            if (b"put off", host, queue_id) in self._seen:
                return ("rejected",)
            return counters if self._is_first("greylisted", host, queue_id, minute) else ()
        return tuple(
            counter
            for counter in counters
            if counter not in VERDICTS or self._is_new_verdict(counter, host, minute, queue_id, by_filter=False)
        )

    def proxy_refused(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        _process: bytes | None,
        _queue_id: bytes | None,
        filter_id: bytes | None,
    ) -> Counters:
        """A filter before the queue refuses a message; its own line may have counted the verdict."""
        if filter_id is None:
            return counters
        return tuple(
            counter
            for counter in counters
            if counter not in VERDICTS or self._is_first(counter, host, filter_id, minute)
        )

    def verdict(
        self, counters: Counters, minute: int, host: bytes | None, _process: bytes | None, queue_id: bytes | None = None
    ) -> Counters:
        """A filter's verdict, once per message."""
        return tuple(
            counter for counter in counters if self._is_new_verdict(counter, host, minute, queue_id, by_filter=True)
        )

    def filtered(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        _process: bytes | None,
        filter_id: bytes,
        action: bytes | None = None,
        queue_id: bytes | None = None,
    ) -> Counters:
        """A content filter's verdict, once per message; what it blocked ends there."""
        if queue_id is not None and action == b"Blocked":
            self._hops.remember((host, queue_id), (minute, HERE))
        message = filter_id if queue_id is None else queue_id
        return tuple(counter for counter in counters if self._is_first(counter, host, message, minute))

    def rspamd(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        _process: bytes | None,
        queue_id: bytes | None,
        symbols: bytes,
    ) -> Counters:
        """rspamd's verdict, and what its symbols say of signatures and policies."""
        said = (*counters, *(counter for symbol, counter in RSPAMD_SYMBOLS if symbol in symbols))
        if queue_id is None:
            return said
        return tuple(
            counter for counter in said if self._is_new_verdict(counter, host, minute, queue_id, by_filter=True)
        )

    def put_off(
        self,
        counters: Counters,
        minute: int,
        host: bytes | None,
        process: bytes | None,
        queue_id: bytes | None,
        symbols: bytes,
    ) -> Counters:
        """rspamd puts a message off for another reason than greylisting."""
        if queue_id is not None:
            self._seen.remember((b"put off", host, queue_id), (minute,))
        return self.rspamd(counters, minute, host, process, queue_id, symbols)

    def once(self, counters: Counters, minute: int, host: bytes | None, process: bytes | None, text: bytes) -> Counters:
        """A line that the program may write to two logs by syslog: the second one is no second event."""
        if not process:
            return counters
        key = b"twice", host, process, blake2b(text, digest_size=8).digest()
        if key in self._seen:
            del self._seen[key]
            return ()
        self._seen.remember(key, (minute,))
        return counters

    def _with_message(
        self, session: Session, minute: int, host: bytes | None, process: bytes, queue_id: bytes
    ) -> Session:
        """The session with one message more; the oldest one of many is forgotten, accepted if it still counts."""
        _, messages, uncounted, refused, discarding, begun = session
        while messages and not self._is_of(host, messages[0], process):
            messages = messages[1:]
        if len(messages) >= SESSION_LIMIT:
            uncounted += self._is_of(host, messages[0], process)
            messages = messages[1:]
        return Session(minute, (*messages, queue_id), uncounted, refused, discarding, begun + 1)

    def _is_of(self, host: bytes | None, queue_id: bytes, process: bytes | None) -> bool:
        arrival = self._arrivals.get((host, queue_id))
        return arrival is not None and arrival[1] == process

    def _take_back(self, host: bytes | None, queue_id: bytes, accepted: bool = False) -> None:
        """A message that counted as received is none; ``accepted`` where its client was told otherwise."""
        arrival = self._arrivals.pop((host, queue_id), None)
        if arrival is None:
            return
        minute, process, _, counted = arrival
        if counted:
            self.taken_back.append((minute, host))
        session = self._sessions.get((host, process))
        if accepted and session is not None and queue_id in session.messages:
            session = session._replace(minute=self._newest, uncounted=session.uncounted + 1)
            self._sessions.remember((host, process), session)

    def _is_first(self, counter: str, host: bytes | None, message: bytes, minute: int) -> bool:
        """Whether this is the message's first verdict of the counter's family."""
        key = _FAMILIES[counter], host, message
        if key in self._seen:
            return False
        self._seen.remember(key, (minute,))
        return True

    def _is_new_verdict(
        self, counter: str, host: bytes | None, minute: int, queue_id: bytes | None, *, by_filter: bool
    ) -> bool:
        """Whether neither Postfix nor the filter spoke of it before.

        Where the filter's line has no queue id, its verdict and Postfix's words meet in pairs.
        """
        kind = counter.encode()
        if queue_id is not None and not self._is_first(counter, host, queue_id, minute):
            waits = b"waits", kind, host, queue_id
            if by_filter and waits in self._seen:  # it has met the filter's line now, and shall meet no other one
                del self._seen[waits]
                self._meets(host, kind, b"postfix")
            return False
        if by_filter and queue_id is not None:
            return True
        side, other = (b"filter", b"postfix") if by_filter else (b"postfix", b"filter")
        if self._meets(host, kind, other):
            return False
        key = host, kind, side, b"%d" % self._newest
        _, waiting = self._unpaired.get(key, (0, 0))
        self._unpaired.remember(key, (self._newest, waiting + 1))
        if queue_id is not None:
            self._seen.remember((b"waits", kind, host, queue_id), (minute,))
        return True

    def _meets(self, host: bytes | None, kind: bytes, side: bytes) -> bool:
        """Whether a verdict of that side waits for the other's line; the newest one then waits no more."""
        for minute in range(self._newest, self._newest - PAIRED - STEP, -STEP):
            key = host, kind, side, b"%d" % minute
            _, waiting = self._unpaired.get(key, (0, 0))
            if waiting:
                self._unpaired[key] = (minute, waiting - 1)
                return True
        return False

    def count_sessions_by(self, number: Callable[[Key, int], Any]) -> None:
        """Has the numbers of open sessions, which depend on all lines since they began, kept by what ``number`` makes.

        It gets what the number is of, and how much it is; to what it makes is added, and from it subtracted.
        """
        for key, session in self._sessions.items():
            uncounted = number((*key, b"uncounted"), session.uncounted)
            begun = number((*key, b"begun"), session.begun)
            self._sessions[key] = session._replace(uncounted=uncounted, begun=begun)

    # The checkpoint.

    def _memories(self) -> dict[str, _Memory]:
        return {
            "arrivals": self._arrivals,
            "sessions": self._sessions,
            "hops": self._hops,
            "filters": self._filters,
            "seen": self._seen,
            "unpaired": self._unpaired,
        }

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds; it may have made lists of tuples, and Latin-1 text of bytes."""
        memories = {name: memory.state() for name, memory in self._memories().items() if memory}
        return {"newest": self._newest, **memories}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Messages":
        """The messages of a state.  Raises KeyError, TypeError, ValueError or AttributeError for what is none."""
        messages = cls()
        messages._newest = int(state["newest"])
        for name, memory in messages._memories().items():
            memory.restore(state.get(name, ()))
        messages._sessions.update({key: Session(*value) for key, value in messages._sessions.items()})
        return messages


def _accepted(statistics: bytes, begun: int) -> int:
    """How many of the messages begun in a session were accepted; BDAT counts chunks, one or more a message."""
    counted = {
        command: (int(successes), int(tried or successes))
        for command, successes, tried in _STATISTICS.findall(statistics)
    }
    by_data, data_tried = counted.get(b"data", (0, 0))
    chunks, chunks_tried = counted.get(b"bdat", (0, 0))
    return by_data + max(0, min(begun - data_tried - (chunks_tried - chunks), chunks))


def _bytes(value: Any) -> Any:
    """What a checkpoint made text and lists of."""
    if isinstance(value, str):
        return value.encode("latin-1")
    return tuple(_bytes(part) for part in value) if isinstance(value, list) else value
