/* SPDX-License-Identifier: MIT */
/* What the networks of lib/face/small_net.h answer, by their definition. */
#ifndef TESTS_FACE_NET_DEFINITION_H
#define TESTS_FACE_NET_DEFINITION_H

#include "face/small_net.h"

/* From inputs times `factor` plus `summand` to the outputs of the last layer. */
void net_by_definition(const mx_small_net *net, const float *input, float factor,
    float summand, double *output);

#endif
