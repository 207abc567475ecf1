/* SPDX-License-Identifier: MIT */
/** @file microexpr.h  Everything. See docs/README.md for the order to read in. */
#ifndef MICROEXPR_MICROEXPR_H
#define MICROEXPR_MICROEXPR_H

#include "base.h"
#include "dataset.h"
#include "evaluate.h"
#include "flow.h"
#include "fusion.h"
#include "image.h"
#include "model.h"
#include "recognizer.h"
#include "saliency.h"
#include "spot.h"
#include "system.h"
#include "train.h"

#endif
