/* SPDX-License-Identifier: MIT */
#include "rewrite_params.h"

static const cli_word words[] = {
    {"no-op", MEXPR_REWRITE_NO_OP},
    {"batch-norm", MEXPR_REWRITE_BATCH_NORM},
    {"epilogue", MEXPR_REWRITE_EPILOGUE},
    {"function", MEXPR_REWRITE_FUNCTION},
    {"softmax-one", MEXPR_REWRITE_SOFTMAX_ONE},
    {"pad", MEXPR_REWRITE_PAD},
    {"gate", MEXPR_REWRITE_GATE},
    {"common", MEXPR_REWRITE_COMMON},
    {"all", MEXPR_REWRITE_ALL},
    {0},
};

int rewrite_load(
    mexpr_context *context, const char *path, const cli_list *without, mexpr_model **out)
{
    mexpr_model_options options = MEXPR_MODEL_OPTIONS_INIT;
    for (int i = 0; i < without->n; i++) {
        int rewrite = 0;
        const int code = cli_choose("--no-rewrite", without->items[i], words, &rewrite);
        if (code != CLI_OK)
            return code;
        options.rewrites &= ~(uint32_t)rewrite;
    }
    const mexpr_status status = mexpr_model_load_with(context, path, &options, out);
    return status == MEXPR_OK
               ? CLI_OK
               : cli_fail_status(status, mexpr_context_last_error(context), NULL);
}

void rewrite_each(const mexpr_model *model,
    void (*tell)(const char *name, int32_t times, void *user), void *user)
{
    for (const cli_word *w = words; w->value != MEXPR_REWRITE_ALL; w++)
        tell(w->word, mexpr_model_n_rewrites(model, (mexpr_rewrite)w->value), user);
}
