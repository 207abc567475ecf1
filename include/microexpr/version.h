/* SPDX-License-Identifier: MIT */
/** @file version.h  Version of these headers; the build reads it from here. */
#ifndef MICROEXPR_VERSION_H
#define MICROEXPR_VERSION_H

#define MEXPR_VERSION_MAJOR 0
#define MEXPR_VERSION_MINOR 1
#define MEXPR_VERSION_PATCH 0

#endif
