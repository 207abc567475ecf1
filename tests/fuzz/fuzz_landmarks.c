/* SPDX-License-Identifier: MIT */
/* Tables of landmarks: what was read can be written, and read again to the same rows. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_picture.h"
#include "microexpr/face.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(mexpr_context *context, mexpr_face_table *table)
{
    void *bytes = NULL;
    size_t size = 0;
    mexpr_face_table *again = NULL;
    const int64_t n = mexpr_face_table_n_rows(table);
    fuzz_expect(n > 0);
    if (mexpr_face_table_encode_csv(table, &bytes, &size) != MEXPR_OK)
        return;
    fuzz_expect(mexpr_face_table_decode(context, bytes, size, &again) == MEXPR_OK);
    fuzz_expect(mexpr_face_table_n_rows(again) == n);
    for (int64_t i = 0; i < n; i++) {
        mexpr_face_row a = MEXPR_FACE_ROW_INIT, b = MEXPR_FACE_ROW_INIT;
        fuzz_expect(mexpr_face_table_row(table, i, &a) == MEXPR_OK);
        fuzz_expect(mexpr_face_table_row(again, i, &b) == MEXPR_OK);
        fuzz_expect(
            a.frame == b.frame && a.face_id == b.face_id && a.success == b.success);
        for (int k = 0; k < 136; k++)
            fuzz_expect(fabsf(a.landmarks[k] - b.landmarks[k]) <=
                        0.0006f + 1e-6f * fabsf(a.landmarks[k]));
    }
    mexpr_face_table_destroy(&again);
    mexpr_bytes_free(context, &bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mexpr_context *context = fuzz_context();
    mexpr_face_table *table;
    const mexpr_status status = mexpr_face_table_decode(context, data, size, &table);
    fuzz_expect((status == MEXPR_OK) == (table != NULL));
    fuzz_expect(status == MEXPR_OK || mexpr_context_last_error(context)[0] != '\0');
    fuzz_expect(status != MEXPR_E_INTERNAL && status <= MEXPR_OK);
    if (table)
        use(context, table);
    mexpr_face_table_destroy(&table);
    mexpr_context_destroy(&context);
    return 0;
}
