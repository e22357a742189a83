"""Resuming from a snapshot ends byte-equal to never having stopped; whatever is wrong with one is said, and the whole log is re-run."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from reenact import snapshots as module
from reenact.cli import main
from reenact.freezing import thaw
from reenact.snapshots import Snapshots
from tests.data import ROOT
from tests.reenact.snapshot_sessions import SESSIONS, cut, play, records, resume, resumes_from, write_files

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
PLACES = 1_000 if NIGHTLY else 2
KILLS = 100 if NIGHTLY else 4
KEEPING = sorted(set(SESSIONS) - {"generating", "outside"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the sessions, and each session played once with many snapshots."""
    folder = tmp_path_factory.mktemp("snapshots")
    write_files(folder)
    for name in KEEPING:
        notes: list[str] = []
        play(folder, name, Snapshots(folder / name, 9, keep=10_000, note=notes.append))
        assert notes == []
    return folder


def kept(folder: Path, name: str) -> list[Path]:
    """The snapshots of a session that are followed by something."""
    found = sorted((folder / name).glob("*.snapshot"))
    assert len(found) > 2
    return found[:-1]


@pytest.mark.parametrize("name", KEEPING)
def test_a_session_resumed_from_any_snapshot_in_a_fresh_process_ends_in_the_same_bytes(folder: Path, name: str) -> None:
    """Given snapshots all over the session and logs cut 0 to 2 commits after them, in a process with another hash seed."""
    found = kept(folder, name)
    some = found[:: max(1, len(found) // PLACES)]
    environment = os.environ | {"PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.reenact.snapshot_sessions", str(folder), name, *map(str, some)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == len(some)


@pytest.mark.parametrize("name", ["synthetic-mixed", "late", "bars", "released"])
def test_the_state_after_a_snapshot_is_the_state_of_a_full_replay(folder: Path, name: str) -> None:
    """Given a session resumed from its first snapshot, then the snapshots it keeps hold what those of the uninterrupted session hold."""
    found = kept(folder, name)
    again = folder / f"{name}-again"
    again.mkdir(mode=0o700)
    shutil.copy(found[0], again)
    _, notes = resume(folder, name, cut(folder, name, number(found[0])), again, every=1)
    assert notes == []
    for full in found[1:]:
        assert told(state_of(again / full.name)) == told(state_of(full))


def number(path: Path) -> int:
    return int(path.stem[-12:])


def state_of(path: Path) -> Any:
    return thaw(module._parsed(path.read_bytes())[1], ())[0]


def told(state: Any) -> str:
    """A digest of a graph of objects that depends on values and on what is shared, not on addresses, hash order or scratch space."""
    seen: dict[int, int] = {}
    alive: list[Any] = []
    out = sha256()

    def walk(x: Any) -> None:
        if x is None or isinstance(x, (bool, int, float, str, bytes)):
            out.update(f"{type(x).__name__} {x!r};".encode())
            return
        if isinstance(x, type):
            out.update(f"class {x.__qualname__};".encode())
            return
        if isinstance(x, (set, frozenset)):
            walk(sorted(x, key=repr))
            return
        if id(x) in seen:
            out.update(f"again {seen[id(x)]};".encode())
            return
        seen[id(x)] = len(seen)
        alive.append(x)
        out.update(f"{type(x).__name__}(".encode())
        for part in parts(x):
            walk(part)
        out.update(b")")

    walk(state)
    return out.hexdigest()


def parts(x: Any) -> Iterator[Any]:
    """What an object holds, in a fixed order."""
    if isinstance(x, dict):
        for k, v in x.items():
            yield k
            yield v
    elif isinstance(x, (list, tuple)) or type(x).__name__ == "deque":
        yield from x
    elif isinstance(x, np.ndarray):
        yield x.shape
        yield x.tobytes()
    elif hasattr(x, "__self__"):
        yield x.__name__
        yield x.__self__
    elif isinstance(x, msgspec.Struct):
        yield from (getattr(x, name) for name in x.__struct_fields__)
    elif callable(x) and hasattr(x, "__qualname__"):
        yield x.__qualname__
    else:
        names = set(getattr(type(x), "__mypyc_attrs__", ())) | set(getattr(x, "__dict__", ()))
        names |= {n for c in type(x).__mro__ for n in getattr(c, "__slots__", ())}
        for name in sorted(names - {"cache", "rows", "_lanes", "_groups", "_stream", "_stream_at", "__dict__"}):
            yield name
            yield getattr(x, name, None)


@pytest.mark.parametrize("name", ["late", "bad-rows"])
def test_only_what_came_after_the_snapshot_is_re_enacted(folder: Path, name: str) -> None:
    """Given the last snapshot but one, then the commits made while resuming are those after it."""
    last = kept(folder, name)[-1]
    expected = records(folder / f"{name}.db", name)
    made = resumes_from(folder, name, last, 1)
    assert number(last) <= made[0] <= made[-1] < len(expected)


def sealed(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """A damage that changes the header and mends the digest."""

    def damage(path: Path) -> None:
        magic, _, rest = path.read_bytes().split(b"\n", 2)
        head, _, payload = rest.partition(b"\n")
        header = json.loads(head)
        change(header)
        rest = json.dumps(header).encode() + b"\n" + payload
        path.write_bytes(magic + b"\n" + sha256(rest).hexdigest().encode() + b"\n" + rest)

    return damage


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 4
    path.write_bytes(content)


def linked(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def given_away(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(path, 65534, 65534)


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a flipped bit": (flipped, "it is damaged or cut off"),
    "cut off": (lambda p: p.write_bytes(p.read_bytes()[:-1]), "it is damaged or cut off"),
    "cut off in its header": (lambda p: p.write_bytes(p.read_bytes()[:60]), "it is damaged or cut off"),
    "empty": (lambda p: p.write_bytes(b""), "it is no snapshot of this format"),
    "another hash": (sealed(lambda h: h.update(hash="00" * 32)), "the log holds another commit"),
    "other code": (sealed(lambda h: h.update(code="x")), "it was made by other code"),
    "other files": (sealed(lambda h: h.update(files=["trades.csv 1 1"])), "the feed's files have changed since"),
    "another session": (sealed(lambda h: h.update(session="other-1")), "it is of another session or commit than its name says"),
    "another commit": (sealed(lambda h: h.update(commit=h["commit"] - 1)), "it is of another session or commit than its name says"),
    "more feed than there is": (sealed(lambda h: h.update(ticks=10**9)), "the feed does not yield again what it yielded then"),
    "writable by others": (lambda p: p.chmod(0o666), r"the file can be written by others \(chmod go-w\)"),
    "in a folder writable by others": (lambda p: p.parent.chmod(0o777), r"its folder can be written by others \(chmod go-w\)"),
    "a link": (linked, "it cannot be read"),
    "of another user": (given_away, "the file belongs to another user"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_snapshot_that_must_not_be_used_is_named_and_the_session_resumes_from_its_start(folder: Path, tmp_path: Path, damage: str) -> None:
    """Given one wrong snapshot, then a sentence with its place, a full re-run, and the same bytes."""
    name = "late"
    snapshot = kept(folder, name)[-1]
    one = tmp_path / "one"
    one.mkdir(mode=0o700)
    mine = Path(shutil.copy(snapshot, one))
    spoil, sentence = DAMAGES[damage]
    spoil(mine)
    path = cut(folder, name, number(snapshot) + 1)
    summary, notes = resume(folder, name, path, one)
    assert [n.startswith(f"{mine}: this snapshot is not used: ") for n in notes] == [True]
    assert re.search(sentence, notes[0])
    assert records(path, name) == records(folder / f"{name}.db", name)
    assert summary.commits == len(records(path, name))


def test_an_older_snapshot_is_used_where_the_newest_must_not_be(folder: Path, tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.mkdir(mode=0o700)
    older, newest = (Path(shutil.copy(p, one)) for p in kept(folder, "late")[-2:])
    flipped(newest)
    path = cut(folder, "late", number(newest) + 1)
    made: list[int] = []
    _, notes = resume(folder, "late", path, one, made=made)
    assert len(notes) == 1
    assert made[0] >= number(older) > len(made)
    assert records(path, "late") == records(folder / "late.db", "late")


def test_a_snapshot_ahead_of_the_log_is_passed_over(folder: Path) -> None:
    """Given a log that lost more than the snapshot, as after a crash of the machine, then the session resumes without it."""
    last = kept(folder, "late")[-1]
    path = cut(folder, "late", number(last) - 1)
    one = folder / "ahead"
    one.mkdir(mode=0o700)
    shutil.copy(last, one)
    _, notes = resume(folder, "late", path, one)
    assert notes == []
    assert records(path, "late") == records(folder / "late.db", "late")


def test_a_changed_table_is_read_from_its_start_again(folder: Path, tmp_path: Path) -> None:
    """Given a feed's file that was written again, then its snapshots are not used."""
    write_files(tmp_path)
    assert play(tmp_path, "bad-rows", Snapshots(tmp_path / "kept", 1)).refused == 13
    whole = records(tmp_path / "bad-rows.db", "bad-rows")
    (tmp_path / "trades.csv").touch()
    path = cut(tmp_path, "bad-rows", len(whole) - 1)
    _, notes = resume(tmp_path, "bad-rows", path, tmp_path / "kept")
    assert notes
    assert all(n.endswith("the feed's files have changed since.") for n in notes)
    assert records(path, "bad-rows") == whole


@pytest.mark.parametrize(
    ("name", "sentence"), [("generating", "cannot pickle 'generator' object"), ("outside", "keeps something in its module or class")]
)
def test_a_strategy_whose_state_cannot_be_kept_runs_without_snapshots(tmp_path: Path, name: str, sentence: str) -> None:
    write_files(tmp_path)
    notes: list[str] = []
    summary = play(tmp_path, name, Snapshots(tmp_path / "kept", 1, note=notes.append))
    assert summary.ticks == 3_000
    assert len(notes) == 1
    assert notes[0].startswith("The session goes on without snapshots: ")
    assert sentence in notes[0]
    assert not (tmp_path / "kept").exists()


def test_snapshots_change_no_byte_and_only_the_last_two_are_left(folder: Path, tmp_path: Path) -> None:
    write_files(tmp_path)
    play(tmp_path, "late", Snapshots(tmp_path / "kept", 9))
    assert records(tmp_path / "late.db", "late") == records(folder / "late.db", "late")
    left = sorted((tmp_path / "kept").iterdir())
    assert [number(p) for p in left] == [number(p) for p in sorted((folder / "late").glob("*.snapshot"))[-2:]]
    assert {p.stat().st_mode & 0o777 for p in left} == {0o600}
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written_ends_the_snapshots_not_the_session(tmp_path: Path) -> None:
    write_files(tmp_path)
    (tmp_path / "kept").write_text("no folder")
    notes: list[str] = []
    summary = play(tmp_path, "synthetic-trades", Snapshots(tmp_path / "kept", 1, note=notes.append))
    assert summary.ticks == 20_000
    assert len(notes) == 1
    assert "no snapshot could be written: File exists; the session goes on without." in notes[0]


KILLED = """
import sys
from pathlib import Path
from tests.reenact.snapshot_sessions import play
from reenact.snapshots import Snapshots
print("go", flush=True)
play(Path(sys.argv[1]), "late", Snapshots(Path(sys.argv[1]) / "kept", 1))
"""


@pytest.mark.parametrize("delay_s", [random.Random(5).uniform(0.05, 0.9) for _ in range(KILLS)])
def test_kill_9_at_any_moment_leaves_whole_snapshots_that_resume(folder: Path, tmp_path: Path, delay_s: float) -> None:
    """Given a session that spends its time writing snapshots and is killed, then what is there is whole and it resumes without a complaint."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
    path = tmp_path / "late.db"
    found = sorted((tmp_path / "kept").glob("*.snapshot"))
    if not path.exists() or not found:
        return  # killed before anything was kept
    for snapshot in found:
        module._parsed(snapshot.read_bytes())
    expected = records(folder / "late.db", "late")
    left = records(path, "late")
    assert left == expected[: len(left)]
    assert number(found[-1]) <= len(left)
    if len(left) < len(expected):
        made: list[int] = []
        _, notes = resume(tmp_path, "late", path, tmp_path / "kept", every=1, made=made)
        assert notes == []
        assert not made or made[0] >= number(found[-1])
        assert not list((tmp_path / "kept").glob("*.part"))
    assert records(path, "late") == expected


CONFIG = """
name = "t"
cash = { USD = "100000" }
log = "sqlite://LOG"
[[instrument]]
symbol = "A"
[[feed]]
kind = "synthetic"
n = 60000
seed = 5
[[strategy]]
name = "trend"
use = "sma"
"""


def test_run_and_resume_keep_and_use_snapshots_where_asked(tmp_path: Path) -> None:
    """Given --snapshots on both commands, then a cut session ends as the whole one; a damaged snapshot is a sentence on standard error."""
    (tmp_path / "t.toml").write_text(CONFIG.replace("LOG", str(tmp_path / "t.db")))
    options = ["--snapshots", str(tmp_path / "kept"), "--snapshot-every", "4", "--json", "--no-progress"]
    ran = CliRunner().invoke(main, ["run", str(tmp_path / "t.toml"), *options])
    assert ran.exit_code == 0, ran.output
    whole = json.loads(ran.stdout)
    first, last = sorted((tmp_path / "kept").iterdir())
    for damaged in (False, True):
        path = cut(tmp_path, "t", number(last))
        if damaged:
            flipped(last)
        again = CliRunner().invoke(main, ["resume", "--config", str(tmp_path / "t.toml"), "--log", f"sqlite://{path}", *options])
        assert again.exit_code == 0, again.output
        assert json.loads(again.stdout)["head"] == whole["head"]
        assert again.stderr == (f"{last}: this snapshot is not used: it is damaged or cut off.\n" if damaged else "")
    assert first.exists()
