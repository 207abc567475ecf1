/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "train/trainer_parts.h"

mexpr_status mx_trainer_loss(
    mx_scope *scope, mexpr_trainer *trainer, int64_t n, double *loss)
{
    const mx_tensor *scores = mx_net_output(trainer->net, 0);
    const int32_t k = trainer->n_classes;
    if (!trainer->gradients[0])
        trainer->gradients[0] =
            mx_alloc(scope, (size_t)trainer->max_batch, (size_t)k * sizeof(float));
    if (!trainer->gradients[0])
        return MEXPR_E_NOMEM;
    *loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const float *z = (const float *)scores->data + i * k;
        double top = -INFINITY, sum = 0;
        for (int32_t c = 0; c < k; c++)
            top = fmax(top, (double)z[c]);
        for (int32_t c = 0; c < k; c++)
            sum += exp((double)z[c] - top);
        double w = 0;
        for (int32_t c = 0; c < k; c++) {
            const double t =
                (double)(trainer->class_weights[c] * trainer->targets[i * k + c]);
            w += t;
            *loss -= t * ((double)z[c] - top - log(sum)) / (double)n;
        }
        for (int32_t c = 0; c < k; c++)
            trainer->gradients[0][i * k + c] =
                (float)((w * exp((double)z[c] - top) / sum -
                            (double)(trainer->class_weights[c] *
                                     trainer->targets[i * k + c])) /
                        (double)n);
    }
    return MEXPR_OK;
}
