/* SPDX-License-Identifier: MIT */
#include "landmark_cases.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 8192, PATH = 1024, NAME = 256, FOLDS = 5, HELD_OUT = 4, SUBJECTS = 4096 };

static const float label_shift = 0.0133f; /* of the box */

mx_face_view landmark_case_view(const mexpr_image *image)
{
    return (mx_face_view){mexpr_image_data(image), mexpr_image_stride(image),
        (uint32_t)mexpr_image_width(image), (uint32_t)mexpr_image_height(image)};
}

mx_face_box landmark_case_box(mx_rng *rng, const float *points)
{
    mx_face_box box = mx_face_box_around(points);
    const float side = box.size;
    box.size *= expf(0.07f * (float)mx_rng_normal(rng));
    box.x += 0.06f * side * (float)mx_rng_normal(rng) + 0.5f * (side - box.size);
    box.y += 0.035f * side * (float)mx_rng_normal(rng) + 0.5f * (side - box.size);
    return box;
}

double landmark_case_error(const float *points, const landmark_case *face)
{
    double sum = 0.0;
    for (int i = 0; i < MX_FACE_POINTS; i++)
        sum += hypot(points[2 * i] - face->points[2 * i],
            points[2 * i + 1] - face->points[2 * i + 1]);
    return sum / MX_FACE_POINTS / face->eyes;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

landmark_errors landmark_errors_of(double *errors, int n)
{
    landmark_errors result = {0.0, 0.0};
    for (int i = 0; i < n; i++)
        result.mean += errors[i] / n;
    qsort(errors, (size_t)n, sizeof *errors, by_value);
    result.p95 = n ? errors[(int)(0.95 * (n - 1))] : 0.0;
    return result;
}

/* --- reading ----------------------------------------------------------------------- */

/* "file,subject,width,height,x0,y0,..." */
static bool read_line(char *line, char *name, int *subject, landmark_case *face)
{
    const char *field = strtok(line, ",");
    if (!field || strlen(field) >= NAME)
        return false;
    strcpy(name, field);
    for (int i = -3; i < 2 * MX_FACE_POINTS; i++) {
        field = strtok(NULL, ",\r\n");
        if (!field)
            return false;
        if (i == -3)
            *subject = atoi(field);
        else if (i >= 0)
            face->points[i] = strtof(field, NULL);
    }
    const float shift = label_shift * mx_face_box_around(face->points).size;
    for (int i = 0; i < MX_FACE_POINTS; i++)
        face->points[2 * i] -= shift;
    face->eyes = hypotf(face->points[2 * 45] - face->points[2 * 36],
        face->points[2 * 45 + 1] - face->points[2 * 36 + 1]);
    return true;
}

/* Calls for every line of the table; stops when told to. */
typedef bool line_fn(void *arg, const char *name, int subject, const landmark_case *face);
static bool each_line(const char *path, line_fn *fn, void *arg)
{
    static char line[LINE];
    char name[NAME];
    FILE *file = fopen(path, "r");
    bool good = file && fgets(line, sizeof line, file);
    while (good && fgets(line, sizeof line, file)) {
        landmark_case face = {0};
        int subject = 0;
        good = read_line(line, name, &subject, &face) && fn(arg, name, subject, &face);
    }
    if (file)
        fclose(file);
    if (!good)
        fprintf(stderr, "%s: cannot be read\n", path);
    return good;
}

typedef struct reading {
    mexpr_context *context;
    const char *folder;
    landmark_cases *cases;
    bool seen[SUBJECTS];
    int place[SUBJECTS];
} reading;

static bool see_subject(
    void *arg, const char *name, int subject, const landmark_case *face)
{
    reading *r = arg;
    (void)name;
    (void)face;
    if (subject < 0 || subject >= SUBJECTS)
        return false;
    r->seen[subject] = true;
    r->cases->n_faces++;
    return true;
}

static bool read_face(void *arg, const char *name, int subject, const landmark_case *face)
{
    reading *r = arg;
    char path[2 * PATH];
    if (r->place[subject] % FOLDS != HELD_OUT)
        return true;
    landmark_case *to = &r->cases->faces[r->cases->n_faces];
    *to = *face;
    snprintf(path, sizeof path, "%s/faces68/images/%s", r->folder, name);
    if (mexpr_image_read(r->context, path, MEXPR_COLOUR_GREY, &to->image) != MEXPR_OK)
        return false;
    r->cases->n_faces++;
    return true;
}

static bool read_faces(reading *r)
{
    char path[2 * PATH];
    snprintf(path, sizeof path, "%s/faces68/landmarks.csv", r->folder);
    if (!each_line(path, see_subject, r))
        return false;
    for (int i = 0, place = 0; i < SUBJECTS; i++)
        r->place[i] = r->seen[i] ? place++ : 0;
    r->cases->faces = calloc((size_t)r->cases->n_faces, sizeof *r->cases->faces);
    r->cases->n_faces = 0;
    return r->cases->faces && each_line(path, read_face, r);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool read_others(reading *r)
{
    char path[2 * PATH];
    struct dirent **entries = NULL;
    snprintf(path, sizeof path, "%s/nonfaces", r->folder);
    const int n = scandir(path, &entries, visible, alphasort);
    r->cases->others = calloc((size_t)(n > 0 ? n : 1), sizeof *r->cases->others);
    bool good = n > 0 && r->cases->others;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/nonfaces/%s", r->folder, entries[i]->d_name);
        if (good && i % FOLDS == HELD_OUT)
            good = mexpr_image_read(r->context, path, MEXPR_COLOUR_GREY,
                       &r->cases->others[r->cases->n_others++]) == MEXPR_OK;
        free(entries[i]);
    }
    free(entries);
    return good;
}

bool landmark_cases_read(
    mexpr_context *context, const char *folder, landmark_cases *cases)
{
    reading *r = calloc(1, sizeof *r);
    *cases = (landmark_cases){0};
    if (!r)
        return false;
    r->context = context;
    r->folder = folder;
    r->cases = cases;
    const bool good = read_faces(r) && read_others(r);
    free(r);
    if (!good)
        landmark_cases_free(cases);
    return good;
}

void landmark_cases_free(landmark_cases *cases)
{
    for (int i = 0; i < cases->n_faces && cases->faces; i++)
        mexpr_image_destroy(&cases->faces[i].image);
    for (int i = 0; i < cases->n_others && cases->others; i++)
        mexpr_image_destroy(&cases->others[i]);
    free(cases->faces);
    free(cases->others);
    *cases = (landmark_cases){0};
}
