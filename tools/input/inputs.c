/* Owns the list of URLs. The idea: a cursor in four wheels, round, item, line and glob, that is
 * moved by one URL at a time; and a tag of 64 bits that says where each came from, so that a
 * fault found much later, or by the engine, can still name its line. */

#include "tools/input/inputs.h"
#include "tools/input/glob.h"
#include "tools/input/filename.h"
#include "tools/input/sniff.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    URL_BYTES = 16001,    /* one more than the engine takes */
    LINE_BYTES = 1 << 16, /* a longer line is cut and its globs are left alone */
    COLUMN_MAX = 255,
    FAULT_NAME = 7, /* of a tag: the globs are right, but no name of a file is there */
};

#define LINE_MAX_TAGGED ((UINT64_C(1) << 33) - 1)

union input_tag {
    struct {
        uint64_t source : 20;
        uint64_t line : 33; /* or which argument; both counted from 1 */
        uint64_t column : 8;
        uint64_t fault : 3;
    } part;
    uint64_t number;
};
_Static_assert(sizeof(union input_tag) == sizeof(uint64_t), "a tag is one number");
_Static_assert((int)GLOB_TOO_MANY < (int)FAULT_NAME, "every fault fits its bits");

struct source {
    struct input_item item;
    int fd;
    bool regular;
    bool counted;   /* urls is all of them */
    off_t start;    /* where reading begins: stdin may have been read before */
    uint64_t bytes; /* of a regular file, from start on */
    uint64_t urls;  /* that it has, as far as it was read */
    uint64_t lines; /* once it is counted */
    uint64_t order; /* which argument, counted from 1 */
};

struct inputs {
    struct source *sources;
    size_t source_count;
    uint64_t repeat;
    bool literal;
    bool list_globs;
    bool names_files;
    const char *scheme;
    const char *query;
    const char *name;

    uint64_t round;
    size_t source;
    uint64_t round_urls; /* a round without any ends the run */
    uint64_t line;
    int error;
    const char *unfit; /* why what was read is no list; NULL: it is one */

    bool loaded; /* current is there */
    bool globbing;
    struct input current;
    union input_tag last;
    uint64_t advanced; /* how many, */
    uint64_t expanded; /* and of the current glob */
    union input_tag unglobbed;
    bool has_unglobbed;

    uint64_t consumed; /* bytes read of the current file */
    size_t line_start, line_end;
    bool at_eof;
    bool skipping; /* the rest of a line that was too long */
    bool sniffed;  /* a line of the current file was looked at, as to what it is */
    struct glob glob;
    char expansion[URL_BYTES + 1];
    char completed[URL_BYTES + 1];
    char lines[LINE_BYTES];
};

/* --- opening ---------------------------------------------------------------------------------- */

static const char *source_name(const struct source *source)
{
    return strcmp(source->item.path, "-") == 0 ? "stdin" : source->item.path;
}

/* Who writes -i URL means the URL. */
static int fail_open(const struct source *source, int error, char *ret_message, size_t size)
{
    const char *name = source_name(source);
    if (strstr(name, "://") != NULL)
        snprintf(ret_message, size,
                 "cannot open %s: -i wants a file of URLs; leave out the -i "
                 "(curl's -i is --headers here)",
                 name);
    else if (error == EISDIR)
        snprintf(ret_message, size,
                 "cannot read %s: it is a directory, and -i wants a file of URLs, one a line",
                 name);
    else
        snprintf(ret_message, size, "cannot open %s: %s", name, strerror(error));
    return -error;
}

static int source_open(struct source *source, uint64_t repeat, char *ret_message, size_t size)
{
    struct stat status;
    bool is_stdin = strcmp(source->item.path, "-") == 0;
    source->fd = is_stdin ? STDIN_FILENO : open(source->item.path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0 || fstat(source->fd, &status) < 0)
        return fail_open(source, errno, ret_message, size);
    if (S_ISDIR(status.st_mode))
        return fail_open(source, EISDIR, ret_message, size);
    source->regular = S_ISREG(status.st_mode);
    source->start = lseek(source->fd, 0, SEEK_CUR);
    if (repeat > 1 && source->start < 0) {
        snprintf(ret_message, size, "--repeat has to read %s again, which only a file allows",
                 source_name(source));
        return -EINVAL;
    }
    if (source->regular && status.st_size > source->start)
        source->bytes = (uint64_t)(status.st_size - source->start);
    return 0;
}

static void source_count_globs(struct inputs *inputs, struct source *source)
{
    size_t column;
    size_t length = strlen(source->item.url);
    bool globs = !inputs->literal &&
                 glob_init(&inputs->glob, source->item.url, length, &column) == GLOB_NONE;
    source->urls = globs ? glob_count(&inputs->glob) : 1;
    source->counted = true;
}

static int sources_open(struct inputs *inputs, const struct input_options *options,
                        char *ret_message, size_t size)
{
    uint64_t arguments = 0;
    for (size_t i = 0; i < options->item_count; i++) {
        struct source *source = &inputs->sources[inputs->source_count++];
        *source = (struct source){.item = options->items[i], .fd = -1};
        int error = 0;
        if (source->item.path != NULL) {
            error = source_open(source, options->repeat, ret_message, size);
        } else {
            source->order = ++arguments;
            source_count_globs(inputs, source);
        }
        if (error < 0)
            return error;
    }
    return 0;
}

int inputs_open(struct inputs **ret_inputs, const struct input_options *options, char *ret_message,
                size_t size)
{
    struct inputs *inputs = calloc(1, sizeof(*inputs));
    struct source *sources = calloc(options->item_count, sizeof(*sources));
    if (inputs == NULL || sources == NULL) {
        free(inputs);
        free(sources);
        snprintf(ret_message, size, "no memory for the list of inputs");
        return -ENOMEM;
    }
    inputs->sources = sources;
    inputs->repeat = options->repeat;
    inputs->literal = options->literal;
    inputs->list_globs = options->list_globs;
    inputs->names_files = options->names_files;
    inputs->scheme = options->scheme;
    inputs->query = options->query;
    inputs->name = options->name;
    int error = sources_open(inputs, options, ret_message, size);
    if (error < 0) {
        inputs_close(inputs);
        return error;
    }
    *ret_inputs = inputs;
    return 0;
}

void inputs_close(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->source_count; i++)
        if (inputs->sources[i].fd > STDIN_FILENO)
            close(inputs->sources[i].fd);
    free(inputs->sources);
    free(inputs);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Poll first: the read must not block, and O_NONBLOCK would change the descriptor for whoever
 * shares it. */
static enum input_state lines_read(struct inputs *inputs, const struct source *source)
{
    struct pollfd pollfd = {.fd = source->fd, .events = POLLIN};
    if (!source->regular && poll(&pollfd, 1, 0) <= 0)
        return INPUT_WAIT;
    ssize_t count = read(source->fd, inputs->lines + inputs->line_end,
                         sizeof(inputs->lines) - inputs->line_end);
    if (count < 0) {
        if (errno == EAGAIN || errno == EINTR)
            return INPUT_WAIT;
        inputs->error = errno;
        return INPUT_FAILED;
    }
    inputs->at_eof = count == 0;
    inputs->line_end += (size_t)count;
    inputs->consumed += (size_t)count;
    return INPUT_READY;
}

static enum input_state lines_fill(struct inputs *inputs, const struct source *source)
{
    size_t kept = inputs->line_end - inputs->line_start;
    memmove(inputs->lines, inputs->lines + inputs->line_start, kept);
    inputs->line_start = 0;
    inputs->line_end = kept;
    return lines_read(inputs, source);
}

static void lines_take(struct inputs *inputs, size_t length, size_t consumed,
                       struct input *ret_line)
{
    ret_line->url = inputs->lines + inputs->line_start;
    ret_line->length = length;
    inputs->line_start += consumed;
    inputs->line++;
}

/* The next line as it is, without its end. A line that fills the whole buffer is handed out cut. */
static enum input_state lines_next(struct inputs *inputs, const struct source *source,
                                   struct input *ret_line)
{
    for (;;) {
        const char *start = inputs->lines + inputs->line_start;
        size_t length = inputs->line_end - inputs->line_start;
        const char *newline = memchr(start, '\n', length);
        if (inputs->skipping) {
            inputs->line_start += newline != NULL ? (size_t)(newline + 1 - start) : length;
            inputs->skipping = newline == NULL && !inputs->at_eof;
            if (newline != NULL)
                continue;
        } else if (newline != NULL) {
            lines_take(inputs, (size_t)(newline - start), (size_t)(newline + 1 - start), ret_line);
            return INPUT_READY;
        } else if (length == sizeof(inputs->lines) || (inputs->at_eof && length > 0)) {
            inputs->skipping = !inputs->at_eof;
            lines_take(inputs, length, length, ret_line);
            return INPUT_READY;
        }
        if (inputs->at_eof)
            return INPUT_END;
        enum input_state state = lines_fill(inputs, source);
        if (state != INPUT_READY)
            return state;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void line_trim(struct input *line, bool first)
{
    if (first && line->length >= 3 && memcmp(line->url, "\xEF\xBB\xBF", 3) == 0) {
        line->url += 3;
        line->length -= 3;
    }
    for (; line->length > 0 && is_blank(line->url[0]); line->length--)
        line->url++;
    while (line->length > 0 && is_blank(line->url[line->length - 1]))
        line->length--;
}

/* The next line that carries a URL. What is no list shows in the first that is not blank. */
static enum input_state lines_next_url(struct inputs *inputs, const struct source *source,
                                       struct input *ret_line)
{
    for (;;) {
        enum input_state state = lines_next(inputs, source, ret_line);
        if (state != INPUT_READY)
            return state;
        if (!inputs->sniffed)
            inputs->unfit = sniff(ret_line->url, ret_line->length);
        if (inputs->unfit != NULL)
            return INPUT_FAILED;
        line_trim(ret_line, inputs->line == 1);
        inputs->sniffed |= ret_line->length > 0;
        if (ret_line->length > 0 && ret_line->url[0] != '#')
            return INPUT_READY;
    }
}

/* --- the cursor ------------------------------------------------------------------------------- */

static enum input_state source_next(struct inputs *inputs, const struct source *source,
                                    struct input *ret_text)
{
    if (source->item.path != NULL)
        return lines_next_url(inputs, source, ret_text);
    if (inputs->line > 0)
        return INPUT_END;
    *ret_text = (struct input){.url = source->item.url, .length = strlen(source->item.url)};
    inputs->line = source->order;
    return INPUT_READY;
}

/* Makes ready for the next source, which may be the first one again. */
static void source_leave(struct inputs *inputs, struct source *source)
{
    source->counted = true;
    if (source->item.path != NULL)
        source->lines = inputs->line;
    inputs->source++;
    inputs->line = 0;
    inputs->consumed = 0;
    inputs->line_start = inputs->line_end = 0;
    inputs->at_eof = inputs->skipping = inputs->sniffed = false;
    if (inputs->source < inputs->source_count)
        return;
    inputs->source = 0;
    inputs->round = inputs->round_urls > 0 ? inputs->round + 1 : inputs->repeat;
    inputs->round_urls = 0;
}

/* A source that is begun again is read from its start. */
static enum input_state source_enter(struct inputs *inputs, const struct source *source)
{
    bool begun = inputs->line > 0 || inputs->consumed > 0 || inputs->at_eof;
    if (begun || inputs->round == 0 || source->fd < 0)
        return INPUT_READY;
    if (lseek(source->fd, source->start, SEEK_SET) >= 0)
        return INPUT_READY;
    inputs->error = errno;
    return INPUT_FAILED;
}

/* The text under the cursor, moving on until there is one. */
static enum input_state text_next(struct inputs *inputs, struct input *ret_text)
{
    while (inputs->round < inputs->repeat) {
        struct source *source = &inputs->sources[inputs->source];
        enum input_state state = source_enter(inputs, source);
        if (state == INPUT_READY)
            state = source_next(inputs, source, ret_text);
        if (state != INPUT_END)
            return state;
        source_leave(inputs, source);
    }
    return INPUT_END;
}

static void current_expand(struct inputs *inputs)
{
    size_t length = glob_expand(&inputs->glob, inputs->expansion, URL_BYTES);
    inputs->current.url = inputs->expansion;
    inputs->current.length = length < URL_BYTES ? length : URL_BYTES;
    inputs->expansion[inputs->current.length] = '\0';
}

/* Appends what still fits: a URL that is too long stays so. */
static void completed_add(struct inputs *inputs, size_t *length, const char *bytes, size_t count)
{
    size_t room = URL_BYTES - *length;
    count = count < room ? count : room;
    memcpy(inputs->completed + *length, bytes, count);
    *length += count;
}

/* The name behind a path that ends in a slash, or that there is none of. */
static void complete_path(struct inputs *inputs, size_t *length, const char *url, size_t size)
{
    const char *authority = memmem(url, size, "://", 3);
    size_t begin = authority != NULL ? (size_t)(authority - url) + 3 : 0;
    bool has_path = memchr(url + begin, '/', size - begin) != NULL;
    if (inputs->name == NULL || (has_path && url[size - 1] != '/'))
        return;
    completed_add(inputs, length, "/", !has_path);
    completed_add(inputs, length, inputs->name, strlen(inputs->name));
}

/* What the options add to each URL: a scheme before it, a name behind its path, a query in it, in
 * front of a fragment. */
static void current_complete(struct inputs *inputs)
{
    struct input *input = &inputs->current;
    size_t length = 0, size = input->length;
    bool has_scheme = inputs->scheme == NULL || url_has_scheme(input->url, size);
    if (has_scheme && inputs->query == NULL && inputs->name == NULL)
        return;
    const char *fragment = memchr(input->url, '#', size);
    size_t before = fragment != NULL ? (size_t)(fragment - input->url) : size;
    if (!has_scheme) {
        completed_add(inputs, &length, inputs->scheme, strlen(inputs->scheme));
        completed_add(inputs, &length, "://", 3);
    }
    const char *mark = memchr(input->url, '?', before);
    size_t path = mark != NULL ? (size_t)(mark - input->url) : before;
    completed_add(inputs, &length, input->url, path);
    complete_path(inputs, &length, input->url, path);
    completed_add(inputs, &length, input->url + path, before - path);
    if (inputs->query != NULL) {
        bool is_open = mark == input->url + before - 1; /* "?" is there, and nothing behind it */
        completed_add(inputs, &length, mark == NULL ? "?" : "&", mark != NULL && is_open ? 0 : 1);
        completed_add(inputs, &length, inputs->query, strlen(inputs->query));
    }
    completed_add(inputs, &length, input->url + before, size - before);
    inputs->completed[length] = '\0';
    input->url = inputs->completed;
    input->length = length;
}

/* Text that is no URL at all is for the engine to refuse. */
static void current_name(struct inputs *inputs)
{
    const char *name;
    size_t length;
    struct input *input = &inputs->current;
    union input_tag tag = {.number = input->tag};
    bool is_meant = inputs->names_files && inputs->sources[inputs->source].item.output == NULL;
    if (!is_meant || (input->refused && tag.part.fault != FAULT_NAME) ||
        !url_has_scheme(input->url, input->length))
        return;
    input->refused = !filename_of_url(input->url, input->length, &name, &length);
    tag.part.fault = input->refused ? FAULT_NAME : GLOB_NONE;
    input->tag = tag.number;
}

/* A line is a URL, and []{} are frequent in URLs. That they were globs once is worth a word where
 * it makes a difference. */
static bool is_changed_by_globs(struct inputs *inputs, const struct input *text)
{
    size_t column;
    if (inputs->literal || inputs->skipping || !glob_is_needed(text->url, text->length))
        return false;
    if (glob_init(&inputs->glob, text->url, text->length, &column) != GLOB_NONE)
        return true;
    size_t length = glob_expand(&inputs->glob, inputs->expansion, URL_BYTES);
    return length != text->length || length > URL_BYTES ||
           memcmp(inputs->expansion, text->url, length) != 0;
}

static bool has_globs(const struct inputs *inputs, const struct input *text)
{
    bool is_line = inputs->sources[inputs->source].item.path != NULL;
    return !inputs->literal && (!is_line || inputs->list_globs) && !inputs->skipping &&
           glob_is_needed(text->url, text->length);
}

static union input_tag current_tag(const struct inputs *inputs, size_t column,
                                   enum glob_fault fault)
{
    return (union input_tag){
        .part = {
            .source = inputs->source & 0xFFFFF,
            .line = inputs->line < LINE_MAX_TAGGED ? inputs->line : LINE_MAX_TAGGED,
            .column = column <= COLUMN_MAX ? column & COLUMN_MAX : 0,
            .fault = fault & 7,
        }};
}

static void current_set(struct inputs *inputs, const struct input *text)
{
    enum glob_fault fault = GLOB_NONE;
    size_t column = 0;
    inputs->globbing = has_globs(inputs, text);
    inputs->current = *text;
    inputs->expanded = 0;
    if (inputs->globbing)
        fault = glob_init(&inputs->glob, text->url, text->length, &column);
    else if (!inputs->has_unglobbed && inputs->sources[inputs->source].item.path != NULL)
        inputs->has_unglobbed = is_changed_by_globs(inputs, text);
    union input_tag tag = current_tag(inputs, column, fault);
    if (inputs->has_unglobbed && inputs->unglobbed.number == 0)
        inputs->unglobbed = tag;
    inputs->globbing = inputs->globbing && fault == GLOB_NONE;
    if (inputs->globbing)
        current_expand(inputs);
    else if (text->length > URL_BYTES)
        inputs->current.length = URL_BYTES;
    inputs->current.tag = tag.number;
    inputs->current.refused = fault != GLOB_NONE;
    current_complete(inputs);
    current_name(inputs);
}

enum input_state inputs_peek(struct inputs *inputs, struct input *ret_input)
{
    if (!inputs->loaded) {
        struct input text = {0};
        enum input_state state =
            inputs->error != 0 || inputs->unfit != NULL ? INPUT_FAILED : text_next(inputs, &text);
        if (state != INPUT_READY)
            return state;
        current_set(inputs, &text);
        inputs->loaded = true;
    }
    *ret_input = inputs->current;
    return INPUT_READY;
}

void inputs_advance(struct inputs *inputs)
{
    struct source *source = &inputs->sources[inputs->source];
    inputs->last.number = inputs->current.tag;
    inputs->advanced++;
    inputs->expanded++;
    inputs->round_urls++;
    if (!source->counted)
        source->urls++;
    inputs->loaded = inputs->globbing && glob_next(&inputs->glob);
    if (!inputs->loaded)
        return;
    current_expand(inputs);
    current_complete(inputs);
    current_name(inputs);
}

int inputs_fd(const struct inputs *inputs)
{
    return inputs->sources[inputs->source].fd;
}

/* --- what is told of it ----------------------------------------------------------------------- */

/* How many URLs a source has. A file that is not yet read through is taken to go on as it began. */
static double source_expected(const struct inputs *inputs, const struct source *source,
                              bool *ret_exact)
{
    const double line_bytes_guess = 40;
    if (source->counted)
        return (double)source->urls;
    *ret_exact = false;
    if (source != &inputs->sources[inputs->source] || source->urls == 0)
        return (double)source->bytes / line_bytes_guess;
    double consumed = (double)(inputs->consumed - (inputs->line_end - inputs->line_start));
    return (double)source->urls * (double)source->bytes / consumed;
}

uint64_t inputs_expected(const struct inputs *inputs, bool *ret_exact)
{
    double expected = 0;
    *ret_exact = true;
    for (size_t i = 0; i < inputs->source_count; i++) {
        const struct source *source = &inputs->sources[i];
        if (!source->counted && !source->regular)
            return 0;
        expected += source_expected(inputs, source, ret_exact);
    }
    expected *= (double)inputs->repeat;
    return expected < 1e18 ? (uint64_t)expected : 0;
}

const char *inputs_output(const struct inputs *inputs, uint64_t tag)
{
    const union input_tag place = {.number = tag};
    return inputs->sources[place.part.source].item.output;
}

void inputs_describe(const struct inputs *inputs, uint64_t tag, char *ret_text, size_t size)
{
    const union input_tag place = {.number = tag};
    const struct source *source = &inputs->sources[place.part.source];
    unsigned long long line = place.part.line;
    if (source->item.path != NULL)
        snprintf(ret_text, size, "line %llu of %s", line, source_name(source));
    else
        snprintf(ret_text, size, "argument %llu", line);
}

bool inputs_describe_last(const struct inputs *inputs, char *ret_text, size_t size)
{
    if (inputs->advanced > 0)
        inputs_describe(inputs, inputs->last.number, ret_text, size);
    return inputs->advanced > 0;
}

bool inputs_left(const struct inputs *inputs, uint64_t *ret_left, bool *ret_inside)
{
    uint64_t all = 0;
    *ret_inside = inputs->loaded && inputs->globbing && inputs->expanded > 0;
    for (size_t i = 0; i < inputs->source_count; i++) {
        const struct source *source = &inputs->sources[i];
        if (!source->counted || source->urls == UINT64_MAX ||
            __builtin_add_overflow(all, source->urls, &all))
            return false;
    }
    if (__builtin_mul_overflow(all, inputs->repeat, &all))
        return false;
    *ret_left = all > inputs->advanced ? all - inputs->advanced : 0;
    return true;
}

bool inputs_describe_unglobbed(const struct inputs *inputs, char *ret_text, size_t size)
{
    if (inputs->has_unglobbed)
        inputs_describe(inputs, inputs->unglobbed.number, ret_text, size);
    return inputs->has_unglobbed;
}

bool inputs_describe_empty(const struct inputs *inputs, size_t *cursor, char *ret_text, size_t size)
{
    while (*cursor < inputs->source_count) {
        const struct source *source = &inputs->sources[(*cursor)++];
        if (source->item.path == NULL || !source->counted || source->urls > 0)
            continue;
        if (source->lines == 0)
            snprintf(ret_text, size, "%s is empty", source_name(source));
        else
            snprintf(ret_text, size, "%s has no URL: what it has is blank lines and # comments",
                     source_name(source));
        return true;
    }
    return false;
}

void inputs_describe_failure(const struct inputs *inputs, char *ret_text, size_t size)
{
    const char *name = source_name(&inputs->sources[inputs->source]);
    if (inputs->unfit != NULL)
        snprintf(ret_text, size, "cannot use %s: %s", name, inputs->unfit);
    else
        snprintf(ret_text, size, "cannot read %s after line %llu: %s", name,
                 (unsigned long long)inputs->line, strerror(inputs->error));
}

const char *inputs_refusal(uint64_t tag, unsigned *ret_column)
{
    const union input_tag place = {.number = tag};
    *ret_column = (unsigned)place.part.column;
    if (place.part.fault == FAULT_NAME)
        return "the URL's path ends in no name that -O could give to a file";
    enum glob_fault fault = (enum glob_fault)place.part.fault;
    return fault != GLOB_NONE ? glob_sentence(fault) : NULL;
}
