/* SPDX-License-Identifier: MIT */
/** @file export.h  Linkage of public declarations. */
#ifndef MICROEXPR_EXPORT_H
#define MICROEXPR_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define MEXPR_API __attribute__((visibility("default")))
#else
#define MEXPR_API
#endif

#ifdef __cplusplus
#define MEXPR_BEGIN_DECLS extern "C" {
#define MEXPR_END_DECLS }
#else
#define MEXPR_BEGIN_DECLS
#define MEXPR_END_DECLS
#endif

#endif
