#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of docs/results.md: what each system reaches on people it has not seen.

    python3 examples/results.py --manifest labels.csv --inputs flow28 --output DIR [--jobs 2]

Runs `microexpr evaluate` for every row of PLAN whose report is not in DIR yet, then prints
the table of all reports there are. Nothing is chosen by a result: the rows are fixed here.
"""
import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

CROPS = ["--crop", "samm:.85,1.2,0,-.5", "--crop", "casme2:1,1.1,0,.5"]
LOSO = ["--protocol", "loso"]
FIVE = ["--protocol", "kfold", "--folds", "5"]
KERNELS = "flow-derivative-svm,flow-kernel-ridge"
WEIGHTED = ["--fusion", "weighted", "--inner-folds", "3"]

# Name of the report, systems, options; light ones first.
PLAN = [
    ("svm", "flow-derivative-svm", LOSO),
    ("svm-crops", "flow-derivative-svm", LOSO + CROPS),
    ("ridge", "flow-kernel-ridge", LOSO),
    ("ridge-crops", "flow-kernel-ridge", LOSO + CROPS),
    ("random", "flow-random-features", LOSO),
    ("random-crops", "flow-random-features", LOSO + CROPS),
    ("c2s", "flow-c2s", LOSO + ["--seeds", "3"]),
    ("c2s-crops", "flow-c2s", LOSO + CROPS + ["--seeds", "3"]),
    ("fusion-crops", "flow-c2s," + KERNELS, LOSO + CROPS + WEIGHTED),
    ("attention", "flow-attention", LOSO),
    ("attention-crops", "flow-attention", LOSO + CROPS + ["--seeds", "3"]),
    ("default-crops", "flow-attention,flow-random-features",
     LOSO + CROPS + ["--fusion", "mean"]),
    ("fusion-attention-crops", "flow-attention," + KERNELS, LOSO + CROPS + WEIGHTED),
    ("rcn-small-5", "rcn-small", FIVE),
    ("deep-emotion-5", "deep-emotion", FIVE),
    ("dual-atme-5", "dual-atme", FIVE),
    ("featref-5", "featref", FIVE),
    ("mfe-net-5", "mfe-net", FIVE),
    ("ststnet", "ststnet", LOSO),
    ("off-tanet-5", "off-tanet", FIVE),
    ("msjfn-5", "msjfn", FIVE),
    ("rcn-5", "rcn", FIVE),
    ("dcbam-efficientnet-5", "dcbam-efficientnet", FIVE),
    ("strcn-5", "strcn", FIVE),
    ("htnet-5", "htnet", FIVE),
]

# UF1 / UAR as their authors give them for leave-one-subject-out on the composite of
# MEGC 2019, and how; docs/results.md has the sources.
PUBLISHED = {
    "ststnet": ".735 / .761, no peeking",
    "featref": ".784 / .783, not known how",
    "rcn-small": ".743 / .719, no peeking",
    "rcn": ".743 / .719, no peeking",
    "htnet": ".860 / .848, best epoch on the test person",
    "off-tanet": ".724 / .732, other clips, best epoch over all test people",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--microexpr", default="microexpr", help="the command")
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--output", required=True, type=Path, help="folder of the reports")
    parser.add_argument("--only", help="names of rows, separated by commas")
    parser.add_argument("--jobs", type=int, default=1)
    return parser.parse_args()


def evaluate(given, name, systems, options):
    """Makes the report of a row, and a file with the seconds that it took."""
    report = given.output / f"{name}.json"
    if report.exists():
        return
    begin = time.monotonic()
    subprocess.run([given.microexpr, "evaluate", "--system", systems, "--manifest",
                    given.manifest, "--inputs", given.inputs, "--jobs", str(given.jobs),
                    "--report", report, *options], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - begin
    report.with_suffix(".seconds").write_text(f"{seconds:.0f}\n", encoding="utf-8")


def pair(measures):
    return f"{measures['uf1']:.3f} / {measures['uar']:.3f}"


def measured(report):
    """Mean over seeds with its deviation where there are several, else the one result."""
    if len(report["seeds"]) == 1:
        return pair(report)
    deviation = report["seed_deviation"]["uf1"]
    return f"{pair(report['seed_mean'])} ± {deviation:.3f}; ensemble {pair(report)}"


def read(given, name):
    return json.loads((given.output / f"{name}.json").read_text(encoding="utf-8"))


def row(given, name, systems, options):
    report = read(given, name)
    seconds = (given.output / f"{name}.seconds").read_text(encoding="utf-8").strip()
    low, high = report["interval_95"]["uf1"]
    databases = " | ".join(pair(report["per_database"][d])
                           for d in sorted(report["per_database"]))
    held_out = "one person" if options[1] == "loso" else "a fifth of the people"
    crops = ", crops" if "--crop" in options else ""
    label = f"`{systems.replace(',', '` + `')}`{crops}"
    return (f"| {label} | {held_out} | {measured(report)} | {low:.3f} to {high:.3f} | "
            f"{databases} | {PUBLISHED.get(systems, '')} | "
            f"{seconds} s |")


def main():
    given = arguments()
    given.output.mkdir(parents=True, exist_ok=True)
    only = given.only.split(",") if given.only else [name for name, _, _ in PLAN]
    unknown = set(only) - {name for name, _, _ in PLAN}
    if unknown:
        sys.exit(f"no such row: {', '.join(sorted(unknown))}")
    rows = [r for r in PLAN if r[0] in only]
    for plan in rows:
        evaluate(given, *plan)
    databases = sorted(read(given, rows[0][0])["per_database"])
    print("| system | held out | UF1 / UAR | 95 % of UF1", *databases, sep=" | ", end="")
    print(" | published | time |\n|" + "---|" * (len(databases) + 6))
    for plan in rows:
        print(row(given, *plan))


if __name__ == "__main__":
    main()
