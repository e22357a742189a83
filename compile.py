"""Compiles the hot path in place: `python compile.py`, or `python compile.py --clean` to go back to plain Python. Needs mypy and a C compiler.

`--profile` compiles twice: first with counters, for a few sessions that are played, then laid out by what these counted. Needs GCC.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))
COUNT = ("-fprofile-generate", "-fprofile-update=single")
USE = ("-fprofile-use", "-fprofile-correction", "-fprofile-partial-training", "-Wno-missing-profile")
CALL = "from reenact.cli import main; main()"


def main() -> None:
    """Build or clean."""
    os.chdir(ROOT)
    remove()
    if "--clean" in sys.argv[1:]:
        return
    with tempfile.TemporaryDirectory() as work:
        if "--profile" in sys.argv[1:]:
            build(work, COUNT)
            play(work)
            remove()
            # Everything is compiled anew, but for what was counted.
            for made in (*Path(work).rglob("*.o"), *Path(work).rglob("*.so")):
                made.unlink()
            build(work, USE)
        else:
            build(work)


def remove() -> None:
    """First of all, and by pattern: what was compiled of an older source may not even be importable beside today's."""
    for folder in (".", "domain", "adapters", "reenact"):
        for extension in ROOT.glob("*__mypyc*.so" if folder == "." else f"{folder}/**/*.so"):
            extension.unlink()


def play(work: str) -> None:
    """Sessions for the counters: few rules and all of them, a market with two strategies, and its re-enactment."""
    log = f"sqlite://{work}/log.db"
    for arguments in (
        ("-m", "benchmarks.rules", "--work", work, "--rounds", "1", "--ticks", "100000"),
        ("-c", CALL, "run", "reenact/examples/demo.toml", "--no-progress", "--log", log),
        ("-c", CALL, "verify", "--no-progress", "--log", log),
    ):
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def build(work: str, flags: tuple[str, ...] = ()) -> None:
    """The extension modules beside their source; `work`: for what comes between."""
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    from reenact.compiled import MODULES

    config = Path(work, "mypy.ini")
    config.write_text("[mypy]\nstrict = True\nwarn_return_any = False\n[mypy-pyarrow.*]\nignore_missing_imports = True\n")
    modules = mypycify(["--config-file", str(config), *MODULES], opt_level="3", debug_level="0", target_dir=work)
    for module in modules:
        if os.name == "posix":
            # Nothing replaces our functions by others of the same name, so the compiler may put one into another.
            module.extra_compile_args.append("-fno-semantic-interposition")
        module.extra_compile_args.extend(flags)
        module.extra_link_args.extend(flags)
    command = build_ext(Distribution({"name": "reenact", "ext_modules": modules}))
    command.inplace = True
    command.build_temp = command.build_lib = work
    command.finalize_options()
    command.run()


if __name__ == "__main__":
    main()
