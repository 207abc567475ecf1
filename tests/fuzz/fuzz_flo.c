/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_picture.h"
#include "microexpr/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever numbers a field holds, what is made of it must be there. */
static void use(mexpr_context *context, const mexpr_field *field)
{
    mexpr_image *image;
    for (int kind = MEXPR_STRAIN_FROBENIUS; kind <= MEXPR_STRAIN_OFF_TANET; kind++) {
        if (mexpr_flow_strain(context, field, (mexpr_strain)kind, &image) == MEXPR_OK)
            fuzz_consume(image);
        mexpr_image_destroy(&image);
    }
    if (mexpr_flow_picture(context, field, MEXPR_STRAIN_FROBENIUS, 5, 3, &image) ==
        MEXPR_OK)
        fuzz_consume(image);
    mexpr_image_destroy(&image);
    if (mexpr_flow_colour(context, field, 0, &image) == MEXPR_OK)
        fuzz_consume(image);
    mexpr_image_destroy(&image);
    double mean = -1;
    uint64_t n;
    fuzz_expect(mexpr_field_difference(context, field, field, &mean, &n) == MEXPR_OK);
    fuzz_expect(mean == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mexpr_context *context = fuzz_context();
    mexpr_field *field;
    const mexpr_status status = mexpr_field_decode_flo(context, data, size, &field);
    fuzz_expect((status == MEXPR_OK) == (field != NULL));
    fuzz_expect(status == MEXPR_OK || mexpr_context_last_error(context)[0] != '\0');
    fuzz_expect(status != MEXPR_E_INTERNAL && status <= MEXPR_OK);
    if (field)
        use(context, field);
    mexpr_field_destroy(&field);
    mexpr_context_destroy(&context);
    return 0;
}
