/* SPDX-License-Identifier: MIT */
/* Losses on the numbers of test_loss.c as PyTorch computes them in double: value, and the
 * gradients by a and b along cos(0.9 i). Written by check_losses.py --print, which
 * compares them too. */
#ifndef TESTS_LOSS_VALUES_H
#define TESTS_LOSS_VALUES_H

static const struct loss_value {
    const char *name;
    double value, a_slope, b_slope;
} loss_values[] = {
    {"cross_entropy", 2.77579555954, -0.235312850799, 0},
    {"cross_entropy_weighted", 2.811527074, -0.291236061268, 0},
    {"cross_entropy_soft", 2.59584364573, -0.168494387222, 0},
    {"focal", 2.49766441245, -0.264580249478, 0},
    {"focal_weighted", 2.15476939902, -0.215566985632, 0},
    {"focal_flat", 2.77579555954, -0.235312850799, 0},
    {"balanced_focal", 2.37278119183, -0.251351237004, 0},
    {"binary", 1.09092505638, -0.0388601018857, 0},
    {"binary_weighted", 0.883794951345, -0.0406295000625, 0},
    {"squares", 2.50467333964, -0.119453425547, 0},
    {"absolute", 1.3720217526, -0.00816251839612, 0},
    {"hinge", 1.62777035759, -0.12913304133, 0},
    {"hinge_weighted", 1.23848929673, -0.146227227714, 0},
    {"cosine", 1.01689857483, 0.0649126999586, -0.0033636371202},
    {"kl", 1.60137031357, -0.115084169211, 0.0762511406857},
    {"js", 0.248305208433, -0.00977862699637, -0.00243633786951},
    {"contrastive", 7.14831458738, -0.61017239752, 0},
    {"mmd", 1.54979992775, 0.0519893396156, -0.211984070451},
};

#endif
