/* SPDX-License-Identifier: MIT */
/* Losses: against PyTorch's numbers (loss_values.h), and their gradients against central
 * differences. */
#include "train/loss.h"

#include <math.h>
#include <string.h>

#include "loss_values.h"
#include "support.h"

enum { N = 6, SIZE = 4, COUNT = N * SIZE };

TEST_CONTEXT

/* What a loss is tried on: a[i] = 2 sin(1.7 i + 0.3), b[i] = 1.5 sin(2.3 i + 1.1), sample
 * i is of class (i * i + 1) % SIZE. */
typedef struct problem {
    float a[COUNT], b[COUNT];
    float a_gradient[COUNT], b_gradient[COUNT];
    float hard[COUNT], soft[COUNT];
    int32_t labels[N];
} problem;

static const float weights[SIZE] = {0.5f, 0.75f, 1, 1.25f};

static void fill(problem *p)
{
    memset(p, 0, sizeof *p);
    for (int i = 0; i < N; i++)
        p->labels[i] = (i * i + 1) % SIZE;
    for (int i = 0; i < COUNT; i++) {
        p->a[i] = (float)(2 * sin(1.7 * i + 0.3));
        p->b[i] = (float)(1.5 * sin(2.3 * i + 1.1));
        p->hard[i] = p->labels[i / SIZE] == i % SIZE;
        p->soft[i] = 0.7f * p->hard[i] + 0.3f / SIZE;
    }
}

/* --- the losses by name ------------------------------------------------------------ */

static bool starts(const char *name, const char *part)
{
    return strncmp(name, part, strlen(part)) == 0;
}

static bool ends(const char *name, const char *part)
{
    const size_t n = strlen(name), m = strlen(part);
    return n >= m && strcmp(name + n - m, part) == 0;
}

static bool of_scores(const char *name, problem *p, double share, double *loss)
{
    static const struct {
        const char *name;
        mx_loss_kind kind;
    } kinds[] = {{"cross_entropy", MX_LOSS_CROSS_ENTROPY}, {"focal", MX_LOSS_FOCAL},
        {"balanced_focal", MX_LOSS_BALANCED_FOCAL}, {"binary", MX_LOSS_BINARY},
        {"squares", MX_LOSS_SQUARES}, {"hinge", MX_LOSS_HINGE},
        {"absolute", MX_LOSS_ABSOLUTE}};
    mx_loss_options o = MX_LOSS_OPTIONS_INIT;
    mx_loss_batch batch = {N, SIZE, p->a, p->hard};
    const bool weighted = ends(name, "_weighted");
    float balance[SIZE];
    int64_t counts[SIZE] = {0};
    for (int i = 0; i < N; i++)
        counts[p->labels[i]]++;
    mx_loss_balance(SIZE, counts, balance);
    o.weights = weighted ? weights : NULL;
    o.weights = starts(name, "balanced") ? balance : o.weights;
    o.smoothing = weighted && starts(name, "cross") ? 0.1 : 0;
    o.gamma = ends(name, "_flat") ? 0 : weighted ? 1.5 : 2;
    o.margin = weighted ? 0.5 : 1;
    if (ends(name, "_soft") || strcmp(name, "absolute") == 0 ||
        (weighted && (starts(name, "binary") || starts(name, "focal"))))
        batch.targets = p->soft;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!starts(name, kinds[i].name) || ends(name, "_error"))
            continue;
        *loss = mx_loss_scores(kinds[i].kind, &o, &batch, share, p->a_gradient);
        return true;
    }
    return false;
}

static double bandwidth; /* of the problem as it was made */

static double loss_of(const char *name, problem *p, double share)
{
    double loss, work[COUNT + N];
    const mx_loss_pair pair = {N, SIZE, p->a, p->b, p->a_gradient, p->b_gradient};
    const mx_loss_sets sets = {
        N, N, SIZE, p->a, p->b, p->a_gradient, p->b_gradient, bandwidth};
    const mx_loss_cloud cloud = {N, SIZE, p->a, p->labels, 0.1, work};
    if (of_scores(name, p, share, &loss))
        return loss;
    if (strcmp(name, "cosine") == 0)
        return mx_loss_cosine(&pair, share);
    if (strcmp(name, "kl") == 0)
        return mx_loss_kl(&pair, 3, share);
    if (strcmp(name, "js") == 0)
        return mx_loss_js(&pair, share);
    if (strcmp(name, "contrastive") == 0)
        return mx_loss_contrastive(&cloud, share, p->a_gradient);
    assert_string_equal(name, "mmd");
    return mx_loss_mmd(&sets, share);
}

static void start(problem *p)
{
    fill(p);
    const mx_loss_sets sets = {N, N, SIZE, p->a, p->b, NULL, NULL, 0};
    double work[N * (2 * N - 1)];
    bandwidth = mx_loss_bandwidth(&sets, work);
}

/* --- tests ------------------------------------------------------------------------- */

static void expect_near(
    const char *name, const char *what, double found, double want, double limit)
{
    if (!(fabs(found - want) <= limit))
        fail_msg("%s: %s is %.12g, not %.12g", name, what, found, want);
}

static void test_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof loss_values / sizeof loss_values[0]; i++) {
        const struct loss_value *v = &loss_values[i];
        problem p;
        double a = 0, b = 0;
        start(&p);
        const double loss = loss_of(v->name, &p, 1);
        for (int k = 0; k < COUNT; k++) {
            a += (double)p.a_gradient[k] * cos(0.9 * k);
            b += (double)p.b_gradient[k] * cos(0.9 * k);
        }
        expect_near(v->name, "it", loss, v->value, 1e-7);
        expect_near(v->name, "its gradient by a", a, v->a_slope, 1e-6);
        expect_near(v->name, "its gradient by b", b, v->b_slope, 1e-6);
    }
}

/* By steps that floats take exactly, of two lengths (Richardson). */
static double difference(const char *name, problem *p, float *x)
{
    const float saved = *x;
    double slopes[2];
    for (int i = 0; i < 2; i++) {
        const float step = i ? 0x1p-9f : 0x1p-8f;
        volatile float above = saved + step, below = saved - step;
        *x = above;
        const double up = loss_of(name, p, 0);
        *x = below;
        const double down = loss_of(name, p, 0);
        slopes[i] = (up - down) / ((double)above - (double)below);
    }
    *x = saved;
    return (4 * slopes[1] - slopes[0]) / 3;
}

static void test_gradients(void **state)
{
    (void)state;
    double worst = 0;
    for (size_t i = 0; i < sizeof loss_values / sizeof loss_values[0]; i++) {
        const struct loss_value *v = &loss_values[i];
        problem p;
        start(&p);
        for (int k = 0; k < COUNT; k++) { /* what is there is added to */
            p.a_gradient[k] = 1;
            p.b_gradient[k] = -1;
        }
        loss_of(v->name, &p, 0.5);
        float a_gradient[COUNT], b_gradient[COUNT];
        memcpy(a_gradient, p.a_gradient, sizeof a_gradient);
        memcpy(b_gradient, p.b_gradient, sizeof b_gradient);
        for (int k = 0; k < COUNT; k++) {
            const double a = difference(v->name, &p, &p.a[k]) / 2;
            const double b = v->b_slope == 0 ? 0 : difference(v->name, &p, &p.b[k]) / 2;
            expect_near(v->name, "a", (double)a_gradient[k] - 1, a, 1e-6);
            expect_near(v->name, "b", (double)b_gradient[k] + 1, b, 1e-6);
            worst = fmax(worst, fabs((double)a_gradient[k] - 1 - a));
            worst = fmax(worst, fabs((double)b_gradient[k] + 1 - b));
        }
    }
    print_message("gradients within %.1e of differences\n", worst);
}

/* Scores that are sure of themselves, right and wrong: finite where the loss is. */
static void test_extremes(void **state)
{
    (void)state;
    static const float scores[4] = {200, -200, -3e4f, 3e4f};
    static const float targets[4] = {1, 0, 1, 0};
    const mx_loss_batch batch = {2, 2, scores, targets};
    for (int kind = MX_LOSS_CROSS_ENTROPY; kind <= MX_LOSS_ABSOLUTE; kind++) {
        for (int gamma = 0; gamma < 3; gamma++) {
            mx_loss_options o = MX_LOSS_OPTIONS_INIT;
            float gradient[4] = {0};
            o.gamma = gamma / 2.0;
            const double loss =
                mx_loss_scores((mx_loss_kind)kind, &o, &batch, 1, gradient);
            assert_true(isfinite(loss));
            for (int i = 0; i < 4; i++)
                assert_true(isfinite(gradient[i]));
        }
    }
}

/* Rows that have no like, rows of zeros, equal rows. */
static void test_degenerate(void **state)
{
    (void)state;
    static const float rows[6] = {0, 0, 1, 2, 1, 2};
    static const int32_t alone[3] = {0, 1, 2}, labels[3] = {0, 1, 1};
    double work[9];
    float gradient[6] = {0};
    mx_loss_cloud cloud = {3, 2, rows, alone, 0.1, work};
    assert_true(mx_loss_contrastive(&cloud, 1, gradient) == 0);
    cloud.labels = labels;
    assert_true(isfinite(mx_loss_contrastive(&cloud, 1, gradient)));
    const mx_loss_pair pair = {1, 2, rows, rows + 2, gradient, NULL};
    assert_true(mx_loss_cosine(&pair, 1) == 1);
    const mx_loss_sets sets = {1, 1, 2, rows + 2, rows + 4, gradient, NULL, 1};
    assert_true(fabs(mx_loss_mmd(&sets, 1)) < 1e-12);
    assert_true(mx_loss_bandwidth(&sets, work) == 1);
    for (int i = 0; i < 6; i++)
        assert_true(isfinite(gradient[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pytorch),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_degenerate),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
