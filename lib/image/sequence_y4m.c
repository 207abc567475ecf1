/* SPDX-License-Identifier: MIT */
/* YUV4MPEG2 headers, as mjpegtools' yuv4mpeg(5) describes them: a line of the signature
 * and parameters of one letter each, then for every frame a line FRAME and its planes. */
#include <string.h>

#include "image/sequence.h"

#define SIGNATURE "YUV4MPEG2"
#define FRAME "FRAME"

enum { MAX_LINE = 1024 };

bool mx_is_y4m(mx_clip_source *source)
{
    char bytes[sizeof SIGNATURE - 1];
    size_t n;
    const bool is = mx_clip_source_read(source, bytes, sizeof bytes, &n) == MEXPR_OK &&
                    n == sizeof bytes && memcmp(bytes, SIGNATURE, n) == 0;
    mx_clip_source_go(source, 0);
    return is;
}

/* --- parameters -------------------------------------------------------------------- */

/* Digits up to `end`, which is stored; -1 without any or beyond int32_t. */
static int32_t number_at(const char *text, const char **end)
{
    int64_t value = *text >= '0' && *text <= '9' ? 0 : -1;
    for (; *text >= '0' && *text <= '9' && value <= INT32_MAX; text++)
        value = 10 * value + (*text - '0');
    *end = text;
    return value <= INT32_MAX ? (int32_t)value : -1;
}

static bool parse_size(const char *text, int32_t *size)
{
    const char *end;
    *size = number_at(text, &end);
    return *size > 0 && *end == '\0';
}

/* "30000:1001"; 0:0 is unknown. */
static bool parse_fps(const char *text, mexpr_clip *clip)
{
    const char *end;
    const int32_t numerator = number_at(text, &end);
    if (*end != ':')
        return false;
    const int32_t denominator = number_at(end + 1, &end);
    if (*end != '\0' || numerator < 0 || denominator < 0)
        return false;
    if (clip->fps_numerator == 0 && numerator > 0 && denominator > 0) {
        clip->fps_numerator = numerator;
        clip->fps_denominator = denominator;
    }
    return true;
}

/* How many bytes follow the luma plane for a chroma tag; false for one we do not read. */
static bool bytes_behind_luma(
    const char *tag, uint64_t width, uint64_t height, uint64_t *bytes)
{
    const struct {
        const char *tag;
        uint64_t bytes;
    } known[] = {
        {"mono", 0},
        {"420", 2 * ((width + 1) / 2) * ((height + 1) / 2)},
        {"420jpeg", 2 * ((width + 1) / 2) * ((height + 1) / 2)},
        {"420mpeg2", 2 * ((width + 1) / 2) * ((height + 1) / 2)},
        {"420paldv", 2 * ((width + 1) / 2) * ((height + 1) / 2)},
        {"411", 2 * ((width + 3) / 4) * height},
        {"422", 2 * ((width + 1) / 2) * height},
        {"444", 2 * width * height},
        {"444alpha", 3 * width * height},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(tag, known[i].tag) == 0) {
            *bytes = known[i].bytes;
            return true;
        }
    }
    return false;
}

/* One parameter; what is not about size, rate or planes is passed over. */
static mexpr_status take_parameter(
    mexpr_clip *clip, const char *text, mx_stream_layout *layout, const char **chroma)
{
    bool good = true;
    if (text[0] == 'W')
        good = parse_size(text + 1, &layout->width);
    else if (text[0] == 'H')
        good = parse_size(text + 1, &layout->height);
    else if (text[0] == 'F')
        good = parse_fps(text + 1, clip);
    else if (text[0] == 'C')
        *chroma = text + 1;
    if (!good)
        return mx_fail(&clip->scope, MEXPR_E_FORMAT,
            "the Y4M header has the parameter '%.40s', which makes no sense", text);
    return MEXPR_OK;
}

/* Cuts the line into its parameters; *chroma points into it. */
static mexpr_status parse_header(
    mexpr_clip *clip, char *line, mx_stream_layout *layout, const char **chroma)
{
    char *end = line + strlen(SIGNATURE);
    if (strncmp(line, SIGNATURE, strlen(SIGNATURE)) != 0 || (*end && *end != ' '))
        return mx_fail(&clip->scope, MEXPR_E_FORMAT,
            "the stream does not begin with " SIGNATURE ": it is not Y4M");
    mexpr_status status = MEXPR_OK;
    for (char *text = *end ? end + 1 : NULL; text && status == MEXPR_OK;) {
        end = strchr(text, ' ');
        if (end)
            *end = '\0';
        status = take_parameter(clip, text, layout, chroma);
        text = end ? end + 1 : NULL;
    }
    return status;
}

/* --- headers ----------------------------------------------------------------------- */

static mexpr_status read_header(
    mexpr_clip *clip, mx_clip_source *source, mx_stream_layout *layout)
{
    char line[MAX_LINE];
    const char *chroma = "420jpeg"; /* without a tag, by the format's definition */
    size_t n;
    mx_scope *scope = &clip->scope;
    mexpr_status status = mx_clip_source_line(source, line, sizeof line, &n);
    if (status == MEXPR_OK && n == 0)
        status =
            mx_fail(scope, MEXPR_E_TRUNCATED, "there are no bytes: the stream is empty");
    if (status == MEXPR_OK)
        status = parse_header(clip, line, layout, &chroma);
    if (status != MEXPR_OK)
        return status;
    if (layout->width == 0 || layout->height == 0)
        return mx_fail(scope, MEXPR_E_FORMAT, "the Y4M header does not tell the %s",
            layout->width ? "height" : "width");
    status = mx_check_size(scope, layout->width, layout->height);
    if (status != MEXPR_OK)
        return status;
    if (!bytes_behind_luma(
            chroma, (uint64_t)layout->width, (uint64_t)layout->height, &layout->skip))
        return mx_fail(scope, MEXPR_E_UNSUPPORTED,
            "Y4M of the kind '%.40s' is not read; convert it to 8-bit mono or 420",
            chroma);
    layout->start = source->position;
    return MEXPR_OK;
}

mexpr_status mx_clip_open_y4m(mexpr_clip *clip, mx_clip_source *source)
{
    mx_stream_layout layout = {.format = MEXPR_FORMAT_GREY8, .has_header = true};
    mexpr_status status = MEXPR_OK;
    clip->source = source;
    if (clip->colour == MEXPR_COLOUR_RGB)
        status = mx_fail(&clip->scope, MEXPR_E_UNSUPPORTED,
            "of Y4M the luma alone is read; ask for MEXPR_COLOUR_KEEP or "
            "MEXPR_COLOUR_GREY");
    if (status == MEXPR_OK)
        status = read_header(clip, source, &layout);
    return status == MEXPR_OK ? mx_clip_open_stream(clip, source, &layout) : status;
}

mexpr_status mx_y4m_frame_header(mx_clip_source *source, int64_t index)
{
    char line[MAX_LINE];
    size_t n;
    const mexpr_status status = mx_clip_source_line(source, line, sizeof line, &n);
    if (status != MEXPR_OK)
        return status;
    if (n == 0)
        return MEXPR_END;
    const size_t length = sizeof FRAME - 1;
    if (strncmp(line, FRAME, length) != 0 || (line[length] && line[length] != ' '))
        return mx_fail(source->scope, MEXPR_E_FORMAT,
            "frame %lld of the stream does not begin with " FRAME, (long long)index);
    return MEXPR_OK;
}
