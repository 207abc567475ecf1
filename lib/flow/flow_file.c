/* SPDX-License-Identifier: MIT */
/* Fields in files: Middlebury's .flo and KITTI's PNG. */
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "flow/field.h"
#include "image/png_file.h"

/* --- .flo -------------------------------------------------------------------------- */

/* "PIEH", which is 202021.25 as a float; width, height; then u, v of each pixel, row by
 * row. All little-endian. */
enum { FLO_HEAD = 12, FLO_PIXEL = 8 };
static const uint8_t flo_signature[4] = {'P', 'I', 'E', 'H'};

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void write_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static float read_f32(const uint8_t *bytes)
{
    const uint32_t bits = read_u32(bytes);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void write_f32(uint8_t *bytes, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    write_u32(bytes, bits);
}

static mexpr_status check_flo(
    mx_scope *scope, const uint8_t *bytes, size_t size, int64_t *width, int64_t *height)
{
    if (memcmp(bytes, flo_signature, size < 4 ? size : 4) != 0)
        return mx_fail(scope, MEXPR_E_FORMAT,
            "not a .flo file: the first four bytes are not \"PIEH\"");
    if (size < FLO_HEAD)
        return mx_fail(scope, MEXPR_E_TRUNCATED,
            "the .flo file ends after %zu bytes, within its head of %d", size, FLO_HEAD);
    *width = (int32_t)read_u32(bytes + 4);
    *height = (int32_t)read_u32(bytes + 8);
    if (*width < 1 || *height < 1)
        return mx_fail(scope, MEXPR_E_FORMAT,
            "the .flo file claims to be %lld×%lld pixels large", (long long)*width,
            (long long)*height);
    const mexpr_status status = mx_check_size(scope, *width, *height);
    if (status != MEXPR_OK)
        return status;
    const uint64_t body = (uint64_t)*width * (uint64_t)*height * FLO_PIXEL;
    if (size - FLO_HEAD < body)
        return mx_fail(scope, MEXPR_E_TRUNCATED,
            "the .flo file holds %zu of the %llu bytes that %lld×%lld pixels need",
            size - FLO_HEAD, (unsigned long long)body, (long long)*width,
            (long long)*height);
    if (size - FLO_HEAD > body)
        return mx_fail(scope, MEXPR_E_FORMAT,
            "the .flo file is longer than its %lld×%lld pixels", (long long)*width,
            (long long)*height);
    return MEXPR_OK;
}

static mexpr_status decode_flo(
    mx_scope *scope, const uint8_t *bytes, size_t size, mexpr_field **out)
{
    int64_t width = 0, height = 0;
    mexpr_status status = check_flo(scope, bytes, size, &width, &height);
    if (status == MEXPR_OK)
        status = mx_field_new(scope, width, height, out);
    if (status != MEXPR_OK)
        return status;
    const size_t n = mx_field_size(*out);
    for (size_t i = 0; i < n; i++) {
        (*out)->u[i] = read_f32(bytes + FLO_HEAD + FLO_PIXEL * i);
        (*out)->v[i] = read_f32(bytes + FLO_HEAD + FLO_PIXEL * i + 4);
    }
    return MEXPR_OK;
}

mexpr_status mexpr_field_decode_flo(
    mexpr_context *context, const void *bytes, size_t size, mexpr_field **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!bytes)
        return mx_fail(scope, MEXPR_E_ARG, "bytes is NULL");
    return decode_flo(scope, bytes, size, out);
}

typedef mexpr_status (*decode_fn)(
    mx_scope *scope, const uint8_t *bytes, size_t size, mexpr_field **out);

static mexpr_status read_with(
    mexpr_context *context, const char *path, decode_fn decode, mexpr_field **out)
{
    if (!out)
        return MEXPR_E_ARG;
    *out = NULL;
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!path)
        return mx_fail(scope, MEXPR_E_ARG, "path is NULL");
    uint8_t *bytes;
    size_t size;
    mexpr_status status = mx_file_read(scope, path, &bytes, &size);
    if (status != MEXPR_OK)
        return status;
    status = decode(scope, bytes, size, out);
    mx_free(context, bytes);
    return status == MEXPR_OK ? MEXPR_OK : mx_fail_prefix(scope, status, path);
}

mexpr_status mexpr_field_read_flo(
    mexpr_context *context, const char *path, mexpr_field **out)
{
    return read_with(context, path, decode_flo, out);
}

static mexpr_status encode_flo(
    mx_scope *scope, const mexpr_field *field, uint8_t **bytes, size_t *size)
{
    const size_t n = mx_field_size(field);
    *size = FLO_HEAD + FLO_PIXEL * n;
    *bytes = mx_alloc(scope, *size, 1);
    if (!*bytes)
        return MEXPR_E_NOMEM;
    memcpy(*bytes, flo_signature, sizeof flo_signature);
    write_u32(*bytes + 4, (uint32_t)field->width);
    write_u32(*bytes + 8, (uint32_t)field->height);
    for (size_t i = 0; i < n; i++) {
        const bool is_known = mx_field_is_known(field->u[i], field->v[i]);
        uint8_t *pixel = *bytes + FLO_HEAD + FLO_PIXEL * i;
        write_f32(pixel, is_known ? field->u[i] : MEXPR_FIELD_UNKNOWN);
        write_f32(pixel + 4, is_known ? field->v[i] : MEXPR_FIELD_UNKNOWN);
    }
    return MEXPR_OK;
}

typedef mexpr_status (*encode_fn)(
    mx_scope *scope, const mexpr_field *field, uint8_t **bytes, size_t *size);

static mexpr_status write_with(
    mexpr_context *context, const mexpr_field *field, const char *path, encode_fn encode)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!field || !path)
        return mx_fail(scope, MEXPR_E_ARG, "%s is NULL", field ? "path" : "the field");
    uint8_t *bytes = NULL;
    size_t size = 0;
    mexpr_status status = encode(scope, field, &bytes, &size);
    if (status == MEXPR_OK)
        status = mx_file_write(scope, path, bytes, size);
    mx_free(context, bytes);
    return status;
}

mexpr_status mexpr_field_write_flo(
    mexpr_context *context, const mexpr_field *field, const char *path)
{
    return write_with(context, field, path, encode_flo);
}

/* --- KITTI ------------------------------------------------------------------------- */

#define KITTI_ZERO 32768.0f
#define KITTI_SCALE 64.0f

static mexpr_status decode_kitti(
    mx_scope *scope, const uint8_t *bytes, size_t size, mexpr_field **out)
{
    int32_t width, height;
    uint16_t *rgb = NULL;
    mexpr_status status = mx_png_read_rgb16(scope, bytes, size, &width, &height, &rgb);
    if (status == MEXPR_OK)
        status = mx_field_new(scope, width, height, out);
    if (status == MEXPR_OK) {
        const size_t n = mx_field_size(*out);
        for (size_t i = 0; i < n; i++) {
            const uint16_t *p = rgb + 3 * i;
            const bool is_known = p[2] != 0;
            (*out)->u[i] =
                is_known ? (p[0] - KITTI_ZERO) / KITTI_SCALE : MEXPR_FIELD_UNKNOWN;
            (*out)->v[i] =
                is_known ? (p[1] - KITTI_ZERO) / KITTI_SCALE : MEXPR_FIELD_UNKNOWN;
        }
    }
    mx_free(scope->context, rgb);
    return status;
}

static uint16_t kitti_code(float component)
{
    const float code = floorf(component * KITTI_SCALE + KITTI_ZERO + 0.5f);
    return code < 0 ? 0 : code > 65535.0f ? 65535 : (uint16_t)code;
}

static mexpr_status encode_kitti(
    mx_scope *scope, const mexpr_field *field, uint8_t **bytes, size_t *size)
{
    const size_t n = mx_field_size(field);
    uint16_t *rgb = mx_calloc(scope, n, 3 * sizeof *rgb);
    if (!rgb)
        return MEXPR_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        if (!mx_field_is_known(field->u[i], field->v[i]))
            continue;
        rgb[3 * i] = kitti_code(field->u[i]);
        rgb[3 * i + 1] = kitti_code(field->v[i]);
        rgb[3 * i + 2] = 1;
    }
    const mexpr_status status =
        mx_png_write_rgb16(scope, field->width, field->height, rgb, bytes, size);
    mx_free(scope->context, rgb);
    return status;
}

mexpr_status mexpr_field_read_kitti(
    mexpr_context *context, const char *path, mexpr_field **out)
{
    return read_with(context, path, decode_kitti, out);
}

mexpr_status mexpr_field_write_kitti(
    mexpr_context *context, const mexpr_field *field, const char *path)
{
    return write_with(context, field, path, encode_kitti);
}
