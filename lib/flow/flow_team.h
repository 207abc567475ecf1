/* SPDX-License-Identifier: MIT */
/* How the threads of a call keep together, and part when that does not pay.
 *
 * Every iteration ends with a meeting of the level's team. Where the processors have
 * other work to do, a worker that lost its processor holds up all others for milliseconds
 * each time. After some such iterations worker 0 goes on alone; and for some calls it
 * does not ask the others again. Nothing changes but the time: results do not depend on
 * who computes what. */
#ifndef MX_FLOW_FLOW_TEAM_H
#define MX_FLOW_FLOW_TEAM_H

#include "flow/flow_estimator.h"

/* Threads to ask for in this call. */
int mx_flow_team_size(mx_flow_team *team, int n_threads);
void mx_flow_team_begin(mx_flow_team *team);
void mx_flow_team_end(mx_flow_team *team);

/* Gives the worker its share of a level: rows first_row to end_row, and n_level. */
void mx_flow_share_level(mx_flow_worker *worker, mx_flow_level *level);

/* Meetings of all workers and of a level's team. False: this worker has to leave the
 * call, which worker 0 never has to. */
bool mx_flow_meet(mx_flow_worker *worker);
void mx_flow_meet_level(mx_flow_worker *worker);

/* Around the steps of a level, which are counted on from level to level; the end is a
 * meeting. False: this worker has to leave the level, and worker 0 has got all rows. */
void mx_flow_step_begin(mx_flow_worker *worker, uint64_t step);
bool mx_flow_step_end(mx_flow_worker *worker, uint64_t step);

#endif
