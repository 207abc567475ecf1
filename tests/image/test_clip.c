/* SPDX-License-Identifier: MIT */
/* Clips: folders, patterns, Y4M, raw streams, pushed pictures, and what is wrong with
 * them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "image/sequence_names.h"
#include "microexpr/image.h"
#include "support.h"

/* --- names ------------------------------------------------------------------------- */

static void natural_order(void **state)
{
    (void)state;
    const char *const rising[] = {"a", "a1", "a01", "a2", "a10", "a10b", "b1", "img9.jpg",
        "img10.jpg", "img99999999999999999999.jpg", "img100000000000000000000.jpg"};
    const int n = (int)(sizeof rising / sizeof rising[0]);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n; k++) {
            const int order = mx_compare_natural(rising[i], rising[k]);
            const int equal_values = (i == 1 && k == 2) || (i == 2 && k == 1);
            if (equal_values)
                assert_true(order != 0);
            else
                assert_true((i < k) == (order < 0) && (i == k) == (order == 0));
        }
    }
}

static void number_patterns(void **state)
{
    (void)state;
    assert_true(mx_is_number_pattern("img%d.jpg"));
    assert_true(mx_is_number_pattern("100%%_%05i"));
    assert_false(mx_is_number_pattern("img.jpg"));
    assert_false(mx_is_number_pattern("%d_%d.png"));
    assert_false(mx_is_number_pattern("%s.png"));
    assert_false(mx_is_number_pattern("%"));
    assert_false(mx_is_number_pattern("%n"));
    assert_true(mx_matches_number("img%d.jpg", "img12.jpg"));
    assert_true(mx_matches_number("img%d.jpg", "img0.jpg"));
    assert_false(mx_matches_number("img%d.jpg", "img012.jpg"));
    assert_false(mx_matches_number("img%d.jpg", "img.jpg"));
    assert_false(mx_matches_number("img%d.jpg", "img12.jpgx"));
    assert_false(mx_matches_number("img%d.jpg", "img12"));
    assert_true(mx_matches_number("f%03u", "f007"));
    assert_true(mx_matches_number("f%03d", "f1234"));
    assert_false(mx_matches_number("f%03d", "f0123"));
    assert_false(mx_matches_number("f%03d", "f07"));
    assert_true(mx_matches_number("f%3d", "f  7"));
    assert_true(mx_matches_number("f%3d", "f123"));
    assert_false(mx_matches_number("f%3d", "f7"));
    assert_true(mx_matches_number("5%%%d", "5%1"));
    assert_false(mx_matches_number("5%%%d", "51"));
}

static void glob_patterns(void **state)
{
    (void)state;
    assert_true(mx_is_glob("a*"));
    assert_true(mx_is_glob("a?"));
    assert_true(mx_is_glob("[a]"));
    assert_false(mx_is_glob("abc"));
    assert_true(mx_matches_glob("frame_*.png", "frame_12.png"));
    assert_false(mx_matches_glob("frame_*.png", "frame_12.jpg"));
    assert_true(mx_matches_glob("*a*b*", "xxaxxbxxb"));
    assert_false(mx_matches_glob("*a*b", "xxaxxbx"));
    assert_true(mx_matches_glob("**", ""));
    assert_false(mx_matches_glob("?", ""));
    assert_true(mx_matches_glob("f[0-9a]x", "f7x"));
    assert_true(mx_matches_glob("f[0-9a]x", "fax"));
    assert_false(mx_matches_glob("f[0-9a]x", "fbx"));
    assert_true(mx_matches_glob("f[!0-9]", "fb"));
    assert_false(mx_matches_glob("f[!0-9]", "f3"));
    assert_true(mx_matches_glob("f[]]", "f]"));
    assert_true(mx_matches_glob("f[x", "f[x"));
    assert_false(mx_matches_glob("f[", "f"));
}

static void numbers_in_names(void **state)
{
    (void)state;
    size_t begin, end;
    int64_t number;
    assert_true(mx_name_number("s12_img034.jpg", &begin, &end, &number));
    assert_int_equal(number, 34);
    assert_int_equal(begin, 7);
    assert_int_equal(end, 10);
    assert_false(mx_name_number("img.jpg", &begin, &end, &number));
    assert_false(mx_name_number("", &begin, &end, &number));
    assert_false(mx_name_number("99999999999999999999.png", &begin, &end, &number));
    assert_int_equal(mx_numbers_between("img8.jpg", "img9.jpg"), 0);
    assert_int_equal(mx_numbers_between("img8.jpg", "img12.jpg"), 3);
    assert_int_equal(mx_numbers_between("img8.jpg", "img12.png"), 0);
    assert_int_equal(mx_numbers_between("a8.jpg", "b12.jpg"), 0);
    assert_int_equal(mx_numbers_between("img12.jpg", "img8.jpg"), 0);
}

/* --- files ------------------------------------------------------------------------- */

#if MX_HAVE_PNG

/* A grey picture whose every pixel is `grey`, as `folder`/`name`. */
static void write_frame(
    const char *folder, const char *name, int32_t width, int32_t height, int grey)
{
    char path[512];
    mexpr_context *context = test_context(NULL, 1);
    mexpr_image *image;
    assert_ok(
        context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, width, height, &image));
    memset(mexpr_image_pixels(image), grey, (size_t)width * (size_t)height);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(context, mexpr_image_write_png(context, image, path));
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
}

static const char *new_folder(const char *name)
{
    const char *path = test_path(name);
    assert_int_equal(mkdir(path, 0777), 0);
    return path;
}

static void remove_frames(const char *folder, const char *const *names, int n)
{
    char path[512];
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static int grey_of(mexpr_context *context, mexpr_clip *clip, int64_t index)
{
    const mexpr_image *frame;
    (void)context;
    if (mexpr_clip_frame(clip, index, &frame) != MEXPR_OK) {
        print_message("%s\n", mexpr_clip_last_error(clip));
        fail();
    }
    return ((const uint8_t *)mexpr_image_data(frame))[0];
}

static void folder_of_files(void **state)
{
    (void)state;
    static const char *const names[] = {
        "img9.png", "img10.png", "img13.png", "img14.PNG", "notes.txt", ".img11.png"};
    char folder[256], pattern[512];
    snprintf(folder, sizeof folder, "%s", new_folder("clip"));
    for (int i = 0; i < 6; i++)
        write_frame(folder, names[i], 5, 4, 10 * (i + 1));
    mexpr_context *context = test_context(NULL, 1);
    mexpr_clip *clip;
    mexpr_clip_options options = MEXPR_CLIP_OPTIONS_INIT;
    options.fps_numerator = 200;
    assert_ok(context, mexpr_clip_open(context, folder, &options, &clip));
    assert_int_equal(mexpr_clip_n_frames(clip), 4);
    assert_int_equal(mexpr_clip_width(clip), 5);
    assert_int_equal(mexpr_clip_height(clip), 4);
    assert_int_equal(mexpr_clip_is_stream(clip), 0);
    assert_int_equal(grey_of(context, clip, 3), 40);
    assert_int_equal(grey_of(context, clip, 0), 10);
    assert_int_equal(grey_of(context, clip, 1), 20);
    assert_string_equal(mexpr_clip_name(clip, 3), "img14.PNG");
    assert_null(mexpr_clip_name(clip, 4));
    assert_null(mexpr_clip_name(clip, -1));
    assert_int_equal(mexpr_clip_number(clip, 2), 13);
    assert_int_equal(mexpr_clip_number(clip, 4), -1);
    int64_t first;
    assert_int_equal(mexpr_clip_missing(clip, &first), 2);
    assert_int_equal(first, 11);
    int32_t n, d;
    assert_int_equal(mexpr_clip_fps(clip, &n, &d), MEXPR_OK);
    assert_true(n == 200 && d == 1);
    const mexpr_image *frame = (const mexpr_image *)1;
    assert_int_equal(mexpr_clip_frame(clip, 4, &frame), MEXPR_END);
    assert_null(frame);
    mexpr_clip_destroy(&clip);
    assert_null(clip);

    snprintf(pattern, sizeof pattern, "%s/img%%d.png", folder);
    assert_ok(context, mexpr_clip_open(context, pattern, NULL, &clip));
    assert_int_equal(mexpr_clip_n_frames(clip), 3);
    assert_int_equal(grey_of(context, clip, 2), 30);
    mexpr_clip_destroy(&clip);
    snprintf(pattern, sizeof pattern, "%s/img1?.*", folder);
    assert_ok(context, mexpr_clip_open(context, pattern, NULL, &clip));
    assert_int_equal(mexpr_clip_n_frames(clip), 3);
    assert_int_equal(grey_of(context, clip, 0), 20);
    mexpr_clip_destroy(&clip);
    snprintf(pattern, sizeof pattern, "%s/x*.png", folder);
    assert_failure(context, mexpr_clip_open(context, pattern, NULL, &clip),
        MEXPR_E_NOT_FOUND, "no file matches");
    assert_null(clip);
    snprintf(pattern, sizeof pattern, "%s/img9.png", folder);
    assert_failure(context, mexpr_clip_open(context, pattern, NULL, &clip),
        MEXPR_E_FORMAT, "neither a folder nor a Y4M file");
    mexpr_context_destroy(&context);
    remove_frames(folder, names, 6);
}

static void files_that_do_not_fit(void **state)
{
    (void)state;
    static const char *const names[] = {"f1.png", "f2.png", "f3.png", "f4.png"};
    char folder[256];
    snprintf(folder, sizeof folder, "%s", new_folder("odd"));
    mexpr_context *context = test_context(NULL, 1);
    mexpr_clip *clip = (mexpr_clip *)1;
    assert_failure(context, mexpr_clip_open(context, folder, NULL, &clip),
        MEXPR_E_NOT_FOUND, "has no .jpg");
    assert_null(clip);
    write_frame(folder, names[0], 5, 4, 1);
    write_frame(folder, names[1], 6, 4, 2);
    write_frame(folder, names[3], 5, 4, 4);
    char path[512];
    snprintf(path, sizeof path, "%s/f3.png", folder);
    test_write_file(path, "no png", 6);
    assert_ok(context, mexpr_clip_open(context, folder, NULL, &clip));
    const mexpr_image *frame = (const mexpr_image *)1;
    assert_int_equal(mexpr_clip_frame(clip, 1, &frame), MEXPR_E_SHAPE);
    assert_null(frame);
    assert_non_null(strstr(mexpr_clip_last_error(clip), "'f2.png' is 6×4"));
    assert_int_equal(mexpr_clip_frame(clip, 2, &frame), MEXPR_E_FORMAT);
    assert_non_null(strstr(mexpr_clip_last_error(clip), "f3.png"));
    assert_int_equal(grey_of(context, clip, 3), 4);
    assert_int_equal(mexpr_clip_frame(clip, -1, &frame), MEXPR_E_ARG);
    mexpr_clip_destroy(&clip);

    mexpr_context_options few = test_options(NULL);
    few.max_frames = 3;
    mexpr_context *small;
    assert_int_equal(mexpr_context_create(&few, &small), MEXPR_OK);
    assert_failure(
        small, mexpr_clip_open(small, folder, NULL, &clip), MEXPR_E_LIMIT, "limit of 3");
    mexpr_context_destroy(&small);
    mexpr_context_destroy(&context);
    remove_frames(folder, names, 4);
}

/* More names than the lists have room for at first. */
static void many_files(void **state)
{
    (void)state;
    enum { N = 300 };
    char folder[256], name[N][32], path[512];
    const char *names[N];
    snprintf(folder, sizeof folder, "%s", new_folder("many"));
    write_frame(folder, "model.png", 2, 2, 7);
    snprintf(path, sizeof path, "%s/model.png", folder);
    size_t size;
    void *bytes = test_read_file(path, &size);
    unlink(path);
    for (int i = 0; i < N; i++) {
        snprintf(name[i], sizeof name[i], "a_longer_name_%d.png", i);
        names[i] = name[i];
        snprintf(path, sizeof path, "%s/%s", folder, name[i]);
        test_write_file(path, bytes, size);
    }
    free(bytes);
    mexpr_context *context = test_context(NULL, 1);
    mexpr_clip *clip;
    assert_ok(context, mexpr_clip_open(context, folder, NULL, &clip));
    assert_int_equal(mexpr_clip_n_frames(clip), N);
    for (int i = 0; i < N; i++)
        assert_string_equal(mexpr_clip_name(clip, i), name[i]);
    assert_int_equal(mexpr_clip_missing(clip, NULL), 0);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&context);
    remove_frames(folder, names, N);
}

#endif

static void paths_that_are_not_there(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_clip *clip = (mexpr_clip *)1;
    assert_failure(context, mexpr_clip_open(context, test_path("none"), NULL, &clip),
        MEXPR_E_NOT_FOUND, "none");
    assert_null(clip);
    assert_failure(context,
        mexpr_clip_open(context, test_path("no/f%d.png"), NULL, &clip), MEXPR_E_NOT_FOUND,
        "cannot open the folder");
    assert_failure(
        context, mexpr_clip_open(context, NULL, NULL, &clip), MEXPR_E_ARG, "NULL");
    assert_failure(
        context, mexpr_clip_open(context, "", NULL, &clip), MEXPR_E_ARG, "empty");
    assert_int_equal(mexpr_clip_open(NULL, "x", NULL, &clip), MEXPR_E_ARG);
    assert_int_equal(mexpr_clip_open(context, "x", NULL, NULL), MEXPR_E_ARG);
    mexpr_context_destroy(&context);
}

static void options_out_of_bounds(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_clip *clip = (mexpr_clip *)1;
    mexpr_clip_options o = MEXPR_CLIP_OPTIONS_INIT;
    o.colour = 3;
    assert_failure(
        context, mexpr_clip_create(context, &o, &clip), MEXPR_E_RANGE, "colour 3");
    assert_null(clip);
    o.colour = 0;
    o.fps_numerator = -1;
    assert_failure(
        context, mexpr_clip_create(context, &o, &clip), MEXPR_E_RANGE, "negative");
    o.fps_numerator = 0;
    o.fps_denominator = 2;
    assert_failure(context, mexpr_clip_create(context, &o, &clip), MEXPR_E_RANGE,
        "without fps_numerator");
    o.struct_size = 8;
    assert_failure(
        context, mexpr_clip_create(context, &o, &clip), MEXPR_E_ABI, "struct_size");
    mexpr_context_destroy(&context);
}

/* --- streams ----------------------------------------------------------------------- */

/* Bytes handed out in small portions; fail_at < size makes the callback fail there. */
typedef struct memory {
    const uint8_t *bytes;
    size_t size;
    size_t at;
    size_t portion;
    size_t fail_at;
} memory;

static int64_t read_memory(void *user, void *buffer, size_t size)
{
    memory *m = user;
    size_t n = m->size - m->at;
    if (m->at >= m->fail_at)
        return -1;
    n = n < size ? n : size;
    n = n < m->portion ? n : m->portion;
    memcpy(buffer, m->bytes + m->at, n);
    m->at += n;
    return (int64_t)n;
}

static memory memory_of(const void *bytes, size_t size, size_t portion)
{
    return (memory){bytes, size, 0, portion, SIZE_MAX};
}

static int first_pixel(mexpr_clip *clip, int64_t index)
{
    const mexpr_image *frame;
    const mexpr_status status = mexpr_clip_frame(clip, index, &frame);
    if (status != MEXPR_OK) {
        print_message("%d %s\n", (int)status, mexpr_clip_last_error(clip));
        fail();
    }
    return ((const uint8_t *)mexpr_image_data(frame))[0];
}

/* A header, and `n` frames of `luma` bytes of 10 × (i + 1) and `chroma` of 255. */
static size_t make_y4m(uint8_t *out, const char *header, const char *frame, int n,
    size_t luma, size_t chroma)
{
    size_t size = strlen(header);
    memcpy(out, header, size);
    for (int i = 0; i < n; i++) {
        memcpy(out + size, frame, strlen(frame));
        size += strlen(frame);
        memset(out + size, 10 * (i + 1), luma);
        memset(out + size + luma, 255, chroma);
        size += luma + chroma;
    }
    return size;
}

static void y4m_streams(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        size_t chroma;
    } kinds[] = {{"", 2 * 3 * 2}, {" C420", 12}, {" C420jpeg", 12}, {" C420mpeg2", 12},
        {" C420paldv", 12}, {" Cmono", 0}, {" C422", 2 * 3 * 3}, {" C444", 30},
        {" C444alpha", 45}, {" C411", 2 * 2 * 3}};
    static uint8_t bytes[4096];
    mexpr_context *context = test_context(NULL, 1);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (size_t portion = 1; portion < 5000; portion = portion * 3 + 1) {
            char header[128];
            snprintf(header, sizeof header,
                "YUV4MPEG2 W5 H3 F30000:1001 Ip A1:1%s XCOLORRANGE=FULL\n", kinds[i].tag);
            memory m = memory_of(bytes,
                make_y4m(bytes, header, i % 2 ? "FRAME\n" : "FRAME Ip Xa\n", 4, 15,
                    kinds[i].chroma),
                portion);
            mexpr_clip *clip;
            assert_ok(
                context, mexpr_clip_open_y4m(context, read_memory, &m, NULL, &clip));
            int32_t n, d;
            mexpr_clip_fps(clip, &n, &d);
            assert_true(n == 30000 && d == 1001);
            assert_int_equal(mexpr_clip_is_stream(clip), 1);
            assert_int_equal(mexpr_clip_n_frames(clip), -1);
            assert_int_equal(mexpr_clip_width(clip), 5);
            assert_int_equal(mexpr_clip_height(clip), 3);
            assert_int_equal(first_pixel(clip, 0), 10);
            assert_int_equal(first_pixel(clip, 0), 10);
            assert_int_equal(first_pixel(clip, 2), 30);
            const mexpr_image *frame;
            assert_int_equal(mexpr_clip_frame(clip, 1, &frame), MEXPR_E_STATE);
            assert_non_null(strstr(mexpr_clip_last_error(clip), "from front to back"));
            assert_int_equal(first_pixel(clip, 3), 40);
            assert_int_equal(mexpr_clip_frame(clip, 4, &frame), MEXPR_END);
            assert_int_equal(mexpr_clip_n_frames(clip), 4);
            assert_int_equal(mexpr_clip_frame(clip, 4, &frame), MEXPR_END);
            mexpr_clip_destroy(&clip);
        }
    }
    mexpr_context_destroy(&context);
}

static void y4m_files_go_back(void **state)
{
    (void)state;
    static uint8_t bytes[4096];
    const size_t size =
        make_y4m(bytes, "YUV4MPEG2 W5 H3 F25:1 C420\n", "FRAME Ip\n", 4, 15, 12);
    const char *path = test_path("clip.y4m");
    test_write_file(path, bytes, size);
    mexpr_context *context = test_context(NULL, 1);
    mexpr_clip *clip;
    assert_ok(context, mexpr_clip_open(context, path, NULL, &clip));
    assert_int_equal(mexpr_clip_n_frames(clip), 4);
    assert_int_equal(mexpr_clip_is_stream(clip), 0);
    assert_null(mexpr_clip_name(clip, 0));
    const int order[] = {3, 0, 2, 2, 1, 3};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        assert_int_equal(first_pixel(clip, order[i]), 10 * (order[i] + 1));
    mexpr_clip_destroy(&clip);

    /* The last frame is cut off: the others are good. */
    test_write_file(path, bytes, size - 1);
    assert_ok(context, mexpr_clip_open(context, path, NULL, &clip));
    assert_int_equal(mexpr_clip_n_frames(clip), 4);
    const mexpr_image *frame;
    assert_int_equal(first_pixel(clip, 2), 30);
    assert_int_equal(mexpr_clip_frame(clip, 3, &frame), MEXPR_E_TRUNCATED);
    assert_non_null(
        strstr(mexpr_clip_last_error(clip), "frame 3 of the stream lacks its last 1"));
    assert_int_equal(first_pixel(clip, 1), 20);
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&context);
    unlink(path);
}

static void y4m_headers_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        mexpr_status status;
        const char *part;
    } wrong[] = {
        {"", MEXPR_E_TRUNCATED, "empty"},
        {"YUV4MPEG2 W5", MEXPR_E_TRUNCATED, "after 12 bytes of a header"},
        {"YUV4MPEG W5 H3\n", MEXPR_E_FORMAT, "not Y4M"},
        {"YUV4MPEG22 W5 H3\n", MEXPR_E_FORMAT, "not Y4M"},
        {"YUV4MPEG2\n", MEXPR_E_FORMAT, "does not tell the width"},
        {"YUV4MPEG2 W5\n", MEXPR_E_FORMAT, "does not tell the height"},
        {"YUV4MPEG2 W0 H3\n", MEXPR_E_FORMAT, "'W0'"},
        {"YUV4MPEG2 W-5 H3\n", MEXPR_E_FORMAT, "'W-5'"},
        {"YUV4MPEG2 W5x H3\n", MEXPR_E_FORMAT, "'W5x'"},
        {"YUV4MPEG2 W5 H\n", MEXPR_E_FORMAT, "'H'"},
        {"YUV4MPEG2 W5 H99999999999999999999999\n", MEXPR_E_FORMAT, "'H9999"},
        {"YUV4MPEG2 W5 H3 F25\n", MEXPR_E_FORMAT, "'F25'"},
        {"YUV4MPEG2 W5 H3 F25:x\n", MEXPR_E_FORMAT, "'F25:x'"},
        {"YUV4MPEG2 W2147483647 H2147483647\n", MEXPR_E_LIMIT, "max_pixels"},
        {"YUV4MPEG2 W5 H3 C420p10\n", MEXPR_E_UNSUPPORTED, "'420p10'"},
        {"YUV4MPEG2 W5 H3 Cmono16\n", MEXPR_E_UNSUPPORTED, "'mono16'"},
    };
    mexpr_context *context = test_context(NULL, 1);
    mexpr_clip *clip = (mexpr_clip *)1;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memory m = memory_of(wrong[i].header, strlen(wrong[i].header), 7);
        assert_failure(context,
            mexpr_clip_open_y4m(context, read_memory, &m, NULL, &clip), wrong[i].status,
            wrong[i].part);
        assert_null(clip);
    }
    static char line[3000];
    memset(line, 'X', sizeof line);
    memcpy(line, "YUV4MPEG2 ", 10);
    memory m = memory_of(line, sizeof line, 4096);
    assert_failure(context, mexpr_clip_open_y4m(context, read_memory, &m, NULL, &clip),
        MEXPR_E_FORMAT, "longer than 1023");
    m = memory_of(line, sizeof line, 4096);
    m.fail_at = 0;
    assert_failure(context, mexpr_clip_open_y4m(context, read_memory, &m, NULL, &clip),
        MEXPR_E_IO, "returned -1");
    mexpr_clip_options rgb = MEXPR_CLIP_OPTIONS_INIT;
    rgb.colour = MEXPR_COLOUR_RGB;
    m = memory_of("YUV4MPEG2 W5 H3\n", 16, 4096);
    assert_failure(context, mexpr_clip_open_y4m(context, read_memory, &m, &rgb, &clip),
        MEXPR_E_UNSUPPORTED, "luma alone");
    assert_failure(context, mexpr_clip_open_y4m(context, NULL, &m, NULL, &clip),
        MEXPR_E_ARG, "read is NULL");
    mexpr_context_destroy(&context);
}

static void streams_that_break(void **state)
{
    (void)state;
    static uint8_t bytes[4096];
    mexpr_context *context = test_context(NULL, 1);
    const size_t size = make_y4m(bytes, "YUV4MPEG2 W5 H3\n", "FRAME\n", 2, 15, 12);
    const mexpr_image *frame;
    mexpr_clip *clip;
    memory m = memory_of(bytes, size - 20, 4096);
    assert_ok(context, mexpr_clip_open_y4m(context, read_memory, &m, NULL, &clip));
    assert_int_equal(first_pixel(clip, 0), 10);
    assert_int_equal(mexpr_clip_frame(clip, 1, &frame), MEXPR_E_TRUNCATED);
    assert_non_null(strstr(mexpr_clip_last_error(clip), "lacks its last 20 bytes"));
    assert_int_equal(mexpr_clip_frame(clip, 1, &frame), MEXPR_E_STATE);
    assert_non_null(strstr(mexpr_clip_last_error(clip), "reading the stream failed"));
    mexpr_clip_destroy(&clip);

    m = memory_of(bytes, size, 10);
    m.fail_at = 60;
    assert_ok(context, mexpr_clip_open_y4m(context, read_memory, &m, NULL, &clip));
    assert_int_equal(mexpr_clip_frame(clip, 1, &frame), MEXPR_E_IO);
    mexpr_clip_destroy(&clip);

    bytes[16 + 6 + 27] = 'f';
    m = memory_of(bytes, size, 4096);
    assert_ok(context, mexpr_clip_open_y4m(context, read_memory, &m, NULL, &clip));
    assert_int_equal(mexpr_clip_frame(clip, 1, &frame), MEXPR_E_FORMAT);
    assert_non_null(
        strstr(mexpr_clip_last_error(clip), "frame 1 of the stream does not"));
    mexpr_clip_destroy(&clip);

    mexpr_context_options few = test_options(NULL);
    few.max_frames = 1;
    mexpr_context *small;
    assert_int_equal(mexpr_context_create(&few, &small), MEXPR_OK);
    m = memory_of("0123456789", 10, 4096);
    assert_ok(small, mexpr_clip_open_raw(
                         small, MEXPR_FORMAT_GREY8, 5, 1, read_memory, &m, NULL, &clip));
    assert_int_equal(first_pixel(clip, 0), '0');
    assert_int_equal(mexpr_clip_frame(clip, 1, &frame), MEXPR_E_LIMIT);
    assert_non_null(strstr(mexpr_clip_last_error(clip), "max_frames of 1"));
    mexpr_clip_destroy(&clip);
    mexpr_context_destroy(&small);
    mexpr_context_destroy(&context);
}

static void raw_streams(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_clip *clip;
    const mexpr_image *frame;
    for (size_t portion = 1; portion < 30; portion += 4) {
        memory m = memory_of("aaaaaabbbbbbccccccdddddd", 24, portion);
        assert_ok(context, mexpr_clip_open_raw(context, MEXPR_FORMAT_RGB8, 2, 1,
                               read_memory, &m, NULL, &clip));
        assert_int_equal(first_pixel(clip, 0), 'a');
        assert_int_equal(first_pixel(clip, 2), 'c');
        assert_int_equal(mexpr_clip_frame(clip, 7, &frame), MEXPR_END);
        assert_int_equal(mexpr_clip_n_frames(clip), 4);
        mexpr_clip_destroy(&clip);
        m = memory_of("aaaaaabb", 8, portion);
        assert_ok(context, mexpr_clip_open_raw(context, MEXPR_FORMAT_RGB8, 2, 1,
                               read_memory, &m, NULL, &clip));
        assert_int_equal(mexpr_clip_frame(clip, 1, &frame), MEXPR_E_TRUNCATED);
        assert_non_null(strstr(mexpr_clip_last_error(clip), "last 4 bytes"));
        mexpr_clip_destroy(&clip);
    }
    memory m = memory_of("a", 1, 1);
    assert_failure(context,
        mexpr_clip_open_raw(context, (mexpr_format)9, 2, 1, read_memory, &m, NULL, &clip),
        MEXPR_E_ARG, "not a mexpr_format");
    assert_failure(context,
        mexpr_clip_open_raw(
            context, MEXPR_FORMAT_GREY8, 0, 1, read_memory, &m, NULL, &clip),
        MEXPR_E_ARG, "");
    assert_failure(context,
        mexpr_clip_open_raw(context, MEXPR_FORMAT_GREY8, 2, 1, NULL, &m, NULL, &clip),
        MEXPR_E_ARG, "read is NULL");
    mexpr_context_destroy(&context);
}

/* --- pushed pictures --------------------------------------------------------------- */

static void pushed_pictures(void **state)
{
    (void)state;
    test_heap heap;
    test_heap_init(&heap);
    mexpr_context *context = test_context(&heap, 1);
    mexpr_clip *clip;
    mexpr_image *image = NULL;
    assert_ok(context, mexpr_clip_create(context, NULL, &clip));
    assert_int_equal(mexpr_clip_n_frames(clip), 0);
    assert_int_equal(mexpr_clip_width(clip), 0);
    const mexpr_image *frame;
    assert_int_equal(mexpr_clip_frame(clip, 0, &frame), MEXPR_END);
    for (int i = 0; i < 40; i++) {
        assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 3, 2, &image));
        memset(mexpr_image_pixels(image), i, 6);
        assert_int_equal(mexpr_clip_push(clip, &image), MEXPR_OK);
        assert_null(image);
    }
    assert_int_equal(mexpr_clip_n_frames(clip), 40);
    assert_int_equal(mexpr_clip_width(clip), 3);
    assert_int_equal(first_pixel(clip, 39), 39);
    assert_int_equal(first_pixel(clip, 17), 17);
    assert_ok(context, mexpr_image_create(context, MEXPR_FORMAT_GREY8, 2, 3, &image));
    assert_int_equal(mexpr_clip_push(clip, &image), MEXPR_E_SHAPE);
    assert_non_null(image);
    assert_non_null(strstr(mexpr_clip_last_error(clip), "frame 40 is 2×3"));
    assert_int_equal(mexpr_clip_push(clip, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_clip_push(NULL, &image), MEXPR_E_ARG);
    mexpr_clip_destroy(&clip);
    memory m = memory_of("a", 1, 1);
    assert_ok(context, mexpr_clip_open_raw(context, MEXPR_FORMAT_GREY8, 2, 3, read_memory,
                           &m, NULL, &clip));
    assert_int_equal(mexpr_clip_push(clip, &image), MEXPR_E_STATE);
    mexpr_clip_destroy(&clip);
    mexpr_image_destroy(&image);
    mexpr_context_destroy(&context);
    assert_int_equal(heap.live_blocks, 0);

    mexpr_clip_destroy(NULL);
    assert_int_equal(mexpr_clip_n_frames(NULL), 0);
    assert_int_equal(mexpr_clip_width(NULL), 0);
    assert_int_equal(mexpr_clip_height(NULL), 0);
    assert_int_equal(mexpr_clip_is_stream(NULL), 0);
    assert_int_equal(mexpr_clip_missing(NULL, NULL), 0);
    assert_int_equal(mexpr_clip_fps(NULL, NULL, NULL), MEXPR_E_ARG);
    assert_int_equal(mexpr_clip_frame(NULL, 0, &frame), MEXPR_E_ARG);
    assert_string_equal(mexpr_clip_last_error(NULL), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(natural_order),
        cmocka_unit_test(number_patterns),
        cmocka_unit_test(glob_patterns),
        cmocka_unit_test(numbers_in_names),
#if MX_HAVE_PNG
        cmocka_unit_test(folder_of_files),
        cmocka_unit_test(files_that_do_not_fit),
        cmocka_unit_test(many_files),
#endif
        cmocka_unit_test(paths_that_are_not_there),
        cmocka_unit_test(options_out_of_bounds),
        cmocka_unit_test(y4m_streams),
        cmocka_unit_test(y4m_files_go_back),
        cmocka_unit_test(y4m_headers_that_are_wrong),
        cmocka_unit_test(streams_that_break),
        cmocka_unit_test(raw_streams),
        cmocka_unit_test(pushed_pictures),
    };
    return cmocka_run_group_tests_name("clip", tests, NULL, NULL);
}
