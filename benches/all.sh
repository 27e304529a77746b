#!/bin/sh
# Every figure of the README about fleets, one after the other: an hour and a half on two cores.
#
#   benches/all.sh [PYTHON]
#
# PYTHON names an interpreter that has boto3. Each part prints what it measures; a goal that is missed
# says so and does not end the others.
set -eu
cd "$(dirname "$0")/.."
python=${1:-python3}
missed=0
run() {
    printf '\n=== %s\n' "$*"
    "$@" || missed=1
}
# Names of functions are for the profile; they cost nothing at run time.
export CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=line-tables-only
cargo build --release --all-features
run "$python" benches/fleet.py
run "$python" benches/soak.py --minutes 10
run cargo bench --all-features --bench status
if command -v perf >/dev/null; then run python3 benches/profile.py; fi
export BEDRAIL_REST_HOURS=24
run cargo test --all-features --test fleet rest
exit $missed
