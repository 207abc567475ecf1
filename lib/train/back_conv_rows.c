/* SPDX-License-Identifier: MIT */
/* The samples of a batch lie side by side, [place][sample][channel], so that an element
 * of the window makes one product of all samples and of a whole run of places with its
 * own matrix of weights. Nothing is copied for a window, and what it sees of the padding,
 * more than half of a map of 2×2, is left out. */
#include "train/back_conv_rows.h"

#include <string.h>

#include "train/back_common.h"

enum {
    MIN_CHANNELS = 16,
    MAX_PLACES = 256,
    CACHED = 1 << 16, /* floats of a map of some samples */
    MANY = 1 << 16    /* weights that all samples should meet at once */
};

bool mx_conv_rows_fits(const mx_conv_params *p)
{
    const mx_window *w = &p->window;
    for (int d = 0; d < MX_SPATIAL; d++) {
        if (w->stride[d] != 1)
            return false;
    }
    return p->groups == 1 && p->method != MX_CONV_POINTWISE && p->c_in >= MIN_CHANNELS &&
           p->c_out >= MIN_CHANNELS && p->n_out > 0 && p->n_out <= MAX_PLACES &&
           p->n_in > 0 && p->n_in <= MAX_PLACES;
}

/* Samples at a time. */
static int64_t samples_of(const mx_conv_params *p)
{
    const int64_t in = p->n_in * p->c_in, out = p->n_out * p->c_out;
    const int64_t most = CACHED / (in > out ? in : out);
    return p->k * p->c_out > MANY || most > p->batch ? p->batch : most > 0 ? most : 1;
}

/* Floats for products of one to all places. */
static int64_t room_of(const mx_conv_params *p)
{
    const int64_t samples = samples_of(p);
    const int in = (int)p->c_in, out = (int)p->c_out;
    size_t most = 0;
    for (int64_t i = 1; i <= p->n_out; i++) {
        const int n = (int)(i * samples);
        const size_t sizes[2] = {
            mx_gemm_room(false, true, n, out, in), mx_gemm_room(true, false, out, in, n)};
        for (int k = 0; k < 2; k++)
            most = sizes[k] > most ? sizes[k] : most;
    }
    return (int64_t)most;
}

size_t mx_conv_rows_space(const mx_conv_params *p)
{
    const int64_t places = p->n_in * p->c_in + p->n_out * p->c_out;
    return (size_t)(2 * p->k * p->c_out + samples_of(p) * places + room_of(p)) *
           sizeof(float);
}

/* Some samples, and the blocks of the workspace. */
typedef struct conv_rows {
    const mx_back_run *run;
    const mx_conv_params *p;
    int64_t taps, samples;
    float *weights, *slopes; /* [tap][out][in] */
    float *in, *out, *room;
} conv_rows;

static conv_rows blocks_of(const mx_back_run *run, const mx_conv_params *p)
{
    conv_rows c = {.run = run, .p = p, .taps = p->k / p->c_in};
    c.weights = run->workspace;
    c.slopes = c.weights + p->k * p->c_out;
    c.in = c.slopes + p->k * p->c_out;
    c.out = c.in + samples_of(p) * p->n_in * p->c_in;
    c.room = c.out + samples_of(p) * p->n_out * p->c_out;
    return c;
}

/* --- layouts ----------------------------------------------------------------------- */

static void transpose(const conv_rows *c, int64_t rows, int64_t cols, const float *from,
    int64_t from_row, float *to, int64_t to_row)
{
    c->run->machine->nn.transpose(
        (size_t)rows, (size_t)cols, from, (size_t)from_row, to, (size_t)to_row);
}

/* [sample][channel][place] to [place][sample][channel]. */
static void gather(
    const conv_rows *c, int64_t channels, int64_t places, const float *from, float *to)
{
    for (int64_t i = 0; i < c->samples; i++)
        transpose(c, channels, places, from + i * channels * places, places,
            to + i * channels, c->samples * channels);
}

static void scatter(
    const conv_rows *c, int64_t channels, int64_t places, const float *from, float *to)
{
    for (int64_t i = 0; i < c->samples; i++)
        transpose(c, places, channels, from + i * channels, c->samples * channels,
            to + i * channels * places, places);
}

/* [out][in][tap] to [tap][out][in]. */
static void sort_weights(const conv_rows *c)
{
    const mx_conv_params *p = c->p;
    const float *from = c->run->inputs[1]->data;
    for (int64_t i = 0; i < p->c_out; i++)
        transpose(c, p->c_in, c->taps, from + i * p->k, c->taps, c->weights + i * p->c_in,
            p->c_out * p->c_in);
}

/* And back; c->weights is free by then. */
static void put_slopes(const conv_rows *c)
{
    const mx_conv_params *p = c->p;
    const bool adds = mx_back_adds(c->run, 1);
    for (int64_t i = 0; i < p->c_out; i++) {
        float *to = c->run->gradients[1] + i * p->k, *row = adds ? c->weights : to;
        transpose(c, c->taps, p->c_in, c->slopes + i * p->c_in, p->c_out * p->c_in, row,
            c->taps);
        mx_back_put(&c->run->machine->nn, p->k, row, adds, to);
    }
}

/* --- products ---------------------------------------------------------------------- */

/* n places from `out` on see those from `in` on through an element of the window. */
typedef struct stretch {
    int64_t tap, in, out, n;
} stretch;

typedef void stretch_fn(const conv_rows *c, const stretch *s);

/* Outputs lo..hi-1 along d for which element k is inside. */
static void inside(const mx_window *w, int d, int64_t k, int64_t *lo, int64_t *hi)
{
    const int64_t shift = k * w->dilation[d] - w->before[d];
    *lo = shift < 0 ? -shift : 0;
    *hi = w->in[d] - shift < w->out[d] ? w->in[d] - shift : w->out[d];
}

/* Lines of outputs are taken together where they, and those of inputs, are whole. */
static void lines_of_tap(
    const conv_rows *c, const int64_t *k, int64_t tap, stretch_fn *fn)
{
    const mx_window *w = &c->p->window;
    int64_t lo[MX_SPATIAL], hi[MX_SPATIAL], shift[MX_SPATIAL];
    for (int d = 0; d < MX_SPATIAL; d++) {
        inside(w, d, k[d], &lo[d], &hi[d]);
        shift[d] = k[d] * w->dilation[d] - w->before[d];
        if (lo[d] >= hi[d])
            return;
    }
    const bool is_whole = hi[2] - lo[2] == w->out[2] && w->in[2] == w->out[2];
    const int64_t lines = is_whole ? hi[1] - lo[1] : 1;
    for (int64_t z = lo[0]; z < hi[0]; z++) {
        for (int64_t y = lo[1]; y < hi[1]; y += lines) {
            const stretch s = {tap,
                ((z + shift[0]) * w->in[1] + y + shift[1]) * w->in[2] + lo[2] + shift[2],
                (z * w->out[1] + y) * w->out[2] + lo[2], lines * (hi[2] - lo[2])};
            fn(c, &s);
        }
    }
}

static void for_stretches(const conv_rows *c, stretch_fn *fn)
{
    const mx_window *w = &c->p->window;
    int64_t k[MX_SPATIAL], tap = 0;
    for (k[0] = 0; k[0] < w->kernel[0]; k[0]++) {
        for (k[1] = 0; k[1] < w->kernel[1]; k[1]++) {
            for (k[2] = 0; k[2] < w->kernel[2]; k[2]++)
                lines_of_tap(c, k, tap++, fn);
        }
    }
}

static float *inputs_of(const conv_rows *c, const stretch *s)
{
    return c->in + s->in * c->samples * c->p->c_in;
}

static float *outputs_of(const conv_rows *c, const stretch *s)
{
    return c->out + s->out * c->samples * c->p->c_out;
}

static void add_outputs(const conv_rows *c, const stretch *s)
{
    const int in = (int)c->p->c_in, out = (int)c->p->c_out;
    mx_sgemm_in(&c->run->machine->gemm, false, true, (int)(s->n * c->samples), out, in,
        inputs_of(c, s), in, c->weights + s->tap * in * out, in, 1, outputs_of(c, s), out,
        c->room);
}

static void add_inputs(const conv_rows *c, const stretch *s)
{
    const int in = (int)c->p->c_in, out = (int)c->p->c_out;
    mx_sgemm(&c->run->machine->gemm, false, false, (int)(s->n * c->samples), in, out, 1,
        outputs_of(c, s), out, c->weights + s->tap * in * out, in, 1, inputs_of(c, s),
        in);
}

static void add_slopes(const conv_rows *c, const stretch *s)
{
    const int in = (int)c->p->c_in, out = (int)c->p->c_out;
    mx_sgemm_in(&c->run->machine->gemm, true, false, out, in, (int)(s->n * c->samples),
        outputs_of(c, s), out, inputs_of(c, s), in, 1, c->slopes + s->tap * in * out, in,
        c->room);
}

/* --- passes ------------------------------------------------------------------------ */

static void clear(float *x, int64_t n)
{
    memset(x, 0, (size_t)n * sizeof *x);
}

void mx_conv_rows_forward(const mx_back_run *run, const mx_conv_params *p)
{
    conv_rows c = blocks_of(run, p);
    const float *bias = run->n_inputs > 2 && run->inputs[2] ? run->inputs[2]->data : NULL;
    sort_weights(&c);
    for (int64_t i = 0; i < p->batch; i += c.samples) {
        c.samples = p->batch - i < samples_of(p) ? p->batch - i : samples_of(p);
        const int64_t rows = c.samples * p->n_out;
        gather(&c, p->c_in, p->n_in,
            (const float *)run->inputs[0]->data + i * p->c_in * p->n_in, c.in);
        clear(c.out, rows * p->c_out);
        for_stretches(&c, add_outputs);
        if (bias)
            run->machine->nn.bias_cols(
                (size_t)rows, (size_t)p->c_out, c.out, bias, 0, c.out);
        scatter(&c, p->c_out, p->n_out, c.out,
            (float *)run->outputs[0]->data + i * p->c_out * p->n_out);
    }
}

static void back_input(const conv_rows *c, float *to)
{
    const mx_conv_params *p = c->p;
    const int64_t n = c->samples * p->n_in * p->c_in;
    if (mx_back_adds(c->run, 0))
        gather(c, p->c_in, p->n_in, to, c->in);
    else
        clear(c->in, n);
    for_stretches(c, add_inputs);
    scatter(c, p->c_in, p->n_in, c->in, to);
}

void mx_conv_rows_backward(const mx_back_run *run, const mx_conv_params *p)
{
    conv_rows c = blocks_of(run, p);
    float *dx = run->gradients[0], *dw = run->gradients[1];
    if (dx)
        sort_weights(&c);
    if (dw)
        clear(c.slopes, p->k * p->c_out);
    for (int64_t i = 0; i < p->batch; i += c.samples) {
        const int64_t at_in = i * p->c_in * p->n_in;
        c.samples = p->batch - i < samples_of(p) ? p->batch - i : samples_of(p);
        gather(&c, p->c_out, p->n_out, run->output_gradients[0] + i * p->c_out * p->n_out,
            c.out);
        if (dw) {
            gather(
                &c, p->c_in, p->n_in, (const float *)run->inputs[0]->data + at_in, c.in);
            for_stretches(&c, add_slopes);
        }
        if (dx)
            back_input(&c, dx + at_in);
    }
    if (dw)
        put_slopes(&c);
}
