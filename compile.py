"""Compiles the hot path in place: `python compile.py`, or `python compile.py --clean` to go back to plain Python. Needs mypy and a C compiler."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Build or clean."""
    os.chdir(ROOT)
    # First of all, and by pattern: what was compiled of an older source may not even be importable beside today's.
    for folder in (".", "domain", "adapters", "reenact"):
        for extension in ROOT.glob("*__mypyc*.so" if folder == "." else f"{folder}/**/*.so"):
            extension.unlink()
    if "--clean" in sys.argv[1:]:
        return

    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    from reenact.compiled import MODULES

    with tempfile.TemporaryDirectory() as work:
        config = Path(work, "mypy.ini")
        config.write_text("[mypy]\nstrict = True\nwarn_return_any = False\n[mypy-pyarrow.*]\nignore_missing_imports = True\n")
        modules = mypycify(["--config-file", str(config), *MODULES], opt_level="3", debug_level="0", target_dir=work)
        if os.name == "posix":
            # Nothing replaces our functions by others of the same name, so the compiler may put one into another.
            for module in modules:
                module.extra_compile_args.append("-fno-semantic-interposition")
        command = build_ext(Distribution({"name": "reenact", "ext_modules": modules}))
        command.inplace = True
        command.build_temp = command.build_lib = work
        command.finalize_options()
        command.run()


if __name__ == "__main__":
    main()
