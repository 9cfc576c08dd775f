#!/usr/bin/env bash
# In: $STATUS, the exit status of `conntax ci`; $RUN_URL; results/latest. Out: one issue, opened or updated while there is a
# confirmed regression or failure (1), closed by the next run without one (0). Broken (3) is not slow: the issue is left as it is.
set -euo pipefail

label=performance-regression
title='Performance regression'

open_issue() {
  gh issue list --label "$label" --state open --limit 1 --json number --jq '.[0].number // empty'
}

report() {
  local dir
  dir="results/runs/$(tr -d '[:space:]' < results/latest)"
  # What failed may be an expectation of the run, with which the gate has nothing to do.
  if [ -f "$dir/gate.md" ] && grep -q 'Regression: ' "$dir/gate.md"; then cat "$dir/gate.md"; else cat "$dir/report.md"; fi
}

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
body_file="$folder/body.md"

case "$STATUS" in
  1)
    { printf 'Found by %s\n\n' "$RUN_URL"; report; } > "$folder/whole.md"
    head -c 60000 "$folder/whole.md" > "$body_file" # the most that an issue holds is 65,536 characters
    number="$(open_issue)"
    if [ -n "$number" ]; then
      gh issue comment "$number" --body-file "$body_file"
    else
      gh label create "$label" --force --description 'Confirmed by the scheduled benchmark' --color B60205
      gh issue create --title "$title" --label "$label" --body-file "$body_file"
    fi
    ;;
  0)
    number="$(open_issue)"
    if [ -n "$number" ]; then
      gh issue close "$number" --comment "No confirmed regression any more: $RUN_URL"
    fi
    ;;
  *)
    echo "Exit status $STATUS: nothing to say of speed"
    ;;
esac
