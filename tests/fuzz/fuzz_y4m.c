/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz_picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct bytes {
    const uint8_t *data;
    size_t size;
    size_t portion;
} bytes;

static int64_t read_bytes(void *user, void *buffer, size_t size)
{
    bytes *b = user;
    size_t n = b->size < size ? b->size : size;
    n = n < b->portion ? n : b->portion;
    if (n > 0)
        memcpy(buffer, b->data, n);
    b->data += n;
    b->size -= n;
    return (int64_t)n;
}

/* Every frame, or every third; all that is refused comes with a sentence. */
static void walk(mexpr_clip *clip, int64_t step)
{
    const mexpr_image *frame;
    mexpr_status status = MEXPR_OK;
    for (int64_t i = 0; status == MEXPR_OK; i += step) {
        status = mexpr_clip_frame(clip, i, &frame);
        fuzz_expect((status == MEXPR_OK) == (frame != NULL));
        if (frame)
            fuzz_consume(frame);
    }
    fuzz_expect(status == MEXPR_END || mexpr_clip_last_error(clip)[0] != '\0');
    fuzz_expect(status != MEXPR_E_INTERNAL);
    fuzz_expect(status != MEXPR_END || mexpr_clip_n_frames(clip) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t portions[] = {1, 7, SIZE_MAX};
    mexpr_context *context = fuzz_context();
    for (int i = 0; context && i < 3; i++) {
        bytes b = {data, size, portions[i]};
        mexpr_clip *clip;
        const mexpr_status status =
            mexpr_clip_open_y4m(context, read_bytes, &b, NULL, &clip);
        fuzz_expect((status == MEXPR_OK) == (clip != NULL));
        fuzz_expect(status == MEXPR_OK || mexpr_context_last_error(context)[0] != '\0');
        if (clip)
            walk(clip, i == 1 ? 3 : 1);
        mexpr_clip_destroy(&clip);
    }
    mexpr_context_destroy(&context);
    return 0;
}
