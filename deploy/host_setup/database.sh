#!/bin/sh
# The database: reached from here, with a real query
. host_setup/common.sh
python3 -E -B -m host_setup.database
