/* SPDX-License-Identifier: MIT */
/* libpng reports by longjmp. All state of a job lies in a struct that outlives the jump,
 * and guarded() alone calls setjmp. */
#include "image/png_file.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "image/picture.h"

enum { FIRST_CAPACITY = 4096, MESSAGE_SIZE = 160 };

typedef struct png_job {
    mx_scope *scope;
    png_structp png;
    png_infop info;
    mexpr_status status; /* set by a callback that knows why it failed */
    char message[MESSAGE_SIZE];

    const uint8_t *in; /* reading */
    size_t in_size;
    size_t position;

    uint8_t *out; /* writing, in memory of the context */
    size_t out_size;
    size_t out_capacity;

    png_uint_32 width;
    png_uint_32 height;
    int depth;
    int colour_type;
    bool transparent; /* has a tRNS chunk */

    mexpr_format format; /* of the rows; 0: 16-bit RGB */
    uint8_t *rows;
    size_t stride;
} png_job;

typedef void (*png_step)(png_job *job);

/* --- callbacks --------------------------------------------------------------------- */

static void on_error(png_structp png, png_const_charp message)
{
    png_job *job = png_get_error_ptr(png);
    if (job->message[0] == '\0')
        snprintf(job->message, sizeof job->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    const png_job *job = png_get_error_ptr(png);
    mx_log(job->scope->context, MEXPR_LOG_DEBUG, "libpng: %.200s", message);
}

static png_voidp allocate(png_structp png, png_alloc_size_t size)
{
    png_job *job = png_get_mem_ptr(png);
    void *ptr = mx_alloc(job->scope, size, 1);
    if (!ptr)
        job->status = MEXPR_E_NOMEM;
    return ptr;
}

static void release(png_structp png, png_voidp ptr)
{
    const png_job *job = png_get_mem_ptr(png);
    mx_free(job->scope->context, ptr);
}

static void take_bytes(png_structp png, png_bytep data, size_t size)
{
    png_job *job = png_get_io_ptr(png);
    if (size > job->in_size - job->position) {
        job->status = mx_fail(job->scope, MEXPR_E_TRUNCATED,
            "the PNG ends too early, after %zu bytes", job->in_size);
        png_error(png, "truncated");
    }
    memcpy(data, job->in + job->position, size);
    job->position += size;
}

static void put_bytes(png_structp png, png_bytep data, size_t size)
{
    png_job *job = png_get_io_ptr(png);
    if (size > job->out_capacity - job->out_size) {
        const size_t most = job->out_size > size ? job->out_size : size;
        size_t capacity = SIZE_MAX;
        mx_mul_size(2, most > FIRST_CAPACITY ? most : FIRST_CAPACITY, &capacity);
        uint8_t *larger = allocate(png, capacity);
        if (!larger)
            png_error(png, "out of memory");
        if (job->out_size)
            memcpy(larger, job->out, job->out_size);
        mx_free(job->scope->context, job->out);
        job->out = larger;
        job->out_capacity = capacity;
    }
    memcpy(job->out + job->out_size, data, size);
    job->out_size += size;
}

static void flush(png_structp png)
{
    (void)png;
}

/* --- the jump ---------------------------------------------------------------------- */

static bool guarded(png_job *job, png_step step)
{
    if (setjmp(png_jmpbuf(job->png)))
        return false;
    step(job);
    return true;
}

/* Runs a step of libpng calls and says what came of it. */
static mexpr_status run(png_job *job, png_step step)
{
    const bool done = guarded(job, step);
    if (job->status != MEXPR_OK)
        return job->status;
    if (done)
        return MEXPR_OK;
    if (!job->in)
        return mx_fail(job->scope, MEXPR_E_INTERNAL,
            "libpng cannot write this picture: %s", job->message);
    return mx_fail(
        job->scope, MEXPR_E_FORMAT, "the PNG is damaged: %s (libpng)", job->message);
}

static mexpr_status fail_to_start(png_job *job)
{
    if (job->status != MEXPR_OK)
        return job->status;
    return mx_fail(job->scope, MEXPR_E_INTERNAL,
        "libpng refused to start: it is not the version the library was built for");
}

static bool is_little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* --- reading ----------------------------------------------------------------------- */

/* Our own limits come after the header; libpng's must not come first. Chunks that say
 * nothing about pixels are skipped. Every checksum counts. */
static void read_header(png_job *job)
{
    png_set_user_limits(job->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_keep_unknown_chunks(job->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_crc_action(job->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_read_fn(job->png, job, take_bytes);
    png_read_info(job->png, job->info);
    png_get_IHDR(job->png, job->info, &job->width, &job->height, &job->depth,
        &job->colour_type, NULL, NULL, NULL);
    job->transparent = png_get_valid(job->png, job->info, PNG_INFO_tRNS) != 0;
}

static void set_depth(png_job *job)
{
    if (job->colour_type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(job->png);
    else if (job->depth < 8)
        png_set_expand_gray_1_2_4_to_8(job->png);
    if (job->depth == 16 && job->format != MEXPR_FORMAT_GREY16 && job->format != 0)
        png_set_scale_16(job->png);
    else if (job->depth == 16 && is_little_endian())
        png_set_swap(job->png);
}

static void set_channels(png_job *job)
{
    const bool grey = !(job->colour_type & PNG_COLOR_MASK_COLOR);
    if (job->format != MEXPR_FORMAT_RGBA8)
        png_set_strip_alpha(job->png);
    else if (job->transparent)
        png_set_tRNS_to_alpha(job->png);
    if (grey && (job->format == MEXPR_FORMAT_RGBA8 || job->format == MEXPR_FORMAT_RGB8))
        png_set_gray_to_rgb(job->png);
}

/* Passes of an interlaced picture fill the same rows one after the other. */
static void read_rows(png_job *job)
{
    set_depth(job);
    set_channels(job);
    const int n_passes = png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    if (png_get_rowbytes(job->png, job->info) != job->stride)
        png_error(job->png, "its rows have an unexpected length");
    for (int pass = 0; pass < n_passes; pass++) {
        for (png_uint_32 y = 0; y < job->height; y++)
            png_read_row(job->png, job->rows + (size_t)y * job->stride, NULL);
    }
    png_read_end(job->png, NULL);
}

static mexpr_status start_reading(
    png_job *job, mx_scope *scope, const uint8_t *bytes, size_t size)
{
    *job = (png_job){.scope = scope, .in = bytes, .in_size = size};
    job->png = png_create_read_struct_2(
        PNG_LIBPNG_VER_STRING, job, on_error, on_warning, job, allocate, release);
    if (job->png)
        job->info = png_create_info_struct(job->png);
    if (!job->info)
        return fail_to_start(job);
    const mexpr_status status = run(job, read_header);
    return status == MEXPR_OK ? mx_check_size(scope, job->width, job->height) : status;
}

/* What the rows are decoded to; grey from colour is a second step. */
static mexpr_format rows_format(const png_job *job, mexpr_colour colour)
{
    const bool grey = !(job->colour_type & PNG_COLOR_MASK_COLOR);
    const bool alpha = (job->colour_type & PNG_COLOR_MASK_ALPHA) || job->transparent;
    if (colour == MEXPR_COLOUR_RGB || (colour == MEXPR_COLOUR_GREY && !grey))
        return MEXPR_FORMAT_RGB8;
    if (colour == MEXPR_COLOUR_GREY)
        return MEXPR_FORMAT_GREY8;
    if (alpha)
        return MEXPR_FORMAT_RGBA8;
    if (!grey)
        return MEXPR_FORMAT_RGB8;
    return job->depth == 16 ? MEXPR_FORMAT_GREY16 : MEXPR_FORMAT_GREY8;
}

static mexpr_status turn_grey(mx_scope *scope, mexpr_image **image)
{
    mexpr_image *colour = *image;
    const mexpr_status status =
        mx_image_convert(scope, colour, MEXPR_FORMAT_GREY8, image);
    mexpr_image_destroy(&colour);
    return status;
}

mexpr_status mx_png_decode(mx_scope *scope, const uint8_t *bytes, size_t size,
    mexpr_colour colour, mexpr_image **out)
{
    png_job job;
    mexpr_image *image = NULL;
    *out = NULL;
    mexpr_status status = start_reading(&job, scope, bytes, size);
    if (status != MEXPR_OK)
        goto done;
    job.format = rows_format(&job, colour);
    status =
        mx_image_new(scope, job.format, (int32_t)job.width, (int32_t)job.height, &image);
    if (status != MEXPR_OK)
        goto done;
    job.rows = image->data;
    job.stride = image->stride;
    status = run(&job, read_rows);
    if (status == MEXPR_OK && colour == MEXPR_COLOUR_GREY &&
        image->format != MEXPR_FORMAT_GREY8)
        status = turn_grey(scope, &image);
done:
    png_destroy_read_struct(&job.png, &job.info, NULL);
    if (status == MEXPR_OK)
        *out = image;
    else
        mexpr_image_destroy(&image);
    return status;
}

mexpr_status mx_png_read_rgb16(mx_scope *scope, const uint8_t *bytes, size_t size,
    int32_t *width, int32_t *height, uint16_t **rgb)
{
    png_job job;
    uint16_t *pixels = NULL;
    *width = 0;
    *height = 0;
    *rgb = NULL;
    mexpr_status status = start_reading(&job, scope, bytes, size);
    if (status == MEXPR_OK && (job.colour_type != PNG_COLOR_TYPE_RGB || job.depth != 16))
        status = mx_fail(scope, MEXPR_E_FORMAT,
            "the PNG is not 16-bit RGB, as this kind of file must be");
    if (status != MEXPR_OK)
        goto done;
    job.stride = SIZE_MAX; /* what mx_alloc() refuses, for a product that overflows */
    mx_mul_size(job.width, 3 * sizeof *pixels, &job.stride);
    pixels = mx_alloc(scope, job.height, job.stride);
    job.rows = (uint8_t *)pixels;
    status = pixels ? run(&job, read_rows) : MEXPR_E_NOMEM;
done:
    png_destroy_read_struct(&job.png, &job.info, NULL);
    if (status != MEXPR_OK) {
        mx_free(scope->context, pixels);
        return status;
    }
    *width = (int32_t)job.width;
    *height = (int32_t)job.height;
    *rgb = pixels;
    return MEXPR_OK;
}

/* --- writing ----------------------------------------------------------------------- */

static void write_all(png_job *job)
{
    png_set_user_limits(job->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(job->png, job, put_bytes, flush);
    png_set_IHDR(job->png, job->info, job->width, job->height, job->depth,
        job->colour_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
        PNG_FILTER_TYPE_DEFAULT);
    png_write_info(job->png, job->info);
    if (job->format == MEXPR_FORMAT_BGR8)
        png_set_bgr(job->png);
    if (job->depth == 16 && is_little_endian())
        png_set_swap(job->png);
    for (png_uint_32 y = 0; y < job->height; y++)
        png_write_row(job->png, job->rows + (size_t)y * job->stride);
    png_write_end(job->png, job->info);
}

/* The job's picture must be described already. */
static mexpr_status write_job(png_job *job, uint8_t **bytes, size_t *size)
{
    mexpr_status status = MEXPR_OK;
    *bytes = NULL;
    *size = 0;
    job->png = png_create_write_struct_2(
        PNG_LIBPNG_VER_STRING, job, on_error, on_warning, job, allocate, release);
    if (job->png)
        job->info = png_create_info_struct(job->png);
    status = job->info ? run(job, write_all) : fail_to_start(job);
    png_destroy_write_struct(&job->png, &job->info);
    if (status != MEXPR_OK) {
        mx_free(job->scope->context, job->out);
        return status;
    }
    *bytes = job->out;
    *size = job->out_size;
    return MEXPR_OK;
}

static int colour_type_of(mexpr_format format)
{
    switch (format) {
    case MEXPR_FORMAT_RGB8:
    case MEXPR_FORMAT_BGR8:
        return PNG_COLOR_TYPE_RGB;
    case MEXPR_FORMAT_RGBA8:
        return PNG_COLOR_TYPE_RGB_ALPHA;
    default:
        return PNG_COLOR_TYPE_GRAY;
    }
}

mexpr_status mx_png_encode(
    mx_scope *scope, const mexpr_image *image, uint8_t **bytes, size_t *size)
{
    png_job job = {
        .scope = scope,
        .width = (png_uint_32)image->width,
        .height = (png_uint_32)image->height,
        .depth = image->format == MEXPR_FORMAT_GREY16 ? 16 : 8,
        .colour_type = colour_type_of(image->format),
        .format = image->format,
        .rows = image->data,
        .stride = image->stride,
    };
    return write_job(&job, bytes, size);
}

mexpr_status mx_png_write_rgb16(mx_scope *scope, int32_t width, int32_t height,
    const uint16_t *rgb, uint8_t **bytes, size_t *size)
{
    png_job job = {
        .scope = scope,
        .width = (png_uint_32)width,
        .height = (png_uint_32)height,
        .depth = 16,
        .colour_type = PNG_COLOR_TYPE_RGB,
        .rows = (uint8_t *)rgb,
        .stride = (size_t)width * 3 * sizeof *rgb,
    };
    return write_job(&job, bytes, size);
}
