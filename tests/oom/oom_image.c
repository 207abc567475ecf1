/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config.h"
#include "microexpr/image.h"
#include "support.h"

#if MX_HAVE_JPEG
#include <turbojpeg.h>
#endif

static mexpr_status new_picture(
    mexpr_context *context, mexpr_format format, mexpr_image **image)
{
    const mexpr_status status = mexpr_image_create(context, format, 19, 11, image);
    if (status == MEXPR_OK)
        memset(mexpr_image_pixels(*image), 60, mexpr_image_stride(*image) * 11);
    return status;
}

static mexpr_status create_and_wrap(mexpr_context *context, void *arg)
{
    static uint8_t pixels[19 * 11];
    mexpr_image *image = NULL, *wrapped = NULL;
    (void)arg;
    mexpr_status status = new_picture(context, MEXPR_FORMAT_GREY8, &image);
    if (status == MEXPR_OK)
        status = mexpr_image_wrap(
            context, MEXPR_FORMAT_GREY8, 19, 11, 19, pixels, NULL, NULL, &wrapped);
    mexpr_image_destroy(&wrapped);
    mexpr_image_destroy(&image);
    return status;
}

typedef mexpr_status (*copy_fn)(
    mexpr_context *context, const mexpr_image *image, mexpr_image **out);

typedef struct copy_job {
    copy_fn copy;
    mexpr_format format;
} copy_job;

static mexpr_status copy_picture(mexpr_context *context, void *arg)
{
    const copy_job *job = arg;
    mexpr_image *image = NULL, *out = NULL;
    mexpr_status status = new_picture(context, job->format, &image);
    if (status == MEXPR_OK)
        status = job->copy(context, image, &out);
    assert_true((status == MEXPR_OK) == (out != NULL));
    mexpr_image_destroy(&out);
    mexpr_image_destroy(&image);
    return status;
}

static mexpr_status convert(
    mexpr_context *context, const mexpr_image *image, mexpr_image **out)
{
    return mexpr_image_convert(context, image, MEXPR_FORMAT_GREYF32, out);
}

static mexpr_status crop(
    mexpr_context *context, const mexpr_image *image, mexpr_image **out)
{
    return mexpr_image_crop(context, image, 1, 1, 5, 5, out);
}

static mexpr_status shrink(
    mexpr_context *context, const mexpr_image *image, mexpr_image **out)
{
    return mexpr_image_resize(context, image, 7, 7, MEXPR_FILTER_AREA, out);
}

/* The order that needs a picture in between. */
static mexpr_status shrink_columns(
    mexpr_context *context, const mexpr_image *image, mexpr_image **out)
{
    return mexpr_image_resize(context, image, 3, 20, MEXPR_FILTER_BICUBIC, out);
}

static mexpr_status smooth(
    mexpr_context *context, const mexpr_image *image, mexpr_image **out)
{
    return mexpr_image_gaussian(context, image, 1.5, out);
}

#if MX_HAVE_PNG

static mexpr_status write_png(mexpr_context *context, void *arg)
{
    const mexpr_format *format = arg;
    mexpr_image *image = NULL;
    mexpr_status status = new_picture(context, *format, &image);
    if (status == MEXPR_OK)
        status = mexpr_image_write_png(context, image, test_path("oom.png"));
    mexpr_image_destroy(&image);
    return status;
}

static mexpr_status encode_png(mexpr_context *context, void *arg)
{
    const mexpr_format *format = arg;
    mexpr_image *image = NULL;
    void *bytes = NULL;
    size_t size = 0;
    mexpr_status status = new_picture(context, *format, &image);
    if (status == MEXPR_OK)
        status = mexpr_image_encode_png(context, image, &bytes, &size);
    assert_true((status == MEXPR_OK) == (bytes != NULL));
    mexpr_bytes_free(context, &bytes);
    mexpr_image_destroy(&image);
    return status;
}

#endif

#if MX_HAVE_PNG || MX_HAVE_JPEG

typedef struct file_bytes {
    uint8_t bytes[4096];
    size_t size;
    mexpr_colour colour;
} file_bytes;

static mexpr_status decode(mexpr_context *context, void *arg)
{
    const file_bytes *file = arg;
    mexpr_image *image = NULL;
    const mexpr_status status =
        mexpr_image_decode(context, file->bytes, file->size, file->colour, &image);
    assert_true((status == MEXPR_OK) == (image != NULL));
    mexpr_image_destroy(&image);
    return status;
}

static mexpr_status read_file(mexpr_context *context, void *arg)
{
    const mexpr_colour *colour = arg;
    mexpr_image *image = NULL;
    const mexpr_status status =
        mexpr_image_read(context, test_path("oom.file"), *colour, &image);
    assert_true((status == MEXPR_OK) == (image != NULL));
    mexpr_image_destroy(&image);
    return status;
}

static void sweep_file(file_bytes *file)
{
    test_write_file(test_path("oom.file"), file->bytes, file->size);
    for (int colour = MEXPR_COLOUR_KEEP; colour <= MEXPR_COLOUR_RGB; colour++) {
        file->colour = (mexpr_colour)colour;
        assert_true(test_oom_sweep(decode, file, 1) >= 1);
        assert_true(test_oom_sweep(read_file, &file->colour, 1) >= 2);
    }
}

#endif

static void pictures(void **state)
{
    (void)state;
    static const copy_fn copies[] = {convert, crop, shrink, shrink_columns, smooth};
    assert_true(test_oom_sweep(create_and_wrap, NULL, 1) >= 2);
    for (size_t i = 0; i < sizeof copies / sizeof copies[0]; i++) {
        copy_job job = {copies[i], MEXPR_FORMAT_RGB8};
        assert_true(test_oom_sweep(copy_picture, &job, 1) >= 2);
    }
}

static void png(void **state)
{
    (void)state;
#if MX_HAVE_PNG
    mexpr_context *context = test_context(NULL, 1);
    for (mexpr_format format = MEXPR_FORMAT_GREY8; format <= MEXPR_FORMAT_GREYF32;
         format++) {
        static file_bytes file;
        mexpr_image *image;
        void *bytes;
        assert_true(test_oom_sweep(encode_png, &format, 1) >= 3);
        assert_true(test_oom_sweep(write_png, &format, 1) >= 3);
        assert_ok(context, new_picture(context, format, &image));
        assert_ok(context, mexpr_image_encode_png(context, image, &bytes, &file.size));
        assert_true(file.size <= sizeof file.bytes);
        memcpy(file.bytes, bytes, file.size);
        mexpr_bytes_free(context, &bytes);
        mexpr_image_destroy(&image);
        sweep_file(&file);
    }
    mexpr_context_destroy(&context);
#else
    skip();
#endif
}

static void jpeg(void **state)
{
    (void)state;
#if MX_HAVE_JPEG
    static file_bytes file;
    static uint8_t pixels[19 * 11 * 3];
    unsigned char *out = file.bytes;
    unsigned long size = sizeof file.bytes;
    tjhandle handle = tjInitCompress();
    assert_int_equal(tjCompress2(handle, pixels, 19, 0, 11, TJPF_RGB, &out, &size,
                         TJSAMP_420, 90, TJFLAG_NOREALLOC),
        0);
    tjDestroy(handle);
    file.size = size;
    sweep_file(&file);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures),
        cmocka_unit_test(png),
        cmocka_unit_test(jpeg),
    };
    return cmocka_run_group_tests_name("oom_image", tests, NULL, NULL);
}
