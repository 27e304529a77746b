#!/bin/sh
# What the claims of the README about safety rest on. Prints figures, and keeps those of each part in
# docs/proof/PART.txt, with the command and the version that they are of; the README quotes them.
#
#   benches/proof.sh                              all three parts: hours
#   benches/proof.sh histories [COUNT [SEED]]     random histories: 200,000 from seed 1 on
#   benches/proof.sh planted                      every planted bug, until a history or a test shows it
#   benches/proof.sh sweeps                       every call of every change, struck by everything
#
# In the release build, which takes long to compile; BUILD= takes that of the tests, in which
# everything takes twice as long. Whatever goes wrong can be seen again: a failing history or sweep
# prints the command that plays it, and nothing but it, anew. Then no figures are kept.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD---release}

tests() {
    # shellcheck disable=SC2086 # no word at all, if it is empty
    cargo test $build --all-features "$@"
}

histories() {
    BEDRAIL_HISTORIES=${1:-200000} BEDRAIL_SEED=${2:-1} \
        tests --test histories random_histories -- --nocapture
}

planted() {
    tests --test histories every_planted_bug -- --ignored --nocapture &&
        tests --test histories what_no_history_shows -- --ignored --nocapture
}

sweeps() {
    BEDRAIL_SWEEP=full tests --test sweeps -- --nocapture
}

keep() {
    part=$1
    log=target/proof-$part.log
    kept=docs/proof/$part.txt
    mkdir -p target docs/proof
    # The status of a pipe is that of its last command.
    { "$@" && echo "everything was played"; } 2>&1 | tee "$log"
    if ! grep -q '^everything was played$' "$log"; then
        echo "not kept: see $log" >&2
        exit 1
    fi
    {
        echo "# benches/proof.sh $*, at $(git describe --always --dirty)"
        # What sweeps count is of one change each.
        grep -o 'figure [a-z.]* [0-9]*$' "$log" | awk '
            $2 ~ /^sweeps/ { figures[$2] += $3; next }
            { figures[$2] = $3 }
            END { for (name in figures) print name, figures[name] }
        ' | sort
    } >"$kept.new"
    mv "$kept.new" "$kept"
    echo "kept in $kept:"
    cat "$kept"
}

case ${1-} in
    histories | planted | sweeps) keep "$@" ;;
    '') for part in histories planted sweeps; do keep "$part"; done ;;
    *)
        sed -n '2,13s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
