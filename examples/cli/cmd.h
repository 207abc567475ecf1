/* SPDX-License-Identifier: MIT */
/* The commands. */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "cli.h"

extern const cli_command cmd_align;
extern const cli_command cmd_compare;
extern const cli_command cmd_dataset_check;
extern const cli_command cmd_dataset_convert;
extern const cli_command cmd_dataset_show;
extern const cli_command cmd_evaluate;
extern const cli_command cmd_face;
extern const cli_command cmd_features;
extern const cli_command cmd_flow;
extern const cli_command cmd_interpolate;
extern const cli_command cmd_magnify;
extern const cli_command cmd_model_annotate;
extern const cli_command cmd_model_bench;
extern const cli_command cmd_model_explain;
extern const cli_command cmd_model_inspect;
extern const cli_command cmd_model_run;
extern const cli_command cmd_model_verify;
extern const cli_command cmd_recognize;
extern const cli_command cmd_score_apex;
extern const cli_command cmd_score_classes;
extern const cli_command cmd_score_spot;
extern const cli_command cmd_score_units;
extern const cli_command cmd_system_export;
extern const cli_command cmd_system_list;
extern const cli_command cmd_train;
extern const cli_command cmd_version;

#endif
