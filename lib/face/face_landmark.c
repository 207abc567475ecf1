/* SPDX-License-Identifier: MIT */
/* Regression in two stages. A small network sees the upright box and gives a first shape;
 * the similarity between it and the mean shape takes position, size and roll out, and a
 * larger network looks once more at what then is nearly the same view of every face. */
#include "face/face_landmark.h"

#include <math.h>
#include <string.h>

#include "face/landmark_crop.h"
#include "face/landmark_net.h"

struct mx_face_landmarker {
    mx_landmark_cropper cropper;
    mx_landmark_net nets[MX_LANDMARK_STAGES];
    float shape[2 * MX_FACE_POINTS]; /* mean, in the frame of the face */
    float crop[MX_LANDMARK_CROP_SIDE * MX_LANDMARK_CROP_SIDE];
};

/* --- life -------------------------------------------------------------------------- */

size_t mx_landmark_weights_size(void)
{
    size_t size = MX_LANDMARK_WEIGHTS_HEAD;
    for (int i = 0; i < MX_LANDMARK_STAGES; i++)
        size += mx_landmark_plan_bytes(&mx_landmark_plans[i]);
    return size;
}

static mexpr_status check_bytes(mx_scope *scope, const uint8_t *bytes, size_t size)
{
    const size_t magic = strlen(MX_LANDMARK_WEIGHTS_MAGIC);
    if (size < magic || memcmp(bytes, MX_LANDMARK_WEIGHTS_MAGIC, magic) != 0)
        return mx_fail(scope, MEXPR_E_FORMAT, "these are not weights of face landmarks");
    if (size != mx_landmark_weights_size())
        return mx_fail(scope,
            size < mx_landmark_weights_size() ? MEXPR_E_TRUNCATED : MEXPR_E_FORMAT,
            "the weights of face landmarks have %zu bytes instead of %zu", size,
            mx_landmark_weights_size());
    return MEXPR_OK;
}

static void read_shape(const uint8_t *bytes, float *shape)
{
    for (int i = 0; i < 2 * MX_FACE_POINTS; i++, bytes += 4) {
        const uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
                              (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
        memcpy(&shape[i], &bits, sizeof bits);
    }
}

mexpr_status mx_face_landmarker_create_from(
    mx_scope *scope, const uint8_t *bytes, size_t size, mx_face_landmarker **out)
{
    *out = NULL;
    mexpr_status status = check_bytes(scope, bytes, size);
    if (status != MEXPR_OK)
        return status;
    mx_face_landmarker *landmarker = mx_calloc(scope, 1, sizeof *landmarker);
    if (!landmarker)
        return MEXPR_E_NOMEM;
    mx_landmark_cropper_init(&landmarker->cropper, mexpr_context_cpu(scope->context));
    read_shape(bytes + strlen(MX_LANDMARK_WEIGHTS_MAGIC), landmarker->shape);
    bytes += MX_LANDMARK_WEIGHTS_HEAD;
    for (int i = 0; i < MX_LANDMARK_STAGES && status == MEXPR_OK; i++) {
        status = mx_landmark_net_create(
            scope, &mx_landmark_plans[i], bytes, &landmarker->nets[i]);
        bytes += mx_landmark_plan_bytes(&mx_landmark_plans[i]);
    }
    if (status != MEXPR_OK)
        mx_face_landmarker_destroy(scope->context, &landmarker);
    *out = landmarker;
    return status;
}

mexpr_status mx_face_landmarker_create(mx_scope *scope, mx_face_landmarker **out)
{
    return mx_face_landmarker_create_from(
        scope, mx_face_landmark_weights, mx_face_landmark_weights_size, out);
}

void mx_face_landmarker_destroy(mexpr_context *context, mx_face_landmarker **landmarker)
{
    if (!*landmarker)
        return;
    for (int i = 0; i < MX_LANDMARK_STAGES; i++)
        mx_landmark_net_free(context, &(*landmarker)->nets[i]);
    mx_landmark_cropper_free(context, &(*landmarker)->cropper);
    mx_free(context, *landmarker);
    *landmarker = NULL;
}

const float *mx_face_landmarker_shape(const mx_face_landmarker *landmarker)
{
    return landmarker->shape;
}

/* --- run --------------------------------------------------------------------------- */

static void mirror_crop(float *crop, int side)
{
    for (int y = 0; y < side; y++, crop += side) {
        for (int x = 0; x < side / 2; x++) {
            const float pixel = crop[x];
            crop[x] = crop[side - 1 - x];
            crop[side - 1 - x] = pixel;
        }
    }
}

/* What a stage finds in `pose`, in its frame. */
static mexpr_status look(mx_scope *scope, mx_face_landmarker *landmarker, int stage,
    const mx_face_view *view, const mx_landmark_pose *pose, float *output)
{
    const mx_landmark_plan *plan = &mx_landmark_plans[stage];
    const mexpr_status status = mx_landmark_crop(scope, &landmarker->cropper, view, pose,
        plan->extent, plan->side, landmarker->crop);
    if (status == MEXPR_OK)
        mx_landmark_net_run(&landmarker->nets[stage], landmarker->crop, output);
    return status;
}

/* The second stage: the mean of what it finds in the picture and in its mirror image. */
static mexpr_status look_closely(mx_scope *scope, mx_face_landmarker *landmarker,
    const mx_face_view *view, const mx_landmark_pose *pose, float *points,
    float *confidence)
{
    const int stage = 1;
    float output[MX_LANDMARK_OUTPUTS], mirrored[MX_LANDMARK_OUTPUTS];
    const mexpr_status status = look(scope, landmarker, stage, view, pose, output);
    if (status != MEXPR_OK)
        return status;
    mirror_crop(landmarker->crop, mx_landmark_plans[stage].side);
    mx_landmark_net_run(&landmarker->nets[stage], landmarker->crop, mirrored);
    mx_landmark_mirror_points(mirrored);
    for (int i = 0; i < MX_LANDMARK_OUTPUTS; i++)
        output[i] = 0.5f * (output[i] + mirrored[i]);
    mx_landmark_pose_apply(pose, output, points);
    *confidence = 1.0f / (1.0f + expf(-output[2 * MX_FACE_POINTS]));
    return MEXPR_OK;
}

/* Where there is no face the first stage may find any shape. */
static mx_landmark_pose plausible(
    const mx_landmark_pose *found, const mx_landmark_pose *start)
{
    const float side = mx_landmark_pose_side(start),
                ratio = mx_landmark_pose_side(found) / side;
    const bool good = ratio > 0.5f && ratio < 2.0f && fabsf(found->x - start->x) < side &&
                      fabsf(found->y - start->y) < side;
    return good ? *found : *start;
}

/* Whether a pose's square touches the picture and is not far larger than it. */
static mexpr_status check_pose(
    mx_scope *scope, const mx_face_view *view, const mx_landmark_pose *pose, float side)
{
    const float half = 0.5f * side;
    const float width = (float)view->width, height = (float)view->height;
    const float largest = 4.0f * fmaxf(fmaxf(width, height), 16.0f);
    if (!(side >= 4.0f) || !(side <= largest))
        return mx_fail(scope, MEXPR_E_ARG,
            "the face's box has a side of %g pixels; 4 to %g make sense in this picture",
            (double)side, (double)largest);
    if (!(pose->x > -half && pose->x < width + half) ||
        !(pose->y > -half && pose->y < height + half))
        return mx_fail(scope, MEXPR_E_ARG,
            "the face's box around (%g, %g) lies outside of the picture", (double)pose->x,
            (double)pose->y);
    return MEXPR_OK;
}

mexpr_status mx_face_landmarker_run(mx_scope *scope, mx_face_landmarker *landmarker,
    const mx_face_view *view, const mx_face_box *box, float points[2 * MX_FACE_POINTS],
    float *confidence)
{
    const mx_landmark_pose start = mx_landmark_pose_of_box(box);
    float output[MX_LANDMARK_OUTPUTS];
    mexpr_status status = check_pose(scope, view, &start, box->size);
    if (status == MEXPR_OK)
        status = look(scope, landmarker, 0, view, &start, output);
    if (status != MEXPR_OK)
        return status;
    mx_landmark_pose_apply(&start, output, points);
    const mx_landmark_pose found = mx_landmark_pose_fit(landmarker->shape, points);
    const mx_landmark_pose pose = plausible(&found, &start);
    return look_closely(scope, landmarker, view, &pose, points, confidence);
}

mexpr_status mx_face_landmarker_follow(mx_scope *scope, mx_face_landmarker *landmarker,
    const mx_face_view *view, const float before[2 * MX_FACE_POINTS],
    float points[2 * MX_FACE_POINTS], float *confidence)
{
    const mx_landmark_pose pose = mx_landmark_pose_fit(landmarker->shape, before);
    const mexpr_status status =
        check_pose(scope, view, &pose, mx_landmark_pose_side(&pose));
    if (status != MEXPR_OK)
        return status;
    return look_closely(scope, landmarker, view, &pose, points, confidence);
}

/* --- with the detector ------------------------------------------------------------- */

static float log_odds(float p)
{
    p = fminf(fmaxf(p, 1e-6f), 1.0f - 1e-6f);
    return logf(p / (1.0f - p));
}

/* A sum of log-odds, as if both were independent. On the people for choices the landmarks
 * tell better than the detector what is no face; hence the weight. From the summand that
 * an even chance would have there, the share of false faces that is wanted took 1.4. */
float mx_face_both_score(float score, float confidence)
{
    const float weight = 2.0f, summand = 0.6f;
    return 1.0f /
           (1.0f + expf(-(log_odds(score) + weight * log_odds(confidence) + summand)));
}

float mx_face_weak_score(float threshold)
{
    return fminf(threshold, 0.03f);
}
