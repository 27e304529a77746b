#!/bin/sh
# What the claims of the README about safety rest on. Prints figures, and keeps those of each part in
# docs/proof/PART.txt, with the version that they are of; the README quotes them.
#
#   benches/proof.sh                     all three parts: hours
#   benches/proof.sh histories [COUNT]   random histories, until COUNT were played: 200,000. They are
#                                        kept 5,000 at a time, and the next run goes on from there;
#                                        without docs/proof/histories.txt it begins at the first. One
#                                        that fails counts as failed until the next run, which plays
#                                        it again, passes it; that it once failed stays in the file
#   benches/proof.sh planted             every planted bug, until a history or a test shows it
#   benches/proof.sh sweeps              every call of every change, struck by everything
#
# Histories and sweeps are compiled with some optimisation, which takes minutes and makes them three
# times as fast as in the build of the tests; the release build is no faster and takes far longer to
# compile. Whatever goes wrong can be seen again: a failing history or sweep prints the command that
# plays it, and nothing but it, anew. Of sweeps and planted bugs no figures are kept then.
set -eu
cd "$(dirname "$0")/.."
chunk=5000

tests() {
    cargo test --all-features "$@"
}

fast_tests() {
    CARGO_PROFILE_DEV_OPT_LEVEL=1 tests "$@"
}

some_histories() {
    BEDRAIL_SEED=$1 BEDRAIL_HISTORIES=$2 fast_tests --test histories random_histories -- --nocapture
}

a_history() {
    BEDRAIL_SEED=$1 fast_tests --test histories random_histories -- --nocapture
}

planted() {
    tests --test histories every_planted_bug -- --ignored --nocapture &&
        tests --test histories what_no_history_shows -- --ignored --nocapture
}

sweeps() {
    BEDRAIL_SWEEP=full fast_tests --test sweeps -- --nocapture
}

# What is kept of earlier parts, or quoted, makes no other version.
version() {
    changed=$(git diff --quiet HEAD -- . ':!docs/proof' ':!README.md' || echo -dirty)
    echo "$(git describe --always)$changed"
}

# Runs a command, shows what it prints and keeps it in a file.
record() {
    log=$1
    shift
    mkdir -p target docs/proof
    # The status of a pipe is that of its last command.
    { "$@" && echo "everything was played"; } 2>&1 | tee "$log"
}

went_well() {
    grep -q '^everything was played$' "$1"
}

refuse() {
    echo "$1" >&2
    exit 1
}

keep() {
    mv "$1.new" "$1"
    echo "kept in $1:"
    cat "$1"
}

# The figures of a part that is played as a whole.
whole() {
    part=$1
    log=target/proof-$part.log
    kept=docs/proof/$part.txt
    record "$log" "$part"
    went_well "$log" || refuse "not kept: see $log"
    {
        echo "# benches/proof.sh $part, at $(version)"
        # What sweeps count is of one change each.
        grep -o 'figure [a-z.]* [0-9]*$' "$log" | awk '
            $2 ~ /^sweeps/ { figures[$2] += $3; next }
            { figures[$2] = $3 }
            END { for (name in figures) print name, figures[name] }
        ' | sort
    } >"$kept.new"
    keep "$kept"
}

# The seeds of histories that failed when they were last played.
failed_histories() {
    [ ! -e "$1" ] || awk '/^# seed [0-9]+ failed, at [^ ;]+$/ { print $3 }' "$1"
}

# Whether all were played, and some failed.
has_failed_histories() {
    grep -q '^figure histories ' "$1" && grep -q '^seed [0-9]*: ' "$1"
}

# Plays what failed once more.
histories_again() {
    kept=$1
    for seed in $(failed_histories "$kept"); do
        log=target/proof-history-$seed.log
        record "$log" a_history "$seed"
        went_well "$log" || continue
        awk -v seed="$seed" -v version="$(version)" '
            $2 == "seed" && $3 == seed && NF == 6 { $0 = $0 "; not any more, at " version }
            $1 == "histories.failed" { $2-- }
            { print }
        ' "$kept" >"$kept.new"
        mv "$kept.new" "$kept"
    done
}

# Histories from where the last run ended, and the sums of all.
histories() {
    total=${1:-200000}
    log=target/proof-histories.log
    kept=docs/proof/histories.txt
    histories_again "$kept"
    while :; do
        played=$([ ! -e "$kept" ] || awk '$1 == "histories" { print $2 }' "$kept")
        played=${played:-0}
        left=$((total - played))
        [ "$left" -gt 0 ] || break
        count=$((left < chunk ? left : chunk))
        echo "histories $((played + 1)) to $((played + count)) of $total"
        record "$log" some_histories "$((played + 1))" "$count"
        went_well "$log" || has_failed_histories "$log" || refuse "not kept: see $log"
        [ -e "$kept" ] || : >"$kept"
        awk -v first="$((played + 1))" -v last="$((played + count))" -v version="$(version)" '
            /^# seeds / { heads[++of] = $0 }
            /^# seed / { failed[$3] = $0 }
            /^seed [0-9]+: / { seed = $2 + 0; failed[seed] = "# seed " seed " failed, at " version }
            /^histories/ { sums[$1] += $2 }
            /^figure histories/ { sums[$2] += $3 }
            /^situation / { count = $2; sub(/^situation [0-9]+ /, ""); reached[$0] += count }
            END {
                split(heads[of], words)
                if (of && words[7] == version) { first = words[3]; of-- }
                for (i = 1; i <= of; i++) print heads[i]
                print "# seeds " first " to " last ", at " version
                for (seed in failed) print failed[seed] | "sort -k3n"
                close("sort -k3n")
                for (name in sums) print name, sums[name] | "sort"
                close("sort")
                for (name in reached) {
                    if (!situations++ || reached[name] < rarest) rarest = reached[name]
                }
                print "situations", situations + 0
                print "situations.rarest", rarest + 0
                for (name in reached) print "situation", reached[name], name | "sort -k2n"
            }
        ' "$kept" "$log" >"$kept.new"
        keep "$kept"
    done
    [ -z "$(failed_histories "$kept")" ] || refuse "some failed: see $kept"
}

case ${1-} in
    histories) histories "${2-}" ;;
    planted | sweeps) whole "$1" ;;
    '') histories && whole planted && whole sweeps ;;
    *)
        sed -n '2,18s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
