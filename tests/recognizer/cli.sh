#!/bin/sh
# SPDX-License-Identifier: MIT
# cli.sh MICROEXPR JSON_CHECK SAMPLE MODEL: the contract of the microexpr command. SAMPLE
# is the folder of onset.png and apex.png, MODEL the network that ships.
set -u
absolute() { echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"; }
microexpr=$(absolute "$1") json_check=$(absolute "$2")
sample=$(absolute "$3") model=$(absolute "$4")
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
    sed 's/^/  out: /' out
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

# holds WHAT TEST...: a condition on what the last run left.
holds() {
    what=$1
    shift
    tests=$((tests + 1))
    "$@" || bad "$what"
}

same() { cmp -s "$1" "$2"; }
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
for command in flow recognize 'model inspect' 'model run' 'model verify' version; do
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
fails 2 'missing' flow "$onset"
fails 2 'too many' flow "$onset" "$apex" "$apex"
fails 2 'needs a value' flow "$onset" "$apex" -o
fails 2 "'-q'" flow -q "$onset" "$apex"
fails 2 'missing' model inspect
fails 2 'missing' model run
fails 2 'missing' model verify
fails 2 'too many' version now

# --- version ---------------------------------------------------------------------------

ok version
ok --version
ok version --json
holds 'version' json version
holds 'features' json features 0
holds 'instruction_sets' json instruction_sets
holds 'gemm' json gemm

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
fails 1 'folder' flow "$onset" "$apex" -o .
fails 1 'regular file' flow "$onset" "$apex" -o /dev/null
holds '/dev/null survives' test -c /dev/null
fails 1 'empty' flow "$onset" "$apex" -o ''
fails 1 'two options' flow "$onset" "$apex" -o x.out --picture x.out
holds 'neither is written' absent x.out
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

# --- recognize -------------------------------------------------------------------------

ok recognize --onset "$onset" --apex "$apex"
holds 'the note' prints 'research only'
ok recognize --onset "$onset" --apex "$apex" --json --picture seen.png
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
ok recognize --onset "$onset" --apex "$apex" --model "$model" --json
holds 'the same network as a file' json_is "$model" model
ok recognize --onset "$onset" --apex "$apex" --labels 'x, "y",z\' --json
holds 'labels with odd letters' json scores '\"y\"'
holds 'labels with odd letters' json scores 'z\\'
ok recognize --onset "$onset" --apex "$apex" --face 10,10,100,120 --threads 2 --json
holds 'the face is cut out' json_is 100 flow width
ok recognize --onset "$onset" --apex "$apex" --planes u,v,strain --strain quarter --warps 2

fails 2 'needed' recognize
fails 2 'needed' recognize --onset "$onset"
fails 2 'too many' recognize --onset "$onset" --apex "$apex" more
fails 1 'missing.png' recognize --onset missing.png --apex "$apex"
fails 1 'equal' recognize --onset "$onset" --apex q.png
for face in 1 1,2,3 a,b,c,d 1,2,3,4,5 -1,0,9,9 1,2,3,4x; do
    fails 2 '--face' recognize --onset "$onset" --apex "$apex" --face $face
done
fails 1 'not inside' recognize --onset "$onset" --apex "$apex" --face 100,100,100,100
fails 1 'not inside' recognize --onset "$onset" --apex "$apex" --face 0,0,0,0
fails 1 '2 names' recognize --onset "$onset" --apex "$apex" --labels a,b
fails 1 'two classes' recognize --onset "$onset" --apex "$apex" --labels a,b,a
fails 1 'empty' recognize --onset "$onset" --apex "$apex" --labels a,,b
fails 1 'order of' recognize --onset "$onset" --apex "$apex" --planes u,u,v
fails 2 'strain' recognize --onset "$onset" --apex "$apex" --strain some
fails 2 'lambda' recognize --onset "$onset" --apex "$apex" --lambda -1
fails 1 'missing.onnx' recognize --onset "$onset" --apex "$apex" --model missing.onnx
fails 1 'text.png' recognize --onset "$onset" --apex "$apex" --model text.png
fails 1 'folder/p.png' recognize --onset "$onset" --apex "$apex" --picture no-folder/p.png

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
