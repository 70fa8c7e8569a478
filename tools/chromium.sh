#!/bin/sh
# Chromium of a version into a folder, unpacked from an npm package that brings it along, with the Node of a folder: nothing is
# downloaded from anywhere but npm's registry.
set -eu
cd "$1"
node="$3/bin/node" npm="$3/lib/node_modules/npm/bin/npm-cli.js"
"$node" "$npm" install --ignore-scripts --no-audit --no-fund --silent "@sparticuz/chromium@$2" > npm.log 2>&1
TMPDIR="$PWD" "$node" --input-type=module -e 'import chromium from "@sparticuz/chromium"; await chromium.executablePath()'
rm -rf node_modules package.json package-lock.json
test -x chromium
