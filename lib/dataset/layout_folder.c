/* SPDX-License-Identifier: MIT */
/* Folders of clips: from names to paths, and from paths to names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "dataset/published.h"
#include "image/sequence_names.h"

enum { MAX_NAME = 256 };

/* --- listing ----------------------------------------------------------------------- */

static bool is_picture(const void *user, const char *name)
{
    (void)user;
    return mx_name_is_picture(name);
}

mexpr_status mx_frame_range(
    mx_scope *scope, const char *path, int64_t *first, int64_t *last)
{
    const uint64_t most = mx_context_limits(scope->context)->frames;
    mx_names names = {0};
    *first = *last = -1;
    const mexpr_status status =
        mx_folder_list(scope, path, is_picture, NULL, most, &names);
    for (size_t k = 0; status == MEXPR_OK && k < names.n; k++) {
        size_t begin, end;
        int64_t number;
        if (!mx_name_number(names.items[k], &begin, &end, &number))
            continue;
        *first = *first < 0 || number < *first ? number : *first;
        *last = number > *last ? number : *last;
    }
    mx_names_free(scope->context, &names);
    return status;
}

static int natural(const void *a, const void *b)
{
    return mx_compare_natural(*(const char *const *)a, *(const char *const *)b);
}

/* Names in the folder that `accept` takes, in natural order; none when it cannot be
 * read. */
static mexpr_status list(mx_scope *scope, const char *path, mx_name_fn accept,
    const void *user, mx_names *names)
{
    const uint64_t most = mx_context_limits(scope->context)->frames;
    const mexpr_status status = mx_folder_list(scope, path, accept, user, most, names);
    if (names->n > 1)
        qsort((void *)names->items, names->n, sizeof *names->items, natural);
    return status == MEXPR_E_IO || status == MEXPR_E_NOT_FOUND ? MEXPR_OK : status;
}

/* Adds "/name" to a path; false when it becomes too long. */
static bool append(char *path, const char *name, size_t n)
{
    const size_t size = strlen(path);
    const bool slash = size > 0;
    if (size + slash + n >= MX_LAYOUT_PATH)
        return false;
    if (slash)
        path[size] = '/';
    memcpy(path + size + slash, name, n);
    path[size + slash + n] = 0;
    return true;
}

static size_t part_size(const char *pattern)
{
    return strcspn(pattern, "/|");
}

/* --- from names to a path ---------------------------------------------------------- */

static const char *value_of(const mx_clip_names *names, char letter)
{
    switch (letter) {
    case 's':
        return names->subject;
    case 'c':
        return names->clip;
    case 'e':
        return names->emotion;
    case 'k':
        return names->code;
    case 'v':
        return names->video;
    default:
        return NULL;
    }
}

/* Writes the alternative that begins at `pattern`; false when a name is not known or
 * would be more than one part of a path. */
static bool expand(const char *pattern, const mx_clip_names *names, char *path)
{
    size_t size = 0;
    for (; *pattern && *pattern != '|'; pattern++) {
        char one[2] = {*pattern, 0};
        const bool named = *pattern == '%';
        const char *text = named ? value_of(names, *++pattern) : one;
        const size_t n = text ? strlen(text) : 0;
        if (n == 0 || (named && strchr(text, '/')) || size + n >= MX_LAYOUT_PATH)
            return false;
        memcpy(path + size, text, n);
        size += n;
    }
    path[size] = 0;
    return true;
}

static bool matches(const void *pattern, const char *name)
{
    return mx_matches_glob(pattern, name);
}

/* Puts the first folder that there is in the place of a part with * and ?. `path`
 * receives what has been found, below `root`, of the parts `rest`. */
static mexpr_status find(mx_scope *scope, const char *root, const char *rest, char *path)
{
    mexpr_status status = MEXPR_OK;
    path[0] = 0;
    for (size_t n; *rest && status == MEXPR_OK; rest += n + (rest[n] == '/')) {
        char part[MAX_NAME], full[MX_LAYOUT_PATH] = "";
        mx_names names = {0};
        n = strcspn(rest, "/");
        if (n >= sizeof part || !append(full, root, strlen(root)) ||
            !append(full, path, strlen(path)))
            return MEXPR_OK;
        memcpy(part, rest, n);
        part[n] = 0;
        if (mx_is_glob(part))
            status = list(scope, full, matches, part, &names);
        if (status == MEXPR_OK)
            append(path, names.n ? names.items[0] : part,
                strlen(names.n ? names.items[0] : part));
        mx_names_free(scope->context, &names);
    }
    return status;
}

static bool is_there(const char *root, const char *path)
{
    char full[MX_LAYOUT_PATH] = "";
    return append(full, root, strlen(root)) && append(full, path, strlen(path)) &&
           mx_path_is_folder(full);
}

mexpr_status mx_layout_path(mx_scope *scope, const mx_layout *layout, const char *folder,
    const mx_clip_names *names, char *path)
{
    char first[MX_LAYOUT_PATH] = "";
    for (const char *pattern = layout->folders; *pattern;) {
        char wanted[MX_LAYOUT_PATH];
        if (expand(pattern, names, wanted)) {
            const mexpr_status status = find(scope, folder, wanted, path);
            if (status != MEXPR_OK || is_there(folder, path))
                return status;
            if (!*first)
                memcpy(first, path, strlen(path) + 1);
        }
        pattern += strcspn(pattern, "|");
        pattern += *pattern == '|';
    }
    memcpy(path, first, strlen(first) + 1);
    return MEXPR_OK;
}

/* --- from paths to names ----------------------------------------------------------- */

typedef struct walker {
    mx_scope *scope;
    const char *root;
    mx_visit_fn visit;
    void *user;
    mx_clip_names names;
    bool found;
} walker;

/* A part of a pattern: a text, then perhaps a letter that stands for the rest. */
typedef struct part {
    const char *text;
    size_t size;
    char letter;
} part;

static part part_at(const char *pattern)
{
    const size_t n = part_size(pattern);
    const char *percent = memchr(pattern, '%', n);
    if (!percent)
        return (part){pattern, n, 0};
    return (part){pattern, (size_t)(percent - pattern), percent[1]};
}

static bool begins(const void *user, const char *name)
{
    const part *p = user;
    return strncmp(name, p->text, p->size) == 0 && name[p->size];
}

static mexpr_status walk(walker *w, const char *pattern, const char *path);

/* Goes into one folder. */
static mexpr_status enter(
    walker *w, const part *p, const char *name, const char *pattern, const char *path)
{
    char below[MX_LAYOUT_PATH] = "";
    const char *value = name + p->size;
    append(below, path, strlen(path));
    if (!append(below, name, strlen(name)) || !is_there(w->root, below))
        return MEXPR_OK;
    if (p->letter == 's')
        w->names.subject = value;
    else if (p->letter == 'e')
        w->names.emotion = value;
    else if (p->letter == 'c')
        w->names.clip = value;
    const char *rest = pattern + part_size(pattern);
    if (*rest == '/')
        return walk(w, rest + 1, below);
    w->found = true;
    return w->visit(w->user, &w->names, below);
}

static mexpr_status walk(walker *w, const char *pattern, const char *path)
{
    const part p = part_at(pattern);
    char full[MX_LAYOUT_PATH] = "", name[MAX_NAME];
    mx_names names = {0};
    if (!p.letter) {
        if (p.size >= sizeof name)
            return MEXPR_OK;
        memcpy(name, p.text, p.size);
        name[p.size] = 0;
        return enter(w, &p, name, pattern, path);
    }
    if (!append(full, w->root, strlen(w->root)))
        return MEXPR_OK;
    if (*path && !append(full, path, strlen(path)))
        return MEXPR_OK;
    mexpr_status status = list(w->scope, full, begins, &p, &names);
    for (size_t k = 0; k < names.n && status == MEXPR_OK; k++)
        status = enter(w, &p, names.items[k], pattern, path);
    mx_names_free(w->scope->context, &names);
    return status;
}

mexpr_status mx_layout_walk(mx_scope *scope, const mx_layout *layout, const char *folder,
    mx_visit_fn visit, void *user)
{
    walker w = {scope, folder, visit, user, {0}, false};
    mexpr_status status = MEXPR_OK;
    for (const char *pattern = layout->folders;
         *pattern && status == MEXPR_OK && !w.found;) {
        const char *end = pattern + strcspn(pattern, "|");
        const char *emotion = strstr(pattern, "%e");
        if (emotion && emotion < end)
            status = walk(&w, pattern, "");
        pattern = end + (*end == '|');
    }
    return status;
}
