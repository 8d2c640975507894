"""The process: one alone for its RRD files, in the foreground or detached, the loop that counts, its signals.

Knows no option and no log line.
"""

import contextlib
import fcntl
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from mailgraph import MailgraphError
from mailgraph.checkpoint import CheckpointError
from mailgraph.counting import Counting, Start
from mailgraph.rrd import OutdatedError, RrdError
from mailgraph.sampling import Sampling
from mailgraph.sources import HINDERED, Source, SourceError

POLL = 1.0
"""Seconds between two looks at a log that is read to its end."""

RETRY = 10.0
"""Seconds until RRD files or a checkpoint that could not be written are tried again."""


class DaemonError(MailgraphError):
    """Why the process can't start; the text names the file or process and what to do."""


class Signals:
    """What TERM, INT and HUP ask for, while the ``with`` block runs; ``wait`` ends when one comes."""

    def __init__(self) -> None:
        self.stop = False
        self.hangup = False

    def __enter__(self) -> "Signals":
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake = wake
        self._wakeup_before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._take) for number in (signal.SIGTERM, signal.SIGINT)}
        self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._wake)
        os.close(self._woken)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.hangup = True
        else:
            self.stop = True

    def wait(self, seconds: float, *descriptors: int) -> None:
        """Until a signal comes, a descriptor can be read, or the time is over."""
        if self._woken in select.select([self._woken, *descriptors], [], [], seconds)[0]:
            os.read(self._woken, 512)


class Followed:
    """A log that is counted, a block a turn; what is counted is written when it is due.

    ``source`` gives the blocks from where the counting starts; ``awaited`` are the descriptors that it reads from,
    where they can be waited for.  ``patient`` says whether to try again what could not be written, or to fail.
    """

    def __init__(
        self,
        counting: Counting,
        source: Callable[[Start], Source],
        say: Callable[[str], None],
        *,
        awaited: tuple[int, ...] = (),
        patient: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ended = False
        self._counting = counting
        self._source = source
        self._say = say
        self._awaited = awaited
        self._patient = patient
        self._clock = clock
        self._blocks: Source | None = None
        self._full = False
        self._trouble = ""
        self._retry_at = 0.0

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What can be read when the next turn has something to do; nothing while something else hinders it."""
        return () if self._full or not self._counting.started else self._awaited

    def turn(self) -> bool:
        """Count the next block; whether there may be more to do at once.

        Raises SourceError, when what is before it is written, and, without patience, RrdError or CheckpointError.
        """
        if self.ended or not self._is_ready():
            return False
        try:
            return self._count_next()
        except OutdatedError as error:
            self._say(f"{error}; reading the log again")
            self.close()
            self._counting.started = False
            return True

    def leave(self) -> bool:
        """Write what is counted of a log that is not at its end; whether all is written."""
        if self.ended:
            return True
        if not self._counting.started:
            return False
        if self._awaited:  # nobody can read on from here
            self._counting.ended()
        try:
            return self._tried(self._counting.write)
        except OutdatedError as error:
            self._say(f"{error}; the log will be read again")
            return False

    def close(self) -> None:
        """Let go of the log."""
        if self._blocks:
            self._blocks.close()
            self._blocks = None

    def _is_ready(self) -> bool:
        """Whether the counting has started, and what it must write before it reads on is written."""
        if not self._counting.started:
            return self._tried_again(self._counting.start)
        if self._full:
            self._full = not self._tried_again(self._counting.write)
        return not self._full

    def _count_next(self) -> bool:
        if self._blocks is None:
            self._blocks = self._source(self._counting.starts_at)
        try:
            block = next(self._blocks)
        except StopIteration:
            self._counting.ended()
            self.ended = self._tried(self._counting.write)
            return False
        except SourceError:
            self.leave()
            raise
        if block is not None and block is not HINDERED:
            self._counting.count(block)
            if self._counting.due(idle=False) and not self._tried_again(self._counting.write):
                self._full = self._counting.is_full()
            return not self._full
        if block is None and (not self._awaited or self._counting.is_recent()):
            self._counting.caught_up()
        if self._counting.due(idle=True):
            self._tried_again(self._counting.write)
        return False

    def _tried_again(self, action: Callable[[], object]) -> bool:
        """Whether ``action`` succeeded; where it failed lately it is not tried."""
        if self._clock() < self._retry_at:
            return False
        done = self._tried(action)
        self._retry_at = 0.0 if done else self._clock() + RETRY
        return done

    def _tried(self, action: Callable[[], object]) -> bool:
        """Whether ``action`` succeeded; what hinders it is said once, and when it is gone."""
        try:
            action()
        except OutdatedError:
            raise
        except (RrdError, CheckpointError) as error:
            if not self._patient:
                raise
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._say(f"{error}; nothing is lost while the log is there, trying again every {RETRY:.0f} s")
            return False
        if self._trouble:
            self._trouble = ""
            self._say("writing works again")
        return True


class Loop:
    """Counts logs to their ends, or until a signal says stop.

    ``reopen`` is called after HUP.  ``sampling`` gets a turn with each block, and while the loop waits: it never keeps
    that waiting.
    """

    def __init__(
        self,
        logs: Sequence[Followed],
        signals: Signals,
        reopen: Callable[[], None],
        sampling: Sampling | None = None,
    ) -> None:
        self._logs = logs
        self._signals = signals
        self._reopen = reopen
        self._sampling = sampling

    def run(self) -> bool:
        """Returns whether all is written in the end.  Raises what a log's turn does."""
        with contextlib.ExitStack() as closed:
            for log in self._logs:
                closed.callback(log.close)
            going_on = True
            while going_on:
                going_on = self._turn()
            left = [log.leave() for log in self._logs]
            return all(left)

    def _turn(self) -> bool:
        """One block of each log; whether there is another turn."""
        if self._sampling:
            self._sampling.turn()
        busy = [log.turn() for log in self._logs]
        if self._signals.hangup:
            self._signals.hangup = False
            self._reopen()
        if all(log.ended for log in self._logs):
            return False
        if not any(busy) and not self._signals.stop:
            read = (descriptor for log in self._logs for descriptor in log.descriptors)
            said = self._sampling.descriptors if self._sampling else ()
            self._signals.wait(POLL, *read, *said)
        return not self._signals.stop


def is_running(pid: int) -> bool:
    """Whether ``pid`` is a mailgraph, and neither this process nor what started it."""
    if pid in (os.getpid(), os.getppid()):
        return False
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"mailgraph" in map(os.path.basename, file.read().split(b"\0"))
    except OSError:  # no such process, or a system without /proc: then its number alone must do
        return not os.path.isdir("/proc/self") and _exists(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def read_pid(path: str) -> int | None:
    """The number that a pid file or a lock holds; None where there is none."""
    with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
        return int(file.read())
    return None


class Alone:
    """The lock of the RRD files ``name`` in ``directory``: held from construction on to the end of the ``with`` block.

    Raises DaemonError where another mailgraph holds it, or where the directory can't be used.
    """

    def __init__(self, directory: str, name: str) -> None:
        path = _lock(directory, name)
        try:
            self._file = open(path, "a", encoding="ascii")  # noqa: SIM115 (closed by __exit__)
        except OSError as error:
            raise DaemonError(_unusable(directory, error)) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not isinstance(error, BlockingIOError):  # a file system without locks
                self._file.close()
                raise DaemonError(f"can't lock {path}: {error.strerror}") from error
            self._file.close()
            pid = read_pid(path)
            who = f"mailgraph, pid {pid}," if pid else "another mailgraph"
            raise DaemonError(f"{who} writes the RRD files in {directory} already; stop it first") from error

    def __enter__(self) -> "Alone":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fileno(self) -> int:
        """For what must leave the lock open."""
        return self._file.fileno()

    def sign(self) -> None:
        """Write this process' number into the lock, for whoever is refused."""
        with contextlib.suppress(OSError):  # a full disk: the refusal then names no number
            self._file.truncate(0)
            self._file.write(f"{os.getpid()}\n")
            self._file.flush()


def _lock(directory: str, name: str) -> str:
    return os.path.join(directory, f"{name}.lock")


def holder(directory: str, name: str) -> int | None:
    """The process that holds the lock (0 where it could not sign), or None.  Makes no lock; raises no error."""
    path = _lock(directory, name)
    try:
        with open(path, encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_pid(path) or 0
    except OSError:  # no lock, no directory, or none that this user may read
        return None
    return None


def _unusable(directory: str, error: OSError) -> str:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return f"RRD directory {directory}: {error.strerror} (create it, or mend RRD_DIR or --daemon-rrd)"
    return f"can't write in RRD directory {directory}: {error.strerror} (as user {os.geteuid()}; chown or chmod it)"


@contextlib.contextmanager
def detached(
    directory: str, pid_file: str, log_file: str, preserved: Alone, say: Callable[[str], None]
) -> Iterator[Callable[[], None]]:
    """The block runs in a daemon of its own, working in ``directory``; the caller's process ends with status 0.

    Standard output and error go to ``log_file``; the value is a function that opens it anew.  Raises DaemonError
    before it detaches: for a pid file of a living mailgraph (a stale one is taken over), and files that can't be made.
    """
    from daemon import DaemonContext

    _take_over(pid_file)
    try:
        log = _open_log(log_file)
    except OSError as error:
        raise DaemonError(f"can't write {log_file}: {error.strerror} (name another with --daemon-log)") from error
    with open(log, "ab", buffering=0) as stream:
        context: Any = DaemonContext(
            working_directory=directory,
            umask=0o022,
            detach_process=True,
            pidfile=_pid_lock(pid_file),
            files_preserve=[preserved],
            signal_map={},
            stdout=stream,
            stderr=stream,
        )
        with context:
            yield lambda: _reopen(log_file, say)


def _open_log(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def _reopen(path: str, say: Callable[[str], None]) -> None:
    """Standard output and error go to the log file that is there now."""
    try:
        new = _open_log(path)
    except OSError as error:
        say(f"can't open {path} anew: {error.strerror}; the messages go on into the old one")
        return
    os.dup2(new, 1)
    os.dup2(new, 2)
    os.close(new)


def _pid_lock(path: str) -> object:
    """A pid file, to be made and removed by python-daemon; somebody else may have removed it, or taken it over."""
    from lockfile import NotLocked, NotMyLock
    from lockfile.pidlockfile import PIDLockFile

    class PidFile(PIDLockFile):  # type: ignore[misc]  # lockfile has no types
        def release(self) -> None:
            with contextlib.suppress(NotLocked, NotMyLock):
                super().release()

    return PidFile(path)


def _take_over(pid_file: str) -> None:
    pid = read_pid(pid_file)
    if pid is not None and is_running(pid):
        raise DaemonError(f"mailgraph runs already, pid {pid} ({pid_file}); stop it first")
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(pid_file)
        os.close(os.open(pid_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        os.unlink(pid_file)
    except OSError as error:
        raise DaemonError(f"can't write {pid_file}: {error.strerror} (name another with --daemon-pid)") from error
