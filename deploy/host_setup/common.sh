# shellcheck shell=sh
# Each step sources this file. A step runs in deploy/ and appends a line to the file $CHANGES for each of its changes.
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

# put FILE DESTINATION MODE: copy FILE to DESTINATION when they differ.
put() {
    if ! sudo cmp -s "$1" "$2"; then
        sudo install -D -m "$3" "$1" "$2"
        changed "$2"
    fi
}

# setting check|domain|file: the settings that this run requests, added to those of the host.
setting() {
    python3 -E -B -m host_setup.requested_settings "$1"
}
