#!/bin/sh
# SPDX-License-Identifier: MIT
# make_default.sh DIR OUT.onnx [MICROEXPR]: the network that ships with the recognizer.
# DIR holds labels.csv and flow28/ of the MEGC2019 composite; docs/models/flow_fusion.md has
# the data, what the crops are for, and how good the network is on people held out:
#   microexpr evaluate --system ... --fusion mean --crop ... (its section "Evaluation")
# The same clips on the same machine give the same file, byte for byte.
set -eu
if [ $# -lt 2 ]; then
    echo "usage: make_default.sh DIR OUT.onnx [MICROEXPR]" >&2
    exit 2
fi
data=$1 output=$2 microexpr=${3:-microexpr}
"$microexpr" train --system flow-attention,flow-random-features --fusion mean \
    --crop samm:.85,1.2,0,-.5 --crop casme2:1,1.1,0,.5 \
    --labels negative,positive,surprise --seed 0 \
    --manifest "$data/labels.csv" --inputs "$data/flow28" --output "$output.part"
"$microexpr" model annotate "$output.part" --output "$output" --name flow_fusion \
    --set microexpr.name=flow_fusion \
    --set microexpr.crop=140,170,0.54,0.285 \
    --set microexpr.card=docs/models/flow_fusion.md \
    --set "microexpr.use=research only"
rm "$output.part"
