/* SPDX-License-Identifier: MIT */
/* What test_back.c tries: a node each. */
#ifndef TESTS_BACK_CASES_H
#define TESTS_BACK_CASES_H

#include <stddef.h>

/* Inputs: a letter and a shape for a random one (x: normal, p: positive, s: within ±1.5,
 * k: away from 0, u: all apart from each other), "=1,2" a constant list of integers, "#1"
 * a constant number, "!1,0" constant truth values, "-" left out. Attributes: i, f, s, I
 * for their kinds. */
typedef struct back_case {
    const char *op, *inputs, *attributes;
    int n_outputs, opset;
} back_case;

/* Ended by an entry without an operator. */
extern const back_case back_cases[];

#endif
