/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/checked.h"
#include "model/model_handle.h"
#include "model/plan.h"

struct mexpr_session {
    mx_scope scope;
    mexpr_model *model;
    mx_machine machine;
    mx_tensor *inputs; /* in the model's order */
    bool *is_set;      /* since the last run */
    mx_plan *plan;     /* of the last shapes, NULL: none yet */
    bool has_run;      /* the plan's outputs are those of a successful run */
    bool is_profiled;
};

/* --- life -------------------------------------------------------------------------- */

mexpr_status mexpr_session_create(mexpr_model *model, mexpr_session **out)
{
    if (out)
        *out = NULL;
    if (!model || !out)
        return MEXPR_E_ARG;
    mx_scope first;
    mx_scope_init(&first, model->context);
    mexpr_session *session = mx_calloc(&first, 1, sizeof *session);
    if (!session)
        return MEXPR_E_NOMEM;
    const size_t n = (size_t)model->graph.n_inputs;
    mx_scope_init(&session->scope, mx_context_retain(model->context));
    session->model = mexpr_model_retain(model);
    mx_machine_init(&session->machine, mexpr_context_cpu(model->context));
    session->inputs = mx_calloc(&first, n, sizeof *session->inputs);
    session->is_set = mx_calloc(&first, n, sizeof *session->is_set);
    *out = session;
    if (!session->inputs || !session->is_set) {
        mexpr_session_destroy(out);
        return MEXPR_E_NOMEM;
    }
    return MEXPR_OK;
}

void mexpr_session_destroy(mexpr_session **session)
{
    if (!session || !*session)
        return;
    mexpr_session *s = *session;
    mexpr_context *context = s->scope.context;
    *session = NULL;
    mx_plan_destroy(s->plan);
    mx_free(context, s->inputs);
    mx_free(context, s->is_set);
    mexpr_model_destroy(&s->model);
    mx_free(context, s);
    mx_context_release(context);
}

const char *mexpr_session_last_error(const mexpr_session *session)
{
    return session ? session->scope.error : "";
}

/* --- inputs ------------------------------------------------------------------------ */

/* The port of that name, or the only one for NULL. */
static mexpr_status find_port(mx_scope *scope, const mx_port *ports, int n,
    const char *name, const char *what, int *index)
{
    if (!name && n == 1) {
        *index = 0;
        return MEXPR_OK;
    }
    if (!name)
        return mx_fail(
            scope, MEXPR_E_ARG, "the model has %d %ss: a name has to be given", n, what);
    for (int i = 0; i < n; i++) {
        if (strcmp(ports[i].name, name) == 0) {
            *index = i;
            return MEXPR_OK;
        }
    }
    return mx_fail(scope, MEXPR_E_NOT_FOUND, "the model has no %s '%.200s'", what, name);
}

mexpr_status mx_view_in(mx_scope *scope, const mexpr_tensor_view *view, mx_tensor *tensor)
{
    mexpr_tensor_view known = MEXPR_TENSOR_VIEW_INIT;
    mexpr_status status =
        mx_options_copy(scope, view, sizeof known, &known, sizeof known);
    if (status != MEXPR_OK)
        return status;
    if (mexpr_dtype_bytes((mexpr_dtype)known.dtype) == 0)
        return mx_fail(
            scope, MEXPR_E_TYPE, "the element type %d does not exist", known.dtype);
    tensor->dtype = known.dtype;
    tensor->rank = known.rank;
    memcpy(tensor->dims, known.dims, sizeof tensor->dims);
    for (int i = 0; i < known.rank && i < MEXPR_MAX_RANK; i++) {
        if (known.dims[i] < 0)
            return mx_fail(scope, MEXPR_E_SHAPE, "a dimension of %lld is not possible",
                (long long)known.dims[i]);
    }
    status = mx_tensor_check(scope, tensor);
    if (status != MEXPR_OK)
        return status;
    const bool is_empty = mx_tensor_count(tensor) == 0;
    if (!known.data && !is_empty)
        return mx_fail(scope, MEXPR_E_ARG, "the tensor has no data");
    if ((uintptr_t)known.data % mexpr_dtype_bytes((mexpr_dtype)known.dtype) != 0)
        return mx_fail(
            scope, MEXPR_E_ARG, "the tensor's data are not aligned to its elements");
    /* Inputs are never written to. */
    memcpy(&tensor->data, &known.data, sizeof tensor->data);
    if (is_empty)
        tensor->data = (void *)(uintptr_t)mx_nothing;
    return MEXPR_OK;
}

static mexpr_status check_declared(
    mx_scope *scope, const mx_port *port, const mx_tensor *tensor)
{
    const mx_tensor *declared = &port->declared;
    char want[MX_SHAPE_TEXT], got[MX_SHAPE_TEXT];
    if (tensor->dtype != declared->dtype)
        return mx_fail(scope, MEXPR_E_TYPE, "the input '%.200s' takes %s, not %s",
            port->name, mexpr_dtype_name((mexpr_dtype)declared->dtype),
            mexpr_dtype_name((mexpr_dtype)tensor->dtype));
    bool fits = declared->rank < 0 || declared->rank == tensor->rank;
    for (int i = 0; fits && i < declared->rank; i++)
        fits = declared->dims[i] < 0 || declared->dims[i] == tensor->dims[i];
    if (!fits)
        return mx_fail(scope, MEXPR_E_SHAPE, "the input '%.200s' takes %s, not %s",
            port->name, mx_shape_text(declared, want), mx_shape_text(tensor, got));
    return MEXPR_OK;
}

mexpr_status mexpr_session_set_input(
    mexpr_session *session, const char *name, const mexpr_tensor_view *tensor)
{
    if (!session)
        return MEXPR_E_ARG;
    mx_scope *scope = &session->scope;
    const mx_graph *graph = &session->model->graph;
    if (!tensor)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_session_set_input() was given NULL");
    int index;
    mx_tensor checked;
    mexpr_status status =
        find_port(scope, graph->inputs, graph->n_inputs, name, "input", &index);
    if (status == MEXPR_OK)
        status = mx_view_in(scope, tensor, &checked);
    if (status == MEXPR_OK)
        status = check_declared(scope, &graph->inputs[index], &checked);
    if (status != MEXPR_OK)
        return status;
    session->inputs[index] = checked;
    session->is_set[index] = true;
    return MEXPR_OK;
}

/* --- running ----------------------------------------------------------------------- */

static mexpr_status check_inputs(mexpr_session *session)
{
    const mx_graph *graph = &session->model->graph;
    for (int i = 0; i < graph->n_inputs; i++) {
        if (!session->is_set[i])
            return mx_fail(&session->scope, MEXPR_E_STATE,
                "the input '%.200s' has not been set since the last run",
                graph->inputs[i].name);
    }
    return MEXPR_OK;
}

static mexpr_status prepare(mexpr_session *session)
{
    if (session->plan && mx_plan_fits(session->plan, session->inputs))
        return MEXPR_OK;
    mx_plan_destroy(session->plan);
    session->plan = NULL;
    const mexpr_status status = mx_plan_create(&session->scope, &session->model->graph,
        &session->machine, session->inputs, &session->plan);
    if (status == MEXPR_OK)
        mx_plan_profile(session->plan, session->is_profiled);
    return status;
}

mexpr_status mexpr_session_run(mexpr_session *session)
{
    if (!session)
        return MEXPR_E_ARG;
    mexpr_status status = check_inputs(session);
    if (status != MEXPR_OK)
        return status;
    session->has_run = false;
    status = prepare(session);
    if (status == MEXPR_OK)
        status = mx_plan_run(
            &session->scope, &session->machine, session->plan, session->inputs);
    session->has_run = status == MEXPR_OK;
    for (int i = 0; i < session->model->graph.n_inputs; i++)
        session->is_set[i] = false;
    return status;
}

/* --- outputs ----------------------------------------------------------------------- */

mexpr_status mx_view_out(const mx_tensor *tensor, mexpr_tensor_view *view)
{
    mexpr_tensor_view known = MEXPR_TENSOR_VIEW_INIT;
    known.struct_size = view->struct_size;
    known.dtype = tensor->dtype;
    known.rank = tensor->rank;
    for (int i = 0; i < tensor->rank; i++)
        known.dims[i] = tensor->dims[i];
    known.data = tensor->data;
    memcpy(view, &known, sizeof known);
    return MEXPR_OK;
}

mexpr_status mexpr_session_output(
    mexpr_session *session, const char *name, mexpr_tensor_view *tensor)
{
    if (!session)
        return MEXPR_E_ARG;
    mx_scope *scope = &session->scope;
    const mx_graph *graph = &session->model->graph;
    if (!tensor)
        return mx_fail(scope, MEXPR_E_ARG, "mexpr_session_output() was given NULL");
    mexpr_status status = mx_out_struct_check(scope, tensor->struct_size, sizeof *tensor);
    int index;
    if (status == MEXPR_OK)
        status =
            find_port(scope, graph->outputs, graph->n_outputs, name, "output", &index);
    if (status != MEXPR_OK)
        return status;
    if (!session->has_run)
        return mx_fail(
            scope, MEXPR_E_STATE, "there are no outputs before a successful run");
    return mx_view_out(mx_plan_output(session->plan, index), tensor);
}

/* --- what it takes ----------------------------------------------------------------- */

mexpr_status mexpr_session_profile(mexpr_session *session, int32_t on)
{
    if (!session)
        return MEXPR_E_ARG;
    if (on != 0 && on != 1)
        return mx_fail(&session->scope, MEXPR_E_ARG,
            "mexpr_session_profile() takes 1 or 0, not %ld", (long)on);
    session->is_profiled = on != 0;
    if (session->plan)
        mx_plan_profile(session->plan, session->is_profiled);
    return MEXPR_OK;
}

int32_t mexpr_session_n_steps(const mexpr_session *session)
{
    return session && session->plan ? mx_plan_n_steps(session->plan) : 0;
}

static bool is_struct_size(size_t size, size_t known)
{
    return size >= known && size <= 4096;
}

mexpr_status mexpr_session_step(
    const mexpr_session *session, int32_t index, mexpr_step_info *info)
{
    if (!info || index < 0 || index >= mexpr_session_n_steps(session))
        return MEXPR_E_ARG;
    mexpr_step_info known = MEXPR_STEP_INFO_INIT;
    if (!is_struct_size(info->struct_size, sizeof known))
        return MEXPR_E_ABI;
    known.struct_size = info->struct_size;
    mx_plan_step(session->plan, index, &known);
    memcpy(info, &known, sizeof known);
    return MEXPR_OK;
}

mexpr_status mexpr_session_memory(const mexpr_session *session, mexpr_memory_info *info)
{
    if (!session || !info)
        return MEXPR_E_ARG;
    mexpr_memory_info known = MEXPR_MEMORY_INFO_INIT;
    if (!is_struct_size(info->struct_size, sizeof known))
        return MEXPR_E_ABI;
    known.struct_size = info->struct_size;
    mx_graph_weight_bytes(
        &session->model->graph, &known.weight_bytes, &known.source_bytes);
    if (session->plan)
        mx_plan_memory(session->plan, &known);
    memcpy(info, &known, sizeof known);
    return MEXPR_OK;
}
