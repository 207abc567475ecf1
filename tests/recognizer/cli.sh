#!/bin/sh
# SPDX-License-Identifier: MIT
# cli.sh MICROEXPR JSON_CHECK CROPS MODEL SAMPLE: the contract of the microexpr command.
# CROPS and SAMPLE are folders of onset.png and apex.png, face crops and whole frames; MODEL
# is the network that ships.
set -u
absolute() { echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"; }
microexpr=$(absolute "$1") json_check=$(absolute "$2")
sample=$(absolute "$3") model=$(absolute "$4")
frames=$(absolute "$5")
onset=$sample/onset.png apex=$sample/apex.png

case " $("$microexpr" version) " in
*' png'*) ;;
*) echo 'skipped: this build reads no PNG'; exit 77 ;;
esac

work=$(mktemp -d "${TMPDIR:-/tmp}/microexpr-cli-XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
tests=0 failures=0

bad() {
    failures=$((failures + 1))
    echo "FAILED: $*"
    echo "  code $code"
    cut -c1-400 out | sed 's/^/  out: /'
    sed 's/^/  err: /' err
}

# run ARGUMENTS: the command, with code, out and err kept.
run() {
    "$microexpr" "$@" >out 2>err
    code=$?
}

# ok ARGUMENTS: it succeeds and says nothing on standard error.
ok() {
    tests=$((tests + 1))
    run "$@"
    [ $code -eq 0 ] && [ ! -s err ] || bad "$*"
}

# fails CODE PART ARGUMENTS: it fails with that code and one line that contains PART.
fails() {
    want=$1 part=$2
    shift 2
    tests=$((tests + 1))
    run "$@"
    check_failure "$*"
}

check_failure() {
    if [ $code -ne "$want" ] || [ "$(wc -l <err)" -ne 1 ] || [ -s out ] \
        || ! grep -q '^microexpr: ' err || ! grep -qF -- "$part" err; then
        bad "$1 (expected $want and '$part')"
    fi
}

# finds N ARGUMENTS: it prints findings, and fails with their number.
finds() {
    want=$1
    shift
    tests=$((tests + 1))
    run "$@"
    if [ $code -ne 1 ] || [ "$(wc -l <err)" -ne 1 ] || ! grep -q "^microexpr: $want findings" err \
        || [ ! -s out ]; then
        bad "$* (expected $want findings)"
    fi
}

# holds WHAT TEST...: a condition on what the last run left.
holds() {
    what=$1
    shift
    tests=$((tests + 1))
    "$@" || bad "$what"
}

same() { cmp -s "$1" "$2"; }
differ() { ! cmp -s "$1" "$2"; }
absent() { [ ! -e "$1" ]; }
prints() { grep -qF -- "$1" out; }
json() { "$json_check" "$@" <out >value; }
json_is() { # json_is VALUE PATH...
    wanted=$1
    shift
    "$json_check" "$@" <out >value && [ "$(cat value)" = "$wanted" ]
}
clean() { [ -z "$(find . -name '*.part*' -o -name '*.tmp*')" ]; }

# --- help and usage ------------------------------------------------------------------

ok help
holds 'help lists the commands' prints 'model verify'
ok --help
ok -h
for command in face align features flow interpolate magnify recognize 'model inspect' 'model run' 'model explain' 'model verify' 'model bench' 'model annotate' 'system list' 'system export' 'dataset check' 'dataset convert' 'dataset show' train evaluate compare 'score classes' 'score units' 'score spot' 'score apex' version; do
    # shellcheck disable=SC2086
    ok help $command
    holds "help $command" prints "usage: microexpr $command"
    # shellcheck disable=SC2086
    ok $command --help
    # shellcheck disable=SC2086
    fails 2 '--nonsense' $command --nonsense
done
ok help recognize
holds 'the help says what the scores are not' prints 'research only'
fails 2 'no command'
fails 2 "no command 'dance'" dance
fails 2 "no command 'dance'" help dance
fails 2 'second word' model
fails 2 "'model dance'" model dance
ok help dataset
holds 'second words' prints '  dataset convert'
holds 'of this one alone' eval '! prints "  model run"'
fails 2 'missing' flow
fails 2 'missing' magnify
fails 2 'missing' interpolate
fails 2 'give -o DIR' flow "$sample"
fails 2 'too many' flow "$onset" "$apex" "$apex"
fails 2 'needs a value' flow "$onset" "$apex" -o
fails 2 "'-q'" flow -q "$onset" "$apex"
fails 2 'missing' compare
fails 2 'missing' compare one.json
fails 2 'missing' model inspect
fails 2 'missing' model run
fails 2 'missing' model bench
fails 2 'missing' model explain
fails 2 'missing' model verify
fails 2 'missing' system export
fails 2 'too many' version now

# --- version ---------------------------------------------------------------------------

ok version
ok --version
ok version --json
holds 'version' json version
holds 'features' json features 0
holds 'instruction_sets' json instruction_sets
holds 'gemm' json gemm

# --- train and evaluate ----------------------------------------------------------------

ok flow "$onset" "$apex" --flow28 up.png
ok flow "$apex" "$onset" --flow28 down.png
printf 'file,subject,label\n' >clips.csv
for person in 1 2 3; do
    printf 'up.png,%s,0\ndown.png,%s,1\n' $person $person >>clips.csv
done
labelled='--system flow-derivative-svm --manifest clips.csv --inputs .'
# shellcheck disable=SC2086
ok train $labelled -o svm.onnx --labels up,down
# shellcheck disable=SC2086
ok train $labelled -o svm2.onnx --labels up,down
holds 'training leaves nothing to chance' same svm.onnx svm2.onnx
ok recognize --onset "$onset" --apex "$apex" --model svm.onnx --labels up,down --json
holds 'a trained system recognizes' json_is up label
# shellcheck disable=SC2086
ok evaluate $labelled --report report.json
# shellcheck disable=SC2086
ok evaluate $labelled --jobs 3 --report again.json
holds 'jobs change nothing' same report.json again.json
holds 'the summary' prints 'UF1 1.0000'
mv report.json out
holds 'uf1' json_is 1 uf1
holds 'subject' json_is 3 folds 2 subject
holds 'prediction' json_is 1 folds 0 predictions 1 predicted
holds 'selection' json_is fixed selection
# shellcheck disable=SC2086
ok evaluate $labelled --protocol kfold --folds 2
fails 2 'name one with --system' train --manifest clips.csv --inputs . -o x.onnx
fails 2 "'nonesuch' cannot be trained" evaluate --system nonesuch
fails 2 '--manifest F.csv' train --system flow-kernel-ridge
# shellcheck disable=SC2086
fails 2 '--output F.onnx' train $labelled
# shellcheck disable=SC2086
fails 2 "--protocol 'peek'" evaluate $labelled --protocol peek
# shellcheck disable=SC2086
fails 2 "--crop 'x'" evaluate $labelled --crop x
# shellcheck disable=SC2086
fails 1 "'x', which no clip is of" evaluate $labelled --crop x:1,1,0,0
# shellcheck disable=SC2086
fails 1 'folds of 3 persons' evaluate $labelled --protocol kfold
printf 'file,subject,label\nup.png,1,0\nnone.png,2,1\n' >holes.csv
fails 1 'none.png' train --system flow-kernel-ridge --manifest holes.csv --inputs . -o x.onnx
holds 'no network of half the clips' absent x.onnx

# --- dataset ---------------------------------------------------------------------------

mkdir -p db/006/006_1_2
for number in 10 11 12 14; do
    cp "$onset" "db/006/006_1_2/006_000$number.png"
done
{
    printf 'SAMM,,,,,,,\n'
    printf 'Subject,Filename,Onset Frame,Apex Frame,Offset Frame,Micro,Action Units,Estimated Emotion\n'
    printf '6,006_1_2,10,11,13,Micro - 1/2,R12A,Happiness\n'
    printf '7,007_1_1,5,5,9,Micro - 1/2,R12+soft,Other\n'
} >samm.csv
ok dataset show db --layout samm --table samm.csv
holds 'the clips' prints '2 clips, sha256'
holds 'a person' prints 'samm/006'
ok dataset show db --layout samm --table samm.csv --classes megc2019 --json
holds 'one class' json_is 1 classes positive
finds 5 dataset check db --layout samm --table samm.csv
holds 'the frame' prints 'line 3, samm/006/006_1_2: frame_absent'
holds 'the units' prints 'soft'
finds 5 dataset check db --layout samm --table samm.csv --csv
holds 'a row' prints 'onset_is_apex,samm,007,007_1_1,4,5,'
finds 5 dataset check db --layout samm --table samm.csv --json
holds 'a finding' json_is frame_gap findings 0 finding
holds 'its clip' json_is 006_1_2 findings 0 clip
ok dataset convert db --layout samm --table samm.csv --classes megc2019 --prefix db -o all.csv
holds 'what became of the others' prints '1 clips, 1 without a class left out'
ok dataset show db --layout samm --table samm.csv --classes megc2019 --json
holds 'dropped' json_is 1 dropped
finds 2 dataset check db --layout samm --table samm.csv --classes megc2019 --csv
holds 'the line of the table' prints 'frame_gap,samm,006,006_1_2,3,13,'
ok dataset show all.csv --json
ok dataset convert all.csv all.csv -o twice.csv
ok dataset show twice.csv
holds 'twice as many' prints '2 clips'
finds 1 dataset check twice.csv --files none --csv
holds 'the second is a copy' prints 'clip_duplicate'
finds 2 dataset check all.csv --inputs . --files all --csv
holds 'the gap again' prints 'frame_gap,samm,006,006_1_2,2,13,'
printf 'file,subject,fps,onset,apex,offset\nup.png,1,200,1,2,3\n' >good.csv
ok dataset check good.csv
holds 'nothing to find' prints '1 clips, no findings'
ok dataset check good.csv --csv
holds 'a header alone' prints 'finding,dataset,subject,clip,line,frame,detail'
fails 1 "no layout 'samn'" dataset show db --layout samn --table samm.csv
fails 1 'SAMM needs its table' dataset show db --layout samm
fails 1 'none.csv' dataset show none.csv
fails 2 'need --layout' dataset show all.csv --table samm.csv
fails 2 "--classes 'nine' is not known" dataset show db --layout samm --table samm.csv --classes nine
fails 2 "--files 'some' is not known" dataset check all.csv --files some
fails 2 'exclude each other' dataset check all.csv --csv --json
fails 2 '--output F.csv' dataset convert all.csv
fails 2 '--prefix needs --inputs' dataset check db --layout samm --table samm.csv --prefix db
finds 5 dataset check db --layout samm --table samm.csv --prefix db --inputs .
fails 2 'is for one folder' dataset convert db db --layout samm --table samm.csv -o x.csv
fails 2 'not for --layout' dataset show db --layout samm --table samm.csv --label x
fails 1 'arguments name it' dataset convert all.csv -o ./all.csv
# Several systems, seeds, and what is written besides.
both='--system flow-derivative-svm,flow-kernel-ridge --manifest clips.csv --inputs .'
# shellcheck disable=SC2086
ok evaluate $both --selection inner-subject --inner-folds 2 --report chosen.json
holds 'how often each is chosen' prints 'chosen in 3 of 3 folds'
holds 'the selection' prints 'selection inner-subject'
mv chosen.json out
holds 'selection' json_is inner-subject selection
holds 'inner_folds' json_is 2 options inner_folds
holds 'no epochs' json_is null options epochs
holds 'n_folds' json_is 3 options n_folds
holds 'label' json_is label options label
holds 'chosen' json_is flow-derivative-svm folds 2 chosen 0
holds 'weights' json_is 1 folds 0 weights 0 flow-derivative-svm
holds 'inner_uf1' json_is 1 folds 0 inner_uf1 0 flow-kernel-ridge
for rule in mean product max weighted learned; do
    # shellcheck disable=SC2086
    ok evaluate $both --fusion $rule --report fused.json
    holds 'a mean weight' prints 'mean weight'
    mv fused.json out
    holds 'fusion' json_is $rule fusion
    holds 'nothing is chosen' json_is null folds 0 chosen 0
done
# shellcheck disable=SC2086
fails 2 '--seeds has no use' evaluate $labelled --seeds 2
# shellcheck disable=SC2086
fails 2 '--folds is for' evaluate $labelled --folds 2
# shellcheck disable=SC2086
fails 2 '--inner-folds is for' evaluate $labelled --inner-folds 2
# shellcheck disable=SC2086
fails 2 '--inner-folds is for' evaluate $both --fusion mean --inner-folds 2
fails 2 'twice' evaluate --system flow-kernel-ridge,flow-kernel-ridge --manifest clips.csv \
    --inputs . --fusion mean
# shellcheck disable=SC2086
fails 2 'give --fusion RULE' train $both -o x.onnx
# shellcheck disable=SC2086
fails 2 'needs several systems' train $labelled --fusion mean -o x.onnx
# shellcheck disable=SC2086
fails 2 "--fusion 'x'" train $both --fusion x -o x.onnx
# shellcheck disable=SC2086
fails 2 '--inner-folds is for' train $both --fusion mean --inner-folds 2 -o x.onnx
# shellcheck disable=SC2086
fails 2 '--seeds has no use' train $labelled --seeds 2 -o x.onnx
fails 2 'one system with one seed' train --system flow-c2s --manifest clips.csv --inputs . \
    --seeds 2 --checkpoint x.check -o x.onnx
# shellcheck disable=SC2086
ok train $both --fusion weighted --inner-folds 2 --labels up,down -o fused.onnx
holds 'the weights' prints 'flow-kernel-ridge        weight 0.500'
ok recognize --onset "$onset" --apex "$apex" --model fused.onnx --json
holds 'names of a fused network' json scores up
ok train --system flow-c2s,flow-random-features --manifest clips.csv --inputs . \
    --fusion mean --seeds 2 --epochs 2 --labels up,down -o seeds.onnx
ok recognize --onset "$onset" --apex "$apex" --model seeds.onnx
fails 2 '--output' model annotate seeds.onnx
fails 2 'is not KEY=TEXT' model annotate seeds.onnx -o noted.onnx --set labels
fails 1 'none.onnx' model annotate none.onnx -o noted.onnx
fails 1 'arguments name it' model annotate seeds.onnx -o ./seeds.onnx
ok model annotate seeds.onnx -o noted.onnx --name a_pair --set microexpr.labels=low,high \
    --set microexpr.crop=100,120,0.5,0.3 --set microexpr.system=
ok model inspect noted.onnx
holds 'the name' prints 'a_pair, by'
holds 'the labels' prints 'labels low,high'
ok recognize --onset "$frames/onset.png" --apex "$frames/apex.png" --model noted.onnx
holds 'the crop of the network' prints 'flow  100 x 120 px'
ok model annotate noted.onnx -o cut.onnx --set microexpr.crop=100,120
fails 1 'microexpr.crop' recognize --onset "$onset" --apex "$apex" --model cut.onnx
# Terms of the loss.
chance='--system flow-c2s --manifest clips.csv --inputs . --epochs 2'
# shellcheck disable=SC2086
ok train $chance -o plain.onnx
plain=$(cat out)
# shellcheck disable=SC2086
ok train $chance --term contrastive@1:0.5:logits --term scores:1:logits -o terms.onnx
holds 'another loss' test "$plain" != "$(cat out)"
# shellcheck disable=SC2086
fails 1 "no node of the network makes 'x'" train $chance --term contrastive:1:x -o no.onnx
# shellcheck disable=SC2086
fails 2 'give it once for each term' train $chance --term 'js:1:a,b;js:1:a,b' -o no.onnx
fails 2 'has no epochs, seed, normalisation, terms' train --system flow-kernel-ridge \
    --manifest clips.csv --inputs . --term js:1:a,b -o no.onnx
for output in --report --csv --html; do
    # shellcheck disable=SC2086
    fails 1 'no such folder' evaluate $labelled $output nowhere/x
    # shellcheck disable=SC2086
    fails 1 'it is a folder' evaluate $labelled $output db
done
# shellcheck disable=SC2086
fails 1 'no such folder' train $labelled -o nowhere/x.onnx
fails 1 'no such folder' train --system flow-c2s --manifest clips.csv --inputs . -o x.onnx \
    --checkpoint nowhere/x.check
chance='--system flow-c2s --manifest clips.csv --inputs . --epochs 40'
# shellcheck disable=SC2086
ok evaluate $chance --seeds 2 --seed 5 --report two.json --csv two.csv
holds 'the seeds' prints 'over 2 seeds: UF1 1.0000 +- 0.0000'
cp two.json out
holds 'seeds' json_is 6 seeds 1
holds 'per_seed' json_is 1 per_seed 1 uf1
holds 'seed_mean' json_is 1 seed_mean uar
holds 'seed_deviation' json_is 0 seed_deviation uf1
holds 'seed_predicted' json_is 1 folds 0 predictions 1 seed_predicted 1
holds 'per_class' json_is 3 per_class 1 support
holds 'per_class of a database' json_is 1 per_database '' per_class 0 recall
tr -d '\r' <two.csv >out
holds 'the columns' prints 'fold,dataset,subject,person,clip,label,label_name,predicted,predicted_name,right,score_0,score_1'
holds 'a row' prints '3,,3,3,down,1,1,1,1,1,'
printf 'file,dataset,subject,label\n' >two_sets.csv
for person in 1 2 3; do
    printf 'up.png,a,%s,0\ndown.png,a,%s,1\nup.png,b,%s,0\n' $person $person $person >>two_sets.csv
done
printf 'file,dataset,subject,label\n' >bells.csv
for person in 1 2 3; do
    printf 'up.png,a\033[1m,%s,up\302\2332m\ndown.png,a\033[1m,%s,down\n' $person $person >>bells.csv
done
bells='--system flow-derivative-svm --manifest bells.csv --inputs .'
# shellcheck disable=SC2086
ok evaluate $bells --html bells.html --crop "$(printf 'a\033[1m'):1,1.5,0,0" --report bells.json
holds 'no control characters' prints 'a?[1m           6 clips'
holds 'nor in a class' prints 'up?2m'
cp bells.json out
holds 'a crop' json_is 1.5 options crops 0 scale_y
holds 'escaped in JSON' prints '"up\u009b2m"'
cp bells.html out
holds 'nor on the page' prints 'up?2m'
holdout='--protocol holdout --system flow-derivative-svm --manifest two_sets.csv --inputs .'
# shellcheck disable=SC2086
ok evaluate $holdout --train-database a --test-database b --report hold.json
mv hold.json out
holds 'clips' json_is 3 clips
holds 'the database' json_is b folds 0 dataset
holds 'a database that is not tested is none of no clips' eval '! json per_database a 2>/dev/null'
holds 'the other' json_is 3 per_database b clips
holds 'who' json_is b/2 folds 0 predictions 1 person
# shellcheck disable=SC2086
fails 1 "no database 'c'" evaluate $holdout --test-database c
# shellcheck disable=SC2086
fails 2 'needs --test-database' evaluate $holdout
# shellcheck disable=SC2086
fails 2 'are for --protocol holdout' evaluate $labelled --test-database a
# shellcheck disable=SC2086
fails 2 'what is to become of several systems' evaluate $both
# shellcheck disable=SC2086
fails 2 'need several systems' evaluate $labelled --fusion mean
# shellcheck disable=SC2086
fails 2 'give one of the two' evaluate $both --fusion mean --selection inner-subject
# shellcheck disable=SC2086
fails 2 "--fusion 'vote'" evaluate $both --fusion vote
fails 2 "'x' cannot be trained" evaluate --system flow-derivative-svm,x

# The page.
# shellcheck disable=SC2086
ok evaluate $labelled --html page.html
cp page.html out
holds 'why there are no pictures' prints 'No pictures'
holds 'the command line' prints 'microexpr evaluate --system'
holds 'the hash' prints 'manifest (SHA-256)'
grep -E 'https?:|<script|src="[^d]' page.html >out
holds 'nothing from elsewhere' test ! -s out
# shellcheck disable=SC2086
ok evaluate $both --fusion mean --html page.html --pictures
cp page.html out
holds 'pictures' prints 'alt="flow" title="flow" src="data:image/png;base64,iVBOR'
holds 'maps' prints 'title="where the network looked" src="data:image/png;base64,iVBOR'
holds 'choices' prints '<h2>Choices</h2>'
# shellcheck disable=SC2086
fails 2 'is for --html' evaluate $labelled --pictures
# Losses: mean, lowest and highest over the folds of each epoch.
ok evaluate --system ststnet,flow-derivative-svm --fusion mean --epochs 3 --seeds 2 \
    --manifest clips.csv --inputs . --report losses.json --html page.html
cp losses.json out
holds 'the folds' json_is 3 losses 0 folds
holds 'the last epoch' json_is 3 losses 0 epoch 2
holds 'the other seed' json_is 1 losses 1 seed
holds 'whose system' json_is ststnet losses 1 system
holds 'a range' eval 'python3 -c "import json; l = json.load(open(\"out\"))[\"losses\"];
assert len(l) == 2 and all(0 < a <= b <= c for k in l
                           for a, b, c in zip(k[\"low\"], k[\"mean\"], k[\"high\"]))"'
cp page.html out
holds 'curves' prints '<polyline'
holds 'of both seeds' prints '<title>seed 1</title>'

# --- score ---------------------------------------------------------------------------

printf 'clip,subject,onset,apex,offset,label\nv1,1,10,15,20,neg\nv1,1,40,,50,pos\nv2,2,5,8,12,neg\n' >truth.csv
printf '\357\273\277label,"offset",apex,Onset,subject,clip\r\nneg,20,14,11,1,v1\r\npos,12,9,5,2,"v2"\r\n\r\npos,120,110,100,2,v2\r\n' >spotted.csv
ok score spot truth.csv spotted.csv --json
holds 'pairs' json_is 2 tp
holds 'f1' json_is 0.666666667 f1
holds 'the distance of apexes' json_is 1 apex_mae
holds 'the recall of classes' json_is 0.25 analysis_uar
holds 'strs' json_is 0.222222222 strs
ok score spot truth.csv spotted.csv --json --mode megc
holds 'mean precision, as there' json_is 0.5 analysis_uar
ok score spot truth.csv spotted.csv --iou 0.95 --csv
holds 'one is as it should be' eval 'tr -d "\r" <out | grep -qx "tp,,1"'
holds 'a header' prints 'measure,of,value'
printf 'clip,onset,offset\nv1,10,20\n' >short.csv
ok score spot short.csv short.csv --json
holds 'no apex is no distance' json_is null apex_mae
holds 'no classes are no analysis' eval '! json strs 2>/dev/null'
printf 'clip,onset,offset\n' >empty.csv
ok score spot short.csv empty.csv
fails 1 "'truth.csv' has a column 'subject' and 'short.csv' has none" score spot truth.csv short.csv
printf 'clip,onset,offset\nv1,10,20\nv1,1O,20\n' >bad.csv
fails 1 "'bad.csv', line 3, column 'onset': '1O' is no whole number" score spot short.csv bad.csv
printf 'clip,onset,offset\nv1,10,9\n' >bad.csv
fails 1 "line 2, column 'offset': '9' is before the onset" score spot bad.csv short.csv
printf 'clip,onset,offset\nv1,-1,9\n' >bad.csv
fails 1 "'-1' is no frame" score spot bad.csv short.csv
printf 'clip,onset,offset\nv1,\302\2331\3772m,9\n' >bad.csv
fails 1 "'?1?2m' is no whole number" score spot bad.csv short.csv
printf 'clip,onset,offset\n,1,9\n' >bad.csv
fails 1 'line 2: there is no clip in it' score spot bad.csv short.csv
printf 'clip,onset,offset\nv1,1\n' >bad.csv
fails 1 'line 2: it has 2 cells, the header 3' score spot bad.csv short.csv
printf 'clip,onset,offset\n"v1,1,2\n' >bad.csv
fails 1 'a quoted cell has no end' score spot bad.csv short.csv
printf 'clip,onset,offset\n"v"1,1,2\n' >bad.csv
fails 1 'line 2: a cell goes on behind its closing quote' score spot bad.csv short.csv
printf 'clip,onset\nv1,1\n' >bad.csv
fails 1 "'bad.csv' has no column offset" score spot bad.csv short.csv
printf 'clip,onset,offset\nv\0,1,2\n' >bad.csv
fails 1 "'bad.csv' is not a text" score spot bad.csv short.csv
: >bad.csv
fails 1 'no header line' score spot bad.csv short.csv
fails 1 'none.csv' score spot none.csv short.csv
fails 2 '--iou is above 0' score spot short.csv short.csv --iou 2
fails 2 "--mode 'kind'" score spot short.csv short.csv --mode kind
fails 2 'exclude each other' score spot short.csv short.csv --json --csv

printf 'clip,onset,apex,offset\na,10,20,29\nb,5,8,14\nc,1,2,3\n' >truth.csv
printf 'clip,apex\nc,\nb,18\na,22\n' >spotted.csv
ok score apex truth.csv spotted.csv --json
holds 'clips' json_is 3 clips
holds 'found' json_is 2 spotted
holds 'their distance' json_is 6 mae
holds 'in lengths' json_is 0.55 mae_share
holds 'the spotting rate' json_is 0.333333333 inside
printf 'clip,onset,apex,offset\na,10,NA,29\n' >bad.csv
fails 1 "'bad.csv', line 2, column 'apex': 'NA' is no whole number" score apex bad.csv bad.csv
printf 'clip,onset,apex,offset\na,10,12,9\n' >bad.csv
fails 1 "column 'offset': '9' is before the onset" score apex bad.csv bad.csv
fails 1 "'b' has no prediction" score apex truth.csv bad.csv
fails 1 "'short.csv' has no column apex" score apex short.csv short.csv

printf 'file,subject,label\na/one.png,1,neg\ntwo.png,2,neg\nthree,2,"p,s"\n' >truth.csv
printf 'clip,predicted\nthree,"p,s"\none,neg\ntwo,"p,s"\n' >taken.csv
ok score classes truth.csv taken.csv --json
holds 'uf1' json_is 0.666666667 uf1
holds 'uar' json_is 0.75 uar
holds 'people' json_is 2 persons
holds 'a class' json_is 0.5 per_class p,s precision
holds 'the confusion' json_is 1 confusion 0 1
ok score classes truth.csv taken.csv --csv
holds 'a class of the table' eval 'tr -d "\r" <out | grep -qx "precision,\"p,s\",0.5"'
ok score classes truth.csv taken.csv
holds 'lines' prints 'uar                      0.75'
# What evaluate says of itself.
# shellcheck disable=SC2086
ok evaluate $labelled --report own.json --csv own.csv
ok score classes own.csv own.csv --json
mv out score.json
cp own.json out
holds 'the same' test "$(json uf1)" = "$(cp score.json out; json uf1)"
printf 'clip,predicted\nthree,neg\none,neg\n' >bad.csv
fails 1 "'truth.csv', line 3, column 'file': 'two.png' has no prediction" score classes truth.csv bad.csv
fails 1 "'truth.csv', line 3, column 'file': 'two.png' is not among the true clips" score classes bad.csv truth.csv --label predicted
printf 'clip,predicted\nthree,neg\nthree,neg\n' >bad.csv
fails 1 "line 3, column 'clip': 'three' was there before" score classes truth.csv bad.csv
printf 'clip,predicted\nthree,neg\ntwo,\none,neg\n' >bad.csv
fails 1 "'bad.csv', line 3: there is no class in it" score classes truth.csv bad.csv
fails 1 "no column emotion" score classes truth.csv taken.csv --label emotion
printf 'clip,predicted\n' >bad.csv
fails 1 'has no clips' score classes bad.csv bad.csv --label predicted

printf 'clip,au_raw\na,4+R12\nb,12?\nc,\n' >truth.csv
printf 'clip,AU4,AU12,AU1\nb,.2,.9,0\na,.7,.3,0.1\nc,.6,0,0\n' >scores.csv
ok score units truth.csv scores.csv --json
holds 'the mean' json_is 0.333333333 mean_f1
holds 'of all' json_is 0.222222222 mean_f1_all
holds 'a false one' json_is 1 per_unit AU4 fp
holds 'what is doubtful counts nowhere' json_is 0 per_unit AU12 fp
holds 'what was missed' json_is 1 per_unit AU12 fn
ok score units truth.csv scores.csv --threshold 0.95 --json
holds 'nothing is found' json_is 0 micro_f1
mv out lists.json
printf 'clip,4,AU 12,AU1\na,1,1,0\nb,0,,0\nc,0,-1,0\n' >truth.csv
ok score units truth.csv scores.csv --json
holds 'marks' json_is 1 per_unit AU12 fn
holds 'known marks' json_is 0 per_unit AU12 tn
printf 'clip,AU4,AU12,AU1\na,1,2,0\nb,0,,0\nc,0,0,0\n' >bad.csv
fails 1 "'bad.csv', line 2, column 'AU12': '2' is not 1 (there)" score units bad.csv scores.csv
printf 'clip,au_raw\na,4+x\nb,\nc,\n' >bad.csv
fails 1 "'bad.csv', line 2, column 'au_raw'" score units bad.csv scores.csv
printf 'clip,AU4\na,.5\nb,nan\nc,1\n' >bad.csv
fails 1 "'bad.csv', line 3, column 'AU4': 'nan' is no number" score units truth.csv bad.csv
printf 'clip,AU4,age\na,.5,3\nb,1,3\nc,1,3\n' >bad.csv
fails 1 "a column 'age' of which 'truth.csv' knows nothing" score units truth.csv bad.csv
printf 'clip\na\nb\nc\n' >bad.csv
fails 1 'no column of scores' score units truth.csv bad.csv

# --- compare -------------------------------------------------------------------------

printf '{"loss": [1, "\\u00e9\\ud83d\\ude00", true, null, -2.5e3, {}]}' >losses2.json
sed 's/"classes": \["0", /"classes": ["z", /' two.json >others.json
sed 's/"clip": "up"/"clip": "left"/' two.json >renamed.json
sed '0,/"label": 0/s//"label": 1/' two.json >relabelled.json
# shellcheck disable=SC2086
ok evaluate $holdout --train-database a --test-database b --report hold2.json
sed 's/"classes": \["0"\]/"classes": ["0", "1"]/' hold2.json >out && mv out hold2.json
sed '0,/"predicted": 0/s//"predicted": 1/' two.json >worse.json
ok compare two.json worse.json
holds 'the numbers' prints 'right alone: first 1, second 0; McNemar'
ok compare two.json worse.json --json --rounds 100 --seed 3
holds 'p' json_is 1 mcnemar_p
holds 'only_first' json_is 1 only_first
holds 'first' json_is 1 first uf1
holds 'persons' json_is 3 persons
fails 1 'no.json' compare two.json no.json
fails 1 'is not a report' compare two.json losses2.json
fails 1 'different classes' compare two.json others.json
fails 1 'clips and' compare two.json hold2.json
fails 1 'is not in both reports' compare two.json renamed.json
sed 's/"manifest_sha256": "../"manifest_sha256": "zz/' two.json >elsewhere.json
fails 1 'are of different manifests' compare two.json elsewhere.json
fails 1 'is of class 0 in one report and 1' compare two.json relabelled.json

# --- networks that learn ---------------------------------------------------------------

labelled='--system flow-c2s --manifest clips.csv --inputs . --seed 3'
# shellcheck disable=SC2086
ok train $labelled --epochs 4 -o net.onnx
holds 'epochs are lines of JSON' prints '{"epoch": 4, "loss": '
# shellcheck disable=SC2086
ok train $labelled --epochs 4 -o net2.onnx --jobs 2 --checkpoint net.check --every 1
holds 'threads and checkpoints change nothing' same net.onnx net2.onnx
# shellcheck disable=SC2086
ok train $labelled --epochs 4 -o net2.onnx --checkpoint net.check --resume
holds 'nothing is left to do' [ ! -s out ]
holds 'it goes on where it was' same net.onnx net2.onnx
# shellcheck disable=SC2086
ok train $labelled --epochs 2 -o net2.onnx --checkpoint new.check --resume
holds 'a checkpoint that is not there is a beginning' prints '{"epoch": 1, "loss": '
# shellcheck disable=SC2086
fails 1 'of other options' train $labelled --epochs 5 -o net2.onnx \
    --checkpoint net.check --resume
for same in net2.onnx ./net2.onnx clips.csv .; do
    # shellcheck disable=SC2086
    fails 2 'name the same file' train $labelled -o net2.onnx --checkpoint $same
done
printf 'Dear reader,\n' >letter
# shellcheck disable=SC2086
fails 1 'is there and no checkpoint' train $labelled -o net2.onnx --checkpoint letter
holds 'what is no checkpoint stays' test "$(cat letter)" = 'Dear reader,'
# shellcheck disable=SC2086
fails 2 'need --checkpoint' train $labelled --resume -o net2.onnx
# shellcheck disable=SC2086
fails 2 "--normalisation 'x'" train $labelled --normalisation x -o net2.onnx
fails 2 'has no epochs' train --system flow-kernel-ridge --manifest clips.csv --inputs . \
    --epochs 2 -o net2.onnx
ok recognize --onset "$onset" --apex "$apex" --model net.onnx --labels up,down --json
# shellcheck disable=SC2086
ok evaluate $labelled --epochs 2 --report report.json

# --- flow ------------------------------------------------------------------------------

ok flow "$onset" "$apex" -o one.flo --picture p.png --flow28 q.png --threads 1
ok flow "$onset" "$apex" --output two.flo --threads 2
holds 'threads change nothing' same one.flo two.flo
holds 'no temporary file stays' clean
printf 'PIEH' >magic
head -c 4 one.flo >head4
holds 'a .flo file' same head4 magic
printf '\211PNG' >magic
for picture in p.png q.png; do
    head -c 4 $picture >head4
    holds "$picture is a PNG" same head4 magic
done
ok flow "$onset" "$apex" --json --compare one.flo --kitti k.png
holds 'difference' json_is 0 difference_px
holds 'width' json_is 140 width
holds 'height' json_is 170 height
holds 'mean_px' json mean_px
holds 'max_px' json max_px
ok flow "$onset" "$onset" --json
holds 'no movement' json_is 0 max_px
ok flow "$onset" "$apex" -o other.flo --lambda 0.05 --warps 2 --scales 3 --strain quarter
holds 'parameters matter' eval '! same one.flo other.flo'

ok flow "$onset" "$apex" -o tvl1.flo --method tvl1
holds 'tvl1 is standard' same one.flo tvl1.flo
ok flow "$onset" "$apex" --method tvl1 --method opencv -o opencv.flo
ok flow "$onset" "$apex" --method opencv -o two.flo --tau 0.25 --lambda 0.15 --theta 0.3 \
    --scales 5 --zoom 0.8 --warps 5 --epsilon 0.01 --iterations 30 --outer 10 --median 5
holds 'standard values of opencv' same opencv.flo two.flo
ok flow "$onset" "$apex" --method opencv -o two.flo --outer 1 --median 1
holds 'tunables of opencv matter' eval '! same opencv.flo two.flo'
ok flow "$onset" "$apex" --method farneback -o farneback.flo --threads 2
ok flow "$onset" "$apex" --method farneback -o two.flo --scales 3 --zoom 0.5 \
    --iterations 3 --window 15 --poly-n 5 --poly-sigma 1.2
holds 'standard values of farneback' same farneback.flo two.flo
ok flow "$onset" "$apex" --method farneback -o two.flo --gaussian
holds 'a Gaussian window matters' eval '! same farneback.flo two.flo'
ok features "$onset" "$apex" -k flow
cp out tvl1.csv
ok features "$onset" "$apex" -k flow --method fast
holds 'features of the fast method' eval '! same out tvl1.csv'
ok features "$onset" "$apex" -k flow --method farneback --window 9
holds 'features of the method' eval '! same out tvl1.csv'
ok recognize --cropped --onset "$onset" --apex "$onset"
holds 'frames without movement are told' prints 'no movement'
ok recognize --cropped --onset "$onset" --apex "$onset" --json
holds 'the JSON tells it by the flow' json_is 0 flow max_px
ok recognize --cropped --onset "$onset" --apex "$apex" --method opencv --json
fails 2 "--method 'other' is not known; give tvl1, fast, opencv or farneback" \
    flow "$onset" "$apex" --method other
fails 2 '--tau is not for --method farneback' \
    flow "$onset" "$apex" --method farneback --tau 0.2
fails 2 '--median is not for --method tvl1' flow "$onset" "$apex" --median 3
fails 2 '--gaussian is not for --method opencv' \
    features "$onset" "$apex" --method opencv --gaussian
fails 2 '1, 3 or 5' flow "$onset" "$apex" --method opencv --median 4
fails 2 'window' flow "$onset" "$apex" --method farneback --window 1

fails 1 'missing.png' flow missing.png "$apex" -o x.flo
fails 1 'missing.png' flow "$onset" missing.png -o x.flo
holds 'no output of a failed command' absent x.flo
echo 'no picture' >text.png
fails 1 'text.png' flow text.png "$apex" -o x.flo
head -c 300 "$onset" >half.png
fails 1 'half.png' flow half.png "$apex" -o x.flo
fails 1 '28' flow "$onset" q.png -o x.flo
fails 1 'not a regular file' flow . "$apex" -o x.flo
fails 2 'whole number' flow "$onset" "$apex" --threads none
fails 2 'whole number' flow "$onset" "$apex" --threads 0
fails 2 '1 to 64' flow "$onset" "$apex" --threads 65
fails 2 'not a number' flow "$onset" "$apex" --tau 1x
fails 2 'not a number' flow "$onset" "$apex" --tau nan
fails 2 'tau' flow "$onset" "$apex" --tau 7
fails 2 'strain' flow "$onset" "$apex" --strain some
fails 1 'text.png' flow "$onset" "$apex" --compare text.png
{
    head -c 12 one.flo
    # shellcheck disable=SC2046
    printf '\371\002\025\120%.0s' $(seq 47600) # 1e10: unknown
} >unknown.flo
fails 1 'no known displacement' flow "$onset" "$apex" --compare unknown.flo
fails 1 'folder' flow "$onset" "$apex" -o .
fails 1 'regular file' flow "$onset" "$apex" -o /dev/null
holds '/dev/null survives' test -c /dev/null
fails 1 'empty' flow "$onset" "$apex" -o ''
fails 1 'two options' flow "$onset" "$apex" -o x.png --picture x.png
holds 'neither is written' absent x.png
echo 'old' >x.png
fails 1 'two options' flow "$onset" "$apex" -o x.png --picture ./x.png
holds 'a file named in two ways stays' test "$(cat x.png)" = old
holds 'no temporary file stays' clean
fails 1 'no-such-folder/x.flo' flow "$onset" "$apex" -o no-such-folder/x.flo
fails 1 'no-such-folder/p.png' flow "$onset" "$apex" -o x.flo --picture no-such-folder/p.png
holds 'all or nothing' absent x.flo
fails 1 'no?such.png' flow 'no
such.png' "$apex"

# A file that may not grow: the old one stays, nothing is left.
echo 'old' >full.flo
cp full.flo old.flo
tests=$((tests + 1))
(ulimit -f 1 && "$microexpr" flow "$onset" "$apex" -o full.flo >out 2>err)
code=$? want=1 part='full.flo'
check_failure 'flow into a full disk'
holds 'the old file stays' same full.flo old.flo
holds 'no temporary file stays' clean
if [ -c /dev/full ]; then
    tests=$((tests + 1))
    "$microexpr" version >/dev/full 2>err
    code=$? want=1 part='standard output'
    : >out
    check_failure 'version to a full device'
fi

# --- pictures of the flow --------------------------------------------------------------

side() { # side FILE OFFSET: a number of the PNG header, 16 width, 20 height
    od -An -tu1 -j "$2" -N 4 "$1" | awk '{ print ($1 * 256 + $2) * 65536 + $3 * 256 + $4 }'
}
for kind in wheel wheel-key arrows strip hsv; do
    ok flow "$onset" "$apex" --picture $kind.png --picture-kind $kind
done
holds 'the wheel is the standard' same wheel.png p.png
holds 'a key beside the wheel' test "$(side wheel-key.png 16)" -gt 140
holds 'arrows on an enlarged frame' test "$(side arrows.png 16) $(side arrows.png 20)" = '420 510'
holds 'three panels' test "$(side strip.png 16) $(side strip.png 20)" = '420 170'
holds 'hsv is no wheel' eval '! same hsv.png wheel.png'
ok flow "$onset" "$apex" --picture a.png --picture-kind arrows --arrow-scale 5 --json
holds 'the scale is told' json_is 5 arrow_scale
ok flow "$onset" "$onset" --picture a.png --picture-kind arrows
ok flow "$onset" "$apex" --picture full.png --full-colour 10
holds 'full colour matters' eval '! same full.png wheel.png'
fails 2 'wheel, wheel-key, arrows, strip or hsv' flow "$onset" "$apex" --picture p.png \
    --picture-kind some
fails 2 'need --picture' flow "$onset" "$apex" --picture-kind hsv
fails 2 'for --picture-kind arrows' flow "$onset" "$apex" --picture p.png --arrow-scale 2
fails 2 'for --picture-kind wheel' flow "$onset" "$apex" --picture p.png --full-colour 2 \
    --picture-kind hsv
fails 2 'out of range' flow "$onset" "$apex" --picture p.png --full-colour 0
fails 2 'out of range' flow "$onset" "$apex" --picture p.png --picture-kind arrows \
    --arrow-scale -1

# --- features --------------------------------------------------------------------------

ok features "$onset" "$apex"
head -n 1 out >head1
holds 'names' grep -q '^first,second,flow_r0_c0_u,flow_r0_c0_v,magnitude_r0_c0_mean,' head1
holds 'names are lower case with _' eval "! grep -q '[^a-z0-9_,[:space:]]' head1"
holds 'a line for each pair' test "$(wc -l <out)" -eq 2
holds 'lines end as RFC 4180 says' test "$(tr -dc '\r' <out | wc -c)" -eq 2
cp out default.csv
ok features "$onset" "$apex" -o one.csv --threads 2
holds 'nothing is printed' test ! -s out
holds 'the same in a file' same one.csv default.csv
ok features "$onset" "$apex" -o -
holds '- is standard output' same out default.csv
ok features "$onset" "$apex" "$onset" "$onset" -k hoof,strain -o two.csv
holds 'two pairs' test "$(wc -l <two.csv)" -eq 3
cp "$onset" 'a, "b".png'
ok features 'a, "b".png' "$onset" -k flow
holds 'odd names are quoted' prints '"a, ""b"".png",'
holds 'no motion' prints ',0,0'
ok features "$onset" "$apex" -k histogram,motion -g 2x3 -b 4 --json
for key in histogram_r1_c2_b3 motion_zoom motion_n_pixels; do
    holds "key $key" json features 0 $key
done
holds 'the pair' json_is "$apex" features 0 second
fails 2 'pairs' features "$onset"
fails 2 'pairs' features "$onset" "$apex" "$onset"
fails 1 'missing.png' features "$onset" missing.png -o x.csv
fails 1 'missing.png' features "$onset" "$apex" "$onset" missing.png -o x.csv
holds 'no output of a failed command' absent x.csv
fails 1 'differ in size' features "$onset" q.png
fails 2 "'dance' is not known; give some of flow" features "$onset" "$apex" -k hoof,dance
fails 2 'is not known' features "$onset" "$apex" -k ''
fails 2 'is not known' features "$onset" "$apex" -k hoof,
fails 2 'is not known' features "$onset" "$apex" -k hoo
fails 2 'once for each' features "$onset" "$apex" -k hoof,lbp_top
for grid in 3 x 3x 3x4x5 0x4 -1x4 ' 3x3' 3X3 99999x1; do
    fails 2 '--grid' features "$onset" "$apex" -g "$grid"
done
fails 1 '900 x 2' features "$onset" "$apex" -k flow -g 900x2
fails 2 'n_bins' features "$onset" "$apex" -k hoof -b 65
fails 2 'min_magnitude' features "$onset" "$apex" -k hoof --min-magnitude -1
fails 2 '--norm' features "$onset" "$apex" --norm l3
fails 2 '--weight' features "$onset" "$apex" --weight heavy
fails 2 '--strain' features "$onset" "$apex" --strain some
fails 2 '--compensate' features "$onset" "$apex" --compensate all
fails 2 'lambda' features "$onset" "$apex" --lambda -1
fails 2 'mdmo needs --landmarks' features "$onset" "$apex" -k mdmo
fails 2 'needs --landmarks' features "$onset" "$apex" --mask-eyes
fails 2 'needs --landmarks' features "$onset" "$apex" --landmarks-row 2
fails 2 'needs --landmarks' features "$onset" "$apex" --compensate patch
fails 2 'is for --compensate patch' features "$onset" "$apex" --patch 1,2,3,4
fails 2 '--patch' features "$onset" "$apex" --compensate patch --patch 1,2
fails 2 'is for --compensate' features "$onset" "$apex" --outlier 0.2
fails 2 'out of range' features "$onset" "$apex" --compensate region --outlier 0
fails 2 'is for --mask-eyes' features "$onset" "$apex" --eye-margin 3
fails 2 'for --kind lbp_top' features "$onset" "$apex" --layers 2
ok features "$onset" "$apex" -k motion --compensate patch --patch 60,60,20,20
fails 1 'overlap the field' features "$onset" "$apex" -k motion --compensate patch --patch 900,900,20,20
fails 1 'folder/x.csv' features "$onset" "$apex" -o no-folder/x.csv
fails 1 'it is a folder' features "$onset" "$apex" -o .
echo 'old' >full.csv
tests=$((tests + 1))
(ulimit -f 1 && "$microexpr" features "$onset" "$apex" -k bi_woof -o full.csv >out 2>err)
code=$? want=1 part='full.csv'
check_failure 'features into a full disk'
holds 'the old file stays' test "$(cat full.csv)" = old
if [ -c /dev/full ]; then
    tests=$((tests + 1))
    "$microexpr" features "$onset" "$apex" >/dev/full 2>err
    code=$? want=1 part='standard output'
    : >out
    check_failure 'features to a full device'
fi

# Landmarks: 68 points on a circle are enough here.
points() { # points SEPARATOR PLUS
    awk -v s="$1" -v p="$2" 'BEGIN { for (i = 0; i < 68; i++)
        printf "%.3f%s%.3f\n", 70 + 40 * cos(i / 9) + p, s, 85 + 50 * sin(i / 9) + p }'
}
points , 0 >points.csv
paste -s -d, points.csv >row.csv
{ echo 'version: 1' && echo 'n_points: 68' && echo '{' && points ' ' 1 && echo '}'; } >face.pts
{
    awk 'BEGIN { printf "frame, success"
        for (i = 0; i < 136; i++) printf ", %s_%d", i % 2 ? "y" : "x", i / 2; print "" }'
    printf '1, 1, '; cat row.csv
    printf '2, 0, '; cat row.csv
} >openface.csv
sed 's/, \([xy]\)_/,\1/g; s/, /,/g' openface.csv >plain.csv
with() { features "$onset" "$apex" -k mdmo,motion --compensate region --mask-eyes "$@"; }
features() { run features "$@"; }
with -l row.csv
holds 'landmarks' test $code -eq 0
cp out landmarks.csv
for file in points.csv face.pts; do
    with -l $file
    holds "$file" same out landmarks.csv
done
for file in openface.csv plain.csv; do
    with -l $file --landmarks-row 1
    holds "$file" same out landmarks.csv
done
ok features "$onset" "$apex" "$onset" "$apex" -k mdmo -l row.csv -l face.pts
ok features "$onset" "$apex" "$onset" "$apex" -k mdmo -l row.csv
bad_landmarks() { # bad_landmarks PART FILE ARGUMENTS
    part=$1 file=$2
    shift 2
    fails 1 "$part" features "$onset" "$apex" -k mdmo -l "$file" "$@" -o x.csv
}
bad_landmarks 'missing.pts' missing.pts
bad_landmarks 'not a regular file' .
: >empty.csv
bad_landmarks 'empty' empty.csv
bad_landmarks '2 rows' openface.csv
bad_landmarks 'success is 0' openface.csv --landmarks-row 2
bad_landmarks 'row 3 is none' openface.csv --landmarks-row 3
bad_landmarks "no column x_0" "$onset"
sed 's/y_67/y_99/' openface.csv >bad.csv
bad_landmarks 'no column y_67' bad.csv
sed 's/y_67/x_5/' openface.csv >bad.csv
bad_landmarks 'more than one column x_5' bad.csv
head -n 1 openface.csv >bad.csv
bad_landmarks 'row 1 is none' bad.csv
sed 's/^1, 1,/1, 1, 7,/' openface.csv >bad.csv
bad_landmarks '139 cells' bad.csv --landmarks-row 1
cut -d, -f1-135 row.csv >bad.csv
bad_landmarks '135 cells' bad.csv
sed 's/,[^,]*/,nan/' row.csv >bad.csv
bad_landmarks "'nan' is not a coordinate" bad.csv
head -n 67 points.csv >bad.csv
bad_landmarks '67 points' bad.csv
grep -v '}' face.pts >bad.pts
bad_landmarks 'cut off' bad.pts
grep -v '{' face.pts >bad.pts
bad_landmarks "no '{'" bad.pts
sed '9d' face.pts >bad.pts
bad_landmarks '134 numbers' bad.pts
sed 's/^1.*/1 b/' face.pts >bad.pts
bad_landmarks "'b' is not a coordinate" bad.pts
awk -F, '{ print $1 / 140 "," $2 / 170 }' points.csv >bad.csv
bad_landmarks 'must be in pixels' bad.csv
awk -F, '{ print $1 + 200 "," $2 }' points.csv >bad.csv
bad_landmarks '0 of 68 landmarks' bad.csv
holds 'no output with bad landmarks' absent x.csv
fails 2 '3 times for 2 pairs' features "$onset" "$apex" "$onset" "$apex" -l row.csv -l row.csv \
    -l row.csv

# --- clips -----------------------------------------------------------------------------

mkdir clip
cp "$onset" clip/img9.png
cp "$apex" clip/img10.png
cp "$onset" clip/img12.png
ok flow clip -o fields
holds 'fields are numbered' test "$(ls fields | tr '\n' ' ')" = '000001.flo 000002.flo '
holds 'flow from the onset' same fields/000001.flo one.flo
holds 'files are told' prints '2 files of 140 x 170 px in fields'
holds 'missing numbers are told' prints 'lacks 1 numbers, the first is 11'
ok flow 'clip/img%d.png' -o fields2 --reference previous --threads 2 --json
holds 'files' json_is 2 files
holds 'missing' json_is 1 missing
holds 'flow between neighbours' eval '! same fields/000002.flo one.flo'
ok flow 'clip/img1?.png' -o fields3 --onset 1
holds 'flow before the onset' test "$(ls fields3)" = 000000.flo
{
    printf 'YUV4MPEG2 W140 H170 F30:1 Cmono\n'
    for _ in 1 2 3 4; do
        printf 'FRAME\n'
        head -c 23800 one.flo
    done
} >clip.y4m
ok magnify clip.y4m -o larger
holds 'one picture for each frame' test "$(ls larger | wc -l)" -eq 4
ok magnify clip -o larger2 --fps 100 --low 5 --high 20 --alpha 4 --json
holds 'the first frame stays' test "$("$microexpr" flow "$onset" larger2/000000.png --json)" \
    = "$("$microexpr" flow "$onset" "$onset" --json)"
ok interpolate clip -o longer --frames 7
holds 'so many frames' test "$(ls longer | wc -l)" -eq 7
ok interpolate clip -o linear -n 5 --method linear --threads 2
holds 'frames keep their places' test \
    "$("$microexpr" flow "$apex" linear/000002.png --json)" \
    = "$("$microexpr" flow "$onset" "$onset" --json)"
"$microexpr" interpolate - -o piped --length 4 --frames 2 <clip.y4m >out 2>err
code=$?
holds 'Y4M from standard input' test $code -eq 0 -a "$(ls piped | wc -l)" -eq 2
"$microexpr" flow - -o piped2 <clip.y4m >out 2>err
code=$?
holds 'flow from standard input' test $code -eq 0 -a "$(ls piped2 | wc -l)" -eq 3
fails 1 'missing' flow missing -o x
ok features "$onset" "$apex" -k flow,hoof,motion
cut -d , -f 3- out >pair.csv
ok features clip --reference onset -k flow,hoof,motion
holds 'a line for each frame' test "$(wc -l <out)" -eq 3
holds 'clip and frame come first' prints 'clip,frame,flow_r0_c0_u'
holds 'the frame' grep -q '^clip,1,' out
head -n 2 out | cut -d , -f 3- >frame.csv
holds 'the numbers of a pair' same frame.csv pair.csv
ok features clip clip -k flow --onset 1 --reference previous -o frames.csv --threads 2
holds 'nothing is printed' test ! -s out
holds 'two clips' test "$(wc -l <frames.csv)" -eq 5
ok features clip --onset 1 -k flow --json
holds 'frames in JSON' json_is 0 features 0 frame
holds 'the last frame' json_is 2 features 1 frame
"$microexpr" features - --reference onset -k strain <clip.y4m >out 2>err
holds 'features of a stream' test "$(wc -l <out)" -gt 2
fails 2 'onset or previous' features clip --reference next
fails 2 'count from 0' features clip --onset 0.5
fails 1 'no frame 7' features clip --onset 7 -o x.csv
holds 'no output of a failed command' absent x.csv
fails 2 'mdmo needs --landmarks' features clip --reference onset -k mdmo
fails 2 'reads frames' features clip --reference onset -k lbp_top
fails 2 'for two pictures' flow clip -o x --picture p.png
fails 2 'for a clip' flow "$onset" "$apex" --reference onset
fails 2 'onset or previous' flow clip -o x --reference next
fails 2 'count from 0' flow clip -o x --onset 1.5
for i in 1 2 3 4 5 6 7; do
    cp "$apex" clip/img2$i.png
done
ok features --kind lbp_top clip -o lbp.csv
holds 'a value for each bin' test "$(head -n 1 lbp.csv | tr ',' '\n' | wc -l)" \
    -eq $((1 + 25 * 3 * 59))
ok features --kind lbp_top clip 'clip/img2%d.png' -g 1x1 --radius 1,1,2
holds 'two clips' test "$(wc -l <out)" -eq 3
ok features --kind lbp_top clip -g 1x2 --radius 1,1,2 --layers 2 --json
holds 'the clip' json_is clip features 0 clip
holds 'a bin' json features 0 lbp_top_l1_r0_c1_yt_b58
fails 1 'missing' features -k lbp_top missing
fails 1 'frames' features -k lbp_top 'clip/img1?.png'
fails 1 'columns' features -k lbp_top clip -g 2x900
fails 2 '--radius' features -k lbp_top clip --radius 1,1
fails 2 'radius_x' features -k lbp_top clip --radius 33,1,1
fails 2 'reads frames' features -k lbp_top clip --mask-eyes -l row.csv
rm clip/img2?.png
fails 1 'no frame 7' flow clip -o x --onset 7
fails 1 'not a folder' flow clip -o one.flo
fails 2 '--fps' magnify clip -o x
fails 1 'half of 4 frames' magnify clip -o x --fps 4
fails 2 'out of range' magnify clip -o x --fps -4
fails 2 '--frames' interpolate clip -o x
fails 2 'tim or linear' interpolate clip -o x -n 4 --method cubic
fails 2 'whole number' interpolate clip -o x -n 0
fails 1 'has 3' interpolate clip -o x -n 4 --length 9
echo 'no picture' >clip/img13.png
fails 1 'img13.png' flow clip -o x
fails 1 'img13.png' magnify clip -o x --fps 100
fails 1 'img13.png' interpolate clip -o x -n 4
holds 'no folder of a failed command' absent x
holds 'no temporary file stays' clean

# --- face and align -----------------------------------------------------------------

ok face "$frames/onset.png" --picture marked.png --regions mdmo
holds 'one JSON object' json
holds 'its name' grep -q '"image": ".*/onset.png", "faces": \[{"box": \[' out
holds 'one face' test "$(grep -o '"box"' out | wc -l)" -eq 1
holds 'a picture' test -s marked.png
cp out one.json
ok face "$frames/onset.png" "$frames/apex.png" -o both.json
holds 'a line for each' test "$(wc -l <both.json)" -eq 2
holds 'the same' sh -c 'head -n 1 both.json | cmp -s - one.json'
ok face "$frames" --csv
holds 'a row for each frame' test "$(wc -l <out)" -eq 3
holds "OpenFace's columns" \
    grep -q '^frame,face_id,timestamp,confidence,success,x_0,x_1,.*,y_67$' out
cp out clip.csv
ok features "$frames/apex.png" "$frames/onset.png" --kind mdmo --landmarks clip.csv \
    --landmarks-row 1
ok face "$onset" --smallest 1000
holds 'no face' grep -q '"faces": \[\]}$' out
fails 2 'argument is missing' face
fails 2 'not both' face "$onset" --json --csv
fails 2 'draws one picture' face "$onset" "$apex" --picture p.png
fails 2 'draws one picture' face "$frames" --picture p.png
fails 1 'ends in .png' face "$onset" --picture p.jpg
fails 2 '--threshold 5' face "$onset" --threshold 5
fails 2 '--regions' face "$onset" --picture p.png --regions some
fails 2 'needs --picture' face "$onset" --regions mdmo
fails 1 'missing.png' face missing.png
fails 1 'text.png' face text.png
fails 1 'smallest' face "$onset" --smallest 3
fails 1 'no-folder' face "$onset" -o no-folder/x.json
ok align "$frames" -o aligned --report head.csv --json
holds 'one JSON object' json
holds 'frames' test -s aligned/000000.png -a -s aligned/000001.png
holds 'a row for each' test "$(wc -l <head.csv)" -eq 3
ok align "$frames" -o smaller --crop 112 --onset 2 --landmarks clip.csv --landmarks-row 2
fails 1 'give a new or an empty folder' align "$frames" -o aligned
cp -r "$frames" own
fails 1 'give a new or an empty folder' align own -o own
holds 'the inputs stay' same own/onset.png "$frames/onset.png"
mkdir empty
ok align own -o empty
cp "$frames/onset.png" mine.png
fails 1 'arguments name it' face mine.png -o ./mine.png
fails 1 'arguments name it' face mine.png -o./mine.png
fails 1 'arguments name it' recognize --onset=mine.png --apex "$frames/apex.png" --picture mine.png
holds 'the input stays' same mine.png "$frames/onset.png"
cp clips.csv mine.csv
fails 1 'arguments name it' train --system flow-derivative-svm --manifest mine.csv --inputs . \
    -o mine.csv
holds 'the manifest stays' same mine.csv clips.csv
fails 2 '-o DIR' align "$frames"
fails 2 'not known' align "$frames" -o x --crop 113
fails 1 'onset' align "$frames" -o x --onset 9
fails 1 'missing' align missing -o x
mkdir single
cp "$onset" single
fails 1 'one frame' features single --reference onset

# --- recognize -------------------------------------------------------------------------

ok recognize --cropped --onset "$onset" --apex "$apex"
holds 'the note' prints 'research only'
ok recognize --cropped --onset "$onset" --apex "$apex" --json --picture seen.png
for key in label appearance_label scores logits model flow milliseconds use; do
    holds "key $key" json $key
done
for class in negative positive surprise; do
    holds "score of $class" json scores $class
done
for stage in prepare flow picture model; do
    holds "time of $stage" json milliseconds $stage
done
holds 'the flow28 picture is what the network saw' same seen.png q.png
for method in occlusion grad-cam ablation-cam; do
    ok recognize --cropped --onset "$onset" --apex "$apex" --explain why-$method.png --explain-method $method
done
holds 'maps differ' differ why-occlusion.png why-ablation-cam.png
ok recognize --onset "$onset" --apex "$apex" --face 5,20,130,140 --explain why.png --json
holds 'still JSON' json label
fails 2 'needs --explain' recognize --cropped --onset "$onset" --apex "$apex" --explain-method grad-cam
fails 2 'occlusion, grad-cam or ablation-cam' recognize --cropped --onset "$onset" --apex "$apex" \
    --explain x.png --explain-method none
fails 1 'no-such-folder/x.png' recognize --cropped --onset "$onset" --apex "$apex" --explain no-such-folder/x.png
ok recognize --cropped --onset "$onset" --apex "$apex" --model "$model" --json
holds 'the same network as a file' json_is "$model" model
ok recognize --cropped --onset "$onset" --apex "$apex" --labels 'x, "y",z\' --json
holds 'labels with odd letters' json scores '\"y\"'
holds 'labels with odd letters' json scores 'z\\'
ok recognize --onset "$onset" --apex "$apex" --face 10,10,100,120 --threads 2 --json
holds 'the face is cut out' json_is 100 flow width
ok recognize --cropped --onset "$onset" --apex "$apex" --planes u,v,strain --strain quarter --warps 2

ok recognize --onset "$frames/onset.png" --apex "$frames/apex.png" --json
holds 'one JSON object' json
holds 'the face' grep -q '"faces": 1, "face": \[' out
holds 'a crop' grep -q '"width": 140, "height": 170' out
holds 'a smile' json_is positive label
ok recognize --onset "$frames/onset.png" --apex "$frames/apex.png"
holds 'the head' grep -q '^head  moved by' out
ok recognize "$frames" --onset 2 --apex 1 --explain why-clip.png
holds 'the frames' grep -q 'onset frame 2, apex frame 1' out
fails 1 'no face' recognize --onset seen.png --apex seen.png
fails 1 'there is no frame 3, counted from 1: the clip has 2' recognize "$frames" --onset 3
fails 1 'there is no frame 4' recognize "$frames" --apex 4
fails 1 'both frame 2' recognize "$frames" --onset 2 --apex 2
fails 1 'no frame after the onset, frame 2 of 2' recognize "$frames" --onset 2
for option in picture explain; do
    fails 1 'ends in .png' recognize --cropped --onset "$onset" --apex "$apex" --$option x.jpg
done
ok system export mfe-net -o small.onnx --seed 1
ok recognize --cropped --onset "$onset" --apex "$onset" --model small.onnx --explain why-small.png \
    --explain-method grad-cam
holds 'an empty map is told' prints 'use --explain-method occlusion'
fails 2 'needed' recognize
fails 2 'needed' recognize --onset "$onset"
fails 2 'too many' recognize --cropped --onset "$onset" --apex "$apex" more than
fails 2 'not for a clip' recognize --cropped "$frames"
fails 2 'not both' recognize --cropped --onset "$onset" --apex "$apex" --face 1,1,9,9
fails 2 "--apex 'x'" recognize "$frames" --apex x
fails 1 'missing.png' recognize --cropped --onset missing.png --apex "$apex"
fails 1 'equal' recognize --cropped --onset "$onset" --apex q.png
for face in 1 1,2,3 a,b,c,d 1,2,3,4,5 -1,0,9,9 1,2,3,4x; do
    fails 2 '--face' recognize --onset "$onset" --apex "$apex" --face $face
done
fails 1 'not inside' recognize --onset "$onset" --apex "$apex" --face 100,100,100,100
fails 1 'not inside' recognize --onset "$onset" --apex "$apex" --face 0,0,0,0
fails 1 '2 names' recognize --cropped --onset "$onset" --apex "$apex" --labels a,b
fails 1 'two classes' recognize --cropped --onset "$onset" --apex "$apex" --labels a,b,a
fails 1 'empty' recognize --cropped --onset "$onset" --apex "$apex" --labels a,,b
fails 1 'order of' recognize --cropped --onset "$onset" --apex "$apex" --planes u,u,v
fails 2 'strain' recognize --cropped --onset "$onset" --apex "$apex" --strain some
fails 2 'lambda' recognize --cropped --onset "$onset" --apex "$apex" --lambda -1
fails 1 'missing.onnx' recognize --cropped --onset "$onset" --apex "$apex" --model missing.onnx
fails 1 'text.png' recognize --cropped --onset "$onset" --apex "$apex" --model text.png
fails 1 'folder/p.png' recognize --cropped --onset "$onset" --apex "$apex" --picture no-folder/p.png

# --- system ----------------------------------------------------------------------------

ok system list
holds 'the systems' prints 'ststnet'
ok system list --json
holds 'a system' json_is ststnet 0 name
ok system export ststnet -o a.onnx --classes 5 --seed 3
ok system export ststnet -o b.onnx --classes 5 --seed 3
holds 'the same seed' same a.onnx b.onnx
ok system export ststnet -o b.onnx --classes 5
holds 'another seed' differ a.onnx b.onnx
ok model inspect a.onnx --json
holds 'five classes' json_is 5 outputs 0 shape 1
ok system export off-tanet -o raw.onnx
fails 1 'does not take the u/v/strain picture' recognize --cropped --onset "$onset" --apex "$apex" \
    --model raw.onnx
ok system export dcbam-efficientnet -o scaled.onnx
ok recognize --cropped --onset "$onset" --apex "$apex" --model scaled.onnx
fails 1 "'lenet'" system export lenet -o c.onnx
fails 1 'not 56' system export ststnet --size 56 -o c.onnx
holds 'no file' absent c.onnx
fails 2 '--output' system export ststnet
fails 2 '--seed' system export ststnet -o c.onnx --seed -1
fails 2 '--seed' system export ststnet -o c.onnx --seed 0.5
fails 1 'folder' system export ststnet -o no/folder/c.onnx

# --- model -----------------------------------------------------------------------------

ok model inspect "$model"
ok model inspect "$model" --nodes
ok model inspect "$model" --json --nodes
holds 'opset' json opset
holds 'three planes' json_is 3 inputs 0 shape 1
holds 'a free batch' json_is null inputs 0 shape 0
holds 'operators' json operators Conv
holds 'nodes' json nodes 0 op
holds 'parameters' json parameters
"$json_check" inputs 0 name <out >value
input=$(cat value)
"$json_check" outputs 0 name <out >value
output=$(cat value)
fails 1 'missing.onnx' model inspect missing.onnx
fails 1 'text.png' model inspect text.png

# A picture of zeros as .npy: 128 bytes of header, then 3 x 28 x 28 floats.
npy() { # npy DTYPE SHAPE BYTES
    printf '\223NUMPY\001\000v\000'
    printf '%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': ($2), }"
    head -c "$3" /dev/zero
}
npy '<f4' '1, 3, 28, 28' 9408 >x.npy
npy '<f4' '1, 3, 28, 27' 9072 >shape.npy
npy '<i8' '1, 3, 28, 28' 18816 >type.npy
head -c 1000 x.npy >short.npy
ok model run "$model" --input "$input=x.npy" --output "$output=y.npy"
holds 'the output is told' prints "$output: float32 1 x 3"
holds 'three floats behind the header' test "$(wc -c <y.npy)" -eq 140
ok model run "$model" -i x.npy -o y2.npy --threads 2
holds 'names may be left out' same y.npy y2.npy
ok model bench "$model" --runs 3
holds 'percentiles' prints 'p90'
holds 'the largest step first' prints 'share'
ok model bench "$model" --runs 2 --batch 3 --threads 2 --json
holds 'a median' json latency_ms median
holds 'the batch' json_is 3 steps 0 output 0
holds 'weights' json memory weight_bytes
ok model bench "$model" --runs 1 --shape "$input=2x3x28x28" --json
holds 'the shape' json_is 2 steps 0 output 0
ok model bench "$model" --runs 1 --csv
holds 'steps as CSV' prints 'step,name,op,output,threads,ms,share'
fails 2 'exclude' model bench "$model" --csv --json
fails 2 '1x3x' model bench "$model" --shape "$input=1x3xx28"
fails 2 "no input 'bogus'" model bench "$model" --shape bogus=1x3x28x28
fails 2 'NAME' model bench "$model" --shape 1x3
fails 1 "$input" model bench "$model" --shape "$input=1x3x28x27"
fails 1 'missing.onnx' model bench missing.onnx
fails 1 'no-such' model run "$model" --input no-such=x.npy --output "$output=z.npy"
fails 1 'no-such' model run "$model" --input "$input=x.npy" --output no-such=z.npy
fails 1 "$input" model run "$model" --output "$output=z.npy"
fails 1 'missing.npy' model run "$model" --input "$input=missing.npy"
fails 1 'text.png' model run "$model" --input "$input=text.png"
fails 1 'short.npy' model run "$model" --input "$input=short.npy"
fails 1 'shape.npy' model run "$model" --input "$input=shape.npy"
fails 1 'type.npy' model run "$model" --input "$input=type.npy"
fails 1 'folder/z.npy' model run "$model" --input x.npy --output no-folder/z.npy
holds 'nothing is written' absent z.npy

ok model inspect "$model" --list-rewrites
holds 'rewrites' prints 'rewrite epilogue'
ok model inspect "$model" --list-rewrites --json
holds 'counted' json rewrites epilogue
ok model inspect "$model" --list-rewrites --json --no-rewrite epilogue --no-rewrite gate
holds 'not done' json_is 0 rewrites epilogue
ok model run "$model" -i x.npy -o y3.npy --no-rewrite all
fails 2 'batch-norm, epilogue' model run "$model" -i x.npy --no-rewrite some
ok model explain "$model" -i x.npy --class 2 --picture e.png --over "$apex" --map e.npy \
    --patch 7 --stride 7
holds 'the class is told' prints 'class 2, score'
holds '28 x 28 floats behind the header' test "$(wc -c <e.npy)" -eq 3264
ok model explain "$model" -i "$input=x.npy" --method grad-cam --map g.npy --threads 2
holds 'the layer is told' prints 'layer '
ok model explain "$model" -i x.npy --method ablation-cam --layer net0.MaxPool:7 --map g.npy
holds 'the layer is the one asked for' prints 'layer net0.MaxPool:7'
fails 2 '--picture or --map' model explain "$model" -i x.npy
fails 2 'give --input for each' model explain "$model" --map z.npy
fails 2 "no input 'other'" model explain "$model" -i other=x.npy --map z.npy
fails 2 "no input 'other'" model explain "$model" -i x.npy --look-at other --map z.npy
fails 2 'given twice' model explain "$model" -i x.npy -i x.npy --map z.npy
fails 2 'no class' model explain "$model" -i x.npy --class 0.5 --map z.npy
fails 1 'no class 3' model explain "$model" -i x.npy --class 3 --map z.npy
fails 1 'use --method occlusion' model explain "$model" -i x.npy --method grad-cam --map z.npy \
    --layer nowhere
fails 1 "'nowhere'" model explain "$model" -i x.npy --method grad-cam --map z.npy \
    --layer nowhere
fails 2 'grad-cam or' model explain "$model" -i x.npy --method magic --map z.npy
fails 2 'needs --picture' model explain "$model" -i x.npy --map z.npy --over "$apex"
fails 1 'no-folder/z.npy' model explain "$model" -i x.npy --map no-folder/z.npy
holds 'nothing is written' absent z.npy

# The same as a folder of the ONNX backend suite.
set_0=dir/test_data_set_0
mkdir -p $set_0
cp "$model" dir/model.onnx
fails 1 'input_0.pb' model verify dir
{
    printf '\010\001\010\003\010\034\010\034\020\001\112\300\111'
    tail -c 9408 x.npy
} >$set_0/input_0.pb
fails 1 'output_0.pb' model verify dir
expected() { printf '\010\001\010\003\020\001\112\014'; }
{ expected && tail -c 12 y.npy; } >$set_0/output_0.pb
ok model verify dir
holds 'it says so' prints 'agrees'
ok model verify dir --json --rtol 0 --atol 0
holds 'agrees' json_is true agrees
holds 'the set' json_is test_data_set_0 results 0 set
mkdir dir/test_data_set_1
cp $set_0/input_0.pb dir/test_data_set_1
{ expected && printf '\000\000\310B\000\000\310B\000\000\310B'; } >dir/test_data_set_1/output_0.pb
run model verify dir --json
holds 'a difference is 1' test $code -eq 1
holds 'a difference is told in one line' test "$(wc -l <err)" -eq 1
holds 'agrees' json_is false agrees
holds 'the set that agrees' json_is true results 0 agrees
holds 'the set that differs' json_is 3 results 1 wrong
run model verify dir
holds 'a difference is 1' test $code -eq 1
holds 'the list' prints 'DIFFERS'
ok model verify dir --atol 1000
printf '\010\003\020\001\112\014' >dir/test_data_set_1/output_0.pb
tail -c 12 y.npy >>dir/test_data_set_1/output_0.pb
run model verify dir
holds 'another shape is a difference' test $code -eq 1
holds 'another shape is told' prints 'shape differs'
fails 2 'negative' model verify dir --rtol -1
fails 1 'missing' model verify missing
fails 1 'test_data_set_0' model verify "$sample"
echo junk >$set_0/input_0.pb
fails 1 'input_0.pb' model verify dir
rm dir/model.onnx
fails 1 'model.onnx' model verify dir
holds 'no temporary file stays' clean

echo "$tests checks, $failures failed"
[ $failures -eq 0 ]
