/* SPDX-License-Identifier: MIT */
#ifndef MX_FLOW_STRAIN_H
#define MX_FLOW_STRAIN_H

#include "flow/field.h"

mexpr_status mx_strain_check(mx_scope *scope, mexpr_strain kind);

/* mexpr_flow_strain() into a plane without gaps. */
void mx_strain(const mexpr_field *field, mexpr_strain kind, float *out);

#endif
