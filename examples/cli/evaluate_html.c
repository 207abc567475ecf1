/* SPDX-License-Identifier: MIT */
/* The page of `microexpr evaluate --html`: one file that needs no network and no script.
 */
#include <math.h>
#include <stdio.h>

#include "evaluate_job.h"

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
    "figure img{width:112px;height:112px;image-rendering:pixelated;margin-right:2px}\n"
    "</style>\n</head>\n<body>\n";

void evaluate_html_text(text *out, const char *value)
{
    for (size_t length; value && *value; value += length ? length : 1) {
        length = text_utf8(value);
        if (*value == '&')
            text_add(out, "&amp;");
        else if (*value == '<')
            text_add(out, "&lt;");
        else if (*value == '>')
            text_add(out, "&gt;");
        else if (*value == '"')
            text_add(out, "&quot;");
        else if (length == 0 || text_is_control(value))
            text_add(out, "?");
        else
            text_add_bytes(out, value, length);
    }
}

/* <tag>value</tag> */
static void add_cell(text *out, const char *tag, const char *value)
{
    text_add(out, "<%s>", tag);
    evaluate_html_text(out, value);
    text_add(out, "</%s>", tag);
}

/* --- what was done ----------------------------------------------------------------- */

static void add_setting(text *out, const char *name, const char *value)
{
    text_add(out, "<tr>");
    add_cell(out, "td", name);
    text_add(out, "<td style=\"text-align:left\">");
    evaluate_html_text(out, value);
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
        evaluate_html_text(out, mexpr_manifest_person(job->data.manifest, k));
        text_add(out,
            ": %lld of %lld right</title><rect x=\"%d\" y=\"14\" width=\"10\" "
            "height=\"%d\" fill=\"#e6ebef\"/><rect x=\"%d\" y=\"%.1f\" width=\"10\" "
            "height=\"%.1f\" fill=\"#2171b5\"/><text x=\"%d\" y=\"10\" "
            "text-anchor=\"middle\">%lld</text><text transform=\"translate(%d,%d) "
            "rotate(90)\">",
            (long long)right, (long long)clips, x, height, x, 14 + height - tall, tall,
            x + 5, (long long)clips, x + 2, height + 20);
        evaluate_html_text(out, mexpr_manifest_person(job->data.manifest, k));
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

/* --- the page ---------------------------------------------------------------------- */

int evaluate_html(const evaluate_job *job, text *out)
{
    text_add(out, "%s<h1>", head);
    evaluate_html_text(out, job->request->data.system);
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
    evaluate_losses_html(job, out);
    const int code = evaluate_pictures_html(job, out);
    add_settings(job, out);
    text_add(out, "</body>\n</html>\n");
    return code;
}
