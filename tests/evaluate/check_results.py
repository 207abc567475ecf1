# SPDX-License-Identifier: MIT
"""The table that examples/results.py makes of reports that are there: nothing is run.

    check_results.py RESULTS.PY
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def report(uf1, seeds):
    measures = {"uf1": uf1, "uar": uf1 + 0.01}
    return {**measures, "seeds": seeds, "interval_95": {"uf1": [0.5, 0.75]},
            "per_database": {"smic": measures, "casme2": {"uf1": 1, "uar": 1}},
            "seed_mean": {"uf1": 0.25, "uar": 0.375}, "seed_deviation": {"uf1": 0.125}}


def run(program, folder, rows):
    return subprocess.run(
        [sys.executable, "-B", program, "--microexpr", "false", "--manifest", "none.csv",
         "--inputs", "none", "--output", folder, "--only", rows],
        capture_output=True, text=True, check=False)


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        for name, seeds in (("svm", [0]), ("c2s-crops", [0, 1])):
            path = Path(folder, f"{name}.json")
            path.write_text(json.dumps(report(0.625, seeds)), encoding="utf-8")
            path.with_suffix(".seconds").write_text("12\n", encoding="utf-8")
        made = run(program, folder, "svm,c2s-crops")
        head, _, *rows = made.stdout.splitlines()
        assert "| 95 % of UF1 | casme2 | smic | published |" in head, head
        assert rows == [
            "| `flow-derivative-svm` | one person | 0.625 / 0.635 | 0.500 to 0.750 | "
            "1.000 / 1.000 | 0.625 / 0.635 |  | 12 s |",
            "| `flow-c2s`, crops | one person | 0.250 / 0.375 ± 0.125; ensemble 0.625 / "
            "0.635 | 0.500 to 0.750 | 1.000 / 1.000 | 0.625 / 0.635 |  | 12 s |",
        ], made.stdout + made.stderr
        assert run(program, folder, "svn").returncode == 1
        assert run(program, folder, "ridge").returncode != 0  # it would have to run


if __name__ == "__main__":
    main()
