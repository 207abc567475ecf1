/* SPDX-License-Identifier: MIT */
/* 68 landmarks from the MediaPipe face mesh. The table is ours: outline points are spread
 * in equal steps along the mesh's oval, from vertex 127 at the ear over 152, the chin, to
 * 356, on the canonical face; brows lie at 30 % between the upper and the lower row; the
 * bridge of the nose is divided evenly from 168 to 4. */
#include <math.h>

#include "base/scope.h"
#include "microexpr/face.h"

enum { MESH_POINTS = 468, MESH_WITH_IRISES = 478 };

/* The place a + t (b - a) between two vertices, t in hundredths. */
typedef struct place {
    unsigned short a, b;
    unsigned char t;
} place;

static const place places[MEXPR_LANDMARKS_68] = {
    /* outline */
    {127, 127, 0},
    {234, 93, 17},
    {93, 132, 29},
    {132, 58, 33},
    {58, 172, 40},
    {172, 136, 79},
    {150, 149, 41},
    {176, 148, 36},
    {152, 152, 0},
    {400, 377, 36},
    {379, 378, 41},
    {397, 365, 79},
    {288, 397, 40},
    {361, 288, 33},
    {323, 361, 29},
    {454, 323, 17},
    {356, 356, 0},
    /* brows */
    {70, 46, 30},
    {63, 53, 30},
    {105, 52, 30},
    {66, 65, 30},
    {107, 55, 30},
    {336, 285, 30},
    {296, 295, 30},
    {334, 282, 30},
    {293, 283, 30},
    {300, 276, 30},
    /* nose */
    {168, 168, 0},
    {6, 197, 60},
    {195, 5, 40},
    {4, 4, 0},
    {98, 98, 0},
    {97, 97, 0},
    {2, 2, 0},
    {326, 326, 0},
    {327, 327, 0},
    /* eyes */
    {33, 33, 0},
    {160, 160, 0},
    {158, 158, 0},
    {133, 133, 0},
    {153, 153, 0},
    {144, 144, 0},
    {362, 362, 0},
    {385, 385, 0},
    {387, 387, 0},
    {263, 263, 0},
    {373, 373, 0},
    {380, 380, 0},
    /* outer lips */
    {61, 61, 0},
    {40, 39, 50},
    {37, 37, 0},
    {0, 0, 0},
    {267, 267, 0},
    {270, 269, 50},
    {291, 291, 0},
    {321, 405, 50},
    {314, 314, 0},
    {17, 17, 0},
    {84, 84, 0},
    {91, 181, 50},
    /* inner lips */
    {78, 78, 0},
    {81, 81, 0},
    {13, 13, 0},
    {311, 311, 0},
    {308, 308, 0},
    {402, 402, 0},
    {14, 14, 0},
    {178, 178, 0},
};

mexpr_status mexpr_landmarks_from_mesh(mexpr_context *context, const float *mesh,
    int32_t n_points, int32_t step, double x_scale, double y_scale, float *landmarks)
{
    if (!context)
        return MEXPR_E_ARG;
    mx_scope *scope = mx_context_scope(context);
    if (!mesh || !landmarks || step < 2)
        return mx_fail(scope, MEXPR_E_ARG, "%s",
            step < 2 ? "step is below 2" : "mesh or landmarks is NULL");
    if (!isfinite(x_scale) || !isfinite(y_scale) || x_scale <= 0 || y_scale <= 0)
        return mx_fail(scope, MEXPR_E_ARG,
            "the scales are %g and %g; they must be above 0", x_scale, y_scale);
    if (n_points != MESH_POINTS && n_points != MESH_WITH_IRISES)
        return mx_fail(scope, MEXPR_E_SHAPE, "a face mesh has %d or %d points, not %d",
            MESH_POINTS, MESH_WITH_IRISES, (int)n_points);
    for (int i = 0; i < MEXPR_LANDMARKS_68; i++) {
        const float *a = mesh + (size_t)places[i].a * (size_t)step;
        const float *b = mesh + (size_t)places[i].b * (size_t)step;
        for (int axis = 0; axis < 2; axis++) {
            const double scale = axis ? y_scale : x_scale;
            const double at = a[axis] + places[i].t / 100.0 * ((double)b[axis] - a[axis]);
            if (!isfinite(at))
                return mx_fail(scope, MEXPR_E_ARG,
                    "point %d or %d of the mesh is not a finite point", (int)places[i].a,
                    (int)places[i].b);
            landmarks[2 * i + axis] = (float)(scale * at - (scale == 1 ? 0 : 0.5));
        }
    }
    return MEXPR_OK;
}
