#!/bin/sh
# The library's headers as a later version may have them: each public struct has more at its end.
#
#     sh grow.sh FOLDER STAMP HEADER…
#
# Writes the headers, each by its name below the folder "engine", into FOLDER/engine; and STAMP,
# which whoever compiles with them includes, so that they are compiled again.
set -u
folder=$1 stamp=$2
shift 2
mkdir -p "$folder/engine/haul" || exit 2
for header; do
    awk '
        /^struct haul_[a-z_]+ \{/ { inside = 1; found++ }
        inside && /^};/ {
            print "    bool appended_flag; /* where padding was, if there was any */"
            print "    uint64_t appended[7];"
            inside = 0
        }
        { print }' "$header" >"$folder/engine/${header##*/engine/}" || exit 2
done
[ "$(cat "$folder/engine/haul.h" "$folder"/engine/haul/*.h | grep -c appended_flag)" -gt 8 ] || {
    echo 'grow.sh: hardly a struct has grown' >&2
    exit 1
}
echo '/* The headers have grown. */' >"$stamp"
