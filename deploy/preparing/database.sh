#!/bin/sh
# The database: reached from here, with a real query
. preparing/common.sh
python3 -E -B -m preparing.database
