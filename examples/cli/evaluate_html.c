/* SPDX-License-Identifier: MIT */
/* The page of `microexpr evaluate --html`: one file that needs no network and no script.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate_job.h"
#include "json_read.h"

enum { MOST_PICTURES = 12, MOST_POINTS = 200 };

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>microexpr evaluate</title>\n<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:#1c2733;background:#fff;"
    "max-width:60rem;margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2rem}\n"
    "p.note{color:#5a6b7b}code{font:13px/1.4 monospace;overflow-wrap:anywhere}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #dde3e8}\n"
    "th:first-child,td:first-child{text-align:left}\n"
    "table.heat td{border:2px solid #fff;min-width:3.5rem;text-align:center}\n"
    "div.tiles{display:flex;flex-wrap:wrap;gap:1rem}\n"
    "div.tile{border:1px solid #dde3e8;border-radius:6px;padding:.6rem 1rem}\n"
    "div.tile b{display:block;font-size:1.5rem}\n"
    "div.scroll{overflow-x:auto}figure{display:inline-block;margin:.4rem;"
    "text-align:center;font-size:12px}\n"
    "figure img{width:112px;height:112px;image-rendering:pixelated;display:block}\n"
    "</style>\n</head>\n<body>\n";

/* Text as HTML shows it. */
static void add_text(text *out, const char *value)
{
    for (; value && *value; value++) {
        if (*value == '&')
            text_add(out, "&amp;");
        else if (*value == '<')
            text_add(out, "&lt;");
        else if (*value == '>')
            text_add(out, "&gt;");
        else if (*value == '"')
            text_add(out, "&quot;");
        else if ((unsigned char)*value < 0x20 || *value == 0x7f)
            text_add(out, "?");
        else
            text_add_bytes(out, value, 1);
    }
}

/* <tag>value</tag> */
static void add_cell(text *out, const char *tag, const char *value)
{
    text_add(out, "<%s>", tag);
    add_text(out, value);
    text_add(out, "</%s>", tag);
}

/* --- what was done ----------------------------------------------------------------- */

static void add_setting(text *out, const char *name, const char *value)
{
    text_add(out, "<tr>");
    add_cell(out, "td", name);
    text_add(out, "<td style=\"text-align:left\">");
    add_text(out, value);
    text_add(out, "</td></tr>\n");
}

static void add_settings(const evaluate_job *job, text *out)
{
    const char *fusion = evaluate_fusion_name(job);
    char number[64];
    text line = {0};
    text_add(out, "<h2>What was done</h2>\n<table>\n");
    add_setting(out, "system", job->request->data.system);
    add_setting(out, "protocol", evaluate_protocol_name(job));
    if (job->options.protocol == MEXPR_PROTOCOL_HOLDOUT) {
        add_setting(out, "trained on",
            job->request->train_database ? job->request->train_database
                                         : "all that is not tested on");
        add_setting(out, "tested on", job->request->test_database);
    }
    snprintf(number, sizeof number, "%d", (int)mexpr_evaluation_n_folds(job->evaluation));
    add_setting(out, "folds", number);
    add_setting(out, "selection", evaluate_selection_name(job));
    add_setting(out, "fusion", fusion ? fusion : "none");
    snprintf(number, sizeof number, "%llu to %llu", (unsigned long long)job->options.seed,
        (unsigned long long)job->options.seed + (unsigned long long)job->n_seeds - 1);
    add_setting(out, "seeds", number);
    add_setting(out, "manifest (SHA-256)", mexpr_manifest_sha256(job->data.manifest));
    add_setting(out, "library", mexpr_version_string());
    cli_command_line(&line);
    text_add(out, "<tr><td>command</td><td style=\"text-align:left\">");
    add_cell(out, "code", line.bytes);
    text_add(out, "</td></tr>\n</table>\n");
    text_free(&line);
}

/* --- measures ---------------------------------------------------------------------- */

static void add_tile(text *out, const char *name, double value, double low, double high)
{
    text_add(out, "<div class=\"tile\">%s<b>%.3f</b>95 %%: %.3f to %.3f</div>\n", name,
        value, low, high);
}

static void add_tiles(const evaluate_job *job, text *out)
{
    const mexpr_metrics *m = &job->all.metrics;
    text_add(out, "<div class=\"tiles\">\n");
    add_tile(out, "UF1", m->uf1, job->low.uf1, job->high.uf1);
    add_tile(out, "UAR", m->uar, job->low.uar, job->high.uar);
    add_tile(out, "accuracy", m->accuracy, job->low.accuracy, job->high.accuracy);
    add_tile(
        out, "weighted F1", m->weighted_f1, job->low.weighted_f1, job->high.weighted_f1);
    text_add(out,
        "</div>\n<p class=\"note\">All %lld clips are pooled; intervals by drawing "
        "people with replacement.</p>\n",
        (long long)m->n);
}

/* A cell that is the darker the larger its share of the row is. */
static void add_heat(text *out, int64_t count, int64_t row)
{
    const double share = row > 0 ? (double)count / (double)row : 0;
    const int red = (int)(247 - 239 * share), green = (int)(251 - 203 * share);
    const int blue = (int)(255 - 148 * share);
    text_add(out,
        "<td style=\"background:#%02x%02x%02x;color:%s\" title=\"%.1f %%\">%lld</td>",
        (unsigned)red, (unsigned)green, (unsigned)blue, share > 0.5 ? "#fff" : "#1c2733",
        100 * share, (long long)count);
}

static void add_confusion(const evaluate_job *job, text *out)
{
    const mexpr_manifest *manifest = job->data.manifest;
    const int32_t n = job->n_classes;
    text_add(out, "<h2>Confusion</h2>\n<p class=\"note\">Rows: label; columns: "
                  "prediction; shade: share of the row.</p>\n<div class=\"scroll\">"
                  "<table class=\"heat\">\n<tr><th></th>");
    for (int32_t k = 0; k < n; k++)
        add_cell(out, "th", mexpr_manifest_class(manifest, k));
    text_add(out, "</tr>\n");
    for (int32_t i = 0; i < n; i++) {
        const mexpr_class_metrics m = evaluate_class(job, &job->all, i);
        text_add(out, "<tr>");
        add_cell(out, "th", mexpr_manifest_class(manifest, i));
        for (int32_t k = 0; k < n; k++)
            add_heat(out, job->all.confusion[i * n + k], m.support);
        text_add(out, "</tr>\n");
    }
    text_add(out, "</table></div>\n");
}

static void add_classes(const evaluate_job *job, text *out)
{
    text_add(out,
        "<h2>Classes</h2>\n<table>\n<tr><th>class</th><th>clips</th>"
        "<th>predicted</th><th>precision</th><th>recall</th><th>F1</th></tr>\n");
    for (int32_t k = 0; k < job->n_classes; k++) {
        const mexpr_class_metrics m = evaluate_class(job, &job->all, k);
        text_add(out, "<tr>");
        add_cell(out, "td", mexpr_manifest_class(job->data.manifest, k));
        text_add(out,
            "<td>%lld</td><td>%lld</td><td>%.3f</td><td>%.3f</td><td>%.3f</td></tr>\n",
            (long long)m.support, (long long)m.taken, m.precision, m.recall, m.f1);
    }
    text_add(out, "</table>\n");
}

static void add_datasets(const evaluate_job *job, text *out)
{
    const mexpr_manifest *manifest = job->data.manifest;
    text_add(out, "<h2>Databases</h2>\n<p class=\"note\">Slices of the same predictions; "
                  "F1 of each class.</p>\n<div class=\"scroll\"><table>\n<tr>"
                  "<th>database</th><th>clips</th><th>UF1</th><th>UAR</th>"
                  "<th>accuracy</th>");
    for (int32_t k = 0; k < job->n_classes; k++)
        add_cell(out, "th", mexpr_manifest_class(manifest, k));
    text_add(out, "</tr>\n");
    for (int32_t d = 0; d < job->n_datasets; d++) {
        const mexpr_metrics *m = &job->datasets[d].metrics;
        const char *name = mexpr_manifest_dataset(manifest, d);
        if (m->n == 0)
            continue;
        text_add(out, "<tr>");
        add_cell(out, "td", *name ? name : "(all)");
        text_add(out, "<td>%lld</td><td>%.3f</td><td>%.3f</td><td>%.3f</td>",
            (long long)m->n, m->uf1, m->uar, m->accuracy);
        for (int32_t k = 0; k < job->n_classes; k++)
            text_add(out, "<td>%.3f</td>", evaluate_class(job, &job->datasets[d], k).f1);
        text_add(out, "</tr>\n");
    }
    text_add(out, "</table></div>\n");
}

static void add_seeds(const evaluate_job *job, text *out)
{
    if (job->n_seeds < 2)
        return;
    text_add(out, "<h2>Seeds</h2>\n<table>\n<tr><th>seed</th><th>UF1</th><th>UAR</th>"
                  "<th>accuracy</th></tr>\n");
    for (int32_t k = 0; k < job->n_seeds; k++)
        text_add(out, "<tr><td>%llu</td><td>%.4f</td><td>%.4f</td><td>%.4f</td></tr>\n",
            (unsigned long long)job->options.seed + (unsigned long long)k,
            job->seeds[k].uf1, job->seeds[k].uar, job->seeds[k].accuracy);
    text_add(out,
        "<tr><td>mean &#177; deviation</td><td>%.4f &#177; %.4f</td><td>%.4f &#177; "
        "%.4f</td><td>%.4f &#177; %.4f</td></tr>\n"
        "<tr><td>mean of the scores</td><td>%.4f</td><td>%.4f</td><td>%.4f</td></tr>\n"
        "</table>\n",
        job->mean.uf1, job->deviation.uf1, job->mean.uar, job->deviation.uar,
        job->mean.accuracy, job->deviation.accuracy, job->all.metrics.uf1,
        job->all.metrics.uar, job->all.metrics.accuracy);
}

/* --- people ------------------------------------------------------------------------ */

static void count_person(
    const evaluate_job *job, int32_t person, int64_t *clips, int64_t *right)
{
    *clips = *right = 0;
    for (int64_t i = 0; i < mexpr_manifest_n_clips(job->data.manifest); i++) {
        mexpr_record record = MEXPR_RECORD_INIT;
        mexpr_manifest_clip(job->data.manifest, i, &record);
        if (record.person != person || mexpr_evaluation_fold(job->evaluation, i) < 0)
            continue;
        ++*clips;
        *right += mexpr_evaluation_predicted(job->evaluation, i) == record.label;
    }
}

static void add_people(const evaluate_job *job, text *out)
{
    const int32_t n = mexpr_manifest_n_persons(job->data.manifest);
    const int step = 14, height = 100;
    text_add(out,
        "<h2>People</h2>\n<p class=\"note\">Share of each person's clips that is right; "
        "the number of clips is above.</p>\n<div class=\"scroll\">"
        "<svg width=\"%d\" height=\"%d\" role=\"img\" font-size=\"9\" "
        "fill=\"#5a6b7b\">\n",
        (int)n * step + 10, height + 120);
    for (int32_t k = 0; k < n; k++) {
        int64_t clips, right;
        count_person(job, k, &clips, &right);
        if (clips == 0)
            continue;
        const double tall = height * (double)right / (double)clips;
        const int x = (int)k * step + 4;
        text_add(out, "<g><title>");
        add_text(out, mexpr_manifest_person(job->data.manifest, k));
        text_add(out,
            ": %lld of %lld right</title><rect x=\"%d\" y=\"14\" width=\"10\" "
            "height=\"%d\" fill=\"#e6ebef\"/><rect x=\"%d\" y=\"%.1f\" width=\"10\" "
            "height=\"%.1f\" fill=\"#2171b5\"/><text x=\"%d\" y=\"10\" "
            "text-anchor=\"middle\">%lld</text><text transform=\"translate(%d,%d) "
            "rotate(90)\">",
            (long long)right, (long long)clips, x, height, x, 14 + height - tall, tall,
            x + 5, (long long)clips, x + 2, height + 20);
        add_text(out, mexpr_manifest_person(job->data.manifest, k));
        text_add(out, "</text></g>\n");
    }
    text_add(out, "</svg></div>\n");
}

/* --- choices ----------------------------------------------------------------------- */

static void add_choice(const evaluate_job *job, int32_t fold, int32_t seed, text *out)
{
    const int32_t chosen = mexpr_evaluation_chosen(job->evaluation, seed, fold);
    char number[16];
    text_add(out, "<tr>");
    add_cell(out, "td", evaluate_fold_name(job, fold, number, sizeof number));
    text_add(out, "<td>%llu</td>",
        (unsigned long long)job->options.seed + (unsigned long long)seed);
    add_cell(out, "td", chosen >= 0 ? job->systems.list[chosen].name : "all");
    for (int32_t k = 0; k < job->systems.n; k++) {
        const double inner = mexpr_evaluation_inner_uf1(job->evaluation, seed, fold, k);
        text_add(
            out, "<td>%.3f", mexpr_evaluation_weight(job->evaluation, seed, fold, k));
        if (isfinite(inner))
            text_add(out, " (%.3f)", inner);
        text_add(out, "</td>");
    }
    text_add(out, "</tr>\n");
}

static void add_choices(const evaluate_job *job, text *out)
{
    if (job->systems.n < 2)
        return;
    text_add(out,
        "<h2>Choices</h2>\n<p class=\"note\">Weight of each system, and its UF1 "
        "on the inner folds of the training clips.</p>\n<div class=\"scroll\">"
        "<table>\n<tr><th>fold</th><th>seed</th><th>chosen</th>");
    for (int32_t k = 0; k < job->systems.n; k++)
        add_cell(out, "th", job->systems.list[k].name);
    text_add(out, "</tr>\n");
    for (int32_t fold = 0; fold < mexpr_evaluation_n_folds(job->evaluation); fold++)
        for (int32_t seed = 0; seed < job->n_seeds; seed++)
            add_choice(job, fold, seed, out);
    text_add(out, "</table></div>\n");
}

/* --- losses ------------------------------------------------------------------------ */

typedef struct loss {
    double fold, epoch, value;
    int order;
} loss;

static int by_fold(const void *left, const void *right)
{
    const loss *a = left, *b = right;
    if (a->fold != b->fold)
        return a->fold < b->fold ? -1 : 1;
    return a->order - b->order;
}

static int is_drawable(const json_value *line, const char *key)
{
    return json_member(line, key, JSON_NUMBER) &&
           fabs(json_value_of(line, key, 0)) <= 1e15;
}

/* The lines that have a loss that can be drawn; others are passed over. */
static int read_losses(const json_document *document, loss **list, int *n)
{
    int room = 1;
    for (const json_value *v = document->root->first; v; v = v->next)
        room++;
    *list = calloc((size_t)room, sizeof **list);
    *n = 0;
    if (!*list)
        return cli_fail("out of memory; close other programs and try again");
    for (const json_value *v = document->root->first; v; v = v->next) {
        if (!is_drawable(v, "loss") || !is_drawable(v, "epoch"))
            continue;
        (*list)[*n] = (loss){json_value_of(v, "fold", 0), json_value_of(v, "epoch", 0),
            json_value_of(v, "loss", 0), *n};
        ++*n;
    }
    qsort(*list, (size_t)*n, sizeof **list, by_fold);
    return CLI_OK;
}

/* The curve of list[from..to). */
static void add_curve(text *out, const loss *list, int from, int to, double first,
    double last, double highest)
{
    const int skip = (to - from + MOST_POINTS - 1) / MOST_POINTS;
    text_add(out,
        "<g><title>fold %g</title><polyline fill=\"none\" stroke=\"#2171b5\" "
        "stroke-opacity=\".5\" points=\"",
        list[from].fold);
    for (int k = from; k < to; k += skip)
        text_add(out, "%.1f,%.1f ",
            50 + 540 * (list[k].epoch - first) / (last > first ? last - first : 1),
            190 - 175 * fmax(0, list[k].value) / highest);
    text_add(out, "\"/></g>\n");
}

static void add_curves(text *out, const loss *list, int n)
{
    double highest = 1e-12, first = list[0].epoch, last = first;
    for (int k = 0; k < n; k++) {
        highest = fmax(highest, list[k].value);
        first = fmin(first, list[k].epoch);
        last = fmax(last, list[k].epoch);
    }
    text_add(out,
        "<svg width=\"610\" height=\"220\" role=\"img\" font-size=\"11\" "
        "fill=\"#5a6b7b\">\n<path d=\"M50 15V190H590\" fill=\"none\" "
        "stroke=\"#9aa7b3\"/>\n<text x=\"45\" y=\"20\" text-anchor=\"end\">%.3g</text>"
        "<text x=\"45\" y=\"194\" text-anchor=\"end\">0</text><text x=\"50\" y=\"206\">"
        "%g</text><text x=\"590\" y=\"206\" text-anchor=\"end\">epoch %g</text>\n",
        highest, first, last);
    for (int from = 0, to; from < n; from = to) {
        for (to = from; to < n && list[to].fold == list[from].fold;)
            to++;
        add_curve(out, list, from, to, first, last, highest);
    }
    text_add(out, "</svg>\n");
}

/* The losses of a file, by fold; *list is freed by the caller in any case. */
static int load_losses(const char *path, loss **list, int *n)
{
    json_document document = {0};
    int code = json_read_lines(path, &document);
    if (code == CLI_OK)
        code = read_losses(&document, list, n);
    if (code == CLI_OK && *n == 0)
        code = cli_fail("'%s' has no line with an epoch and a loss", path);
    json_free(&document);
    return code;
}

int evaluate_check_history(const evaluate_request *request)
{
    loss *list = NULL;
    int n;
    const int code = request->history ? load_losses(request->history, &list, &n) : CLI_OK;
    free(list);
    return code;
}

static int add_history(const evaluate_job *job, text *out)
{
    loss *list = NULL;
    int n;
    if (!job->request->history)
        return CLI_OK;
    const int code = load_losses(job->request->history, &list, &n);
    if (code == CLI_OK) {
        text_add(out, "<h2>Losses</h2>\n<p class=\"note\">Of the training clips, a curve "
                      "for each fold. Nothing was chosen by them.</p>\n");
        add_curves(out, list, n);
    }
    free(list);
    return code;
}

/* --- pictures ---------------------------------------------------------------------- */

static void add_base64(text *out, const unsigned char *bytes, size_t n)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t k = 0; k < n; k += 3) {
        const unsigned b1 = k + 1 < n ? bytes[k + 1] : 0,
                       b2 = k + 2 < n ? bytes[k + 2] : 0;
        const unsigned all = (unsigned)bytes[k] << 16 | b1 << 8 | b2;
        const char four[4] = {digits[all >> 18], digits[all >> 12 & 63],
            k + 1 < n ? digits[all >> 6 & 63] : '=', k + 2 < n ? digits[all & 63] : '='};
        text_add_bytes(out, four, sizeof four);
    }
}

/* The file of a clip as it is. */
static int add_file(text *out, const char *folder, const char *name)
{
    unsigned char bytes[3 * 1024];
    text path = {0};
    text_add(&path, "%s/%s", folder, name);
    FILE *file = path.bytes ? fopen(path.bytes, "rb") : NULL;
    for (size_t n; file && (n = fread(bytes, 1, sizeof bytes, file)) > 0;)
        add_base64(out, bytes, n);
    const int good = file && !ferror(file);
    const int code =
        good ? CLI_OK
             : cli_fail("cannot read '%s/%s': %s", folder, name, strerror(errno));
    if (file)
        fclose(file);
    text_free(&path);
    return code;
}

static int add_picture(
    const evaluate_job *job, const mexpr_record *record, int32_t predicted, text *out)
{
    const mexpr_manifest *manifest = job->data.manifest;
    const char *ending = strrchr(record->path, '.');
    const int jpeg =
        ending && (strcmp(ending, ".jpg") == 0 || strcmp(ending, ".jpeg") == 0);
    text_add(
        out, "<figure><img alt=\"\" src=\"data:image/%s;base64,", jpeg ? "jpeg" : "png");
    const int code = add_file(out, job->request->data.inputs, record->path);
    text_add(out, "\"><figcaption>");
    add_text(out, mexpr_manifest_person(manifest, record->person));
    text_add(out, "<br>");
    add_text(out, mexpr_manifest_class(manifest, record->label));
    if (predicted != record->label) {
        text_add(out, ", taken for ");
        add_text(out, mexpr_manifest_class(manifest, predicted));
    }
    text_add(out, "</figcaption></figure>\n");
    return code;
}

/* Some right or some wrong clips, evenly from all over the manifest. */
static int add_row(const evaluate_job *job, int right, text *out)
{
    const int64_t n = mexpr_manifest_n_clips(job->data.manifest);
    int64_t total = 0, seen = 0, shown = 0;
    int code = CLI_OK;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < n && code == CLI_OK; i++) {
            const int32_t predicted = mexpr_evaluation_predicted(job->evaluation, i);
            mexpr_record record = MEXPR_RECORD_INIT;
            mexpr_manifest_clip(job->data.manifest, i, &record);
            if (predicted < 0 || (predicted == record.label) != right)
                continue;
            if (pass == 0) {
                total++;
            } else if (seen++ * MOST_PICTURES >= shown * total && shown < MOST_PICTURES) {
                shown++;
                code = add_picture(job, &record, predicted, out);
            }
        }
    if (total == 0)
        text_add(out, "<p class=\"note\">None.</p>\n");
    return code;
}

static int add_pictures(const evaluate_job *job, text *out)
{
    text_add(out, "<h2>Clips</h2>\n");
    if (!job->request->pictures) {
        text_add(out,
            "<p class=\"note\">No pictures: databases of faces may as a rule not "
            "be shown. Where the licence allows it, --pictures puts some flow "
            "pictures here.</p>\n");
        return CLI_OK;
    }
    text_add(out, "<p class=\"note\">Flow pictures (u, v and strain as red, green and "
                  "blue).</p>\n<h3>Wrong</h3>\n");
    const int code = add_row(job, 0, out);
    text_add(out, "<h3>Right</h3>\n");
    return code == CLI_OK ? add_row(job, 1, out) : code;
}

/* --- the page ---------------------------------------------------------------------- */

int evaluate_html(const evaluate_job *job, text *out)
{
    text_add(out, "%s<h1>", head);
    add_text(out, job->request->data.system);
    text_add(out,
        "</h1>\n<p class=\"note\">Predictions for people who were not trained "
        "on: %s. They tell how pictures of faces were labelled, not what anyone "
        "felt.</p>\n",
        evaluate_protocol_name(job));
    add_tiles(job, out);
    add_seeds(job, out);
    add_confusion(job, out);
    add_classes(job, out);
    add_datasets(job, out);
    add_people(job, out);
    add_choices(job, out);
    int code = add_history(job, out);
    if (code == CLI_OK)
        code = add_pictures(job, out);
    add_settings(job, out);
    text_add(out, "</body>\n</html>\n");
    return code;
}
