#!/bin/sh
# Database: checked from this host with a real query
. host_setup/common.sh
python3 -E -B -m host_setup.database
