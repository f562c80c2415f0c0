#ifndef TOOLS_OUTPUT_FORMATS_H
#define TOOLS_OUTPUT_FORMATS_H

/* The formats: the one list from which --format, its words in the manual and the way to the code of
 * each are made. A format is a file of its own, which includes sink.h and defines format_<name>. */

#include <stdbool.h>

/* X(ID, name, what the manual says of it, in the words of scdoc(5)); the first is the default. */
#define FORMATS(X)                                                                                 \
    X(NDJSON, ndjson, "one JSON object a line (see *NDJSON*).")                                    \
    X(CSV, csv,                                                                                    \
      "a line of names, then one line a request, quoted as in RFC 4180, lines ending in LF; "      \
      "_code_, _stage_, _message_ and _os_error_ are the parts of the error.")                     \
    X(TEXT, text, "one line a request for people: index, status, size, time, URL, error.")         \
    X(BODY, body,                                                                                  \
      "the bodies alone, one after the other, in the order of the arguments, as they come; "       \
      "errors go to stderr.")                                                                      \
    X(NONE, none, "nothing.")

enum sink_format {
#define FORMAT_ENUM(id, name, manual) SINK_##id,
    FORMATS(FORMAT_ENUM)
#undef FORMAT_ENUM
};

struct sink;
struct haul_result;

/* Each may be NULL: there is nothing to do. */
struct format {
    void (*begin)(struct sink *sink);
    void (*piece)(struct sink *sink, const struct haul_result *result); /* of a body, as it comes */
    void (*line)(struct sink *sink, const struct haul_result *result); /* a request's last result */
    bool has_extras; /* --headers, --body and -v say something to it */
};

#define FORMAT_DECLARATION(id, name, manual) extern const struct format format_##name;
FORMATS(FORMAT_DECLARATION)
#undef FORMAT_DECLARATION

#endif
