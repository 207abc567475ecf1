# SPDX-License-Identifier: MIT
"""The lint checks find what they are there for, and leave the rest alone."""

import unittest

import archive
import banned
import floors
import text
import undefined


class Floors(unittest.TestCase):
    def findings(self, where: str, include: str) -> int:
        return len(floors.check_lib_file(where, f"#include {include}\n"))

    def test_down_is_allowed(self) -> None:
        for include in ('"base/scope.h"', '"microexpr/flow.h"', '"microexpr/image.h"',
                        '"flow/tvl1.h"', '"config.h"', "<math.h>"):
            self.assertEqual(self.findings("lib/flow/a.c", include), 0, include)

    def test_up_and_sideways_are_not(self) -> None:
        for include in ('"model/graph.h"', '"recognizer/stage.h"', '"microexpr/model.h"',
                        '"microexpr/microexpr.h"', '"scope.h"', "<png.h>", "<pthread.h>"):
            self.assertEqual(self.findings("lib/flow/a.c", include), 1, include)

    def test_siblings(self) -> None:
        for one in ("face", "flow", "model"):
            for other in ("face", "flow", "model"):
                self.assertEqual(other in floors.below(one), other == one)

    def test_doors(self) -> None:
        self.assertEqual(self.findings("lib/kernel/gemm_openblas.c", "<cblas.h>"), 0)
        self.assertEqual(self.findings("lib/model/a.c", "<cblas.h>"), 1)
        self.assertEqual(self.findings("lib/nowhere/a.c", "<math.h>"), 1)

    def test_public_headers_and_examples(self) -> None:
        header = "include/microexpr/flow.h"
        self.assertEqual(floors.check_public_header(header, '#include "image.h"\n'), [])
        self.assertTrue(floors.check_public_header(header, '#include "model.h"\n'))
        self.assertTrue(floors.check_public_header(header, "#include <stdio.h>\n"))
        self.assertTrue(floors.check_example("examples/a.c", '#include "base/scope.h"\n'))
        self.assertFalse(floors.check_example(
            "examples/face_training/a.c", '#include "base/scope.h"\n'))


class Banned(unittest.TestCase):
    def test_calls(self) -> None:
        for code in ("exit(1);", "x = malloc (3);", "\tprintf(\"\");", "(free)(p), free(p)"):
            self.assertTrue(banned.check_file("lib/flow/a.c", code), code)

    def test_others(self) -> None:
        for code in ("mx_free(p);", "options.free(u, p, n);", "o->free(u, p, n);",
                     "/* exit(1) */", '"never calls exit()"', "snprintf(b, 3, \"\");"):
            self.assertEqual(banned.check_file("lib/flow/a.c", code), [], code)

    def test_exceptions(self) -> None:
        self.assertEqual(banned.check_file("lib/base/context.c", "free(p);"), [])


class Text(unittest.TestCase):
    def test_blanks(self) -> None:
        self.assertEqual(text.check_blanks("a", "x\n"), [])
        for bad in ("x \n", "\tx\n", "x", "x\n\n"):
            self.assertTrue(text.check_blanks("a", bad), repr(bad))

    def test_licence(self) -> None:
        self.assertEqual(text.check_licence("a", "#!/bin/sh\n# " + text.LICENCE), [])
        self.assertTrue(text.check_licence("a", "int x;\n"))

    def test_columns_count_characters(self) -> None:
        self.assertEqual(text.check_columns("a", "ü" * 90), [])
        self.assertTrue(text.check_columns("a", "u" * 91))

    def test_functions(self) -> None:
        body = "int f(void)\n{\n" + "    x();\n" * 58 + "}\n"
        self.assertEqual(text.check_functions("a", body), [])
        self.assertTrue(text.check_functions("a", body.replace("}", "    x();\n}")))


class Symbols(unittest.TestCase):
    def test_prefix(self) -> None:
        self.assertEqual(archive.check("0 T mexpr_a\n0 D mx_b\n\na.o:\n"), [])
        self.assertEqual(len(archive.check("0 T mexpr_a\n0 T helper\n")), 1)
        self.assertTrue(archive.check(""))

    def test_undefined(self) -> None:
        allow = "# exit\nmemcpy png_*\n"
        self.assertEqual(
            undefined.check(" U memcpy@GLIBC_2.14\n U __memcpy_chk@G\n U png_x\n", allow), [])
        self.assertEqual(len(undefined.check(" U exit@GLIBC_2.2.5\n U pngx\n", allow)), 2)


if __name__ == "__main__":
    unittest.main()
