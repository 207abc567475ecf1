/* SPDX-License-Identifier: MIT */
/* bench_face tile DIR WIDTH HEIGHT OUT.png: a picture full of held-out faces.
 * bench_face time PICTURE SMALLEST ROUNDS: milliseconds of each search of it, one thread.
 * bench_face_opencv.py compares these with OpenCV. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "face_data.h"
#include "microexpr/image.h"

static void put(
    uint8_t *to, int width, int height, int x0, int y0, const mx_face_view *from)
{
    for (int y = 0; y < (int)from->height && y0 + y < height; y++)
        for (int x = 0; x < (int)from->width && x0 + x < width; x++)
            to[(y0 + y) * width + x0 + x] =
                from->pixels[(size_t)y * from->stride + (size_t)x];
}

/* Held-out pictures one behind the other, in rows. */
static void fill(const face_data *data, uint8_t *pixels, int width, int height)
{
    int x = 0, y = 0, row = 0;
    for (int i = 0, skip = 0; i < data->n && y < height; i++) {
        const face_picture *p = &data->pictures[i];
        if (p->part != FACE_HELD_OUT || !p->has_face || skip++ % 12 != 0)
            continue;
        put(pixels, width, height, x, y, &p->view);
        row = (int)p->view.height > row ? (int)p->view.height : row;
        x += (int)p->view.width;
        if (x >= width) {
            x = 0;
            y += row;
            row = 0;
        }
    }
}

static mexpr_status tile(mexpr_context *context, char **arguments)
{
    face_data data;
    mexpr_image *image = NULL;
    const int width = (int)strtol(arguments[1], NULL, 10);
    const int height = (int)strtol(arguments[2], NULL, 10);
    if (!face_data_load(context, arguments[0], &data))
        return MEXPR_E_IO;
    mexpr_status status =
        mexpr_image_create(context, MEXPR_FORMAT_GREY8, width, height, &image);
    uint8_t *pixels =
        status == MEXPR_OK ? calloc((size_t)width * (size_t)height, 1) : NULL;
    if (pixels) {
        fill(&data, pixels, width, height);
        uint8_t *to = mexpr_image_pixels(image);
        for (int y = 0; y < height; y++)
            memcpy(to + (size_t)y * mexpr_image_stride(image), pixels + y * width,
                (size_t)width);
        status = mexpr_image_write_png(context, image, arguments[3]);
    }
    free(pixels);
    mexpr_image_destroy(&image);
    face_data_free(&data);
    return status;
}

/* Milliseconds of the processor's time that this program has had. */
static double used_ms(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec * 1e-6;
}

static mexpr_status time_search(mexpr_context *context, char **arguments)
{
    enum { MOST = 256 };
    mx_face_box boxes[MOST];
    mexpr_image *image = NULL;
    mx_face_detector *detector = NULL;
    mx_scope *scope = mx_context_scope(context);
    mexpr_status status =
        mexpr_image_read(context, arguments[0], MEXPR_COLOUR_GREY, &image);
    if (status == MEXPR_OK)
        status = mx_face_detector_create(scope, &detector);
    const float smallest = strtof(arguments[1], NULL);
    for (long i = strtol(arguments[2], NULL, 10); i > 0 && status == MEXPR_OK; i--) {
        const mx_face_view view = {mexpr_image_data(image), mexpr_image_stride(image),
            (uint32_t)mexpr_image_width(image), (uint32_t)mexpr_image_height(image)};
        size_t n;
        const double start = used_ms();
        status = mx_face_detector_run(scope, detector, &view, smallest, 1e6f,
            mx_face_detector_threshold(), boxes, MOST, &n);
        printf("%.3f %zu\n", used_ms() - start, n);
    }
    mx_face_detector_destroy(context, &detector);
    mexpr_image_destroy(&image);
    return status;
}

int main(int argc, char **argv)
{
    const bool tiles = argc == 6 && strcmp(argv[1], "tile") == 0;
    const bool times = argc == 5 && strcmp(argv[1], "time") == 0;
    if (!tiles && !times) {
        fprintf(stderr, "usage: bench_face tile DIR WIDTH HEIGHT OUT.png\n"
                        "       bench_face time PICTURE SMALLEST ROUNDS\n");
        return 2;
    }
    mexpr_context *context = NULL;
    mexpr_status status = mexpr_context_create(NULL, &context);
    if (status == MEXPR_OK)
        status = tiles ? tile(context, argv + 2) : time_search(context, argv + 2);
    if (status != MEXPR_OK)
        fprintf(stderr, "bench_face: %s\n", mexpr_context_last_error(context));
    mexpr_context_destroy(&context);
    return status == MEXPR_OK ? 0 : 1;
}
