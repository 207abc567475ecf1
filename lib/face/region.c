/* SPDX-License-Identifier: MIT */
/* Regions of a face from its 68 landmarks. Polygons are tables of places between two
 * landmarks; those of the right half are mirror images of those of the left. */
#include "face/region.h"

#include <math.h>
#include <stdbool.h>

#include "face/face_parts.h"
#include "image/polygon.h"

/* The place a + t (b - a), t in hundredths; t = 0 is landmark a itself. */
typedef struct place {
    unsigned char a, b;
    signed char t;
} place;

enum { MAX_CORNERS = 12, BOX_CORNERS = 4, N_BANDS = 2, N_NINE = 9 };

/* A mirrored one has no corners of its own. */
typedef struct region {
    const char *name;
    unsigned char n;
    bool is_mirrored; /* of the one before */
    place corner[MAX_CORNERS];
} region;

#define AT(a)                                                                            \
    {                                                                                    \
        a, a, 0                                                                          \
    }

static const region action[] = {
    {"left brow", 6, false,
        {{17, 36, -45}, {19, 37, -60}, {21, 39, -45}, {21, 39, 40}, {19, 37, 45},
            {17, 36, 40}}},
    {"right brow", 6, true, {AT(0)}},
    {"left eye", 6, false,
        {{36, 39, -20}, {37, 41, -60}, {38, 40, -60}, {39, 36, -20}, {40, 38, -60},
            {41, 37, -60}}},
    {"right eye", 6, true, {AT(0)}},
    {"glabella", 6, false,
        {{21, 39, -60}, {22, 42, -60}, {22, 42, 40}, {27, 42, 30}, {27, 39, 30},
            {21, 39, 40}}},
    {"nose", 7, false,
        {{27, 39, 30}, {27, 42, 30}, {42, 35, 60}, AT(35), AT(33), AT(31), {39, 31, 60}}},
    {"left cheek", 6, false,
        {{36, 48, 25}, {39, 31, 45}, {31, 48, 25}, {48, 3, 25}, {3, 48, 15},
            {1, 36, 20}}},
    {"right cheek", 6, true, {AT(0)}},
    {"left mouth corner", 6, false,
        {{48, 31, 40}, {49, 33, 20}, {60, 64, 10}, {59, 8, 20}, {48, 5, 35},
            {48, 3, 30}}},
    {"right mouth corner", 6, true, {AT(0)}},
    {"upper lip", 10, false,
        {AT(48), {49, 31, 60}, {51, 33, 80}, {53, 35, 60}, AT(54), AT(64), AT(63), AT(62),
            AT(61), AT(60)}},
    {"lower lip", 12, false,
        {AT(60), AT(67), AT(66), AT(65), AT(64), AT(54), AT(55), AT(56), AT(57), AT(58),
            AT(59), AT(48)}},
    {"chin", 10, false,
        {AT(59), AT(58), AT(57), AT(56), AT(55), {10, 55, 15}, {9, 56, 10}, {8, 57, 8},
            {7, 58, 10}, {6, 59, 15}}},
};

static const region eyes[] = {
    {"left eye", 6, false, {AT(36), AT(37), AT(38), AT(39), AT(40), AT(41)}},
    {"right eye", 6, false, {AT(42), AT(43), AT(44), AT(45), AT(46), AT(47)}},
};

static const region still[] = {
    {"bridge of the nose", 6, false,
        {{27, 39, 55}, AT(27), {27, 42, 55}, {30, 42, 20}, AT(30), {30, 39, 20}}},
    {"left temple", 5, false,
        {{17, 36, 40}, {36, 0, 25}, {1, 41, 40}, {1, 36, 5}, {0, 17, 5}}},
    {"right temple", 5, true, {AT(0)}},
    {"left outer cheek", 4, false, {{1, 41, 5}, {1, 41, 45}, {3, 48, 35}, {3, 48, 5}}},
    {"right outer cheek", 4, true, {AT(0)}},
};

static const char *const band_names[N_BANDS] = {"brows and eyes", "mouth"};
static const char *const nine_names[N_NINE] = {"left brow", "right brow", "left eye",
    "right eye", "nose", "left cheek", "right cheek", "mouth", "chin"};

static const struct {
    const region *regions; /* NULL: boxes, or MDMO's */
    const char *const *names;
    int n;
} kinds[] = {
    [MEXPR_REGIONS_ACTION] = {action, NULL, sizeof action / sizeof action[0]},
    [MEXPR_REGIONS_MDMO] = {NULL, NULL, MEXPR_MDMO_REGIONS},
    [MEXPR_REGIONS_BANDS] = {NULL, band_names, N_BANDS},
    [MEXPR_REGIONS_NINE] = {NULL, nine_names, N_NINE},
    [MEXPR_REGIONS_EYES] = {eyes, NULL, sizeof eyes / sizeof eyes[0]},
    [MEXPR_REGIONS_STILL] = {still, NULL, sizeof still / sizeof still[0]},
};

static bool is_kind(mexpr_regions kind)
{
    return kind >= MEXPR_REGIONS_ACTION && kind <= MEXPR_REGIONS_STILL;
}

/* --- boxes ------------------------------------------------------------------------- */

static float *put_box(float *xy, double x, double y, double width, double height)
{
    const double corner[8] = {x, y, x + width, y, x + width, y + height, x, y + height};
    for (int i = 0; i < 8; i++)
        *xy++ = (float)corner[i];
    return xy;
}

/* The box around landmarks first..last-1 joined to *box (left, top, right, bottom). */
static void join_box(const float *landmarks, int first, int last, double box[4])
{
    for (int i = first; i < last; i++) {
        const double x = landmarks[2 * i], y = landmarks[2 * i + 1];
        box[0] = fmin(box[0], x);
        box[1] = fmin(box[1], y);
        box[2] = fmax(box[2], x);
        box[3] = fmax(box[3], y);
    }
}

static float *put_padded(float *xy, const double box[4], double share)
{
    const double width = box[2] - box[0], height = box[3] - box[1];
    return put_box(xy, box[0] - share * width, box[1] - share * height,
        (1 + 2 * share) * width, (1 + 2 * share) * height);
}

/* Dual-ATME's facial bands: 17-26 and 36-47 padded by 10 %, 48-67 by 15 %. */
static void put_bands(const float *landmarks, float *xy)
{
    double upper[4] = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    double lower[4] = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    join_box(landmarks, 17, 27, upper);
    join_box(landmarks, 36, 48, upper);
    join_box(landmarks, 48, 68, lower);
    put_padded(put_padded(xy, upper, 0.1), lower, 0.15);
}

static void mean_place(const float *landmarks, int first, int last, double centre[2])
{
    centre[0] = centre[1] = 0;
    for (int i = first; i < last; i++) {
        centre[0] += landmarks[2 * i] / (double)(last - first);
        centre[1] += landmarks[2 * i + 1] / (double)(last - first);
    }
}

static void between(const float *landmarks, int a, int b, double centre[2])
{
    for (int axis = 0; axis < 2; axis++)
        centre[axis] = 0.5 * ((double)landmarks[2 * a + axis] + landmarks[2 * b + axis]);
}

/* RRRN: squares of 64 px where the face box has 224. */
static void put_nine(const float *landmarks, float *xy)
{
    double centre[N_NINE][2];
    const double side = 64.0 / 224 * (double)mx_face_box_around(landmarks).size;
    mean_place(landmarks, 17, 22, centre[0]);
    mean_place(landmarks, 22, 27, centre[1]);
    mean_place(landmarks, 36, 42, centre[2]);
    mean_place(landmarks, 42, 48, centre[3]);
    mean_place(landmarks, 27, 36, centre[4]);
    between(landmarks, 2, 31, centre[5]);
    between(landmarks, 14, 35, centre[6]);
    mean_place(landmarks, 48, 60, centre[7]);
    between(landmarks, 8, 57, centre[8]);
    for (int i = 0; i < N_NINE; i++)
        xy = put_box(xy, centre[i][0] - side / 2, centre[i][1] - side / 2, side, side);
}

/* --- polygons ---------------------------------------------------------------------- */

static float *put_polygon(const region *r, bool right, const float *landmarks, float *xy)
{
    for (int k = 0; k < r->n; k++) {
        const place *p = &r->corner[k];
        const int a = right ? mx_landmark_mirror[p->a] : p->a;
        const int b = right ? mx_landmark_mirror[p->b] : p->b;
        for (int axis = 0; axis < 2; axis++) {
            const float from = landmarks[2 * a + axis], to = landmarks[2 * b + axis];
            *xy++ = from + 0.01f * (float)p->t * (to - from);
        }
    }
    return xy;
}

void mx_face_regions(
    mexpr_regions kind, const float *landmarks, float *xy, int32_t *corners)
{
    const region *regions = kinds[kind].regions;
    if (kind == MEXPR_REGIONS_MDMO) {
        mx_regions_mdmo(landmarks, xy, corners);
        return;
    }
    for (int i = 0; i < kinds[kind].n; i++) {
        corners[i] = regions ? regions[i].n : BOX_CORNERS;
        if (regions && regions[i].is_mirrored)
            xy = put_polygon(&regions[i - 1], true, landmarks, xy);
        else if (regions)
            xy = put_polygon(&regions[i], false, landmarks, xy);
    }
    if (kind == MEXPR_REGIONS_BANDS)
        put_bands(landmarks, xy);
    else if (kind == MEXPR_REGIONS_NINE)
        put_nine(landmarks, xy);
}

/* --- doors ------------------------------------------------------------------------- */

mexpr_status mexpr_face_regions_size(
    mexpr_regions kind, int32_t *n_regions, int32_t *n_corners)
{
    if (n_regions)
        *n_regions = 0;
    if (n_corners)
        *n_corners = 0;
    if (!is_kind(kind))
        return MEXPR_E_ARG;
    int32_t n = kind == MEXPR_REGIONS_MDMO ? MEXPR_MDMO_CORNERS : 0;
    for (int i = 0; i < kinds[kind].n && kind != MEXPR_REGIONS_MDMO; i++)
        n += kinds[kind].regions ? kinds[kind].regions[i].n : BOX_CORNERS;
    if (n_regions)
        *n_regions = kinds[kind].n;
    if (n_corners)
        *n_corners = n;
    return MEXPR_OK;
}

#define MDMO_NAMES(tens)                                                                 \
    "mdmo " tens "0", "mdmo " tens "1", "mdmo " tens "2", "mdmo " tens "3",              \
        "mdmo " tens "4", "mdmo " tens "5", "mdmo " tens "6", "mdmo " tens "7",          \
        "mdmo " tens "8", "mdmo " tens "9"

static const char *const mdmo_names[] = {
    MDMO_NAMES(""), MDMO_NAMES("1"), MDMO_NAMES("2"), MDMO_NAMES("3")};

const char *mexpr_face_region_name(mexpr_regions kind, int32_t index)
{
    if (!is_kind(kind) || index < 0 || index >= kinds[kind].n)
        return NULL;
    if (kind == MEXPR_REGIONS_MDMO)
        return mdmo_names[index];
    return kinds[kind].regions ? kinds[kind].regions[index].name
                               : kinds[kind].names[index];
}

static mexpr_status check(mx_scope *scope, mexpr_regions kind, const float *landmarks)
{
    if (!is_kind(kind))
        return mx_fail(scope, MEXPR_E_ARG, "%d is not a mexpr_regions", (int)kind);
    return mx_check_landmarks(scope, landmarks);
}

mexpr_status mexpr_face_regions(mexpr_context *context, mexpr_regions kind,
    const float *landmarks, float *xy, int32_t *corners)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!xy || !corners)
        return mx_fail(scope, MEXPR_E_ARG, "xy or corners is NULL");
    const mexpr_status status = check(scope, kind, landmarks);
    if (status == MEXPR_OK)
        mx_face_regions(kind, landmarks, xy, corners);
    return status;
}

mexpr_status mexpr_face_region_boxes(
    mexpr_context *context, mexpr_regions kind, const float *landmarks, float *boxes)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!boxes)
        return mx_fail(scope, MEXPR_E_ARG, "boxes is NULL");
    const mexpr_status status = check(scope, kind, landmarks);
    if (status != MEXPR_OK)
        return status;
    float xy[2 * MEXPR_MDMO_CORNERS];
    int32_t corners[MEXPR_MDMO_REGIONS];
    mx_face_regions(kind, landmarks, xy, corners);
    int first = 0;
    for (int i = 0; i < kinds[kind].n; first += corners[i++], boxes += 4) {
        double box[4] = {INFINITY, INFINITY, -INFINITY, -INFINITY};
        join_box(xy, first, first + corners[i], box);
        boxes[0] = (float)box[0];
        boxes[1] = (float)box[1];
        boxes[2] = (float)(box[2] - box[0]);
        boxes[3] = (float)(box[3] - box[1]);
    }
    return MEXPR_OK;
}
