/* SPDX-License-Identifier: MIT */
/* The databases: how their authors lay them out, and which emotions make a class. Facts
 * from the publications and the programs of those who use them; docs/dataset.md has the
 * sources. */
#include <string.h>

#include "base/decimal.h"
#include "dataset/published.h"

#define SMIC_COLUMNS                                                                     \
    {                                                                                    \
        [MX_FIELD_SUBJECT] = "Subject", [MX_FIELD_CLIP] = "Filename|Clip",               \
        [MX_FIELD_ONSET] = "OnsetF|Onset|onset_frame",                                   \
        [MX_FIELD_APEX] = "ApexF|Apex|apex_frame",                                       \
        [MX_FIELD_OFFSET] = "OffsetF|Offset|offset_frame", [MX_FIELD_FIRST] = "FirstF",  \
        [MX_FIELD_EMOTION] = "Emotion"                                                   \
    }
#define SMIC(Name, Camera, Rate)                                                         \
    .name = (Name), .title = "SMIC " Camera, .fps = (Rate), .columns = SMIC_COLUMNS,     \
    .subject_prefix = "s", .subject_digits = 2, .walk = true, .first_frame = -1,         \
    .label3 = THREE, .others = "",                                                       \
    .folders = Camera "/s%s/micro/%e/%c|s%s/micro/%e/%c|" Camera "_long/SMIC_" Camera    \
                      "_E/s%s/%c|SMIC_" Camera "_E/s%s/%c|s%s/%c"

#define THREE "negative:negative,ne|positive:positive,po|surprise:surprise,sur"
#define SEVEN                                                                            \
    "negative:anger,angry,contempt,disgust,fear,sadness,sad|positive:happiness,happy|"   \
    "surprise:surprise"

static const mx_layout layouts[] = {
    {
        .name = "casme",
        .title = "CASME",
        .fps = 60,
        .columns = {[MX_FIELD_SUBJECT] = "Subject",
            [MX_FIELD_CLIP] = "Filename",
            [MX_FIELD_ONSET] = "OnsetF",
            [MX_FIELD_APEX] = "ApexF1",
            [MX_FIELD_OFFSET] = "OffsetF",
            [MX_FIELD_UNITS] = "AUs|AU",
            [MX_FIELD_EMOTION] = "Emotion"},
        .subject_prefix = "sub",
        .subject_digits = 2,
        .folders = "sub%s/%c|Cropped/sub%s/%c",
        .first_frame = -1,
        .label3 = "negative:contempt,disgust,fear,repression,sadness|positive:happiness|"
                  "surprise:surprise",
        .others = "tense",
    },
    {
        .name = "casme2",
        .title = "CASME II",
        .fps = 200,
        .columns = {[MX_FIELD_SUBJECT] = "Subject",
            [MX_FIELD_CLIP] = "Filename",
            [MX_FIELD_ONSET] = "OnsetFrame",
            [MX_FIELD_APEX] = "ApexFrame|ApexFrame1",
            [MX_FIELD_OFFSET] = "OffsetFrame",
            [MX_FIELD_UNITS] = "Action Units",
            [MX_FIELD_EMOTION] = "Estimated Emotion",
            [MX_FIELD_OBJECTIVE] = "Objective Classes|Objective Class"},
        .subject_prefix = "sub",
        .subject_digits = 2,
        .folders = "CASME2_RAW_selected/sub%s/%c|CASME2-RAW/sub%s/%c|Cropped/sub%s/%c|"
                   "sub%s/%c",
        .first_frame = -1,
        .label3 = "negative:disgust,repression|positive:happiness|surprise:surprise",
        .label5 = "disgust|happiness|others|repression|surprise",
        .others = "fear,sadness",
    },
    {
        .name = "samm",
        .title = "SAMM",
        .fps = 200,
        .columns = {[MX_FIELD_SUBJECT] = "Subject",
            [MX_FIELD_CLIP] = "Filename",
            [MX_FIELD_ONSET] = "Onset Frame",
            [MX_FIELD_APEX] = "Apex Frame",
            [MX_FIELD_OFFSET] = "Offset Frame",
            [MX_FIELD_TYPE] = "Micro",
            [MX_FIELD_UNITS] = "Action Units",
            [MX_FIELD_EMOTION] = "Estimated Emotion",
            [MX_FIELD_OBJECTIVE] = "Objective Classes"},
        .subject_prefix = "",
        .subject_digits = 3,
        .folders = "%s/%c|SAMM/%s/%c",
        .first_frame = -1,
        .label3 = "negative:anger,contempt,disgust,fear,sadness|positive:happiness|"
                  "surprise:surprise",
        .label5 = "anger|contempt|happiness|other:other,others|surprise",
        .others = "",
    },
    {SMIC("smic_hs", "HS", 100)},
    {SMIC("smic_vis", "VIS", 25)},
    {SMIC("smic_nir", "NIR", 25)},
    {
        .name = "casme_sq",
        .title = "CAS(ME)^2",
        .fps = 30,
        .columns = {[MX_FIELD_SUBJECT] = "subject",
            [MX_FIELD_CLIP] = "video",
            [MX_FIELD_ONSET] = "onset",
            [MX_FIELD_APEX] = "apex",
            [MX_FIELD_OFFSET] = "offset",
            [MX_FIELD_UNITS] = "au",
            [MX_FIELD_EMOTION] = "emotion",
            [MX_FIELD_TYPE] = "type",
            [MX_FIELD_CODE] = "subject_code",
            [MX_FIELD_VIDEO] = "video_code"},
        .header = "subject,video,onset,apex,offset,au,emotion,type,self_report,"
                  "subject_code,video_code",
        .subject_prefix = "",
        .subject_digits = 2,
        .folders = "rawpic/%k/*_%v*|%k/*_%v*|selectedpic/%k/%c",
        .first_frame = -1,
        .zero_offset = true,
        .label3 = THREE,
        .others = "others,other",
    },
    {
        .name = "casme3",
        .title = "CAS(ME)^3 part A",
        .fps = 30,
        .columns = {[MX_FIELD_SUBJECT] = "Subject",
            [MX_FIELD_CLIP] = "Filename",
            [MX_FIELD_ONSET] = "Onset",
            [MX_FIELD_APEX] = "Apex",
            [MX_FIELD_OFFSET] = "Offset",
            [MX_FIELD_UNITS] = "AU",
            [MX_FIELD_OBJECTIVE] = "Objective class",
            [MX_FIELD_EMOTION] = "emotion"},
        .folders = "ME_A/%s/%c/color|part_A/%s/%c/color|%s/%c/color",
        .first_frame = -1,
        .zero_offset = true,
        .label3 = SEVEN,
        .others = "others,other",
    },
    {
        .name = "casme3_c",
        .title = "CAS(ME)^3 part C",
        .fps = 30,
        .columns = {[MX_FIELD_SUBJECT] = "sub",
            [MX_FIELD_CLIP] = "count",
            [MX_FIELD_ONSET] = "onset",
            [MX_FIELD_OFFSET] = "offset",
            [MX_FIELD_UNITS] = "au",
            [MX_FIELD_EMOTION] = "emotion"},
        .subject_prefix = "",
        .subject_digits = 2,
        .folders = "ME_C/%s/%c/color|part_C/%s/%c/color|%s/%c/color",
        .first_frame = -1,
        .zero_offset = true,
        .label3 = SEVEN,
        .others = "others,other",
    },
    {
        .name = "mmew",
        .title = "MMEW",
        .fps = 90,
        .columns = {[MX_FIELD_SUBJECT] = "Subject",
            [MX_FIELD_CLIP] = "Filename",
            [MX_FIELD_ONSET] = "OnsetFrame",
            [MX_FIELD_APEX] = "ApexFrame",
            [MX_FIELD_OFFSET] = "OffsetFrame",
            [MX_FIELD_UNITS] = "Action Units",
            [MX_FIELD_EMOTION] = "Estimated Emotion"},
        .subject_prefix = "S",
        .subject_digits = 2,
        .folders = "S%s/%e/%c|Micro_Expression/%e/%c|%e/%c",
        .first_frame = -1,
        .label3 = SEVEN,
        .others = "others,repression",
    },
    {
        .name = "4dme",
        .title = "4DME",
        .fps = 60,
        .columns = {[MX_FIELD_SUBJECT] = "sub_ID",
            [MX_FIELD_CLIP] = "fold_name",
            [MX_FIELD_ONSET] = "Onset",
            [MX_FIELD_APEX] = "Apex",
            [MX_FIELD_OFFSET] = "Offset",
            [MX_FIELD_UNITS] = "AUs|AU",
            [MX_FIELD_EMOTION] = "Emotion"},
        .folders = "gray_micro/%s/%c|%s/%c",
        .first_frame = -1,
        .flags = true,
        .label3 = THREE,
        .others = "repression,others",
    },
    {
        .name = "dfme",
        .title = "DFME",
        .columns = {[MX_FIELD_SUBJECT] = "Subject",
            [MX_FIELD_CLIP] = "Filename",
            [MX_FIELD_ONSET] = "OnsetFrame",
            [MX_FIELD_APEX] = "ApexFrame",
            [MX_FIELD_OFFSET] = "OffsetFrame",
            [MX_FIELD_FPS] = "Fps",
            [MX_FIELD_UNITS] = "AU",
            [MX_FIELD_EMOTION] = "Emotion"},
        .folders = "%s/%c|%c",
        .label3 = SEVEN,
        .others = "",
    },
};

enum { N_LAYOUTS = sizeof layouts / sizeof layouts[0] };

const mx_layout *mx_layout_find(const char *name)
{
    for (int k = 0; k < N_LAYOUTS; k++)
        if (strcmp(layouts[k].name, name) == 0)
            return &layouts[k];
    return NULL;
}

const char *mexpr_layout_name(int32_t index)
{
    return index >= 0 && index < N_LAYOUTS ? layouts[index].name : NULL;
}

const char *mexpr_layout_title(int32_t index)
{
    return index >= 0 && index < N_LAYOUTS ? layouts[index].title : NULL;
}
