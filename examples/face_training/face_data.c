/* SPDX-License-Identifier: MIT */
#include "face_data.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "microexpr/image.h"

static const double label_shift = 0.0133; /* of the box side, to the right */

static bool load_view(mexpr_context *context, const char *path, mx_face_view *view)
{
    mexpr_image *image = NULL;
    if (mexpr_image_read(context, path, MEXPR_COLOUR_GREY, &image) != MEXPR_OK) {
        fprintf(stderr, "%s\n", mexpr_context_last_error(context));
        return false;
    }
    const size_t width = (size_t)mexpr_image_width(image);
    const size_t height = (size_t)mexpr_image_height(image);
    const size_t stride = mexpr_image_stride(image);
    uint8_t *pixels = malloc(width * height);
    const uint8_t *from = mexpr_image_data(image);
    for (size_t y = 0; pixels && y < height; y++)
        memcpy(pixels + y * width, from + y * stride, width);
    *view = (mx_face_view){pixels, width, (uint32_t)width, (uint32_t)height};
    mexpr_image_destroy(&image);
    return pixels != NULL;
}

static face_picture *add(face_data *data)
{
    face_picture *grown =
        realloc(data->pictures, ((size_t)data->n + 1) * sizeof *data->pictures);
    if (!grown)
        return NULL;
    data->pictures = grown;
    memset(&grown[data->n], 0, sizeof *grown);
    return &grown[data->n++];
}

/* One line of the table; the subject goes to `part` until all are known. */
static bool parse_line(char *line, face_picture *picture)
{
    char *at = strchr(line, ',');
    if (!at || at - line >= (ptrdiff_t)sizeof picture->name)
        return false;
    *at++ = 0;
    snprintf(picture->name, sizeof picture->name, "%.255s", line);
    picture->part = (int)strtol(at, &at, 10);
    for (int i = 0; i < 2; i++) /* width and height */
        strtod(at + (*at == ','), &at);
    for (int i = 0; i < 2 * MX_FACE_POINTS; i++) {
        if (*at++ != ',')
            return false;
        picture->points[i] = strtof(at, &at);
    }
    const float shift = (float)label_shift * mx_face_box_around(picture->points).size;
    for (int i = 0; i < MX_FACE_POINTS; i++)
        picture->points[2 * i] -= shift;
    picture->box = mx_face_box_around(picture->points);
    picture->has_face = true;
    return true;
}

static bool load_faces(mexpr_context *context, const char *folder, face_data *data)
{
    char path[4096], line[8192];
    snprintf(path, sizeof path, "%s/faces68/landmarks.csv", folder);
    FILE *file = fopen(path, "r");
    bool good = file && fgets(line, sizeof line, file);
    if (!good)
        fprintf(stderr, "cannot read '%s'\n", path);
    while (good && fgets(line, sizeof line, file)) {
        face_picture *picture = add(data);
        good = picture && parse_line(line, picture);
        if (!good)
            fprintf(stderr, "line %d of '%s' is not understood\n", data->n + 1, path);
        else {
            char image[4096];
            snprintf(
                image, sizeof image, "%s/faces68/images/%.255s", folder, picture->name);
            good = load_view(context, image, &picture->view);
        }
    }
    if (file)
        fclose(file);
    return good;
}

static int part_of(int index)
{
    return index % 5 == 4   ? FACE_HELD_OUT
           : index % 5 == 3 ? FACE_VALIDATION
                            : FACE_TRAINING;
}

/* Subjects become parts: the index of a subject is how many smaller ones there are. */
static bool split_faces(face_data *data)
{
    enum { MOST = 100000 };
    int *index = calloc(MOST, sizeof *index);
    bool good = index != NULL;
    for (int i = 0; good && i < data->n; i++) {
        good = data->pictures[i].part >= 0 && data->pictures[i].part < MOST;
        if (good)
            index[data->pictures[i].part] = 1;
    }
    for (int s = 0, n = 0; good && s < MOST; s++)
        if (index[s])
            index[s] = n++;
    for (int i = 0; good && i < data->n; i++)
        data->pictures[i].part = part_of(index[data->pictures[i].part]);
    free(index);
    return good;
}

static int is_picture(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool load_nonfaces(mexpr_context *context, const char *folder, face_data *data)
{
    char path[4096];
    struct dirent **names = NULL;
    snprintf(path, sizeof path, "%s/nonfaces", folder);
    const int n = scandir(path, &names, is_picture, alphasort);
    bool good = n >= 0;
    if (!good)
        fprintf(stderr, "cannot read '%s'\n", path);
    for (int i = 0; i < n; i++) {
        face_picture *picture = good ? add(data) : NULL;
        good = picture != NULL;
        if (good) {
            snprintf(picture->name, sizeof picture->name, "%.255s", names[i]->d_name);
            snprintf(path, sizeof path, "%s/nonfaces/%.255s", folder, names[i]->d_name);
            picture->part = part_of(i);
            good = load_view(context, path, &picture->view);
        }
        free(names[i]);
    }
    free(names);
    return good;
}

bool face_data_load(mexpr_context *context, const char *folder, face_data *data)
{
    *data = (face_data){NULL, 0};
    const bool good = load_faces(context, folder, data) && split_faces(data) &&
                      load_nonfaces(context, folder, data);
    if (!good)
        face_data_free(data);
    return good;
}

void face_data_free(face_data *data)
{
    for (int i = 0; i < data->n; i++)
        free((void *)(uintptr_t)data->pictures[i].view.pixels);
    free(data->pictures);
    *data = (face_data){NULL, 0};
}
