#!/bin/sh
# Makes Temporal's two databases and their schema, and brings them up to date; what is there already stays. In temporalio/admin-tools.
set -eu
make() {
  temporal-sql-tool --db "$1" create
  temporal-sql-tool --db "$1" setup-schema -v 0.0
  temporal-sql-tool --db "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}
make temporal temporal
make temporal_visibility visibility
