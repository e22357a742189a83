"""What crash tests have in common: disks that get full."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest


@contextmanager
def _mounted(mib: int) -> Iterator[Path]:
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("a small file system can only be mounted by root")
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run([mount, "-t", "tmpfs", "-o", f"size={mib}m,mode=0777", "tmpfs", folder], check=False, capture_output=True).returncode:
            pytest.skip("no small file system can be mounted here")
        Path(folder).chmod(0o777)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def small_disks() -> Iterator[Callable[[int], Path]]:
    """`small_disks(4)` is a file system of 4 MiB that any user can enter."""
    with ExitStack() as stack:
        yield lambda mib: stack.enter_context(_mounted(mib))
