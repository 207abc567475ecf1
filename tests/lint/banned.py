# SPDX-License-Identifier: MIT
"""Calls that lib/ must not make (docs/design.md, "Behaviour inside a host program")."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import tree

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
import headers  # noqa: E402

# reason -> (calls, files that may make them nevertheless)
BANNED = {
    "it ends or interrupts the host program": (
        "exit _exit _Exit quick_exit abort assert raise kill signal sigaction system popen "
        "fork execv execl execvp atexit", ""),
    "the console is the host's": (
        "printf fprintf vprintf vfprintf puts fputs putchar fputc perror", ""),
    "the environment and the locale are the host's": (
        "getenv secure_getenv setenv unsetenv putenv setlocale uselocale localeconv", ""),
    "the number depends on the locale": ("strtod strtof strtold atof scanf sscanf", ""),
    "it cannot say that it failed": ("atoi atol atoll", ""),
    "it does not know the size of its target": (
        "strcpy strcat sprintf vsprintf gets stpcpy strncpy strncat", ""),
    "the stack is small": ("alloca", ""),
    "it keeps state that threads share": (
        "rand srand random srandom drand48 strtok strerror localtime gmtime ctime asctime",
        ""),
    "memory comes from the context (mx_alloc)": (
        "malloc calloc realloc reallocarray free posix_memalign aligned_alloc strdup strndup",
        r"lib/base/context\.c"),
    "files are read and written by base/file.h": (
        "fopen fdopen freopen open openat creat mkstemp tmpfile tmpnam mktemp rename unlink "
        "remove", r"lib/base/file\.c"),
    "threads belong to base/pool.h": (
        "pthread_create pthread_join pthread_detach thrd_create", r"lib/base/pool\.c"),
    "OpenBLAS's threads are the host's": (
        "openblas_set_num_threads goto_set_num_threads omp_set_num_threads", ""),
    "libpng alone reports by jumping": ("setjmp longjmp sigsetjmp siglongjmp",
                                        r"lib/image/.*png.*\.c"),
    "results and speed must not depend on the clock": ("time clock sleep usleep nanosleep",
                                                       ""),
}

# Programs of the build, which never become part of the library.
BUILD_TOOLS = {"lib/base/embed.c"}

STRINGS = re.compile(r'"(?:[^"\\\n]|\\.)*"' r"|'(?:[^'\\\n]|\\.)*'")


def check_file(where: str, text: str) -> list[str]:
    # Members (`options.free(…)`) and longer names are not these calls.
    text = STRINGS.sub('""', headers.strip_comments(text))
    findings = []
    for reason, (calls, exceptions) in BANNED.items():
        if exceptions and re.fullmatch(exceptions, where):
            continue
        pattern = rf"(?<![\w.>])({'|'.join(calls.split())})\s*\("
        findings += [f"{where}: {call}() is not for the library: {reason}"
                     for call in re.findall(pattern, text)]
    return findings


def check(root: Path) -> list[str]:
    return [finding for path in tree.c_files(root, "lib")
            if path.relative_to(root).as_posix() not in BUILD_TOOLS
            for finding in check_file(path.relative_to(root).as_posix(),
                                      path.read_text(encoding="utf-8"))]


if __name__ == "__main__":
    tree.main(check)
