/* SPDX-License-Identifier: MIT */
/* The detector's weights and their file. All numbers are little endian:
 *
 *   "MXFD", u16 version 1, u16 window side, u16 fern depth, u16 network side,
 *   u16 number of ferns, u16 of them dense,
 *   per fern: 2 * depth * (u8 x, u8 y), i16 threshold, 2^depth * i8 leaf,
 *   per layer of the network: f32 unit, then i16 weights, then i16 biases, all in it. */
#ifndef MX_FACE_FACE_MODEL_H
#define MX_FACE_FACE_MODEL_H

#include "face/face_net.h"
#include "face/face_scan.h"

typedef struct mx_face_model {
    mx_face_cascade cascade;
    mx_face_net net;
} mx_face_model;

/* MEXPR_E_FORMAT, MEXPR_E_TRUNCATED or MEXPR_E_UNSUPPORTED for other bytes. On failure
 * *model is {0}. */
mexpr_status mx_face_model_read(
    mx_scope *scope, const uint8_t *bytes, size_t size, mx_face_model *model);
void mx_face_model_free(mexpr_context *context, mx_face_model *model);

/* The bytes, to be freed with mx_free(). */
mexpr_status mx_face_model_write(
    mx_scope *scope, const mx_face_model *model, uint8_t **bytes, size_t *size);

#endif
