/* SPDX-License-Identifier: MIT */
/* Tensors from and to .npy and TensorProto files. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "microexpr/model.h"
#include "model/tensor.h"
#include "onnx_build.h"
#include "support.h"

static void types_have_names(void **state)
{
    (void)state;
    assert_int_equal(mexpr_dtype_bytes(MEXPR_DTYPE_F32), 4);
    assert_int_equal(mexpr_dtype_bytes(MEXPR_DTYPE_U8), 1);
    assert_int_equal(mexpr_dtype_bytes(MEXPR_DTYPE_I32), 4);
    assert_int_equal(mexpr_dtype_bytes(MEXPR_DTYPE_I64), 8);
    assert_int_equal(mexpr_dtype_bytes(MEXPR_DTYPE_BOOL), 1);
    assert_int_equal(mexpr_dtype_bytes((mexpr_dtype)3), 0);
    assert_string_equal(mexpr_dtype_name(MEXPR_DTYPE_F32), "float32");
    assert_string_equal(mexpr_dtype_name(MEXPR_DTYPE_U8), "uint8");
    assert_string_equal(mexpr_dtype_name(MEXPR_DTYPE_I32), "int32");
    assert_string_equal(mexpr_dtype_name(MEXPR_DTYPE_I64), "int64");
    assert_string_equal(mexpr_dtype_name(MEXPR_DTYPE_BOOL), "bool");
    assert_string_equal(mexpr_dtype_name((mexpr_dtype)0), "unknown");
}

/* --- .npy -------------------------------------------------------------------------- */

/* A version 1 file with this dictionary. */
static size_t npy(
    uint8_t *file, int version, const char *dict, const void *data, size_t size)
{
    const size_t length = strlen(dict), first = version == 1 ? 10 : 12;
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (uint8_t)version;
    file[7] = 0;
    memset(file + 8, 0, 4);
    file[8] = (uint8_t)(length & 0xff);
    file[9] = (uint8_t)(length >> 8);
    memcpy(file + first, dict, length);
    if (size > 0)
        memcpy(file + first + length, data, size);
    return first + length + size;
}

static void every_type_goes_round(void **state)
{
    (void)state;
    static const mexpr_dtype types[] = {MEXPR_DTYPE_F32, MEXPR_DTYPE_U8, MEXPR_DTYPE_I32,
        MEXPR_DTYPE_I64, MEXPR_DTYPE_BOOL};
    mexpr_context *context = test_context(NULL, 1);
    int64_t data[12];
    for (size_t i = 0; i < 5; i++) {
        for (int rank = 0; rank <= 3; rank++) {
            char path[512];
            mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT,
                              back = MEXPR_TENSOR_VIEW_INIT;
            mexpr_tensor *tensor = NULL;
            size_t bytes = mexpr_dtype_bytes(types[i]);
            memset(data, types[i] == MEXPR_DTYPE_BOOL ? 1 : 60, sizeof data);
            view.dtype = types[i];
            view.rank = rank;
            for (int d = 0; d < rank; d++) {
                view.dims[d] = 1 + d;
                bytes *= (size_t)view.dims[d];
            }
            view.data = data;
            snprintf(path, sizeof path, "%s", test_path("t.npy"));
            assert_ok(context, mexpr_tensor_write_npy(context, &view, path));
            assert_ok(context, mexpr_tensor_read(context, path, &tensor));
            assert_int_equal(mexpr_tensor_get(tensor, &back), MEXPR_OK);
            assert_int_equal(back.dtype, view.dtype);
            assert_int_equal(back.rank, rank);
            assert_memory_equal(back.dims, view.dims, sizeof back.dims);
            assert_memory_equal(back.data, data, bytes);
            assert_string_equal(mexpr_tensor_name(tensor), "");
            mexpr_tensor_destroy(&tensor);
        }
    }
    mexpr_context_destroy(&context);
}

static void versions_and_narrowing(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static const double wide[3] = {1.5, -2, 1e300};
    uint8_t file[256];
    for (int version = 1; version <= 3; version++) {
        mexpr_tensor *tensor = NULL;
        mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
        const size_t size = npy(file, version,
            "{\"descr\":'<f8','shape':(3,),'fortran_order':True}", wide, sizeof wide);
        assert_ok(context, mexpr_tensor_decode_npy(context, file, size, &tensor));
        assert_int_equal(mexpr_tensor_get(tensor, &view), MEXPR_OK);
        assert_int_equal(view.dtype, MEXPR_DTYPE_F32);
        const float *x = view.data;
        assert_true(x[0] == 1.5f && x[1] == -2 && isinf(x[2]));
        mexpr_tensor_destroy(&tensor);
    }
    mexpr_context_destroy(&context);
}

static void bad_npy(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static const float data[4] = {1, 2, 3, 4};
    static const struct {
        const char *dict;
        size_t bytes;
        mexpr_status status;
        const char *part;
    } cases[] = {
        {"{'descr':'<f4','fortran_order':False,'shape':(5,)}", 16, MEXPR_E_TRUNCATED,
            "needs 5 elements, 4 are there"},
        {"{'descr':'<f4','fortran_order':False,'shape':(3,)}", 16, MEXPR_E_FORMAT,
            "4 bytes behind its numbers"},
        {"{'descr':'>f4','fortran_order':False,'shape':(4,)}", 16, MEXPR_E_UNSUPPORTED,
            "'>f4'"},
        {"{'descr':'<c8','fortran_order':False,'shape':(2,)}", 16, MEXPR_E_UNSUPPORTED,
            "'<c8'"},
        {"{'descr':[('a','<f4')],'fortran_order':False,'shape':(4,)}", 16,
            MEXPR_E_UNSUPPORTED, "records"},
        {"{'descr':'<f4','fortran_order':True,'shape':(2,2)}", 16, MEXPR_E_UNSUPPORTED,
            "Fortran"},
        {"{'descr':'<f4','fortran_order':False,'shape':(1,1,1,1,1,1,1,1,4)}", 16,
            MEXPR_E_UNSUPPORTED, "more than 8 dimensions"},
        {"{'descr':'<f4','fortran_order':False,'shape':(-4,)}", 16, MEXPR_E_FORMAT,
            "header"},
        {"{'descr':'<f4','fortran_order':False,'shape':(99999999999999999999,)}", 16,
            MEXPR_E_FORMAT, "header"},
        {"{'descr':'<f4','fortran_order':False,'shape':(4294967296,4294967296,4)}", 16,
            MEXPR_E_FORMAT, "larger than any memory"},
        {"{'descr':'<f4','fortran_order':False,'shape':(2147483648,)}", 16, MEXPR_E_LIMIT,
            "max_tensor_bytes"},
        {"{'descr':'<f4','fortran_order':False}", 16, MEXPR_E_FORMAT, "header"},
        {"{'descr':'<f4','fortran_order':Maybe,'shape':(4,)}", 16, MEXPR_E_FORMAT,
            "header"},
        {"{'descr':'<f4','fortran_order':False,'shape':(4,)", 16, MEXPR_E_FORMAT,
            "header"},
        {"{'what':'<f4'}", 16, MEXPR_E_FORMAT, "header"},
        {"", 16, MEXPR_E_FORMAT, "header"},
    };
    uint8_t file[512];
    mexpr_tensor *tensor = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t size = npy(file, 1, cases[i].dict, data, cases[i].bytes);
        assert_failure(context, mexpr_tensor_decode_npy(context, file, size, &tensor),
            cases[i].status, cases[i].part);
        assert_null(tensor);
    }
    mexpr_context_destroy(&context);
}

static void truncated_npy(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static const float data[4] = {1, 2, 3, 4};
    uint8_t file[512];
    mexpr_tensor *tensor = NULL;
    const size_t size =
        npy(file, 4, "{'descr':'<f4','fortran_order':False,'shape':(4,)}", data, 16);
    assert_failure(context, mexpr_tensor_decode_npy(context, file, size, &tensor),
        MEXPR_E_UNSUPPORTED, "version 4");
    file[6] = 1;
    for (size_t n = 0; n < size - 2; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, file, n);
        const mexpr_status status = mexpr_tensor_decode_npy(context, copy, n, &tensor);
        assert_true(status == MEXPR_E_TRUNCATED || status == MEXPR_E_FORMAT);
        free(copy);
    }
    assert_failure(context, mexpr_tensor_decode_npy(context, "GIF89a..", 8, &tensor),
        MEXPR_E_FORMAT, "beginning");
    mexpr_context_destroy(&context);
}

/* --- TensorProto ------------------------------------------------------------------- */

static void tensor_protos(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static const uint16_t half[4] = {0x3c00, 0xc000, 0x0001, 0x7c00};
    static const uint16_t brain[4] = {0x3f80, 0xc000, 0x0080, 0x7f80};
    static const double wide[4] = {1, -2, 0.25, 4};
    static const uint8_t truth[4] = {0, 1, 7, 1};
    static const struct {
        int type;
        const void *data;
        size_t bytes;
        int32_t dtype;
    } cases[] = {{10, half, 8, MEXPR_DTYPE_F32}, {16, brain, 8, MEXPR_DTYPE_F32},
        {11, wide, 32, MEXPR_DTYPE_F32}, {9, truth, 4, MEXPR_DTYPE_BOOL}};
    for (size_t i = 0; i < 4; i++) {
        mexpr_tensor *tensor = NULL;
        mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
        char path[512];
        onnx_message t =
            onnx_tensor("name", cases[i].type, "4", cases[i].data, cases[i].bytes);
        snprintf(path, sizeof path, "%s", test_path("t.pb"));
        test_write_file(path, t.data, t.size);
        onnx_free(&t);
        assert_ok(context, mexpr_tensor_read(context, path, &tensor));
        assert_string_equal(mexpr_tensor_name(tensor), "name");
        assert_int_equal(mexpr_tensor_get(tensor, &view), MEXPR_OK);
        assert_int_equal(view.dtype, cases[i].dtype);
        if (view.dtype == MEXPR_DTYPE_F32) {
            assert_true(((const float *)view.data)[0] == 1);
            assert_true(((const float *)view.data)[1] == -2);
        } else {
            assert_int_equal(((const uint8_t *)view.data)[2], 1);
        }
        mexpr_tensor_destroy(&tensor);
    }
    mexpr_context_destroy(&context);
}

/* Numbers in the lists of the message instead of raw bytes. */
static void typed_lists(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static const struct {
        int type, field;
        int64_t value;
        double want;
    } cases[] = {{2, 5, 200, 200}, {6, 5, -3, -3},
        {7, 7, -1234567890123, -1234567890123.}, {9, 5, 5, 1}, {10, 5, 0x3c00, 1},
        {16, 5, 0x4000, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mexpr_tensor *tensor = NULL;
        mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
        onnx_message t = onnx_tensor("", cases[i].type, "1", NULL, 0);
        onnx_int(&t, cases[i].field, cases[i].value);
        assert_ok(context, mexpr_tensor_decode_pb(context, t.data, t.size, &tensor));
        onnx_free(&t);
        assert_int_equal(mexpr_tensor_get(tensor, &view), MEXPR_OK);
        const double got =
            view.dtype == MEXPR_DTYPE_F32   ? (double)*(const float *)view.data
            : view.dtype == MEXPR_DTYPE_I32 ? *(const int32_t *)view.data
            : view.dtype == MEXPR_DTYPE_I64 ? (double)*(const int64_t *)view.data
                                            : *(const uint8_t *)view.data;
        assert_true(got == cases[i].want);
        mexpr_tensor_destroy(&tensor);
    }
    mexpr_context_destroy(&context);
}

static void bad_tensor_protos(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_tensor *tensor = NULL;
    static const float data[2] = {1, 2};
    onnx_message t = onnx_tensor("t", 1, "3", data, sizeof data);
    assert_failure(context, mexpr_tensor_decode_pb(context, t.data, t.size, &tensor),
        MEXPR_E_MODEL, "tensor 't': its shape needs 12 bytes");
    assert_failure(context, mexpr_tensor_decode_pb(context, t.data, t.size - 1, &tensor),
        MEXPR_E_TRUNCATED, "cut short");
    onnx_free(&t);
    t = onnx_tensor("t", 1, "-1", data, sizeof data);
    assert_failure(context, mexpr_tensor_decode_pb(context, t.data, t.size, &tensor),
        MEXPR_E_SHAPE, "-1");
    onnx_free(&t);
    t = onnx_tensor("t", 8, "1", data, 0);
    assert_failure(context, mexpr_tensor_decode_pb(context, t.data, t.size, &tensor),
        MEXPR_E_TYPE, "string");
    onnx_free(&t);
    assert_failure(context, mexpr_tensor_decode_pb(context, data, 0, &tensor),
        MEXPR_E_TRUNCATED, "empty");
    mexpr_context_destroy(&context);
}

/* --- misuse and full disks --------------------------------------------------------- */

static void misuse(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    mexpr_tensor *tensor = NULL;
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    assert_int_equal(mexpr_tensor_decode_pb(NULL, "", 0, &tensor), MEXPR_E_ARG);
    assert_int_equal(mexpr_tensor_decode_npy(NULL, "", 0, &tensor), MEXPR_E_ARG);
    assert_int_equal(mexpr_tensor_read(NULL, "", &tensor), MEXPR_E_ARG);
    assert_int_equal(mexpr_tensor_write_npy(NULL, &view, "x"), MEXPR_E_ARG);
    assert_failure(
        context, mexpr_tensor_decode_pb(context, NULL, 0, &tensor), MEXPR_E_ARG, "NULL");
    assert_failure(
        context, mexpr_tensor_decode_npy(context, "", 0, NULL), MEXPR_E_ARG, "NULL");
    assert_failure(
        context, mexpr_tensor_read(context, NULL, &tensor), MEXPR_E_ARG, "NULL");
    assert_failure(context, mexpr_tensor_read(context, test_path("none"), &tensor),
        MEXPR_E_NOT_FOUND, "none");
    assert_failure(
        context, mexpr_tensor_write_npy(context, NULL, "x"), MEXPR_E_ARG, "NULL");
    assert_failure(context, mexpr_tensor_write_npy(context, &view, test_path("x")),
        MEXPR_E_ARG, "element type 0");
    view.struct_size = 3;
    assert_failure(context, mexpr_tensor_write_npy(context, &view, test_path("x")),
        MEXPR_E_ABI, "struct_size");
    assert_int_equal(mexpr_tensor_get(NULL, &view), MEXPR_E_ARG);
    assert_string_equal(mexpr_tensor_name(NULL), "");
    mexpr_tensor_destroy(&tensor);
    mexpr_tensor_destroy(NULL);
    mexpr_context_destroy(&context);
}

/* A limit of file sizes stands in for a full disk. */
static void failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    mexpr_context *context = test_context(NULL, 1);
    static const float data[4096] = {1};
    char path[512];
    mexpr_tensor_view view = MEXPR_TENSOR_VIEW_INIT;
    mexpr_tensor *tensor = NULL;
    view.dtype = MEXPR_DTYPE_F32;
    view.rank = 1;
    view.dims[0] = 4;
    view.data = data;
    snprintf(path, sizeof path, "%s", test_path("kept.npy"));
    assert_ok(context, mexpr_tensor_write_npy(context, &view, path));
    struct rlimit old, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = 1000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    view.dims[0] = 4096;
    const mexpr_status status = mexpr_tensor_write_npy(context, &view, path);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    assert_failure(context, status, MEXPR_E_IO, "kept.npy");
    assert_ok(context, mexpr_tensor_read(context, path, &tensor));
    assert_int_equal(mexpr_tensor_get(tensor, &view), MEXPR_OK);
    assert_int_equal(view.dims[0], 4);
    mexpr_tensor_destroy(&tensor);
    mexpr_context_destroy(&context);
}

/* --- short floats ------------------------------------------------------------------ */

/* Every half goes to float and back; numbers between two round to the nearer, ties to the
 * even one. */
static void short_floats(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        const float x = mx_f32_from_f16((uint16_t)bits);
        const float y = mx_f32_from_bf16((uint16_t)bits);
        if (isnan(x))
            assert_true(isnan(mx_f32_from_f16(mx_f16_from_f32(x))));
        else
            assert_int_equal(mx_f16_from_f32(x), bits);
        if (isnan(y))
            assert_true(isnan(mx_f32_from_bf16(mx_bf16_from_f32(y))));
        else
            assert_int_equal(mx_bf16_from_f32(y), bits);
    }
    for (uint32_t bits = 0; bits < 0x7bff; bits++) {
        const float a = mx_f32_from_f16((uint16_t)bits);
        const float b = mx_f32_from_f16((uint16_t)(bits + 1));
        const float middle = a + (b - a) / 2;
        assert_int_equal(mx_f16_from_f32(middle), bits + (bits & 1));
        assert_int_equal(mx_f16_from_f32(nextafterf(middle, 0)), bits);
        assert_int_equal(mx_f16_from_f32(nextafterf(middle, INFINITY)), bits + 1);
    }
    assert_int_equal(mx_f16_from_f32(65519.99f), 0x7bff);
    assert_int_equal(mx_f16_from_f32(65520.0f), 0x7c00);
    assert_int_equal(mx_bf16_from_f32(1.00390625f), 0x3f80);
    assert_int_equal(mx_bf16_from_f32(1.01171875f), 0x3f82);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(every_type_goes_round),
        cmocka_unit_test(versions_and_narrowing),
        cmocka_unit_test(bad_npy),
        cmocka_unit_test(truncated_npy),
        cmocka_unit_test(tensor_protos),
        cmocka_unit_test(typed_lists),
        cmocka_unit_test(bad_tensor_protos),
        cmocka_unit_test(misuse),
        cmocka_unit_test(failed_write_leaves_the_old_file),
        cmocka_unit_test(short_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
