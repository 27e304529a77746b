#!/bin/sh
# The large tier of the random histories: as many as asked for, in the release build, and then every
# planted bug. Prints the figures and keeps them.
#
#   benches/histories.sh [HISTORIES] [FIRST_SEED]
#
# Everything that is not caught here can be caught again: a failing history prints the command that
# plays it, and nothing but it, anew.
set -eu
cd "$(dirname "$0")/.."
histories=${1:-200000}
seed=${2:-1}
figures=target/histories.txt
mkdir -p target
cargo test --release --all-features --test histories --no-run
{
    echo "histories from seed $seed on: $histories"
    date -u +%Y-%m-%dT%H:%M:%SZ
    BEDRAIL_HISTORIES=$histories BEDRAIL_SEED=$seed cargo test --release --all-features \
        --test histories random_histories -- --nocapture
    cargo test --release --all-features --test histories planted -- --include-ignored --nocapture
    date -u +%Y-%m-%dT%H:%M:%SZ
} 2>&1 | tee "$figures"
# The status of a pipe is that of its last command.
! grep -q 'test result: FAILED' "$figures"
echo "kept in $figures"
