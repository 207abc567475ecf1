/* SPDX-License-Identifier: MIT */
/* Tight crops of real apex faces, with 20 % of their size added on every side: a face is
 * found in most, one only, and its landmarks are sure. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "microexpr/face.h"
#include "support.h"

static const double least_share = 0.98;

/* The picture with its edges continued. */
static mexpr_image *pad(mexpr_context *context, const char *path)
{
    mexpr_image *image, *wide;
    assert_ok(context, mexpr_image_read(context, path, MEXPR_COLOUR_GREY, &image));
    const int32_t width = mexpr_image_width(image), height = mexpr_image_height(image);
    const int32_t border = width / 5;
    const double matrix[6] = {1, 0, -border, 0, 1, -border};
    assert_ok(context, mexpr_image_warp(context, image, matrix, width + 2 * border,
                           height + 2 * border, &wide));
    mexpr_image_destroy(&image);
    return wide;
}

static void apex_faces_are_found(void **state)
{
    (void)state;
    test_needs("jpeg");
    const char *folder = test_data("megc2019/apex224");
    mexpr_context *context = test_context(NULL, 1);
    mexpr_face_finder *finder;
    int n_pictures = 0, n_found = 0, n_several = 0, n_sure = 0;
    assert_ok(context, mexpr_face_finder_create(context, NULL, &finder));
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        char path[4096];
        int32_t n;
        mexpr_face face = MEXPR_FACE_INIT;
        if (!strstr(entry->d_name, ".jpg"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        mexpr_image *image = pad(context, path);
        assert_int_equal(mexpr_face_finder_run(finder, image, &n), MEXPR_OK);
        n_pictures++;
        n_found += n > 0;
        n_several += n > 1;
        if (n > 0)
            assert_int_equal(mexpr_face_finder_face(finder, 0, &face), MEXPR_OK);
        n_sure += face.confidence > 0.4;
        mexpr_image_destroy(&image);
    }
    closedir(entries);
    print_message("%d of %d apex faces found, %d pictures with several, %d sure\n",
        n_found, n_pictures, n_several, n_sure);
    assert_true(n_pictures > 400);
    assert_true(n_found >= least_share * n_pictures);
    assert_true(n_several == 0 && n_sure >= n_found - n_pictures / 100);
    mexpr_face_finder_destroy(&finder);
    mexpr_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apex_faces_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
