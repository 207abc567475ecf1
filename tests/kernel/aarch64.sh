#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles every kernel file for 64-bit Arm and runs the kernel checks under qemu.
# Usage: aarch64.sh SOURCE_ROOT 'table ...' kernel-file... Skips (77) without the compiler;
# without qemu it only compiles.
set -eu
root=$1
tables=$2
shift 2
cc=aarch64-linux-gnu-gcc
command -v $cc >/dev/null || { echo "skipped: no $cc"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '#define %s\n' 'MX_HAVE_JPEG 0' 'MX_HAVE_PNG 0' 'MX_GEMM_OPENBLAS 0' 'MX_SIMD 1' \
    'MX_BUILD_FEATURES ""' >"$work/config.h"
flags="-std=c11 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L -ffp-contract=off
    -fno-math-errno -fno-trapping-math -I$work -I$root -I$root/lib -I$root/include"
compile() { # level file...; the words of $flags are separate arguments
    level=$1
    shift
    for file in "$@"; do
        case $file in *_openblas.c) continue ;; esac
        # shellcheck disable=SC2086
        $cc $flags "$level" -c "$file" -o "$work/$(basename "$file" .c).o"
    done
}
compile -O3 "$@"
# Debian 12's compiler fails inside itself on kcheck.c at -O3.
compile -O1 "$root/lib/base/status.c" "$root/lib/base/cpu.c" "$root/lib/base/rng.c" \
    "$root/tests/kernel/kcheck.c"
for table in $tables; do
    # shellcheck disable=SC2086
    $cc $flags -O1 -static "$root/tests/kernel/kcheck_$table.c" "$work"/*.o -lm \
        -o "$work/kcheck_$table"
    if command -v qemu-aarch64-static >/dev/null; then
        echo "$table:"
        qemu-aarch64-static "$work/kcheck_$table"
    fi
done
