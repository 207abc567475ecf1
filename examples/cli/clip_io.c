/* SPDX-License-Identifier: MIT */
#include "clip_io.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

/* --- in ---------------------------------------------------------------------------- */

static int64_t read_stdin(void *user, void *buffer, size_t size)
{
    (void)user;
    const size_t n = fread(buffer, 1, size, stdin);
    return n == 0 && ferror(stdin) ? -1 : (int64_t)n;
}

int clip_open(mexpr_context *context, const char *path, mexpr_colour colour, double fps,
    mexpr_clip **out)
{
    mexpr_clip_options options = MEXPR_CLIP_OPTIONS_INIT;
    options.colour = colour;
    if (fps < 0 || fps > 1e6)
        return cli_usage("--fps %g is out of range; give up to 1000000", fps);
    if (fps > 0) {
        options.fps_numerator = (int32_t)lround(fps * 1000);
        options.fps_denominator = 1000;
    }
    mexpr_status status;
    if (strcmp(path, "-") == 0) {
        options.colour = MEXPR_COLOUR_GREY;
        status = mexpr_clip_open_y4m(context, read_stdin, NULL, &options, out);
    } else {
        status = mexpr_clip_open(context, path, &options, out);
    }
    if (status == MEXPR_OK)
        return CLI_OK;
    return cli_fail_status(status, mexpr_context_last_error(context), NULL);
}

/* --- out --------------------------------------------------------------------------- */

static int has_ending(const char *name, const char *ending)
{
    const size_t n = strlen(name), m = strlen(ending);
    return n > m && strcasecmp(name + n - m, ending) == 0;
}

/* Frames of another clip, or those that are read, must not be mixed with new ones. */
static int check_folder(const char *folder, const char *ending)
{
    const char *const endings[] = {ending, ".png", ".jpg", ".jpeg"};
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    int code = CLI_OK;
    if (!entries)
        return cli_fail("cannot write into '%s': %s", folder, strerror(errno));
    while (code == CLI_OK && (entry = readdir(entries))) {
        for (size_t i = 0; i < 4 && code == CLI_OK; i++) {
            if (has_ending(entry->d_name, endings[i]))
                code = cli_fail("cannot write into '%s': it holds '%s' already; give a "
                                "new or an empty folder",
                    folder, entry->d_name);
        }
    }
    closedir(entries);
    return code;
}

int clip_files_begin(clip_files *files, const char *folder, const char *ending)
{
    struct stat info;
    files->folder = folder;
    files->ending = ending;
    if (!folder || !*folder)
        return cli_usage("a clip needs a folder for what comes out; give -o DIR");
    if (stat(folder, &info) == 0)
        return S_ISDIR(info.st_mode)
                   ? check_folder(folder, ending)
                   : cli_fail("cannot write into '%s': it is not a folder", folder);
    if (mkdir(folder, 0777) != 0)
        return cli_fail("cannot make the folder '%s': %s", folder, strerror(errno));
    files->made_folder = 1;
    return CLI_OK;
}

static char *numbered(const clip_files *files, int64_t frame)
{
    const size_t size = strlen(files->folder) + strlen(files->ending) + 32;
    char *path = malloc(size);
    if (path)
        snprintf(
            path, size, "%s/%06lld%s", files->folder, (long long)frame, files->ending);
    return path;
}

const char *clip_files_next(clip_files *files, int64_t frame)
{
    const size_t n = (size_t)files->outputs.n;
    char **paths = realloc(files->paths, (n + 1) * sizeof *paths);
    if (paths)
        files->paths = paths;
    char *path = paths ? numbered(files, frame) : NULL;
    if (!path) {
        cli_fail("out of memory; close other programs and try again");
        return NULL;
    }
    const char *temporary = cli_output(&files->outputs, path);
    if (temporary)
        files->paths[n] = path;
    else
        free(path);
    return temporary;
}

int clip_files_finish(clip_files *files, int code)
{
    const int n = files->outputs.n;
    code = cli_outputs_finish(&files->outputs, code);
    for (int i = 0; i < n; i++)
        free(files->paths[i]);
    free(files->paths);
    if (code != CLI_OK && files->made_folder)
        rmdir(files->folder);
    return code;
}

/* --- telling ----------------------------------------------------------------------- */

int32_t clip_progress(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    if (!isatty(STDERR_FILENO))
        return 0;
    if (total)
        fprintf(stderr, "\r%llu of %llu", (unsigned long long)done,
            (unsigned long long)total);
    else
        fprintf(stderr, "\r%llu", (unsigned long long)done);
    return 0;
}

void clip_progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r                                        \r");
}

int clip_report(const clip_files *files, const mexpr_clip *clip, int json)
{
    const int width = mexpr_clip_width(clip), height = mexpr_clip_height(clip);
    text out = {0};
    if (json) {
        json_open(&out, '{');
        json_key(&out, "files");
        json_integer(&out, files->outputs.n);
        json_key(&out, "width");
        json_integer(&out, width);
        json_key(&out, "height");
        json_integer(&out, height);
        json_key(&out, "missing");
        json_integer(&out, (int64_t)mexpr_clip_missing(clip, NULL));
        json_close(&out, '}');
        text_add(&out, "\n");
    } else {
        text_add(&out, "%d file%s of %d x %d px in %s\n", files->outputs.n,
            files->outputs.n == 1 ? "" : "s", width, height, files->folder);
        int64_t first;
        const uint64_t missing = mexpr_clip_missing(clip, &first);
        if (missing)
            text_add(&out, "the clip lacks %llu numbers, the first is %lld\n",
                (unsigned long long)missing, (long long)first);
    }
    const int code = cli_print(&out);
    text_free(&out);
    return code;
}
