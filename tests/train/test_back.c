/* SPDX-License-Identifier: MIT */
/* Gradients of every operator that can be trained through, one test for each, against
 * central differences of its double twin (reference.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "back_cases.h"
#include "base/rng.h"
#include "model/model_handle.h"
#include "reference.h"
#include "support.h"
#include "train/back.h"

/* Of the largest gradient by the same input; differences are exact to 1e-9 of it. */
#define TOLERANCE 1e-5
/* Elements of an input that are tried. */
enum { MAX_TRIED = 150, MAX_TENSORS = 8 };

TEST_CONTEXT
static mx_rng rng;
static double worst; /* of the operator at hand */

static void ok(mexpr_status status)
{
    if (status != MEXPR_OK)
        fail_msg("%s", mx_context_scope(context)->error);
}

/* --- a model of one node ----------------------------------------------------------- */

/* Numbers behind `text` up to `end`; returns how many. */
static int read_numbers(const char *text, char end, double *numbers)
{
    int n = 0;
    while (*text && *text != end) {
        char *past;
        numbers[n++] = strtod(text, &past);
        text = *past == ',' ? past + 1 : past;
    }
    return n;
}

/* A word of a list, 0-ended; false behind the last one. */
static bool next_word(const char **list, char *word, size_t size)
{
    *list += strspn(*list, " ");
    const size_t length = strcspn(*list, " ");
    snprintf(word, size, "%.*s", (int)length, *list);
    *list += length;
    return length > 0;
}

/* "i:axis=1" and the like. */
static void add_attribute(mexpr_builder *builder, char *word)
{
    double numbers[16];
    int64_t list[16];
    char *value = strchr(word, '=');
    assert_non_null(value);
    *value++ = '\0';
    const char *name = word + 2;
    const int n = word[0] == 's' ? 0 : read_numbers(value, ' ', numbers);
    for (int i = 0; i < n; i++)
        list[i] = (int64_t)numbers[i];
    if (word[0] == 'i')
        mexpr_builder_int(builder, name, list[0]);
    else if (word[0] == 'f')
        mexpr_builder_float(builder, name, (float)numbers[0]);
    else if (word[0] == 's')
        mexpr_builder_string(builder, name, value);
    else
        mexpr_builder_ints(builder, name, list, (size_t)n);
}

/* "=1,2" is a constant list of integers, "#0.5" a constant number, "!1,0" truth values,
 * everything else a letter and a shape that becomes an input. */
static void add_input(mexpr_builder *builder, const char *name, const char *word)
{
    double numbers[64];
    int64_t list[64];
    uint8_t truths[64];
    float number;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    const int n = read_numbers(word + 1, ' ', numbers);
    for (int i = 0; i < n; i++) {
        list[i] = (int64_t)numbers[i];
        truths[i] = numbers[i] != 0;
    }
    number = (float)numbers[0];
    if (!strchr("=#!", word[0])) {
        mexpr_builder_input(builder, name, MEXPR_DTYPE_F32, n, list);
        return;
    }
    view.dtype = word[0] == '='   ? MEXPR_DTYPE_I64
                 : word[0] == '#' ? MEXPR_DTYPE_F32
                                  : MEXPR_DTYPE_BOOL;
    view.rank = word[0] == '#' ? 0 : 1;
    view.dims[0] = n;
    view.data = word[0] == '='   ? (const void *)list
                : word[0] == '#' ? (const void *)&number
                                 : truths;
    mexpr_builder_initializer(builder, name, &view, MEXPR_ROLE_CONSTANT);
}

static mexpr_model *build(const back_case *c)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    static const char *const results[] = {"y0", "y1", "y2", "y3"};
    const char *inputs[MAX_TENSORS], *list = c->inputs;
    char word[64];
    mexpr_builder *builder;
    mexpr_model *model;
    size_t n = 0;
    ok(mexpr_builder_create(context, "test", &builder));
    mexpr_builder_opset(builder, "", c->opset);
    for (; next_word(&list, word, sizeof word); n++) {
        inputs[n] = word[0] == '-' ? NULL : names[n];
        if (inputs[n])
            add_input(builder, names[n], word);
    }
    list = c->attributes ? c->attributes : "";
    while (next_word(&list, word, sizeof word))
        add_attribute(builder, word);
    mexpr_builder_node(
        builder, c->op, "", inputs, n, results, (size_t)c->n_outputs, "node");
    for (int i = 0; i < c->n_outputs; i++)
        mexpr_builder_output(builder, results[i]);
    if (mexpr_builder_finish(builder, &model) != MEXPR_OK)
        fail_msg("%s: %s", c->op, mexpr_builder_last_error(builder));
    mexpr_builder_destroy(&builder);
    return model;
}

/* --- the node in float ------------------------------------------------------------- */

typedef struct subject {
    const back_case *c;
    const mx_node *node;
    const mx_back_op *back;
    mx_machine machine;
    mx_arena arena;
    mx_frame frame;
    mx_tensor *tensors; /* of the graph */
    int n_inputs, n_outputs;
    const mx_tensor *inputs[MAX_TENSORS];
    mx_tensor *outputs[MAX_TENSORS];
    bool is_float[MAX_TENSORS];    /* inputs that have gradients */
    float *weights[MAX_TENSORS];   /* gradients of the outputs */
    float *gradients[MAX_TENSORS]; /* of the inputs */
    size_t kept_size;
    void *kept, *made, *workspace, *part_space; /* made: kept as forward left it */
} subject;

static double draw(char kind)
{
    const double x = mx_rng_normal(&rng);
    switch (kind) {
    case 'p': /* positive */
        return 0.3 + mx_rng_uniform(&rng);
    case 's': /* within -1 and 1 and beyond */
        return 3 * mx_rng_uniform(&rng) - 1.5;
    case 'k': /* away from the kink at 0 */
        return x + (x < 0 ? -0.1 : 0.1);
    default:
        return x;
    }
}

/* Numbers that differ by at least 1 / n: extremes are not near each other. */
static void fill_apart(float *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t j = mx_rng_below(&rng, (uint32_t)i + 1);
        data[i] = data[j];
        data[j] = 3 * (float)i / (float)n - 1.47f;
    }
}

static void fill_input(mx_tensor *t, char kind)
{
    const int64_t n = mx_tensor_count(t);
    float *data = calloc((size_t)n + 1, sizeof *data);
    assert_non_null(data);
    if (kind == 'u')
        fill_apart(data, n);
    for (int64_t i = 0; i < n && kind != 'u'; i++)
        data[i] = (float)draw(kind);
    t->data = data;
}

static float *random_floats(const mx_tensor *t)
{
    const int64_t n = mx_tensor_count(t);
    float *data = calloc((size_t)n + 1, sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < n; i++)
        data[i] = (float)mx_rng_normal(&rng);
    return data;
}

static void bind_inputs(subject *s, const mx_graph *graph)
{
    const char *list = s->c->inputs;
    char word[64];
    for (int k = 0; k < s->n_inputs && next_word(&list, word, sizeof word); k++) {
        const int value = s->node->inputs[k];
        if (value < 0)
            continue;
        mx_tensor *t = &s->tensors[value];
        s->inputs[k] = t;
        s->is_float[k] =
            !strchr("=#!", word[0]) && !(s->back->no_gradient & MX_INPUT_BIT(k));
        if (!graph->values[value].tensor.data)
            fill_input(t, word[0]);
    }
}

static mexpr_status plan(subject *s)
{
    mx_back_plan plan = {.scope = mx_context_scope(context),
        .node = s->node,
        .n_inputs = s->n_inputs,
        .inputs = s->inputs,
        .n_outputs = s->n_outputs,
        .outputs = (const mx_tensor *const *)s->outputs,
        .params = s->frame.params.bytes,
        .wanted = UINT32_MAX,
        .workspace = s->frame.workspace};
    const mexpr_status status = s->back->plan ? s->back->plan(&plan) : MEXPR_OK;
    s->kept_size = plan.kept;
    s->kept = calloc(plan.kept + 1, 1);
    s->made = calloc(plan.kept + 1, 1);
    s->workspace = malloc(plan.workspace + 1);
    s->part_space = malloc(s->frame.part_space + 1);
    assert_true(s->kept && s->made && s->workspace && s->part_space);
    return status;
}

static void make(subject *s, const back_case *c, const mx_graph *graph)
{
    memset(s, 0, sizeof *s);
    s->c = c;
    s->node = &graph->nodes[0];
    s->back = mx_back_find(s->node);
    if (!s->back)
        fail_msg("%s cannot be trained through", c->op);
    mx_machine_init(&s->machine, mexpr_context_cpu(context));
    mx_arena_init(&s->arena, context);
    s->tensors = calloc((size_t)graph->n_values, sizeof *s->tensors);
    assert_non_null(s->tensors);
    for (int i = 0; i < graph->n_values; i++)
        s->tensors[i] = graph->values[i].tensor;
    s->n_inputs = s->node->n_inputs;
    s->n_outputs = s->node->n_outputs;
    assert_true(s->n_inputs <= MAX_TENSORS && s->n_outputs <= MAX_TENSORS);
    bind_inputs(s, graph);
    mx_scope *scope = mx_context_scope(context);
    ok(mx_frame_init(scope, &s->arena, graph, &s->machine, s->tensors, &s->frame));
    ok(mx_node_infer(&s->frame, s->node));
    for (int k = 0; k < s->n_outputs; k++) {
        s->outputs[k] = &s->tensors[s->node->outputs[k]];
        s->weights[k] = random_floats(s->outputs[k]);
        s->outputs[k]->data = random_floats(s->outputs[k]);
    }
    for (int k = 0; k < s->n_inputs; k++)
        s->gradients[k] = s->is_float[k] ? random_floats(s->inputs[k]) : NULL;
}

static void release(subject *s, const mx_graph *graph)
{
    for (int k = 0; k < s->n_inputs; k++) {
        if (s->inputs[k] && !graph->values[s->node->inputs[k]].tensor.data)
            free(s->inputs[k]->data);
        free(s->gradients[k]);
    }
    for (int k = 0; k < s->n_outputs; k++) {
        free(s->outputs[k]->data);
        free(s->weights[k]);
    }
    free(s->kept);
    free(s->made);
    free(s->workspace);
    free(s->part_space);
    free(s->tensors);
    mx_arena_release(&s->arena);
}

static mx_back_run back_run(subject *s, float *const *gradients, uint32_t adds)
{
    return (mx_back_run){.scope = mx_context_scope(context),
        .machine = &s->machine,
        .node = s->node,
        .n_inputs = s->n_inputs,
        .inputs = s->inputs,
        .n_outputs = s->n_outputs,
        .outputs = s->outputs,
        .params = s->frame.params.bytes,
        .kept = s->kept,
        .workspace = s->workspace,
        .seed = 5,
        .output_gradients = (const float *const *)s->weights,
        .gradients = gradients,
        .adds = adds};
}

static void forward(subject *s)
{
    const mx_back_run run = back_run(s, NULL, 0);
    const mx_run plain = {.scope = run.scope,
        .machine = run.machine,
        .node = s->node,
        .n_inputs = s->n_inputs,
        .inputs = s->inputs,
        .n_outputs = s->n_outputs,
        .outputs = s->outputs,
        .params = run.params,
        .workspace = s->workspace,
        .n_workers = 1,
        .part_spaces = s->part_space,
        .part_space = s->frame.part_space};
    ok(s->back->forward ? s->back->forward(&run) : mx_run_forward(&plain));
    memcpy(s->made, s->kept, s->kept_size);
}

static void run_back(subject *s, float *const *gradients, uint32_t adds)
{
    const mx_back_run run = back_run(s, gradients, adds);
    memcpy(s->kept, s->made, s->kept_size);
    ok(s->back->backward(&run));
}

/* All gradients; then each alone, and all on top of something: the same. */
static void backward(subject *s)
{
    float *others[MAX_TENSORS];
    for (int k = 0; k < s->n_inputs; k++) {
        const int64_t n = s->is_float[k] ? mx_tensor_count(s->inputs[k]) : 0;
        for (int64_t i = 0; i < n; i++)
            s->gradients[k][i] = NAN;
    }
    run_back(s, s->gradients, 0);
    for (int k = 0; k < s->n_inputs; k++) {
        if (!s->is_float[k])
            continue;
        const int64_t n = mx_tensor_count(s->inputs[k]);
        for (int pass = 0; pass < 2; pass++) {
            float *one = random_floats(s->inputs[k]);
            memset(others, 0, sizeof others);
            others[k] = one;
            for (int64_t i = 0; i < n; i++)
                one[i] = pass ? 0.5f : NAN;
            run_back(s, others, pass ? MX_INPUT_BIT(k) : 0);
            for (int64_t i = 0; i < n; i++) {
                const double want = (double)s->gradients[k][i] + (pass ? 0.5 : 0);
                if (!(fabs((double)one[i] - want) <= 1e-5 * fmax(1, fabs(want))))
                    fail_msg("%s (%s): gradient %d at %lld is %g %s, not %g", s->c->op,
                        s->c->inputs, k, (long long)i, (double)one[i],
                        pass ? "when added" : "when asked for alone", want);
            }
            free(one);
        }
    }
}

/* --- the node in double ------------------------------------------------------------ */

typedef struct twin {
    ref_tensor in[MAX_TENSORS], out[MAX_TENSORS];
    const ref_tensor *inputs[MAX_TENSORS];
    ref_tensor *outputs[MAX_TENSORS];
    double *mask; /* of Dropout: what element i is multiplied by */
} twin;

static void make_twin(const subject *s, twin *t)
{
    memset(t, 0, sizeof *t);
    for (int k = 0; k < s->n_inputs; k++) {
        if (!s->inputs[k])
            continue;
        t->in[k] = ref_from(s->inputs[k]);
        t->inputs[k] = &t->in[k];
    }
    for (int k = 0; k < s->n_outputs; k++) {
        t->out[k] = ref_from(s->outputs[k]);
        t->outputs[k] = &t->out[k];
    }
    if (strcmp(s->c->op, "Dropout") == 0) {
        const int64_t n = ref_count(&t->in[0]);
        t->mask = calloc((size_t)n, sizeof *t->mask);
        for (int64_t i = 0; i < n; i++)
            t->mask[i] = ((const float *)s->outputs[0]->data)[i] != 0 ? 1 / (1 - 0.3) : 0;
    }
}

static void release_twin(twin *t)
{
    for (int k = 0; k < MAX_TENSORS; k++) {
        free(t->in[k].data);
        free(t->out[k].data);
    }
    free(t->mask);
}

static double loss(const subject *s, twin *t)
{
    double sum = 0;
    if (!ref_forward(s->node, t->inputs, t->outputs, true))
        fail_msg("%s has no twin", s->c->op);
    for (int64_t i = 0; t->mask && i < ref_count(&t->out[0]); i++)
        t->out[0].data[i] *= t->mask[i];
    for (int k = 0; k < s->n_outputs; k++) {
        for (int64_t i = 0; i < ref_count(&t->out[k]); i++)
            sum += t->out[k].data[i] * (double)s->weights[k][i];
    }
    return sum;
}

static void compare_outputs(const subject *s, const twin *t, const ref_tensor *found)
{
    for (int k = 0; k < s->n_outputs; k++) {
        double largest = 1;
        for (int64_t i = 0; i < ref_count(&t->out[k]); i++)
            largest = fmax(largest, fabs(t->out[k].data[i]));
        for (int64_t i = 0; i < ref_count(&t->out[k]); i++) {
            const double want = t->out[k].data[i];
            if (!(fabs(want - found[k].data[i]) <= 2e-5 * largest))
                fail_msg("%s (%s): output %d at %lld is %g, its twin's %g", s->c->op,
                    s->c->inputs, k, (long long)i, found[k].data[i], want);
        }
    }
}

/* Differences of second order in the step of 1e-4, by two steps of different length
 * brought to fourth order (Richardson). */
static double slope(const subject *s, twin *t, double *x)
{
    const double saved = *x, step = 1e-4;
    double ends[4];
    for (int i = 0; i < 4; i++) {
        *x = saved + step * (i % 2 ? 1 : -1) * (i < 2 ? 1 : 2);
        ends[i] = loss(s, t);
    }
    *x = saved;
    return (4 * (ends[1] - ends[0]) / (2 * step) - (ends[3] - ends[2]) / (4 * step)) / 3;
}

static void compare_gradients(const subject *s, twin *t)
{
    for (int k = 0; k < s->n_inputs; k++) {
        double largest = 0;
        if (!s->is_float[k])
            continue;
        const int64_t n = ref_count(&t->in[k]);
        for (int64_t i = 0; i < n; i++)
            largest = fmax(largest, fabs((double)s->gradients[k][i]));
        for (int64_t i = 0; i < n && i < MAX_TRIED; i++) {
            const int64_t at = n <= MAX_TRIED ? i : mx_rng_below(&rng, (uint32_t)n);
            const double want = slope(s, t, &t->in[k].data[at]);
            const double found = (double)s->gradients[k][at];
            const double error = fabs(found - want) / fmax(largest, 1e-2);
            worst = fmax(worst, error);
            if (!(error <= TOLERANCE))
                fail_msg("%s (%s; %s): gradient %d at %lld is %g, not %g", s->c->op,
                    s->c->inputs, s->c->attributes ? s->c->attributes : "", k,
                    (long long)at, found, want);
        }
    }
}

/* --- tests ------------------------------------------------------------------------- */

static void check(const back_case *c)
{
    subject s;
    twin t;
    ref_tensor found[MAX_TENSORS];
    mexpr_model *model = build(c);
    make(&s, c, &model->graph);
    ok(plan(&s));
    forward(&s);
    backward(&s);
    make_twin(&s, &t);
    for (int k = 0; k < s.n_outputs; k++)
        found[k] = ref_from(s.outputs[k]);
    loss(&s, &t);
    compare_outputs(&s, &t, found);
    compare_gradients(&s, &t);
    for (int k = 0; k < s.n_outputs; k++)
        free(found[k].data);
    release_twin(&t);
    release(&s, &model->graph);
    mexpr_model_destroy(&model);
}

/* All cases of one operator. */
static void test_operator(void **state)
{
    const char *op = *state;
    worst = 0;
    mx_rng_seed(&rng, 11, 0);
    for (const back_case *c = back_cases; c->op; c++) {
        if (strcmp(c->op, op) == 0)
            check(c);
    }
    print_message("%s: within %.1e of the largest gradient\n", op, worst);
}

static void check_refused(const back_case *c, const char *part)
{
    subject s;
    mexpr_model *model = build(c);
    make(&s, c, &model->graph);
    assert_failure(context, plan(&s), MEXPR_E_OPERATOR, part);
    release(&s, &model->graph);
    mexpr_model_destroy(&model);
}

static void test_refused(void **state)
{
    static const back_case norm = {"LayerNormalization", "x2,3 x3", NULL, 3, 17};
    static const back_case cast = {"Cast", "x2,3", "i:to=6", 1, 17};
    (void)state;
    check_refused(&norm, "means and deviations cannot be trained through");
    check_refused(&cast, "a cast to int32 cannot be trained through");
}

enum { MAX_TESTS = 128 };

int main(void)
{
    static struct CMUnitTest tests[MAX_TESTS] = {cmocka_unit_test(test_refused)};
    size_t n = 1;
    for (const back_case *c = back_cases; c->op; c++) {
        bool is_new = true;
        for (const back_case *d = back_cases; d < c; d++)
            is_new = is_new && strcmp(c->op, d->op) != 0;
        if (is_new && n < MAX_TESTS)
            tests[n++] = (struct CMUnitTest){.name = c->op,
                .test_func = test_operator,
                .initial_state = (void *)c->op};
    }
    return _cmocka_run_group_tests("back", tests, n, setup, teardown);
}
