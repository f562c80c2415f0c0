#ifndef TOOLS_TAKE_H
#define TOOLS_TAKE_H

/* What the command line asks for, and how the value of an option becomes a part of it. An option is
 * a row (options.c); its row says how its value is read by one of the TAKES_ below, and where it
 * goes. */

#include "engine/haul.h"
#include "tools/input/form.h"
#include "tools/input/inputs.h"
#include "tools/input/payload.h"
#include "tools/output/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum args_action { ARGS_RUN, ARGS_HELP, ARGS_VERSION, ARGS_BUDGET, ARGS_DOCTOR };

/* Values of an option that may be repeated. */
struct args_list {
    const char **words; /* ends with NULL; NULL where there is none */
    size_t count;
};

struct args {
    enum args_action action;
    struct haul_options engine; /* what it points to is below: args are not copied */
    struct haul_tls tls;
    int tls_min; /* 0, or 1 for TLS 1.2, 2 for 1.3 */
    int tls_max;
    struct haul_redirect redirect;
    struct haul_retry retry;
    struct haul_transport transport;
    struct haul_limits limits;
    struct haul_times times;
    struct haul_auth auth;
    struct input_options inputs;
    struct sink_options sink;
    bool quiet;
    bool no_progress;
    bool head;
    bool says_output; /* -o, were it "-" */
    bool says_format;
    bool remote_names;         /* -O */
    bool keeps_failed;         /* --fail-with-body */
    bool shows_errors;         /* -S */
    bool asks_password;        /* -u without one */
    bool has_netrc;            /* -n */
    const char *netrc_file;    /* --netrc-file; then also the file that is read */
    const char *netrc_trouble; /* why that of -n, which may be missing, is not */
    const char *write_out;
    const char *range;
    const char *referer;
    uint64_t max_ratio;        /* 0: no limit, which the engine says by its largest number */
    bool roots_of_environment; /* the engine's roots are named by SSL_CERT_FILE and SSL_CERT_DIR */

    /* What the above points to. */
    struct input_item *items;
    struct args_list headers;
    struct args_list connect_to;
    struct args_list resolve;
    struct args_list texts; /* whose memory is theirs */
    struct writeout *writeout;
    char *query;
    struct args_list deny;
    struct payload payload; /* of -d and its like, and of -F */
    struct form form;
    struct haul_body_part file; /* of -T; its descriptor is ours */
    struct haul_upload upload;
    bool has_upload; /* each request has it, or, if it is read only once, the first */
};

/* A file of -K that is being read. */
struct config_file {
    const char *name;
    unsigned line;
    size_t first_item;      /* what it adds begins here */
    unsigned depth;         /* files that name each other */
    struct args_list early; /* outputs that stand before their url */
    size_t early_used;      /* how many of them have met it */
    unsigned early_line;    /* of the first of them */
};

/* What parsing has gathered beside the result. */
struct parser {
    struct args *args;
    const char *option; /* as messages name it */
    const char *value;
    char *message;
    size_t message_size;
    bool is_get; /* -G: what is to be sent goes into the URL */
    bool is_json;
    bool has_data;           /* -d and its like */
    const char *upload_file; /* -T; NULL: none */
    size_t item_count;
    size_t item_room;
    bool stdin_taken;
    struct getopt_tables *tables; /* of args.c */
    bool is_placed;               /* message says in which file */
    struct config_file *file;     /* NULL: words come from the command line */
};

struct option_row;

/* How a value is read. Returns 0 or an exit code, whose sentence is then in parser->message. */
typedef int take_function(struct parser *parser, const struct option_row *row);

/* In the order of the manual, by their names in --help. */
#define OPTION_GROUPS(X)                                                                           \
    X(INPUT, "input")                                                                              \
    X(REQUEST, "request")                                                                          \
    X(CONTROL, "control")                                                                          \
    X(TLS, "tls")                                                                                  \
    X(OUTPUT, "output")                                                                            \
    X(ABOUT, "about")

enum option_group {
#define OPTION_GROUP_ENUM(id, name) OPTIONS_##id,
    OPTION_GROUPS(OPTION_GROUP_ENUM)
#undef OPTION_GROUP_ENUM
};

struct option_row {
    enum option_group group;
    const char *name;
    char letter;       /* 0: none */
    const char *value; /* the word for it; "one|of|these" where they are words; NULL: takes none */
    const char *help;  /* a line of up to 46 columns */
    take_function *take;
    size_t at, size;     /* of struct args: the member that is set */
    int64_t least, most; /* of numbers */
    int64_t constant;    /* what an option without a value sets */
    bool repeatable;     /* each counts, not the last alone */
    const char *of_curl; /* what curl's option of this letter would be, told where the value is none
                            of ours and looks like that one's; NULL: nothing */
    bool is_rare;        /* left out of --help, which must fit a screen; --help all has it */
    const char *initial; /* what holds without it, as the manual says it; NULL: nothing to say */
    const char *manual;  /* its paragraph there, in the words of scdoc(5); what follows from the
                            fields above is not said again */
};

/* The member of struct args, which must be of that type. */
#define TAKE_AT(type, member)                                                                      \
    .at = offsetof(struct args, member) +                                                          \
          0 * sizeof(&((struct args *)0)->member == (type *)0), /* a warning, were it another */   \
        .size = sizeof(type)

#define TAKES_CONSTANT(type, member, number)                                                       \
    .take = take_constant, .constant = (number), TAKE_AT(type, member)
#define TAKES_FLAG(member) TAKES_CONSTANT(bool, member, true)
#define TAKES_TEXT(member) .take = take_text, TAKE_AT(const char *, member)
#define TAKES_TEXTS(member)                                                                        \
    .take = take_append, TAKE_AT(struct args_list, member), .repeatable = true
#define TAKES_NUMBER(type, member, from, to)                                                       \
    .take = take_number, .least = (from), .most = (to), TAKE_AT(type, member)
#define TAKES_RATE(member) .take = take_rate, TAKE_AT(double, member)
#define TAKES_SECONDS(member) .take = take_seconds, TAKE_AT(int64_t, member)
#define TAKES_NOTHING .take = take_nothing
#define TAKES_WORD(type, member) .take = take_word, TAKE_AT(type, member)

take_function take_constant; /* an option without a value */
take_function take_nothing;  /* what curl has to be asked for, and haul does */
take_function take_text;
take_function take_append;
take_function take_number;  /* digits; with a minus before them where least is below 0 */
take_function take_seconds; /* into milliseconds; 0 is no limit, which the engine calls negative */
take_function take_rate;    /* by the second, and never a number without its time */
take_function take_word;    /* the place among the row's words, from 0 on */

/* Of one option each. */
take_function take_url;
take_function take_input;
take_function take_header;
take_function take_data;
take_function take_data_binary;
take_function take_data_raw;
take_function take_data_urlencode;
take_function take_json;
take_function take_get;
take_function take_form;
take_function take_form_string;
take_function take_upload;
take_function take_pins;
take_function take_output;
take_function take_format;
take_function take_proto_default;
take_function take_url_query;
take_function take_range;
take_function take_referer;
take_function take_write_out;
take_function take_user;
take_function take_bearer;
take_function take_config; /* args.c: it needs all the others */

/* Is its value one of the words that the row names? */
static inline bool option_takes_words(const struct option_row *row)
{
    return row->value != NULL && strchr(row->value, '|') != NULL &&
           row->value[strcspn(row->value, "@ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

/* Writes the sentence, and returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int take_fail(struct parser *parser, const char *format, ...);
int take_fail_no_memory(struct parser *parser);

/* All of a file, or of stdin for "-", as text of its own that ends in a zero byte beyond
 * *ret_length, and that is the args'. Returns 0 or an exit code. */
int take_file(struct parser *parser, const char *path, char **ret_text, size_t *ret_length);

/* text, from malloc(), is the args' from now on. NULL: there was no memory. */
int take_text_over(struct parser *parser, char *text);

/* One more URL, or list of URLs. Returns 0 or EXIT_RESOURCE. */
int take_item(struct parser *parser, const char *url, const char *path);

/* stdin, which is there once: 0 or EXIT_USAGE. */
int take_stdin(struct parser *parser);

/* A file, or stdin for "-". Returns 0, or an exit code whose sentence is written. */
int take_open(struct parser *parser, const char *path, int *ret_fd);

/* One more word of a list. Returns 0 or EXIT_RESOURCE. */
int take_more(struct parser *parser, struct args_list *list, const char *word);

#endif
