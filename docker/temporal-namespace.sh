#!/bin/sh
# Makes the namespace and the search attributes; what is there already stays, and migrate compares its types. In
# temporalio/admin-tools, with TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE.
set -eu
# The server listens a moment before it answers.
tries=0
until temporal operator cluster health; do
  tries=$((tries + 1))
  [ "$tries" -lt 30 ] || exit 1
  sleep 2
done
# A closed workflow can be looked at for a week.
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" > /dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 168h
# A new namespace is known everywhere after a few seconds.
tries=0
until temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" > /tmp/attributes 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 30 ] || { cat /tmp/attributes; exit 1; }
  sleep 2
done
add() {
  grep -qw "$1" /tmp/attributes || temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$1" --type "$2"
}
add OrganizationId Keyword
add IntegrationId Keyword
add IntegrationIds KeywordList
add Process Keyword
add Blocked Bool
add Problem Keyword
