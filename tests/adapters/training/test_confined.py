"""A training function gets its rows and nothing else: whatever it reaches for is refused, and training still works."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from roadworthy.adapters.artifacts.local import LocalArtifacts
from roadworthy.adapters.training.confine import confine, importable
from roadworthy.adapters.training.runner import environment, train
from roadworthy.domain.errors import ModelRaisedError

ROWS = {"a": np.arange(40.0), "b": np.arange(40.0) % 3}
Y = (np.arange(40) % 2).astype(float)
TRY = """
from pathlib import Path
from roadworthy.adapters.training.confine import confine

print(confine(Path("/tmp")))
"""

REACHING = """
import os, socket, subprocess
import numpy as np

REACHES = {reaches!r}


def fit(columns, y, seed):
    from sklearn.linear_model import LogisticRegression

    open("here.txt", "w").write("its own folder")
    open(os.path.expanduser("~/there.txt"), "w").write("its own home")
    assert "hidden" not in os.environ.values(), "it was told a secret"
    got = []
    for name, line in REACHES.items():
        try:
            exec(line)
            got.append(name)
        except (PermissionError, subprocess.CalledProcessError):
            pass
    assert not got, f"not refused: {{got}}"
    return LogisticRegression().fit(np.c_[columns["a"], columns["b"]], y)
"""


@pytest.fixture
def confined() -> None:
    """Skips where the system cannot take rights away: an own process tries, as it could not get them back."""
    done = subprocess.run([sys.executable, "-c", TRY], capture_output=True, text=True, timeout=120, check=False)
    if done.stdout.strip() != "True":
        pytest.skip(f"this system has no Landlock: {done.stdout or done.stderr}")


@pytest.fixture
def listener() -> Iterator[int]:
    """The port of somebody who listens on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def reaches(sealed: Path, port: int) -> dict[str, str]:
    """What a training function may try, by name."""
    folder = str(sealed.parent)
    return {
        "read the sealed bytes": f"open({str(sealed)!r}, 'rb').read()",
        "list the artifacts": f"os.listdir({folder!r})",
        "change the sealed bytes": f"open({str(sealed)!r}, 'wb')",
        "have a process read them": f"subprocess.run(['cat', {str(sealed)!r}], check=True)",
        "read them over a link": f"os.symlink({str(sealed)!r}, 'link'); open('link').read()",
        "read the platform's environment": "open(f'/proc/{os.getppid()}/environ', 'rb').read()",
        "read the platform's memory": "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
        "end the platform": "os.kill(os.getppid(), 0)",
        "call somebody": f"socket.create_connection(('127.0.0.1', {port}), 5)",
    }


def test_everything_a_training_function_reaches_for_outside_is_refused_and_training_works(
    confined: None, listener: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    digest = LocalArtifacts(tmp_path).put(b"sealed rows")
    sealed = next(tmp_path.rglob(digest))
    socket.create_connection(("127.0.0.1", listener), 5).close()  # from here it can be called
    code = REACHING.format(reaches=reaches(sealed, listener))
    assert train(code.encode(), "fit", ROWS, Y, 3).startswith(b"PK")
    assert sealed.read_bytes() == b"sealed rows"


def test_what_was_refused_is_told_to_who_registered_the_function(confined: None, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("sealed")
    code = f"def fit(columns, y, seed):\n    open({str(tmp_path / 'rows.csv')!r})\n"
    with pytest.raises(ModelRaisedError, match="Permission denied"):
        train(code.encode(), "fit", ROWS, Y, 3)


def test_of_the_environment_only_what_python_needs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "ROADWORTHY_TOKEN", "DATABASE_URL"):
        monkeypatch.setenv(name, "hidden")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    told = environment("/place", 7)
    assert "hidden" not in told.values()
    assert (told["LC_ALL"], told["HOME"], told["PYTHONHASHSEED"]) == ("C.UTF-8", "/place", "7")


def test_of_a_folder_on_the_path_only_what_can_be_imported_is_readable(tmp_path: Path) -> None:
    for name in ("package", "workspace"):
        (tmp_path / name).mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "module.py").touch()
    (tmp_path / "secrets.toml").touch()
    assert sorted(Path(p).name for p in importable(tmp_path)) == ["module.py", "package"]
    assert list(importable(tmp_path / "module.zip")) == [str(tmp_path / "module.zip")]


def test_elsewhere_nothing_is_taken_and_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert confine(tmp_path) is False
    assert any(tmp_path.parent.iterdir())
