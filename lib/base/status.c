/* SPDX-License-Identifier: MIT */
#include "microexpr/base.h"

#include "base/cpu.h"
#include "config.h"

typedef struct status_text {
    mexpr_status status;
    const char *name;
    const char *message;
} status_text;

#define ROW(status, message)                                                             \
    {                                                                                    \
        status, #status, message                                                         \
    }

static const status_text texts[] = {
    ROW(MEXPR_OK, "success"),
    ROW(MEXPR_AGAIN, "more input is needed, or output must be taken first"),
    ROW(MEXPR_END, "nothing is left"),
    ROW(MEXPR_E_ARG, "an argument is NULL or makes no sense"),
    ROW(MEXPR_E_RANGE, "a parameter is outside its bounds"),
    ROW(MEXPR_E_NOMEM, "out of memory"),
    ROW(MEXPR_E_LIMIT, "a limit of the context would be exceeded"),
    ROW(MEXPR_E_IO, "a file could not be read or written"),
    ROW(MEXPR_E_FORMAT, "the data are damaged or of another kind"),
    ROW(MEXPR_E_TRUNCATED, "the data end too early"),
    ROW(MEXPR_E_UNSUPPORTED, "the data are of a kind this library does not read"),
    ROW(MEXPR_E_NOT_FOUND, "not found"),
    ROW(MEXPR_E_DISABLED, "left out of this build"),
    ROW(MEXPR_E_MODEL, "the model's graph is not valid"),
    ROW(MEXPR_E_OPERATOR, "the model uses an unknown operator"),
    ROW(MEXPR_E_OPSET, "the model asks for an unsupported opset"),
    ROW(MEXPR_E_SHAPE, "shapes do not fit together"),
    ROW(MEXPR_E_TYPE, "element types do not fit together"),
    ROW(MEXPR_E_EXTERNAL, "a side file of the model cannot be used"),
    ROW(MEXPR_E_STATE, "the call does not fit the state of the handle"),
    ROW(MEXPR_E_CANCELLED, "cancelled by a callback"),
    ROW(MEXPR_E_THREAD, "the operating system refused a thread or lock"),
    ROW(MEXPR_E_INTERNAL, "a defect of the library; please report it"),
    ROW(MEXPR_E_ABI, "a struct_size or an unknown field is from another version"),
};

static const status_text *find(mexpr_status status)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].status == status)
            return &texts[i];
    }
    return NULL;
}

const char *mexpr_status_name(mexpr_status status)
{
    const status_text *text = find(status);
    return text ? text->name : "MEXPR_E_UNKNOWN";
}

const char *mexpr_status_message(mexpr_status status)
{
    const status_text *text = find(status);
    return text ? text->message : "unknown status";
}

int32_t mexpr_version(void)
{
    return MEXPR_VERSION_MAJOR * 10000 + MEXPR_VERSION_MINOR * 100 + MEXPR_VERSION_PATCH;
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *mexpr_version_string(void)
{
    return TEXT(MEXPR_VERSION_MAJOR) "." TEXT(MEXPR_VERSION_MINOR) "." TEXT(
        MEXPR_VERSION_PATCH);
}

const char *mexpr_build_features(void)
{
    return MX_BUILD_FEATURES;
}

uint32_t mexpr_cpu_flags(void)
{
    return mx_cpu_detect();
}
