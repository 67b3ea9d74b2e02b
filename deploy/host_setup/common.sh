# shellcheck shell=sh
# What each step begins with. A step runs in deploy/, and says in CHANGES what it changed.
set -eu
: "${CHANGES:=/dev/null}"
is_changed=

fail() {
    echo "setup: $*" >&2
    exit 1
}

changed() {
    echo "changed: $*" | tee -a "$CHANGES"
    export is_changed=yes
}

# FILE PLACE MODE: have at PLACE what is in FILE.
put() {
    if ! sudo cmp -s "$1" "$2"; then
        sudo install -D -m "$3" "$1" "$2"
        changed "$2"
    fi
}

wanted() {
    python3 -E -B -m host_setup.requested_settings "$1"
}
