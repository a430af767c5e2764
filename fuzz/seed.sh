#!/usr/bin/env bash
# Fills fuzz/corpus with seeds from public test data that stands outside the project, and from the
# project's own fixtures. Nothing that it writes is committed.
#   fuzz/seed.sh [CONFORMANCE-FOLDER]     default: $CERTFERRY_CONFORMANCE, else ../shared/conformance
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
data=${1:-${CERTFERRY_CONFORMANCE:-}}
for beside in ../../shared ../../../shared; do
    [ -n "$data" ] || [ ! -d "$beside/conformance" ] || data=$beside/conformance
done
mkdir -p corpus/{path,crl,value,ldif,csvde}
if [ -d "${data:-none}" ]; then
    python3 seed.py "$data" corpus
else
    echo "no conformance data (set CERTFERRY_CONFORMANCE): only the fixtures are seeds" >&2
fi
# Short inputs find more than long ones.
find ../fixtures -type f \( -name '*.ldif' -o -name '*.ldf' \) | while read -r file; do
    head -c 16384 "$file" >"corpus/ldif/$(basename "$file")"
done
# The header, and some rows.
head -n 6 ../fixtures/ad-csvde-949.csv >corpus/csvde/rows
head -n 2 ../fixtures/ad-csvde-949.csv | iconv -f CP949 -t UTF-16LE >corpus/csvde/wide
printf 'DN,cn\r\n"cn=a,dc=b","x\ny;z"\r\nDN,userPKCS12\r\ncn=b,X'"'00ff'"'\r\n' >corpus/csvde/two-headers
find ../fixtures/folder -type f -size -64k | while read -r file; do
    cp "$file" "corpus/value/$(sha256sum "$file" | cut -c1-16)"
done
for target in path crl value ldif csvde; do printf '%s: %d seeds\n' "$target" "$(find "corpus/$target" -type f | wc -l)"; done
