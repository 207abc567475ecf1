/* SPDX-License-Identifier: MIT */
/* The pictures of a field that `microexpr flow --picture` draws. */
#ifndef CLI_FLOW_DRAW_H
#define CLI_FLOW_DRAW_H

#include "cli.h"

typedef struct flow_draw {
    const char *kind; /* NULL: "wheel" */
    cli_number full;  /* px of full colour; not given: the largest displacement */
    cli_number scale; /* px of arrow for a px of motion; not given: what can be seen */
} flow_draw;

#define FLOW_DRAW_OPTIONS(request, member)                                               \
    {"picture-kind", 0, CLI_TEXT, offsetof(request, member) + offsetof(flow_draw, kind), \
        "KIND", "wheel (standard), wheel-key, arrows, strip or hsv"},                    \
        {"full-colour", 0, CLI_NUMBER,                                                   \
            offsetof(request, member) + offsetof(flow_draw, full), "PX",                 \
            "motion of full colour on the wheel (the largest there is)"},                \
    {                                                                                    \
        "arrow-scale", 0, CLI_NUMBER,                                                    \
            offsetof(request, member) + offsetof(flow_draw, scale), "X",                 \
            "length of arrows per length of motion (what can be seen)"                   \
    }

/* Whether the options fit together and to `path`, the picture's name or NULL; an exit
 * code. */
int flow_draw_check(const flow_draw *draw, const char *path);
/* Draws the field of the flow from `picture`. *scale receives that of the arrows, 0 when
 * there are none. */
mexpr_status flow_draw_image(const flow_draw *draw, mexpr_context *context,
    const mexpr_field *field, const mexpr_image *picture, mexpr_strain strain,
    double *scale, mexpr_image **out);

#endif
