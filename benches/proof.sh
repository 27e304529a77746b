#!/bin/sh
# What the claims of the README about safety rest on: random histories, every planted bug, and every
# call of every change struck by everything, in the release build. Prints the figures, and keeps them
# in docs/proof.txt.
#
#   benches/proof.sh [HISTORIES] [FIRST_SEED]
#
# Without an argument 200,000 histories: hours. Everything that goes wrong can be seen again: a failing
# history or sweep prints the command that plays it, and nothing but it, anew.
set -eu
cd "$(dirname "$0")/.."
histories=${1:-200000}
seed=${2:-1}
log=target/proof.log
mkdir -p target
tests() {
    cargo test --release --all-features "$@" -- --nocapture $options
}
{
    echo "histories from seed $seed on: $histories"
    options=random_histories
    export BEDRAIL_SEED="$seed" BEDRAIL_HISTORIES="$histories"
    tests --test histories
    unset BEDRAIL_SEED BEDRAIL_HISTORIES
    options="--ignored every_planted_bug"
    tests --test histories
    options="--ignored what_no_history_shows"
    tests --test histories
    options=""
    export BEDRAIL_SWEEP=full
    tests --test sweeps
    echo "everything was played"
} 2>&1 | tee "$log"
# The status of a pipe is that of its last command; the first test that fails ends what is in braces.
if ! grep -q '^everything was played$' "$log"; then
    echo "not kept: see $log" >&2
    exit 1
fi
# What sweeps count is of one change each.
grep -o 'figure [a-z.]* [0-9]*$' "$log" | awk '
    $2 ~ /^sweeps/ { figures[$2] += $3; next }
    { figures[$2] = $3 }
    END { for (name in figures) print name, figures[name] }
' | sort >docs/proof.txt
echo "kept in docs/proof.txt:"
cat docs/proof.txt
