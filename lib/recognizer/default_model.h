/* SPDX-License-Identifier: MIT */
/* The network that ships, weights/flow_fusion.onnx; compiled in by lib/base/embed.c.
 */
#ifndef MX_RECOGNIZER_DEFAULT_MODEL_H
#define MX_RECOGNIZER_DEFAULT_MODEL_H

#include <stddef.h>

extern const unsigned char mx_default_model[];
extern const size_t mx_default_model_size;

#endif
