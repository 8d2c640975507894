"""The checkpoint: what was saved comes back; any other bytes are told, and a daemon survives whatever was saved."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from mailgraph import schema
from mailgraph.checkpoint import Checkpoint, CheckpointError
from mailgraph.counting import Counting, Start
from mailgraph.rrd import Store
from mailgraph.scanner import Options
from tests.properties.examples import examples

numbers = some.integers(-(2**70), 2**70) | some.floats() | some.sampled_from((0, 60, 1_700_006_400))
values = some.recursive(
    some.none() | some.booleans() | numbers | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=6) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
states = some.dictionaries(some.text(max_size=10), values, max_size=5)

SOUND = {
    "log": "/var/log/mail.log",
    "position": ["/var/log/mail.log", 1, 2, 3, "Nov", 1.5],
    "ledger": {
        "open": [[1_700_006_520, {"sent": 1}]],
        "closed": [[1_700_006_400, {"sent": 2, "received": 1}]],
        "closed_through": 1_700_006_460,
        "kept_from": 1_700_006_340,
        "held": None,
    },
    "newest": 1_700_006_520,
    "window": "Nov 25\n",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint"


@examples(200)
@given(state=states)
def test_what_was_saved_comes_back(path: Path, state: dict[str, object]) -> None:
    state.pop("version", None)
    Checkpoint(str(path)).save(state)
    loaded = Checkpoint(str(path)).load()
    assert json.dumps(loaded) == json.dumps({"version": 1} | state)


@examples(300)
@given(
    content=some.binary(max_size=200)
    | some.binary(max_size=40).map(lambda raw: raw * 5000)
    | values.map(json.dumps).map(str.encode)
)
def test_other_bytes_are_told(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        Checkpoint(str(path)).load()


@examples(200)
@given(data=some.data())
def test_a_changed_byte_is_told(path: Path, data: some.DataObject) -> None:
    Checkpoint(str(path)).save(SOUND)
    content = bytearray(path.read_bytes())
    content[data.draw(some.integers(0, len(content) - 1))] ^= data.draw(some.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        Checkpoint(str(path)).load()


@examples(100)
@given(end=some.integers(0, 10**6))
def test_a_checkpoint_cut_off_anywhere_is_told(path: Path, end: int) -> None:
    Checkpoint(str(path)).save(SOUND)
    content = path.read_bytes()
    path.write_bytes(content[: end % len(content)])
    with pytest.raises(CheckpointError, match="is damaged"):
        Checkpoint(str(path)).load()


def test_deeply_nested_garbage_is_told(path: Path) -> None:
    path.write_bytes(b"[" * 1_000_000)
    with pytest.raises(CheckpointError, match="is damaged"):
        Checkpoint(str(path)).load()


@some.composite
def spoilt(draw: some.DrawFn) -> dict[str, object]:
    """A sound state of which one part, however deep, is something else or missing."""
    state = json.loads(json.dumps(SOUND))
    part = state
    while True:
        places = list(part) if isinstance(part, dict) else list(range(len(part)))
        place = draw(some.sampled_from(places))
        inner = part[place]
        if isinstance(inner, (dict, list)) and inner and draw(some.booleans()):
            part = inner
            continue
        if draw(some.booleans()):
            del part[place]
        else:
            part[place] = draw(values)
        return dict(state)


INFINITE = SOUND | {"ledger": SOUND["ledger"] | {"open": [[1_700_006_520, {"sent": float("inf")}]]}}  # type: ignore[operator]


@examples(300)
@example(state=INFINITE)
@given(state=spoilt() | states)
def test_a_daemon_starts_with_whatever_another_version_saved(
    tmp_path_factory: pytest.TempPathFactory, state: dict[str, object]
) -> None:
    directory = tmp_path_factory.mktemp("spoilt")
    checkpoint = Checkpoint(str(directory / "mailgraph.checkpoint"))
    checkpoint.save({name: value for name, value in state.items() if name != "version"})
    said: list[str] = []
    counting = Counting(
        "/var/log/mail.log", Store(str(directory), schema.FAMILIES), Options(), None, checkpoint, say=said.append
    )
    counting.start()
    position = counting.starts_at.position
    assert position is None or (isinstance(position.offset, int) and isinstance(position.head, str))
    assert (
        counting.starts_at != Start(None, None) or said or state.get("log") != "/var/log/mail.log" or position is None
    )
