/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "landmark_data.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 8192, PATH = 1024, FOLDS = 5 };

/* The labels lie this share of the box too far to the right. */
static const float label_shift = 0.0133f;

enum landmark_part landmark_part_of(int subject_index)
{
    const int fold = subject_index % FOLDS;
    return fold == 4 ? LANDMARK_TEST : fold == 3 ? LANDMARK_VALIDATE : LANDMARK_TRAIN;
}

mx_face_view landmark_view(const mexpr_image *image)
{
    return (mx_face_view){mexpr_image_data(image), mexpr_image_stride(image),
        (uint32_t)mexpr_image_width(image), (uint32_t)mexpr_image_height(image)};
}

static int read_image(mexpr_context *context, const char *path, mexpr_image **image)
{
    if (mexpr_image_read(context, path, MEXPR_COLOUR_GREY, image) == MEXPR_OK)
        return 0;
    fprintf(stderr, "%s: %s\n", path, mexpr_context_last_error(context));
    return 1;
}

/* "file,subject,width,height,x0,y0,..." */
static int read_line(char *line, char *name, landmark_sample *sample)
{
    const char *field = strtok(line, ",");
    if (!field || strlen(field) >= PATH / 2)
        return 1;
    strcpy(name, field);
    for (int i = -3; i < 2 * MX_FACE_POINTS; i++) {
        field = strtok(NULL, ",\r\n");
        if (!field)
            return 1;
        if (i == -3)
            sample->subject = atoi(field);
        else if (i >= 0)
            sample->points[i] = strtof(field, NULL);
    }
    const float shift = label_shift * mx_face_box_around(sample->points).size;
    for (int i = 0; i < MX_FACE_POINTS; i++)
        sample->points[2 * i] -= shift;
    sample->eyes = hypotf(sample->points[2 * 45] - sample->points[2 * 36],
        sample->points[2 * 45 + 1] - sample->points[2 * 36 + 1]);
    return 0;
}

/* Lines without their pictures, whose names go to `names`. */
static int read_lines(const char *path, landmark_data *data, char (**names)[PATH / 2])
{
    static char line[LINE];
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof line, file)) {
        fprintf(stderr, "%s: cannot be read\n", path);
        if (file)
            fclose(file);
        return 1;
    }
    int room = 0, bad = 0;
    while (!bad && fgets(line, sizeof line, file)) {
        if (data->n_faces == room) {
            room = 2 * room + 1024;
            data->faces = realloc(data->faces, sizeof *data->faces * (size_t)room);
            *names = realloc(*names, sizeof **names * (size_t)room);
            if (!data->faces || !*names)
                abort();
        }
        data->faces[data->n_faces].image = NULL;
        bad = read_line(line, (*names)[data->n_faces], &data->faces[data->n_faces]);
        data->n_faces += !bad;
    }
    fclose(file);
    if (bad)
        fprintf(stderr, "%s: line %d has other columns\n", path, data->n_faces + 2);
    return bad;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Subjects become their places among the sorted numbers. */
static void number_subjects(landmark_data *data)
{
    int *sorted = malloc(sizeof *sorted * (size_t)(data->n_faces + 1)), n = 0;
    if (!sorted)
        abort();
    for (int i = 0; i < data->n_faces; i++)
        sorted[i] = data->faces[i].subject;
    qsort(sorted, (size_t)data->n_faces, sizeof *sorted, by_number);
    for (int i = 0; i < data->n_faces; i++) {
        if (i == 0 || sorted[i] != sorted[n - 1])
            sorted[n++] = sorted[i];
    }
    for (int i = 0; i < data->n_faces; i++) {
        const int *place = bsearch(
            &data->faces[i].subject, sorted, (size_t)n, sizeof *sorted, by_number);
        data->faces[i].subject = (int)(place - sorted);
    }
    free(sorted);
}

/* Drops the test part and reads the other pictures. */
static int read_faces(mexpr_context *context, const char *folder, landmark_data *data,
    char (*names)[PATH / 2])
{
    char path[2 * PATH];
    int kept = 0, bad = 0;
    for (int i = 0; i < data->n_faces && !bad; i++) {
        if (landmark_part_of(data->faces[i].subject) == LANDMARK_TEST)
            continue;
        snprintf(path, sizeof path, "%s/faces68/images/%s", folder, names[i]);
        data->faces[kept] = data->faces[i];
        bad = read_image(context, path, &data->faces[kept].image);
        kept += !bad;
    }
    data->n_faces = kept;
    return bad;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Every fifth picture is for tests. */
static int read_others(mexpr_context *context, const char *folder, landmark_data *data)
{
    char path[2 * PATH];
    struct dirent **entries = NULL;
    snprintf(path, sizeof path, "%s/nonfaces", folder);
    const int n = scandir(path, &entries, visible, alphasort);
    int bad = n <= 0;
    if (bad)
        fprintf(stderr, "%s: no pictures\n", path);
    data->others = calloc((size_t)(n > 0 ? n : 1), sizeof *data->others);
    if (!data->others)
        abort();
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/nonfaces/%s", folder, entries[i]->d_name);
        if (!bad && i % FOLDS != 4) {
            bad = read_image(context, path, &data->others[data->n_others]);
            data->n_others += !bad;
        }
        free(entries[i]);
    }
    free(entries);
    return bad;
}

int landmark_data_read(mexpr_context *context, const char *folder, landmark_data *data)
{
    char path[PATH];
    char(*names)[PATH / 2] = NULL;
    *data = (landmark_data){0};
    snprintf(path, sizeof path, "%s/faces68/landmarks.csv", folder);
    int bad = read_lines(path, data, &names);
    if (!bad) {
        number_subjects(data);
        bad = read_faces(context, folder, data, names) ||
              read_others(context, folder, data);
    }
    free(names);
    if (bad)
        landmark_data_free(data);
    return bad;
}

void landmark_data_free(landmark_data *data)
{
    for (int i = 0; i < data->n_faces; i++)
        mexpr_image_destroy(&data->faces[i].image);
    for (int i = 0; i < data->n_others; i++)
        mexpr_image_destroy(&data->others[i]);
    free(data->faces);
    free(data->others);
    *data = (landmark_data){0};
}
