# SPDX-License-Identifier: MIT
"""Installs the build into a folder of its own, builds an outside program against that copy
and runs it: by pkg-config or by CMake, shared and static, in C and in C++."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    print("$", shlex.join(str(word) for word in command), flush=True)
    done = subprocess.run(command, env={**os.environ, **(env or {})}, text=True,
                          stdout=subprocess.PIPE, check=False)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        sys.exit(f"failed with {done.returncode}")
    return done.stdout


def install(meson: str, build: str, work: Path) -> Path:
    """A fresh copy; its place says nothing about the prefix it was configured for."""
    shutil.rmtree(work, ignore_errors=True)
    root = work / "root"
    run(*shlex.split(meson), "install", "-C", build, "--no-rebuild", "--quiet", "--tags",
        "runtime,devel", "--destdir", root)
    return root


def only(root: Path, pattern: str) -> Path:
    found = sorted(root.rglob(pattern))
    if len(found) != 1:
        sys.exit(f"{len(found)} files {pattern} in {root}, not one")
    return found[0]


def by_pkgconfig(root: Path, work: Path, compilers: dict[str, str]) -> None:
    folder = only(root, "microexpr.pc").parent
    libdir = folder.parent
    env = {"PKG_CONFIG_PATH": str(folder)}
    for kind in ("shared", "static"):
        options = ["--static"] if kind == "static" else []
        if kind == "static":
            for library in libdir.glob("libmicroexpr.so*"):
                library.unlink()
        flags = shlex.split(run("pkg-config", *options, "--cflags", "--libs", "microexpr",
                                env=env))
        for suffix, compiler in compilers.items():
            program = work / f"{kind}_{suffix}"
            run(*shlex.split(compiler), HERE / f"consumer.{suffix}", "-o", program, *flags)
            run(program, env={"LD_LIBRARY_PATH": str(libdir) if kind == "shared" else ""})


def by_cmake(root: Path, work: Path, compilers: dict[str, str]) -> None:
    package = only(root, "microexpr-config.cmake").parent
    build = work / "cmake"
    run("cmake", "-S", HERE, "-B", build, f"-Dmicroexpr_DIR={package}",
        f"-DCMAKE_C_COMPILER={shlex.split(compilers['c'])[-1]}",
        f"-DCMAKE_CXX_COMPILER={shlex.split(compilers['cpp'])[-1]}")
    run("cmake", "--build", build)
    for kind in ("shared", "static"):
        for suffix in compilers:
            run(build / f"{kind}_{suffix}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=("pkgconfig", "cmake"))
    for name in ("meson", "build", "work", "cc"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--cpp", default="", help="C++ compiler, empty for none")
    given = parser.parse_args()
    tool = {"pkgconfig": "pkg-config", "cmake": "cmake"}[given.how]
    if not shutil.which(tool):
        print(f"skipped: {tool} is not installed")
        sys.exit(77)
    if given.how == "cmake" and not given.cpp:
        print("skipped: there is no C++ compiler")
        sys.exit(77)
    compilers = {"c": given.cc, **({"cpp": given.cpp} if given.cpp else {})}
    os.environ.pop("LD_LIBRARY_PATH", None)
    work = Path(given.work) / given.how
    root = install(given.meson, given.build, work)
    {"pkgconfig": by_pkgconfig, "cmake": by_cmake}[given.how](root, work, compilers)


if __name__ == "__main__":
    main()
