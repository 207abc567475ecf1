/* SPDX-License-Identifier: MIT */
/* The systems: a row each, in a file of its own. */
#ifndef MX_SYSTEM_SYSTEM_TABLE_H
#define MX_SYSTEM_SYSTEM_TABLE_H

#include "microexpr/system.h"
#include "system/layers.h"

/* What is asked for, checked. */
typedef struct mx_request {
    int64_t n_classes;
    int64_t width, height;
} mx_request;

typedef struct mx_system {
    mexpr_system_info info;
    const char *planes; /* order of the flow picture's planes, NULL: no such picture */
    const char *range;  /* "low,high" of its values, "raw": no picture; NULL: 0 to 255 */
    void (*build)(mx_layers *l, const mx_request *request);
} mx_system;

extern const mx_system mx_system_ststnet;
extern const mx_system mx_system_dual_atme;
extern const mx_system mx_system_off_tanet;
extern const mx_system mx_system_mfe_net;
extern const mx_system mx_system_msjfn;
extern const mx_system mx_system_featref;
extern const mx_system mx_system_strcn;
extern const mx_system mx_system_rcn;
extern const mx_system mx_system_rcn_small;
extern const mx_system mx_system_deep_emotion;
extern const mx_system mx_system_htnet;
extern const mx_system mx_system_dcbam_efficientnet;
extern const mx_system mx_system_flow_c2s;
extern const mx_system mx_system_flow_attention;

#endif
