/* SPDX-License-Identifier: MIT */
/*
 * render_clip OUTDIR [options]: writes a drawn clip and its truth.
 *
 *   frame_0001.pgm ...   the frames, 8-bit grey
 *   landmarks.csv        frame, x0, y0, ..., x67, y67
 *   flow.flo             exact flow from onset to apex (Middlebury layout)
 *   flow_kind.pgm        what each pixel of it shows: enum face_pixel
 *
 * and prints the numbers of the onset, apex and offset frames, counted from 1 as the
 * files are.
 */
#include "face_render.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: render_clip OUTDIR [--seed N] [--width W] [--height H]\n"
    "                   [--frame-size WxH] [--face X,Y,SIZE] [--frames N]\n"
    "                   [--au 12:1.0,6:0.6,2L:0.5] [--drift DX,DY,ANGLE,ZOOM]\n"
    "                   [--noise SIGMA]\n"
    "--width and --height give a tight crop of the face; --frame-size a whole frame\n"
    "with that crop in its middle, or with the face box centred at X,Y.  An action\n"
    "unit may end in L or R for one side of the face.\n";

struct request {
    struct face_clip_options clip;
    const char *folder;
    int frame_width, frame_height;
};

/* Reads "12:1.0,6:0.6,2L:0.5" into the clip. */
static bool parse_actions(struct face_clip_options *clip, const char *text)
{
    while (*text) {
        char *end;
        long au = strtol(text, &end, 10);
        enum face_side side = *end == 'L'   ? FACE_LEFT
                              : *end == 'R' ? FACE_RIGHT
                                            : FACE_BOTH;
        double intensity = 1.0;
        end += side != FACE_BOTH;
        if (*end == ':')
            intensity = strtod(end + 1, &end);
        if (!face_clip_add_action(clip, (int)au, side, intensity))
            return false;
        if (*end && *end != ',')
            return false;
        text = *end ? end + 1 : end;
    }
    return true;
}

/* Gives the clip a larger frame around its crop. */
static void widen(struct face_clip_options *clip, int width, int height)
{
    clip->face_x += 0.5 * (width - clip->width);
    clip->face_y += 0.5 * (height - clip->height);
    clip->width = width;
    clip->height = height;
}

/* Spreads onset, apex and offset over the frames as the defaults do. */
static void set_frames(struct face_clip_options *clip, int n)
{
    clip->onset = clip->onset * n / clip->n_frames;
    clip->apex = clip->apex * n / clip->n_frames;
    clip->offset = clip->offset * n / clip->n_frames;
    clip->n_frames = n;
}

static bool parse_option(struct request *request, int option, const char *value)
{
    struct face_clip_options *clip = &request->clip;
    struct face_pose *drift = &clip->drift;
    switch (option) {
    case 's':
        return true; /* read before all others */
    case 'w':
        face_clip_resize(clip, atoi(value), clip->height);
        return clip->width > 0;
    case 'h':
        face_clip_resize(clip, clip->width, atoi(value));
        return clip->height > 0;
    case 'f':
        return sscanf(value, "%dx%d", &request->frame_width, &request->frame_height) ==
                   2 &&
               request->frame_width > 0 && request->frame_height > 0;
    case 'b':
        return true; /* read after all others */
    case 'n':
        if (atoi(value) < 6)
            return false;
        set_frames(clip, atoi(value));
        return true;
    case 'a':
        return parse_actions(clip, value);
    case 'd':
        return sscanf(value, "%lf,%lf,%lf,%lf", &drift->dx, &drift->dy, &drift->angle,
                   &drift->zoom) >= 2;
    case 'g':
        clip->noise_sigma = atof(value);
        return true;
    default:
        return false;
    }
}

static bool parse_request(struct request *request, int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},
        {"width", required_argument, NULL, 'w'},
        {"height", required_argument, NULL, 'h'},
        {"frame-size", required_argument, NULL, 'f'},
        {"face", required_argument, NULL, 'b'},
        {"frames", required_argument, NULL, 'n'},
        {"au", required_argument, NULL, 'a'},
        {"drift", required_argument, NULL, 'd'},
        {"noise", required_argument, NULL, 'g'},
        {NULL, 0, NULL, 0},
    };
    uint64_t seed = 1;
    const char *face = NULL;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        if (option == 'b')
            face = optarg;
    }
    request->clip = face_clip_defaults(seed);
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        if (!parse_option(request, option, optarg))
            return false;
    if (optind != argc - 1)
        return false;
    request->folder = argv[optind];

    struct face_clip_options *clip = &request->clip;
    if (request->frame_width > 0)
        widen(clip, request->frame_width, request->frame_height);
    return !face || sscanf(face, "%lf,%lf,%lf", &clip->face_x, &clip->face_y,
                        &clip->face_size) == 3;
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    return n > 0 && n < (int)sizeof path ? fopen(path, "wb") : NULL;
}

static bool write_pgm(
    const char *folder, const char *name, const uint8_t *grey, int width, int height)
{
    size_t size = (size_t)width * (size_t)height;
    FILE *file = open_in(folder, name);
    if (!file)
        return false;
    bool ok = fprintf(file, "P5\n%d %d\n255\n", width, height) > 0 &&
              fwrite(grey, 1, size, file) == size;
    return fclose(file) == 0 && ok;
}

static bool write_frames(const struct request *request, uint8_t *grey)
{
    const struct face_clip_options *clip = &request->clip;
    for (int t = 0; t < clip->n_frames; t++) {
        char name[32];
        snprintf(name, sizeof name, "frame_%04d.pgm", t + 1);
        face_clip_frame(clip, t, grey, clip->width);
        if (!write_pgm(request->folder, name, grey, clip->width, clip->height))
            return false;
    }
    return true;
}

static bool write_landmarks(const struct request *request)
{
    FILE *file = open_in(request->folder, "landmarks.csv");
    if (!file)
        return false;
    fprintf(file, "frame");
    for (int i = 0; i < FACE_LANDMARKS; i++)
        fprintf(file, ",x%d,y%d", i, i);
    for (int t = 0; t < request->clip.n_frames; t++) {
        float xy[2 * FACE_LANDMARKS];
        face_clip_landmarks(&request->clip, t, xy);
        fprintf(file, "\n%d", t + 1);
        for (int i = 0; i < 2 * FACE_LANDMARKS; i++)
            fprintf(file, ",%.4f", xy[i]);
    }
    fputc('\n', file);
    bool ok = !ferror(file);
    return fclose(file) == 0 && ok;
}

static void put32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static void put_float(uint8_t *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put32(out, bits);
}

/* "PIEH", width, height, then u, v of every pixel, all little-endian. */
static bool write_flo(const char *folder, const char *name, const float *u,
    const float *v, int width, int height)
{
    uint8_t head[12] = {'P', 'I', 'E', 'H'};
    put32(head + 4, (uint32_t)width);
    put32(head + 8, (uint32_t)height);
    FILE *file = open_in(folder, name);
    if (!file)
        return false;
    bool ok = fwrite(head, sizeof head, 1, file) == 1;
    for (int i = 0; ok && i < width * height; i++) {
        uint8_t pair[8];
        put_float(pair, u[i]);
        put_float(pair + 4, v[i]);
        ok = fwrite(pair, sizeof pair, 1, file) == 1;
    }
    return fclose(file) == 0 && ok;
}

static bool write_flow(const struct request *request, uint8_t *kind)
{
    const struct face_clip_options *clip = &request->clip;
    size_t size = (size_t)clip->width * (size_t)clip->height;
    float *u = malloc(2 * size * sizeof *u);
    if (!u)
        return false;
    float *v = u + size;
    face_clip_flow(clip, clip->onset, clip->apex, u, v, kind);
    bool ok =
        write_flo(request->folder, "flow.flo", u, v, clip->width, clip->height) &&
        write_pgm(request->folder, "flow_kind.pgm", kind, clip->width, clip->height);
    free(u);
    return ok;
}

int main(int argc, char **argv)
{
    struct request request = {0};
    if (!parse_request(&request, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    const struct face_clip_options *clip = &request.clip;
    uint8_t *grey = malloc((size_t)clip->width * (size_t)clip->height);
    bool ok = grey && write_frames(&request, grey) && write_landmarks(&request) &&
              write_flow(&request, grey);
    free(grey);
    if (!ok) {
        fprintf(stderr, "render_clip: cannot write to %s\n", request.folder);
        return 1;
    }
    printf("onset %d\napex %d\noffset %d\n", clip->onset + 1, clip->apex + 1,
        clip->offset + 1);
    return 0;
}
